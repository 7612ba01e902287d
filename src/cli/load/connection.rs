//! One connection of a load: messages out, replies in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::measured::Measured;
use super::traffic::Traffic;
use super::{Failure, LoadFailure};
use crate::client::ClientError;
use crate::command::Reply;

/// How often the progress is shown.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Why a connection could not go on.
pub(super) enum Failed {
    Client(ClientError),
    /// The server sent more replies than it got messages.
    Surplus,
}

impl Failed {
    pub(super) fn of(self, address: &str, pipeline: u32) -> Failure {
        match self {
            Self::Client(error) => {
                LoadFailure::Connection { address: address.to_owned(), error, pipeline }.into()
            }
            Self::Surplus => LoadFailure::Surplus { address: address.to_owned() }.into(),
        }
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Client(error.into())
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

/// How long a server may take to end its stream after its last reply.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Whether any server sends more than all replies that were due, after it is told that no more messages come.
/// A server that keeps its stream open is not waited for longer than a second.
pub(super) fn is_surplus(streams: &[TcpStream]) -> bool {
    for stream in streams {
        // If the server has closed the connection, nothing more comes.
        let _gone = stream.shutdown(Shutdown::Write);
    }
    let until = Instant::now() + LAST_WAIT;
    streams.iter().any(|mut stream| {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let waits = stream.set_read_timeout(Some(left));
        waits.is_ok() && stream.read_exact(&mut [0]).is_ok()
    })
}

/// The place of a connection in the messages.
pub(super) struct Cursor<'a> {
    pub(super) traffic: &'a Traffic,
    pub(super) next: usize,
}

impl Cursor<'_> {
    /// Sends this many messages.
    pub(super) fn send(&mut self, mut stream: &TcpStream, mut count: usize) -> io::Result<()> {
        while count > 0 {
            let (bytes, messages) = self.traffic.slice(self.next, count);
            stream.write_all(bytes)?;
            self.next = (self.next + messages) % self.traffic.len();
            count -= messages;
        }
        Ok(())
    }
}

/// Replies as they come, whole or in pieces.
pub(super) struct Replies<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    /// The start of a reply that is not complete yet.
    begun: Vec<u8>,
}

impl<'a> Replies<'a> {
    pub(super) fn of(stream: &'a TcpStream) -> Self {
        Self { stream, buffer: vec![0; 65_536], begun: Vec::new() }
    }

    /// Checks that nothing more is due.
    ///
    /// # Errors
    /// If the start of another reply has arrived.
    pub(super) fn end(&self) -> Result<(), Failed> {
        if self.begun.is_empty() { Ok(()) } else { Err(Failed::Surplus) }
    }

    /// Waits for more bytes, and counts the replies that they complete.
    pub(super) fn receive(&mut self, measured: &mut Measured) -> Result<usize, Failed> {
        let count = loop {
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ClientError::Closed.into()),
                Ok(count) => break count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        let mut replies = 0;
        for part in self.buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            let known = [Reply::Ok, Reply::Fail, Reply::Error];
            if let Some(reply) = known.iter().find(|reply| reply.as_line() == self.begun) {
                measured.count(*reply);
                replies += 1;
                self.begun.clear();
            } else if !known.iter().any(|reply| reply.as_line().starts_with(&self.begun)) {
                // No more of it than the longest reply, and one byte.
                self.begun.truncate(Reply::Error.as_line().len() + 1);
                return Err(ClientError::NotAReply { line: self.begun.clone() }.into());
            }
        }
        Ok(replies)
    }
}
