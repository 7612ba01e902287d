//! Moves the bytes of one client between its socket and its session.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::Shared;
use crate::engine::EngineError;
use crate::session::Session;

/// Why a connection ended before the client ended it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
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
    let mut session = Session::new(shared.config.max_line_bytes);
    loop {
        match stream.read(session.space()) {
            Ok(0) => break,
            Ok(count) => session.advance(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        let replies = session.answer(&shared.engine, |refusal| {
            tracing::debug!(%peer, %refusal, "answered ERROR");
        })?;
        stream.write_all(replies)?;
        if shared.connections.is_closed() {
            break;
        }
    }
    stream.shutdown(Shutdown::Write)?;
    discard_rest(stream, session.space())?;
    Ok(())
}

/// Reads what the client still sends until it ends its stream: closing a socket with input unread
/// would reset the connection, and could take replies from the client that are on their way.
///
/// When the client has ended its stream this finds the end at once. When the server stops, input
/// has been shut, and a client that sends on is cut off when the grace ends.
fn discard_rest(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
