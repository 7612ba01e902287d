//! A copy of what the store keeps, while it is in use: the page `/backup`.
//!
//! It is the state of one moment, as INDEX messages in the order of names; to bring it back, they have to
//! be put into another order, as `indexer import` does. It is sent in chunks (RFC 9112, section 7.1), the
//! last of which only a complete copy has, so that no client takes a part for the whole.

use std::io::{self, ErrorKind, Write as _};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::endpoint::PATIENCE;
use crate::store::{Kept, Snapshot};

/// How long a copy may take to be fetched. Meanwhile the store has to keep what it would have replaced.
const LONGEST: Duration = Duration::from_secs(600);

/// How many bytes are sent at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// The head of the response.
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Transfer-Encoding: chunked\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";

/// Sends the head of the response alone.
///
/// # Errors
/// If the client does not take it.
pub(super) fn send_head(stream: &TcpStream) -> io::Result<()> {
    Chunks::new(stream).write(HEAD)
}

/// Sends every package, and returns how many there were.
///
/// # Errors
/// If the snapshot cannot be read, or the client takes it too slowly or not at all.
pub(super) fn send(snapshot: &dyn Snapshot, stream: &TcpStream) -> io::Result<u64> {
    let mut chunks = Chunks::new(stream);
    chunks.write(HEAD)?;
    let (mut packages, mut sent) = (0, Ok(()));
    let visited = snapshot.visit(&mut |Kept { package, dependencies }| {
        for part in [b"INDEX|", package, b"|", dependencies, b"\n"] {
            chunks.waiting.extend_from_slice(part);
        }
        packages += 1;
        sent = if chunks.waiting.len() < CHUNK_BYTES { Ok(()) } else { chunks.flush() };
        if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    sent?;
    visited.map_err(io::Error::other)?;
    chunks.flush()?;
    chunks.write(b"0\r\n\r\n")?;
    Ok(packages)
}

struct Chunks<'a> {
    stream: &'a TcpStream,
    until: Instant,
    /// What the next chunk has.
    waiting: Vec<u8>,
}

impl<'a> Chunks<'a> {
    fn new(stream: &'a TcpStream) -> Self {
        Self { stream, until: Instant::now() + LONGEST, waiting: Vec::new() }
    }

    /// Sends what is waiting as one chunk. An empty one would be the last.
    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", self.waiting.len()).into_bytes();
        chunk.append(&mut self.waiting);
        chunk.extend_from_slice(b"\r\n");
        self.write(&chunk)
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_write_timeout(Some(left.min(PATIENCE)))?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
