//! A terminal with the program at it, as a person has one.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

/// How long the program may take to print what is waited for: as long as nobody would wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal of 80 columns, and the program that has it; killed when dropped.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    printed: mpsc::Receiver<Vec<u8>>,
    /// What was printed and has not been waited for.
    seen: String,
}

impl Terminal {
    /// Starts a program with the terminal as its input, its output and its errors.
    pub(crate) fn start(command: &mut Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let theirs = File::from(ioctl_tiocgptpeer(&ours, flags).unwrap());
        let keys = File::from(ours);
        let mut screen = keys.try_clone().unwrap();
        let (send, printed) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            // It fails when the program has ended.
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let [input, output] = [(); 2].map(|()| theirs.try_clone().unwrap());
        command.stdin(input).stdout(output).stderr(theirs);
        let child = command.env("TERM", "xterm").spawn().unwrap();
        // It keeps what is given to the program open, and here that would hide the program's end.
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        Self { child, keys, printed, seen: String::new() }
    }

    /// Waits until the program has printed this, and returns what it printed before.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            if let Some((before, after)) = self.seen.split_once(text) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.seen = after;
                return before;
            }
            let Ok(more) = self.printed.recv_timeout(PATIENCE) else {
                panic!("{text:?} does not come after {:?}", self.seen);
            };
            self.seen += &String::from_utf8(more).unwrap();
        }
    }

    /// Types keys, as a terminal sends them, when the program asks for a message: before that the
    /// terminal itself would take some of them.
    pub(crate) fn answer(&mut self, keys: &str) {
        self.wait_for("> ");
        self.press(keys);
    }

    /// Types more keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end of the program; returns its status, and what it printed last.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut last = std::mem::take(&mut self.seen);
        loop {
            match self.printed.recv_timeout(PATIENCE) {
                Ok(more) => last += &String::from_utf8(more).unwrap(),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end after {last:?}"),
            }
        }
        (self.child.wait().unwrap().code(), last)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
