//! The endpoints of a transcript: what it can be run against.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use statecheck::StateMachine;

use crate::command::{Command, CommandRef, Outcome, Reply};
use crate::wire::{self, DEFAULT_MAX_LINE_BYTES, Frame, LineBuffer};

/// How long a server may take for a reply before the run fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest line that is read as a reply, in bytes.
const MAX_REPLY_BYTES: u64 = 64;

/// Something that clients can connect to.
pub trait Endpoint {
    /// One client's connection. Dropping it breaks it off.
    type Link: Link;

    /// Makes a new connection.
    ///
    /// # Errors
    /// If the endpoint cannot be reached.
    fn connect(&mut self) -> io::Result<Self::Link>;

    /// Makes a new connection that has this name in a transcript, for an endpoint to which names mean
    /// something.
    ///
    /// # Errors
    /// If the endpoint cannot be reached.
    fn connect_as(&mut self, _name: &str) -> io::Result<Self::Link> {
        self.connect()
    }
}

/// One client's connection.
pub trait Link {
    /// Sends bytes, which may end within a message.
    ///
    /// # Errors
    /// If the connection has failed.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Ends the client's stream. Replies can still be received.
    ///
    /// # Errors
    /// If the connection has failed.
    fn half_close(&mut self) -> io::Result<()>;

    /// The next reply without its LF, or `None` at the end of the server's stream.
    ///
    /// # Errors
    /// If the connection has failed, or nothing comes.
    fn receive(&mut self) -> io::Result<Option<String>>;
}

/// A machine in memory with a session that is simple enough to check by eye: message by message, no batches,
/// no borrowing.
#[derive(Debug)]
pub struct InMemory<M> {
    machine: Rc<RefCell<M>>,
    max_line_bytes: usize,
}

/// A connection to an [`InMemory`] machine.
#[derive(Debug)]
pub struct MemoryLink<M> {
    machine: Rc<RefCell<M>>,
    lines: LineBuffer,
    replies: VecDeque<Reply>,
    /// Whether no line has come yet.
    at_first_line: bool,
    /// Whether either side has ended.
    ended: bool,
}

impl<M> InMemory<M> {
    /// Lets clients talk to `machine`, each line of at most [`DEFAULT_MAX_LINE_BYTES`] bytes.
    pub fn new(machine: M) -> Self {
        Self::with_max_line_bytes(machine, DEFAULT_MAX_LINE_BYTES)
    }

    /// Lets clients talk to `machine`, each line of at most `max_line_bytes` bytes, LF included.
    pub fn with_max_line_bytes(machine: M, max_line_bytes: usize) -> Self {
        Self { machine: Rc::new(RefCell::new(machine)), max_line_bytes }
    }
}

impl<M: StateMachine<Command = Command, Reply = Outcome>> Endpoint for InMemory<M> {
    type Link = MemoryLink<M>;

    fn connect(&mut self) -> io::Result<MemoryLink<M>> {
        Ok(MemoryLink {
            machine: Rc::clone(&self.machine),
            lines: LineBuffer::new(self.max_line_bytes),
            replies: VecDeque::new(),
            at_first_line: true,
            ended: false,
        })
    }
}

impl<M> MemoryLink<M> {
    /// Whether either side has ended, so that the end comes after the replies that are due.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

impl<M: StateMachine<Command = Command, Reply = Outcome>> Link for MemoryLink<M> {
    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() && !self.ended {
            bytes = &bytes[self.lines.fill(bytes)..];
            for frame in self.lines.lines() {
                let (command, is_http) = match frame {
                    Frame::Line(line) => (
                        wire::parse(line).ok().map(CommandRef::to_command),
                        wire::is_http_request(line),
                    ),
                    Frame::TooLong(beginning) => (None, wire::begins_http_request(beginning)),
                };
                if std::mem::take(&mut self.at_first_line) && is_http {
                    self.replies.push_back(Reply::Error);
                    self.ended = true;
                    break;
                }
                let outcome = command.and_then(|c| self.machine.borrow_mut().apply(&c).ok());
                self.replies.push_back(outcome.map_or(Reply::Error, Reply::from));
            }
        }
        Ok(())
    }

    fn half_close(&mut self) -> io::Result<()> {
        self.ended = true;
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Option<String>> {
        match self.replies.pop_front() {
            Some(reply) => Ok(Some(reply.to_string())),
            None if self.ended => Ok(None),
            None => Err(io::Error::new(io::ErrorKind::TimedOut, "no reply is due")),
        }
    }
}

/// A server at an address.
#[derive(Debug, Clone, Copy)]
pub struct Remote(pub SocketAddr);

impl Endpoint for Remote {
    type Link = BufReader<TcpStream>;

    fn connect(&mut self) -> io::Result<Self::Link> {
        let stream = TcpStream::connect(self.0)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(BufReader::new(stream))
    }
}

impl Link for BufReader<TcpStream> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.get_ref().write_all(bytes)
    }

    fn half_close(&mut self) -> io::Result<()> {
        match self.get_ref().shutdown(Shutdown::Write) {
            // Both sides have already ended it. Its last replies can still be read.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            ended => ended,
        }
    }

    fn receive(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        self.take(MAX_REPLY_BYTES).read_line(&mut line)?;
        match line.strip_suffix('\n') {
            Some(reply) => Ok(Some(reply.to_owned())),
            None if line.is_empty() => Ok(None),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the server's stream holds {line:?}, which is no line"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_connection_that_both_sides_ended_can_be_ended_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut link = Remote(listener.local_addr().unwrap()).connect().unwrap();
        link.half_close().unwrap();
        drop(listener.accept().unwrap());
        for _ in 0..2 {
            assert_eq!(link.receive().unwrap(), None);
            link.half_close().unwrap();
        }
    }
}
