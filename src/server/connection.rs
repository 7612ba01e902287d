//! Moves the bytes of one client between its socket and its session.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::Shared;
use crate::bug::{Bug, planted};
use crate::engine::Poisoned;
use crate::session::Session;

/// Why a connection ended before the client ended it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Engine(#[from] Poisoned),
}

/// Serves one client until it ends its stream, breaks off, or the server stops.
pub(super) fn serve(stream: &TcpStream, peer: SocketAddr, shared: &Shared) {
    tracing::debug!(%peer, "connected");
    match converse(stream, peer, shared) {
        Ok(()) => tracing::debug!(%peer, "done"),
        Err(Broken::Io(error)) => tracing::debug!(%peer, %error, "broken off"),
        Err(Broken::Engine(error)) => tracing::error!(%peer, %error, "cannot answer"),
    }
}

fn converse(mut stream: &TcpStream, peer: SocketAddr, shared: &Shared) -> Result<(), Broken> {
    // Replies leave when they are written: the next one may wait for the client to read this one.
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(QUIET))?;
    let mut session = Session::new(shared.config.max_line_bytes);
    let mut busy = false;
    while !shared.connections.is_closed() {
        match read(stream, session.space())? {
            // Only once: the space for the next read is memory again.
            Input::Nothing if std::mem::take(&mut busy) => session.shrink(),
            Input::Nothing => {}
            Input::End => break,
            Input::Bytes(count) => {
                session.advance(count);
                busy = true;
            }
        }
        while session.has_more() {
            let replies = session.answer(&shared.engine, |refusal| {
                tracing::debug!(%peer, %refusal, "answered ERROR");
            })?;
            let cut_off = if planted(Bug::AnswersAreCutOff) { 8 } else { replies.len() };
            stream.write_all(&replies[..cut_off.min(replies.len())])?;
        }
    }
    stream.shutdown(Shutdown::Write)?;
    discard_rest(stream, session.space())?;
    Ok(())
}

/// Reads what the client still sends until it ends its stream or falls silent: input that comes
/// to a closed socket resets the connection, and takes replies from the client that are still on
/// their way. A client that sends on is cut off when the grace of the shutdown ends.
fn discard_rest(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    while let Input::Bytes(_) = read(stream, buffer)? {}
    Ok(())
}

/// How long a read waits. An idle connection looks this often whether the server is stopping.
///
/// Shutting down the input of a waiting connection would wake it at once, but the kernel answers
/// input that comes after that with a reset.
const QUIET: Duration = Duration::from_millis(500);

/// What a read brought.
enum Input {
    Bytes(usize),
    /// Nothing came in time.
    Nothing,
    /// The client has ended its stream.
    End,
}

fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Input> {
    match stream.read(buffer) {
        Ok(0) => Ok(Input::End),
        Ok(count) => Ok(Input::Bytes(count)),
        Err(error) => match error.kind() {
            // Which of the first two a time-out is depends on the system.
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                Ok(Input::Nothing)
            }
            _ => Err(error),
        },
    }
}
