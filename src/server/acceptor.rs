//! Takes connections from one listener and gives each a thread.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::registry::NotTaken;
use super::{Shared, connection};

/// How long to wait after the system refused to give a connection, for want of file descriptors
/// or memory: long enough not to spin, short enough not to be noticed.
const BACK_OFF: Duration = Duration::from_millis(50);

/// The stack of a connection's thread, in bytes. Only what is touched becomes resident.
const STACK_BYTES: usize = 256 * 1024;

/// Accepts until the registry is closed.
pub(super) fn run(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.connections.is_closed() {
        match listener.accept() {
            Ok((stream, peer)) => match welcome(stream, peer, shared) {
                Ok(()) => {}
                Err(Unwelcome::NotTaken(reason)) => {
                    tracing::debug!(%peer, %reason, "connection closed at once");
                }
                Err(Unwelcome::NoThread(error)) => {
                    tracing::warn!(%peer, %error, "no thread for a connection; it is closed");
                }
            },
            Err(error) if is_of_one_client(&error) => {
                tracing::debug!(%error, "a client was gone before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again");
                shared.connections.wait_until_closed(BACK_OFF);
            }
        }
    }
}

/// Starts the thread that serves a new connection, if it may come in; closes it if not.
fn welcome(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) -> Result<(), Unwelcome> {
    let place = shared.connections.enter(stream)?;
    let shared = Arc::clone(shared);
    let serve = move || connection::serve(place.stream(), peer, &shared);
    thread::Builder::new().name("connection".into()).stack_size(STACK_BYTES).spawn(serve)?;
    Ok(())
}

/// Why a connection was accepted and closed at once.
#[derive(Debug, thiserror::Error)]
enum Unwelcome {
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    #[error(transparent)]
    NoThread(#[from] io::Error),
}

/// Whether an error of `accept` concerns only the connection that it was about to return.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// Makes a listener's `accept` return, so that it sees that the registry is closed.
pub(super) fn wake(address: SocketAddr) {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, address.port());
    if let Err(error) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
        // Either the listener is gone, or its queue is full and `accept` returns anyway.
        tracing::debug!(%address, %error, "could not wake the thread that accepts");
    }
}
