//! The program as a process that serves.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

/// The program as a serving process; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    /// Takes what is logged as it comes: a pipe that nobody reads would stop the server.
    log: Option<JoinHandle<String>>,
    pub(crate) addresses: Vec<SocketAddr>,
    /// What else it said at the start, line by line.
    pub(crate) said: Vec<String>,
}

impl Serving {
    /// Runs a command that serves, and waits until it says so many addresses.
    pub(crate) fn spawn(command: &mut Command, addresses: usize) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Owned from here on: the process ends, even if something below panics.
        let mut serving = Self { child, log: None, addresses: Vec::new(), said: Vec::new() };
        let mut errors = serving.child.stderr.take().unwrap();
        serving.log = Some(thread::spawn(move || {
            let mut log = String::new();
            errors.read_to_string(&mut log).unwrap();
            log
        }));
        let mut lines = BufReader::new(serving.child.stdout.take().unwrap()).lines();
        for _ in 0..addresses {
            let Some(line) = lines.next() else {
                panic!("it ended without a line for each address: {}", serving.wait().1);
            };
            let line = line.unwrap();
            match line.strip_prefix("listening on ") {
                Some(address) => serving.addresses.push(address.parse().unwrap()),
                None => serving.said.push(line),
            }
        }
        serving
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, as in `kill -TERM`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits for the end of the process; returns its status and what it logged.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let log = self.log.take().unwrap().join().unwrap();
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Sends a signal by name to a process, as in `kill -TERM`.
#[cfg(unix)]
pub(crate) fn signal(process: u32, name: &str) {
    // The shell's own `kill`: a program of that name need not be there.
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(status.unwrap().success());
}
