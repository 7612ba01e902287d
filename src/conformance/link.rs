//! A connection with two time limits: one for each reply, and one for all of them.

use std::io::{self, BufReader};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::testing::transcript::Link;

/// The shortest timeout that can be set.
const A_MOMENT: Duration = Duration::from_millis(1);

/// A connection whose reads and writes end in time.
#[derive(Debug)]
pub(super) struct TimedLink {
    stream: BufReader<TcpStream>,
    patience: Duration,
    end: Option<Instant>,
}

impl TimedLink {
    /// Makes a connection with `patience` for each reply, and `end` for all of them.
    pub(super) fn new(stream: TcpStream, patience: Duration, end: Option<Instant>) -> Self {
        Self { stream: BufReader::new(stream), patience, end }
    }

    /// Sets the time that is left as the timeout, if it is less than `patience`.
    fn hurry(&self) -> io::Result<()> {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        match left.filter(|left| *left < self.patience) {
            Some(left) => {
                let left = Some(left.max(A_MOMENT));
                self.stream.get_ref().set_read_timeout(left)?;
                self.stream.get_ref().set_write_timeout(left)
            }
            None => Ok(()),
        }
    }
}

impl Link for TimedLink {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hurry()?;
        self.stream.send(bytes)
    }

    fn half_close(&mut self) -> io::Result<()> {
        self.stream.half_close()
    }

    fn receive(&mut self) -> io::Result<Option<String>> {
        self.hurry()?;
        self.stream.receive()
    }
}
