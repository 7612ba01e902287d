//! Takes connections from one listener and gives each a thread, for any protocol.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::monitor::TurnedAway;
use super::peer::Peer;
use super::registry::{NotTaken, Registry};
use super::watch::Quota;
use crate::bug::{self, Bug, planted};

/// What is served on a listener.
pub(crate) trait Service: Send + Sync + 'static {
    /// The clients that are connected, and whether more may come.
    fn connections(&self) -> &Arc<Registry>;

    /// Serves one client to its end.
    fn serve(&self, stream: &TcpStream, peer: Peer);

    /// Ends the connection of a client for which there is no place, without waiting for it. By default a
    /// client that has not sent anything yet sees an orderly end, and any other a reset.
    ///
    /// # Errors
    /// If the client is gone already.
    fn refuse(&self, stream: &TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    /// Called when a client was let go at once.
    fn turned_away(&self, _reason: TurnedAway) {}

    /// Called when no connection could be accepted.
    fn accept_failed(&self) {}
}

/// How long to wait after the system had no file descriptors or memory for a connection. It is long enough
/// not to spin, and too short to be noticed.
const BACK_OFF: Duration = Duration::from_millis(50);

/// How long an attempt to wake an acceptor may take. A listener of this machine takes a
/// connection at once, unless its queue is full, and then `accept` returns anyway.
const WAKE: Duration = Duration::from_millis(100);

/// The stack of a connection's thread, in bytes. Only what is touched becomes resident.
const STACK_BYTES: usize = 256 * 1024;

/// How many lines a second the log gets about clients that are let go at once.
const LINES_OF_TURNED_AWAY: u32 = 1;

/// Starts the thread that accepts from a listener until the registry is closed.
pub(super) fn start<S: Service>(
    listener: TcpListener,
    address: SocketAddr,
    service: &Arc<S>,
) -> io::Result<()> {
    let service = Arc::clone(service);
    let accepting = service.connections().accepting();
    let accept = move || {
        // The last binding is dropped first. So when the place is free again, even by a panic, this thread
        // holds nothing more of the server.
        let _accepting = accepting;
        let service = service;
        let listener = listener;
        keep_accepting(|| listener.accept(), &service);
    };
    thread::Builder::new().name(format!("accept {address}")).spawn(bug::carry(accept))?;
    Ok(())
}

/// Accepts until the registry is closed. A panic does not end it: a bug that one client meets must not end
/// the service for all others.
fn keep_accepting<S: Service>(
    mut accept: impl FnMut() -> io::Result<(TcpStream, SocketAddr)>,
    service: &Arc<S>,
) {
    // A panic leaves one connection closed early, which costs nobody else anything.
    while catch_unwind(AssertUnwindSafe(|| run(&mut accept, service))).is_err() {
        // The logger or the monitor may be what panicked.
        let _told = catch_unwind(AssertUnwindSafe(|| {
            tracing::error!(
                event = "accept_panicked",
                "accepting a client panicked; the server goes on"
            );
            service.accept_failed();
        }));
        service.connections().wait_until_closed(BACK_OFF);
    }
}

/// Accepts until the registry is closed.
fn run<S: Service>(
    mut accept: impl FnMut() -> io::Result<(TcpStream, SocketAddr)>,
    service: &Arc<S>,
) {
    let mut failing = false;
    let mut lines = Quota::new(LINES_OF_TURNED_AWAY);
    let mut turn_away = |peer, kind, reason: &dyn Display| {
        assert!(!planted(Bug::TurningAwayPanics), "planted");
        service.turned_away(kind);
        // A client that is let go at once can come again at once, so few lines are logged.
        if let Some(left_out) = lines.take(Instant::now()) {
            tracing::warn!(
                event = "client_turned_away",
                %peer, %reason, left_out, "client disconnected at once"
            );
        }
    };
    while !service.connections().is_closed() {
        match accept() {
            Ok((stream, peer)) => {
                if std::mem::take(&mut failing) {
                    tracing::info!(event = "accepting_again", "accepting connections again");
                }
                match welcome(stream, peer, service) {
                    Ok(()) => {}
                    // The connection that wakes this thread for the shutdown is let go here as well.
                    Err(Unwelcome::NotTaken(reason @ NotTaken::Closed)) => {
                        tracing::debug!(
                            event = "client_turned_away",
                            %peer, %reason, "client disconnected at once"
                        );
                    }
                    Err(Unwelcome::NotTaken(reason @ NotTaken::Full { .. })) => {
                        turn_away(peer, TurnedAway::Full, &reason);
                    }
                    Err(Unwelcome::NoThread(error)) => {
                        turn_away(peer, TurnedAway::NoThread, &error);
                    }
                }
            }
            Err(error) if is_of_one_client(&error) => {
                tracing::debug!(
                    event = "client_vanished",
                    %error, "a client disconnected before it was accepted"
                );
            }
            Err(error) => {
                service.accept_failed();
                // Once an episode: one may last for hours, with twenty attempts a second.
                if std::mem::replace(&mut failing, true) {
                    tracing::debug!(
                        event = "accept_failed",
                        %error, "still cannot accept connections"
                    );
                } else {
                    tracing::warn!(
                        event = "accept_failed",
                        %error, "cannot accept connections; retrying"
                    );
                }
                service.connections().wait_until_closed(BACK_OFF);
            }
        }
    }
}

/// Starts the thread that serves a new connection, if it may come in; closes it if not.
fn welcome<S: Service>(
    stream: TcpStream,
    address: SocketAddr,
    service: &Arc<S>,
) -> Result<(), Unwelcome> {
    let stream = Arc::new(stream);
    let place = service.connections().enter(&stream).inspect_err(|_| {
        let _already_gone = service.refuse(&stream);
    })?;
    let peer = Peer { address, connection: place.number() };
    let service = Arc::clone(service);
    let serve = move || {
        // The last binding is dropped first. So when the place is free again, even by a panic, this thread
        // holds nothing more of the server.
        let _place = place;
        let stream = stream;
        let service = service;
        service.serve(&stream, peer);
    };
    thread::Builder::new()
        // A panic in the thread then names its connection.
        .name(format!("connection {}", peer.connection))
        .stack_size(STACK_BYTES)
        .spawn(bug::carry(serve))?;
    Ok(())
}

/// Why a connection was accepted and closed at once.
#[derive(Debug, thiserror::Error)]
enum Unwelcome {
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    #[error("the system cannot start another thread: {0}")]
    NoThread(#[from] io::Error),
}

/// Whether an error of `accept` concerns only the connection that it was about to return.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// Makes the `accept` of a listener at `address` return, so that it sees that the registry is closed. This
/// may fail, mostly for want of file descriptors. Repeat it until the acceptor has ended.
pub(super) fn wake(address: SocketAddr) {
    let address = reachable(address);
    if let Err(error) = TcpStream::connect_timeout(&address, WAKE) {
        tracing::debug!(
            event = "acceptor_not_woken",
            %address, %error, "cannot wake the thread that accepts clients"
        );
    }
}

/// An address at which this machine reaches a listener at `address`. If that stands for all addresses, it is
/// loopback, and otherwise the address itself, with its scope.
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
