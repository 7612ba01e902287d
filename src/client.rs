//! Floor 7: the blocking client. It is a machine too: the remote server as one.
//!
//! It speaks to any server of the protocol, so it trusts nothing that comes back.

use std::borrow::Borrow;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use memchr::{memchr, memchr_iter};

use crate::command::{Command, Outcome, Reply};
use crate::shown::shown;

/// The longest line that can be a reply, with LF, and one byte to notice a longer one.
const MAX_REPLY_BYTES: u64 = b"ERROR\n".len() as u64 + 1;

/// About how many bytes of messages are sent at once when there are many.
pub(crate) const CHUNK_BYTES: usize = 32_768;

/// A connection to a server of the protocol.
///
/// If a call fails with anything but [`ClientError::Refused`] or [`ClientError::NotOneLine`], a reply may
/// still be on its way. A later call would take it for its own. So the client is broken then: every later
/// call returns [`ClientError::Broken`], and only a new connection helps.
///
/// ```no_run
/// use package_indexer::{Command, Outcome, client::Client};
///
/// let mut client = Client::connect("127.0.0.1:8080")?;
/// assert_eq!(client.apply(&Command::query("vim")?)?, Outcome::Fail);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    /// Set during a call, and for good by one that fails or panics.
    broken: bool,
    /// The last message of [`exchange`](Client::exchange), kept for its memory.
    message: Vec<u8>,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(io::Error),
    /// Nothing came, or could be sent, within the time set by [`Client::set_timeout`].
    #[error("the server did not answer in time")]
    TimedOut,
    /// The messages to send could not be read.
    #[error("cannot read the messages to send: {0}")]
    Messages(io::Error),
    /// The server ended the stream while a reply was due.
    #[error("the server ended the connection before its last reply")]
    Closed,
    /// The server sent something that is not a reply.
    #[error("expected OK, FAIL or ERROR from the server, got {:?}", shown(line))]
    NotAReply {
        /// What it sent, cut to the length of a reply.
        line: Vec<u8>,
    },
    /// An earlier call failed, so the next reply might belong to it. Nothing was sent.
    #[error("the connection cannot be used after an earlier error; connect again")]
    Broken,
    /// The message contains an LF, and would get more than one reply. Nothing was sent.
    #[error("expected one line without its LF, found an LF at byte {at}")]
    NotOneLine {
        /// The place of the first LF, in bytes.
        at: usize,
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
            // The system decides which of the two a timeout is.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Io(error),
        }
    }
}

impl Client {
    /// Connects, trying each address that `address` resolves to.
    ///
    /// # Errors
    /// The error of the last attempt.
    pub fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// Connects, trying each address that `address` resolves to. Every step, this one and each later wait for
    /// the server, fails if it takes longer than `timeout`.
    ///
    /// # Errors
    /// The error of the last attempt, or that `timeout` is zero.
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

    /// The address of the server.
    ///
    /// # Errors
    /// If the connection has ended.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().peer_addr()
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), broken: false, message: Vec::new() })
    }

    /// Makes every later wait for the server fail if it takes longer than this. `None` waits for ever.
    ///
    /// # Errors
    /// If the duration is zero.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(timeout)?;
        self.stream.get_ref().set_write_timeout(timeout)
    }

    /// Sends one message, well formed or not, given without its LF, and waits for its reply.
    ///
    /// ```no_run
    /// # use package_indexer::{Reply, client::Client};
    /// let mut client = Client::connect("127.0.0.1:8080")?;
    /// assert_eq!(client.exchange(b"nonsense")?, Reply::Error);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ClientError`], except `Messages` and `Refused`.
    pub fn exchange(&mut self, line: &[u8]) -> Result<Reply, ClientError> {
        if let Some(at) = memchr(b'\n', line) {
            return Err(ClientError::NotOneLine { at });
        }
        self.unless_broken(|client| {
            client.message.clear();
            client.message.extend_from_slice(line);
            client.message.push(b'\n');
            // One write: a message in two packets would wait for the first to be acknowledged.
            client.stream.get_ref().write_all(&client.message)?;
            read_reply(&mut client.stream)
        })
    }

    /// Sends lines in one write, so few that the server need not be read while it takes them, and
    /// waits for all their `count` replies.
    ///
    /// # Errors
    /// [`ClientError`], except `Messages`, `Refused` and `NotOneLine`.
    #[cfg(feature = "check")]
    pub(crate) fn exchange_all(
        &mut self,
        lines: &[u8],
        count: usize,
    ) -> Result<Vec<Reply>, ClientError> {
        self.unless_broken(|client| {
            client.stream.get_ref().write_all(lines)?;
            (0..count).map(|_| read_reply(&mut client.stream)).collect()
        })
    }

    /// Sends one command and waits for its outcome.
    ///
    /// # Errors
    /// [`ClientError`], except `Messages` and `NotOneLine`.
    pub fn apply(&mut self, command: &Command) -> Result<Outcome, ClientError> {
        match self.exchange(command.to_string().as_bytes())? {
            Reply::Ok => Ok(Outcome::Ok),
            Reply::Fail => Ok(Outcome::Fail),
            Reply::Error => Err(ClientError::Refused { command: command.clone() }),
        }
    }

    /// Runs one call, and leaves the client broken if it fails or panics.
    fn unless_broken<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(ClientError::Broken);
        }
        let done = work(self)?;
        self.broken = false;
        Ok(done)
    }

    /// Sends commands without waiting for replies, and passes on each reply in order. Returns how many there
    /// were.
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
            while chunk.len() < CHUNK_BYTES {
                let Some(command) = commands.next() else { break };
                writeln!(chunk, "{}", command.borrow())?;
            }
            Ok(())
        };
        self.pipeline(next_chunk, |reply, _| {
            on_reply(reply);
            ControlFlow::Continue(())
        })
    }

    /// Sends messages as fast as the server takes them, and passes on each reply in order. Returns how many
    /// there were.
    ///
    /// `next_chunk` puts the next bytes of the messages, each ended by LF, into an empty buffer. An empty
    /// chunk ends the work. It runs on its own thread, so that neither side can block the other. `on_reply`
    /// is also told whether more replies are at hand, so that output need not be flushed yet. If it breaks,
    /// the work ends early, and the client is [broken](Self), because replies are still due. A last line
    /// without LF breaks the client too.
    ///
    /// An error, a break, or a panic of `on_reply` ends the connection at once. It is returned only after
    /// `next_chunk` has returned, so `next_chunk` should not wait long for its bytes.
    ///
    /// # Errors
    /// [`ClientError`], except `Refused` and `NotOneLine`. An error or a panic of `next_chunk` is
    /// [`ClientError::Messages`].
    pub fn pipeline(
        &mut self,
        next_chunk: impl FnMut(&mut Vec<u8>) -> io::Result<()> + Send,
        on_reply: impl FnMut(Reply, bool) -> ControlFlow<()>,
    ) -> Result<u64, ClientError> {
        let mut received = 0;
        let mut in_step = false;
        self.unless_broken(|client| {
            in_step = client.pipe(next_chunk, on_reply, &mut received)?;
            Ok(())
        })?;
        self.broken = !in_step;
        Ok(received)
    }

    /// Does the work of [`pipeline`](Self::pipeline). Returns whether every byte that was sent has been
    /// answered.
    fn pipe(
        &mut self,
        next_chunk: impl FnMut(&mut Vec<u8>) -> io::Result<()> + Send,
        mut on_reply: impl FnMut(Reply, bool) -> ControlFlow<()>,
        received: &mut u64,
    ) -> Result<bool, ClientError> {
        let writing = self.stream.get_ref().try_clone()?;
        let (sent, to_receive) = mpsc::channel();
        thread::scope(|scope| {
            let writing = &writing;
            let writer = scope.spawn(move || write_all(writing, next_chunk, &sent));
            // Frees a writer that waits for a server which no longer reads. The scope waits for the writer
            // even if `on_reply` panics.
            let guard = ShutDownOnDrop(writing);
            for _ in to_receive.into_iter().flat_map(|count| 0..count) {
                let reply = read_reply(&mut self.stream)?;
                *received += 1;
                if on_reply(reply, !self.stream.buffer().is_empty()).is_break() {
                    return Ok(false);
                }
            }
            let written = writer.join().unwrap_or_else(|_panicked| {
                let panicked = io::Error::other("the thread that sends them panicked");
                Err(ClientError::Messages(panicked))
            })?;
            // All is answered, and the connection stays.
            std::mem::forget(guard);
            Ok(written)
        })
    }
}

/// Sends chunks until an empty one, and the number of LFs in each to `sent`. Returns whether the last chunk
/// ended with a line end.
fn write_all(
    mut stream: &TcpStream,
    mut next_chunk: impl FnMut(&mut Vec<u8>) -> io::Result<()>,
    sent: &mpsc::Sender<usize>,
) -> Result<bool, ClientError> {
    let mut chunk = Vec::new();
    let mut whole = true;
    loop {
        chunk.clear();
        next_chunk(&mut chunk).map_err(ClientError::Messages)?;
        let Some(last) = chunk.last() else { return Ok(whole) };
        whole = *last == b'\n';
        // The count goes first. Replies to the front of a chunk must be read while its rest is still being
        // written. Otherwise a server that waits for us to read them would leave both sides waiting.
        if sent.send(memchr_iter(b'\n', &chunk).count()).is_err() {
            return Ok(false);
        }
        if let Err(error) = stream.write_all(&chunk) {
            // Frees the reader, which would wait for replies that never come.
            let _already_gone = stream.shutdown(Shutdown::Both);
            return Err(error.into());
        }
    }
}

/// Ends a connection when it is dropped, also in a panic.
struct ShutDownOnDrop<'a>(&'a TcpStream);

impl Drop for ShutDownOnDrop<'_> {
    fn drop(&mut self) {
        // If this fails, the connection has ended, and every wait on it too.
        let _already_gone = self.0.shutdown(Shutdown::Both);
    }
}

/// Reads one reply, and at most as many bytes as the longest reply has.
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
mod tests;
