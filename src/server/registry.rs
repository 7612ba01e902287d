//! The connections and acceptors that exist, and whether new ones may come. The limit on connections and the
//! shutdown rest on it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::bell::Bell;
use crate::bug::{Bug, planted};
use crate::sync::{AtomicBool, Condvar, Mutex, MutexGuard};

/// The next connection's number. All servers of the process share the row, because they share its log. It is
/// not one of [`crate::sync`]'s: no schedule depends on it.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// The threads of a server that accept connections, and those that serve one.
#[derive(Debug)]
pub(crate) struct Registry {
    limit: usize,
    /// Whether a connection gives way to a new one until it is [kept](Registry::keep).
    has_waiting_room: bool,
    open: Mutex<Open>,
    /// Set while `open` is locked. Every connection reads it after every batch, so it needs no lock.
    closed: AtomicBool,
    /// How many connections there are. It is changed while `open` is locked, and read without the lock, as a
    /// hint. Nothing waits for it, so no schedule depends on it.
    connected: AtomicUsize,
    /// How many threads the machine runs at once.
    processors: usize,
    /// Notified when a connection or an acceptor ends, and when the server begins to stop.
    changed: Condvar,
    /// Rung when the server begins to stop, for connections that wait for their client.
    bell: Bell,
}

#[derive(Debug, Default)]
struct Open {
    /// The connections by their numbers, so that the oldest come first.
    streams: BTreeMap<u64, Connection>,
    acceptors: usize,
    closed_at: Option<Instant>,
    /// How many connections have had a place.
    #[cfg(all(test, shuttle))]
    taken: u64,
}

#[derive(Debug)]
struct Connection {
    /// Weak, so that the connection's thread has closed the stream by the time its place is free.
    stream: Weak<TcpStream>,
    stay: Stay,
}

/// How long a connection may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// Until it ends.
    Kept,
    /// Until it ends, or another needs its place.
    Waiting,
    /// It has to make room for another, and ends soon.
    Leaving,
}

impl Open {
    /// How many connections have a place.
    fn connected(&self) -> usize {
        self.streams.values().filter(|it| it.stay != Stay::Leaving).count()
    }

    /// Makes the connection leave that has waited longest, if one waits. It reads its end, and can still say
    /// why.
    fn make_room(&mut self) -> bool {
        let waiting = self.streams.values_mut().find(|it| it.stay == Stay::Waiting);
        if let Some(connection) = waiting {
            connection.stay = Stay::Leaving;
            connection.shut_down(Shutdown::Read);
            return true;
        }
        false
    }
}

impl Connection {
    fn shut_down(&self, how: Shutdown) {
        if let Some(stream) = self.stream.upgrade() {
            // A stream that cannot be shut down has been reset by its client: nothing waits on it.
            let _already_gone = stream.shutdown(how);
        }
    }
}

/// A connection's place in the registry. Its drop gives the place back, after the stream and all else that
/// the connection holds of the server.
#[derive(Debug)]
pub(super) struct Seat {
    registry: Arc<Registry>,
    number: u64,
}

impl Seat {
    /// The number of the connection, from 1, unique in this process.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

/// An acceptor's place in the registry. Its drop gives the place back, after the listener and all else that
/// the acceptor holds of the server.
#[derive(Debug)]
pub(super) struct Accepting {
    registry: Arc<Registry>,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("{limit} clients are connected, which is the limit")]
    Full { limit: usize },
    #[error("the server is shutting down")]
    Closed,
}

impl Registry {
    /// An empty registry with `limit` places.
    ///
    /// # Errors
    /// If the system has no file descriptor left.
    pub(crate) fn new(limit: usize) -> io::Result<Self> {
        Ok(Self {
            limit,
            has_waiting_room: false,
            open: Mutex::default(),
            closed: AtomicBool::new(false),
            connected: AtomicUsize::new(0),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            changed: Condvar::new(),
            bell: Bell::new()?,
        })
    }

    /// An empty registry with `limit` places and a waiting room. A connection keeps its place for good only
    /// from [`keep`](Self::keep) on. Until then it may have to make room for a new connection, the oldest
    /// first, if no place is left. It then reads its end. At most `limit` more connections have to leave and
    /// have not ended yet.
    ///
    /// # Errors
    /// If the system has no file descriptor left.
    #[cfg(feature = "metrics")]
    pub(crate) fn with_waiting_room(limit: usize) -> io::Result<Self> {
        Ok(Self { has_waiting_room: true, ..Self::new(limit)? })
    }

    /// Lets the connection of this stream keep its place until it ends. Linear in the connections.
    ///
    /// # Errors
    /// If it has to make room for another.
    #[cfg(feature = "metrics")]
    pub(crate) fn keep(&self, stream: &TcpStream) -> io::Result<()> {
        let mut open = self.lock();
        let is_it = |it: &&mut Connection| std::ptr::eq(it.stream.as_ptr(), stream);
        match open.streams.values_mut().find(is_it) {
            Some(connection) if connection.stay != Stay::Leaving => {
                connection.stay = Stay::Kept;
                Ok(())
            }
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Takes a place for one more connection.
    pub(super) fn enter(self: &Arc<Self>, stream: &Arc<TcpStream>) -> Result<Seat, NotTaken> {
        let mut open = self.lock();
        if self.is_closed() {
            return Err(NotTaken::Closed);
        }
        // Without a waiting room nobody is leaving, so a count of those who stay is not worth it.
        let connected = if self.has_waiting_room { open.connected() } else { open.streams.len() };
        if planted(Bug::PlacesAreCountedTooEarly) {
            drop(open);
            open = self.lock();
        }
        let may_make_room = self.has_waiting_room && open.streams.len() < 2 * self.limit;
        if connected >= self.limit && !(may_make_room && open.make_room()) {
            return Err(NotTaken::Full { limit: self.limit });
        }
        // Drawn while `open` is locked, so that later connections have larger numbers.
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let stay = if self.has_waiting_room { Stay::Waiting } else { Stay::Kept };
        open.streams.insert(number, Connection { stream: Arc::downgrade(stream), stay });
        #[cfg(all(test, shuttle))]
        {
            open.taken += 1;
        }
        self.connected.store(open.streams.len(), Ordering::Relaxed);
        Ok(Seat { registry: Arc::clone(self), number })
    }

    /// Takes a place for an acceptor.
    pub(super) fn accepting(self: &Arc<Self>) -> Accepting {
        self.lock().acceptors += 1;
        Accepting { registry: Arc::clone(self) }
    }

    /// Takes no more connections. Returns whether this was the first call.
    pub(super) fn close(&self) -> bool {
        let mut open = self.lock();
        let first = open.closed_at.is_none();
        open.closed_at.get_or_insert_with(Instant::now);
        self.closed.store(true, Ordering::SeqCst);
        if !planted(Bug::ClosingWakesNobody) {
            self.changed.notify_all();
        }
        self.bell.ring();
        first
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Waits for input on a stream, its end, or the end of the registry, but no longer than `limit`. May
    /// return early.
    pub(super) fn wait_for_input(
        &self,
        stream: &TcpStream,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        self.bell.wait(stream, limit)
    }

    /// How many connections there are per processor of the machine. The figure may be slightly old.
    pub(super) fn to_a_processor(&self) -> usize {
        self.connected.load(Ordering::Relaxed) / self.processors
    }

    pub(super) fn len(&self) -> usize {
        self.lock().streams.len()
    }

    /// How many acceptors there are.
    pub(super) fn acceptors(&self) -> usize {
        self.lock().acceptors
    }

    /// Cuts off every connection that is still open, and returns how many those were.
    pub(super) fn cut_off(&self) -> usize {
        let open = self.lock();
        open.streams.values().for_each(|it| it.shut_down(Shutdown::Both));
        open.streams.len()
    }

    /// Waits until the registry is closed, however long that takes. Returns when it was.
    pub(super) fn closed_at(&self) -> Instant {
        let mut open = self.lock();
        loop {
            if let Some(closed_at) = open.closed_at {
                return closed_at;
            }
            open = self.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the registry is closed, but no longer than `time`. Returns whether it is.
    pub(super) fn wait_until_closed(&self, time: Duration) -> bool {
        self.wait(time, |open| open.closed_at.is_some())
    }

    /// Waits until there is no connection and no acceptor, but no longer than `time`. Returns whether there
    /// is none.
    pub(super) fn wait_until_empty(&self, time: Duration) -> bool {
        self.wait(time, |open| open.streams.is_empty() && open.acceptors == 0)
    }

    fn wait(&self, time: Duration, done: impl Fn(&Open) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |open| !done(open));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Locks the state. Nothing panics halfway through a change, so a poisoned lock still guards a sound
    /// state.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.registry.lock();
        open.streams.remove(&self.number);
        self.registry.connected.store(open.streams.len(), Ordering::Relaxed);
        drop(open);
        if !planted(Bug::LeavingWakesNobody) {
            self.registry.changed.notify_all();
        }
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.registry.lock().acceptors -= 1;
        self.registry.changed.notify_all();
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;
