//! Takes connections from one listener and gives each a thread.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::registry::NotTaken;
use super::{Shared, connection};
use crate::bug;

/// How long to wait after the system refused to give a connection, for want of file descriptors
/// or memory: long enough not to spin, short enough not to be noticed.
const BACK_OFF: Duration = Duration::from_millis(50);

/// How long an attempt to wake an acceptor may take. A listener of this machine takes a
/// connection at once, unless its queue is full, and then `accept` returns anyway.
const WAKE: Duration = Duration::from_millis(100);

/// The stack of a connection's thread, in bytes. Only what is touched becomes resident.
const STACK_BYTES: usize = 256 * 1024;

/// Starts the thread that accepts from a listener until the registry is closed.
pub(super) fn start(
    listener: TcpListener,
    address: SocketAddr,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let accepting = shared.connections.accepting();
    let accept = move || {
        // What is bound last is dropped first: by the time the place is free again, even by a
        // panic, this thread holds nothing more of the server.
        let _accepting = accepting;
        let shared = shared;
        let listener = listener;
        run(|| listener.accept(), &shared);
    };
    thread::Builder::new().name(format!("accept {address}")).spawn(bug::carry(accept))?;
    Ok(())
}

/// Accepts until the registry is closed.
fn run(mut accept: impl FnMut() -> io::Result<(TcpStream, SocketAddr)>, shared: &Arc<Shared>) {
    let mut failing = false;
    while !shared.connections.is_closed() {
        match accept() {
            Ok((stream, peer)) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("accepting connections again");
                }
                match welcome(stream, peer, shared) {
                    Ok(()) => {}
                    Err(Unwelcome::NotTaken(reason)) => {
                        tracing::debug!(%peer, %reason, "connection closed at once");
                    }
                    Err(Unwelcome::NoThread(error)) => {
                        tracing::warn!(%peer, %error, "no thread for a connection; it is closed");
                    }
                }
            }
            Err(error) if is_of_one_client(&error) => {
                tracing::debug!(%error, "a client was gone before it was accepted");
            }
            Err(error) => {
                // Once an episode: it may last for hours, at twenty attempts a second.
                if std::mem::replace(&mut failing, true) {
                    tracing::debug!(%error, "still cannot accept connections");
                } else {
                    tracing::warn!(%error, "cannot accept connections; trying on");
                }
                shared.connections.wait_until_closed(BACK_OFF);
            }
        }
    }
}

/// Starts the thread that serves a new connection, if it may come in; closes it if not.
fn welcome(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) -> Result<(), Unwelcome> {
    let stream = Arc::new(stream);
    let place = shared.connections.enter(&stream).inspect_err(|_| {
        // So that a client which has not written yet sees an orderly end. One that has is reset,
        // and whoever is gone already needs neither.
        let _already_gone = stream.shutdown(Shutdown::Write);
    })?;
    let shared = Arc::clone(shared);
    let serve = move || {
        // What is bound last is dropped first: by the time the place is free again, even by a
        // panic, this thread holds nothing more of the server.
        let _place = place;
        let stream = stream;
        let shared = shared;
        connection::serve(&stream, peer, &shared);
    };
    thread::Builder::new()
        .name("connection".into())
        .stack_size(STACK_BYTES)
        .spawn(bug::carry(serve))?;
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

/// Makes the `accept` of a listener at `address` return, so that it sees that the registry is
/// closed. May fail, for want of file descriptors above all: to be repeated until the acceptor
/// has ended.
pub(super) fn wake(address: SocketAddr) {
    let address = reachable(address);
    if let Err(error) = TcpStream::connect_timeout(&address, WAKE) {
        tracing::debug!(%address, %error, "could not wake the thread that accepts");
    }
}

/// Where a listener at `address` can be reached from this machine: there, if it is one address
/// (of which the scope is a part), and on loopback, if it stands for all.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

#[cfg(test)]
mod tests;
