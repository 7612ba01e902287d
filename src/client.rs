//! Floor 6: the blocking client, which is itself a [`StateMachine`]: the remote end as one.
//!
//! It speaks to any server of the protocol, so it trusts nothing that comes back.

use std::borrow::Borrow;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::command::{Command, Outcome, Reply};
use crate::machine::StateMachine;

/// The longest line that can be a reply, LF included, and one byte to notice a longer one.
const MAX_REPLY_BYTES: u64 = b"ERROR\n".len() as u64 + 1;

/// About how many bytes of messages are sent at once when there are many.
pub(crate) const CHUNK_BYTES: usize = 32_768;

/// A connection to a server of the protocol.
///
/// ```no_run
/// use package_indexer::{Command, Outcome, StateMachine, client::Client};
///
/// let mut client = Client::connect("127.0.0.1:8080")?;
/// assert_eq!(client.apply(&Command::query("vim")?)?, Outcome::Fail);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(io::Error),
    /// Nothing came, or could be sent, within the time set by [`Client::set_timeout`].
    #[error("the server did not answer in time")]
    TimedOut,
    /// The messages to send could not be had.
    #[error("cannot read the messages to send: {0}")]
    Messages(io::Error),
    /// The server ended the stream while a reply was due.
    #[error("the server ended the connection with replies still due")]
    Closed,
    /// The server sent something that is not a reply.
    #[error("expected OK, FAIL or ERROR from the server, got {:?}", String::from_utf8_lossy(line))]
    NotAReply {
        /// What it sent, cut off behind the length of a reply.
        line: Vec<u8>,
    },
    /// The server answered `ERROR` to a well-formed command.
    #[error("the server answered ERROR to {command}")]
    Refused {
        /// The command.
        command: Command,
    },
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Which of the two a time-out is depends on the system.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Io(error),
        }
    }
}

impl Client {
    /// Connects, trying each address that `address` resolves to.
    ///
    /// # Errors
    /// What the last attempt ended with.
    pub fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// Connects, trying each address that `address` resolves to, and fails every step, this one
    /// and each later wait for the server, that takes longer than `timeout`.
    ///
    /// # Errors
    /// What the last attempt ended with; also when `timeout` is zero.
    pub fn connect_timeout(address: impl ToSocketAddrs, timeout: Duration) -> io::Result<Self> {
        let nothing = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let mut connected = Err(nothing());
        for address in address.to_socket_addrs()? {
            connected = TcpStream::connect_timeout(&address, timeout);
            if connected.is_ok() {
                break;
            }
        }
        let client = Self::over(connected?)?;
        client.set_timeout(Some(timeout))?;
        Ok(client)
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Fails every later wait for the server that takes longer than this; `None` waits for ever.
    ///
    /// # Errors
    /// For a duration of zero.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(timeout)?;
        self.stream.get_ref().set_write_timeout(timeout)
    }

    /// Sends one message, given with its LF, and waits for its reply.
    ///
    /// # Errors
    /// [`ClientError`], except `Refused`.
    pub fn exchange(&mut self, message: &[u8]) -> Result<Reply, ClientError> {
        self.stream.get_ref().write_all(message)?;
        read_reply(&mut self.stream)
    }

    /// Sends commands without waiting for replies, and hands over each reply as it comes, in
    /// order. Returns how many there were.
    ///
    /// ```no_run
    /// # use package_indexer::{Command, client::Client};
    /// let commands = [Command::index("lua", [])?, Command::index("vim", ["lua"])?];
    /// let mut client = Client::connect("127.0.0.1:8080")?;
    /// client.apply_all(&commands, |reply| println!("{reply}"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`pipeline`](Self::pipeline).
    pub fn apply_all<C: Borrow<Command>>(
        &mut self,
        commands: impl IntoIterator<Item = C, IntoIter: Send>,
        mut on_reply: impl FnMut(Reply),
    ) -> Result<u64, ClientError> {
        let mut commands = commands.into_iter();
        let next_chunk = |chunk: &mut Vec<u8>| {
            let mut count = 0;
            while chunk.len() < CHUNK_BYTES {
                let Some(command) = commands.next() else { break };
                writeln!(chunk, "{}", command.borrow())?;
                count += 1;
            }
            Ok(count)
        };
        self.pipeline(next_chunk, |reply, _| {
            on_reply(reply);
            ControlFlow::Continue(())
        })
    }

    /// Sends messages as fast as the server takes them, and hands over each reply as it comes, in
    /// order. Returns how many there were.
    ///
    /// `next_chunk` puts the next messages into an empty buffer and says how many LFs they have;
    /// an empty chunk ends the work. It runs on a thread of its own, so that neither side can
    /// block the other. `on_reply` is also told whether more replies are at hand, which is when
    /// output may wait to be flushed; it ends the work early by breaking.
    ///
    /// # Errors
    /// [`ClientError`], except `Refused`; an error of `next_chunk` is
    /// [`ClientError::Messages`]. The connection is of no use after any of them, nor after a
    /// break.
    pub fn pipeline(
        &mut self,
        mut next_chunk: impl FnMut(&mut Vec<u8>) -> io::Result<u64> + Send,
        mut on_reply: impl FnMut(Reply, bool) -> ControlFlow<()>,
    ) -> Result<u64, ClientError> {
        let writing = self.stream.get_ref().try_clone()?;
        let (sent, to_receive) = mpsc::channel();
        thread::scope(|scope| {
            let writer = scope.spawn(move || {
                let mut chunk = Vec::new();
                loop {
                    chunk.clear();
                    let count = next_chunk(&mut chunk).map_err(ClientError::Messages)?;
                    // First the count: replies to the front of a chunk must be read while its
                    // rest is still being written, or a server that waits for us to read them
                    // would leave both sides waiting.
                    if chunk.is_empty() || sent.send(count).is_err() {
                        return Ok(());
                    }
                    if let Err(error) = (&writing).write_all(&chunk) {
                        // Frees the reader, for which these replies will never come.
                        let _already_gone = writing.shutdown(Shutdown::Both);
                        return Err(error.into());
                    }
                }
            });
            let mut received = 0;
            let mut read_all = || {
                for _ in to_receive.into_iter().flat_map(|count| 0..count) {
                    let reply = read_reply(&mut self.stream)?;
                    received += 1;
                    if on_reply(reply, !self.stream.buffer().is_empty()).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok::<_, ClientError>(ControlFlow::Continue(()))
            };
            let read = read_all();
            if !matches!(read, Ok(ControlFlow::Continue(()))) {
                // Frees a writer that waits for a server which no longer reads. If this fails the
                // connection is gone already, and so is the wait.
                let _already_gone = self.stream.get_ref().shutdown(Shutdown::Both);
            }
            let written: Result<(), ClientError> = writer.join().unwrap_or_else(|_panicked| {
                let panicked = io::Error::other("the thread that sends them panicked");
                Err(ClientError::Messages(panicked))
            });
            if read?.is_continue() {
                written?;
            }
            Ok(received)
        })
    }
}

impl StateMachine for Client {
    type Command = Command;
    type Reply = Outcome;
    type Error = ClientError;

    /// Sends the command and waits for its outcome.
    fn apply(&mut self, command: &Command) -> Result<Outcome, ClientError> {
        match self.exchange(format!("{command}\n").as_bytes())? {
            Reply::Ok => Ok(Outcome::Ok),
            Reply::Fail => Ok(Outcome::Fail),
            Reply::Error => Err(ClientError::Refused { command: command.clone() }),
        }
    }
}

/// Reads one reply, and no more than a reply can be long.
fn read_reply(stream: &mut impl BufRead) -> Result<Reply, ClientError> {
    let mut line = Vec::new();
    stream.take(MAX_REPLY_BYTES).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(ClientError::Closed);
    }
    [Reply::Ok, Reply::Fail, Reply::Error]
        .into_iter()
        .find(|reply| reply.as_line() == line)
        .ok_or(ClientError::NotAReply { line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_one_by_one() {
        let mut stream = io::Cursor::new(b"OK\nFAIL\nERROR\n");
        for expected in [Reply::Ok, Reply::Fail, Reply::Error] {
            assert_eq!(read_reply(&mut stream).unwrap(), expected);
        }
        assert!(matches!(read_reply(&mut stream), Err(ClientError::Closed)));
    }

    #[test]
    fn what_is_not_a_reply_is_said_and_not_stored_without_bound() {
        for bytes in [b"YES\n".as_slice(), b"OK", b"OK\r\n", b"ok\n", &[b'x'; 1000]] {
            match read_reply(&mut io::Cursor::new(bytes)) {
                Err(ClientError::NotAReply { line }) => assert!(line.len() <= 7, "{line:?}"),
                other => panic!("{other:?} for {bytes:?}"),
            }
        }
    }
}
