//! The handle that stops a server from anywhere, and the wait until it has stopped.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::acceptor;
use super::registry::Registry;

/// How long after the grace to wait for connections that were cut off and acceptors that do not wake.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How often acceptors that have not ended are woken again.
const RETRY: Duration = Duration::from_millis(20);

/// Shuts a [`Server`](super::Server) down from anywhere. A clone can go to any thread, and outlive the
/// server. It keeps neither the engine nor any socket alive.
///
/// ```
/// use package_indexer::{engine::Engine, server::{Config, Server}};
/// use std::{net::TcpListener, sync::Arc, thread};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let server = Server::start([listener], Arc::new(Engine::default()), Config::default())?;
/// let handle = server.handle();
/// thread::spawn(move || handle.shut_down());
/// assert_eq!(server.join().cut_off, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    pub(super) addresses: Arc<[SocketAddr]>,
    pub(super) connections: Arc<Registry>,
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// How many clients were cut off when the grace ended, because they still sent or did not take their
    /// replies.
    pub cut_off: usize,
}

impl Handle {
    /// Begins to stop the server, and returns at once. No more clients are taken. Batches that run are
    /// finished and answered, and clients find the end of the stream after their replies. Idle clients are
    /// let go within a second. Every call but the first does nothing.
    pub fn shut_down(&self) {
        if self.connections.close() {
            self.wake_acceptors();
        }
    }

    /// The addresses served, in the order of the listeners, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether a shutdown has begun.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.connections.is_closed()
    }

    /// Waits for a shutdown to begin, however long that takes, and to end. When the grace has ended it calls
    /// `let_go`, which returns whether clients that waited for something are answered now.
    pub(crate) fn wait(&self, grace: Duration, let_go: impl FnOnce() -> bool) -> Stopped {
        let begun = self.connections.closed_at();
        // A grace beyond what an instant can hold has no end.
        let end = begun.checked_add(grace);
        let last_wait = || Instant::now().checked_add(LAST_WAIT);
        if self.wait_until_empty(end) || let_go() && self.wait_until_empty(last_wait()) {
            return Stopped { cut_off: 0 };
        }
        let cut_off = self.connections.cut_off();
        if !self.wait_until_empty(last_wait()) {
            tracing::error!(
                event = "threads_left_behind",
                connections = self.connections.len(),
                acceptors = self.connections.acceptors(),
                "some threads of the server did not end in time; the program ends without them"
            );
        }
        Stopped { cut_off }
    }

    /// Waits until no connection and no acceptor is left, but no longer than until `end`. Returns whether
    /// none is left.
    fn wait_until_empty(&self, end: Option<Instant>) -> bool {
        let left = || match end {
            Some(end) => end.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        // To wake an acceptor takes a file descriptor, and there may be none until a connection ends.
        while self.connections.acceptors() > 0 && !left().is_zero() {
            if self.connections.wait_until_empty(left().min(RETRY)) {
                return true;
            }
            self.wake_acceptors();
        }
        self.connections.wait_until_empty(left())
    }

    /// Wakes the acceptors of all listeners. The listener of one that has ended already refuses the
    /// connection.
    fn wake_acceptors(&self) {
        for &address in &*self.addresses {
            if self.connections.acceptors() > 0 {
                acceptor::wake(address);
            }
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
