//! Restarts a server that is gone, with a command of its owner.

use std::cell::RefCell;
use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::target::Target;

/// How long a server may take to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait between two attempts to reach the server.
const BETWEEN: Duration = Duration::from_millis(20);

/// A shell command that ends what is left of a server and starts it again.
#[derive(Debug)]
pub(super) struct Restart {
    command: String,
    /// The process that the last command started, if it has not ended. Most likely it is the server
    /// itself.
    running: RefCell<Option<Child>>,
}

impl Restart {
    pub(super) fn new(command: String) -> Self {
        Self { command, running: RefCell::new(None) }
    }

    /// Runs the command and waits until the server answers.
    ///
    /// # Errors
    /// When the command cannot be run, or nothing answers within 10 s.
    pub(super) fn bring_back(&self, target: &Target) -> io::Result<()> {
        self.end();
        let child = Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        *self.running.borrow_mut() = Some(child);
        let end = Instant::now() + PATIENCE;
        while target.reach().is_err() {
            if Instant::now() >= end {
                let seconds = PATIENCE.as_secs();
                let what = format!("nothing answers {seconds} s after the command to restart");
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            thread::sleep(BETWEEN);
        }
        Ok(())
    }

    /// Ends the process that the last command left running.
    fn end(&self) {
        if let Some(mut child) = self.running.borrow_mut().take() {
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}

impl Drop for Restart {
    fn drop(&mut self) {
        self.end();
    }
}
