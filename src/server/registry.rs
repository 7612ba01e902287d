//! Which connections are open, and whether new ones may come: what the limit on connections and
//! the shutdown are made of.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The open connections of a server.
#[derive(Debug)]
pub(super) struct Registry {
    limit: usize,
    open: Mutex<Open>,
    /// Set while `open` is locked; read by every connection after every batch, hence no lock.
    closed: AtomicBool,
    /// Told when a connection ends and when the server begins to stop.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    streams: HashMap<u64, Arc<TcpStream>>,
    next: u64,
}

/// A connection's place in the registry, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    registry: Arc<Registry>,
    number: u64,
    stream: Arc<TcpStream>,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("{limit} clients are connected already, and no more may be")]
    Full { limit: usize },
    #[error("the server is shutting down")]
    Closed,
}

impl Registry {
    pub(super) fn new(limit: usize) -> Self {
        let open = Mutex::default();
        Self { limit, open, closed: AtomicBool::new(false), changed: Condvar::new() }
    }

    /// A place for one more connection.
    pub(super) fn enter(self: &Arc<Self>, stream: TcpStream) -> Result<Place, NotTaken> {
        let mut open = self.lock();
        if self.is_closed() {
            return Err(NotTaken::Closed);
        }
        if open.streams.len() >= self.limit {
            return Err(NotTaken::Full { limit: self.limit });
        }
        let number = open.next;
        open.next += 1;
        let stream = Arc::new(stream);
        open.streams.insert(number, Arc::clone(&stream));
        Ok(Place { registry: Arc::clone(self), number, stream })
    }

    /// Takes no more connections. Returns whether this was the first call.
    pub(super) fn close(&self) -> bool {
        let _open = self.lock();
        self.changed.notify_all();
        !self.closed.swap(true, Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().streams.len()
    }

    /// Cuts off every connection that is still open, and says how many those were.
    pub(super) fn cut_off(&self) -> usize {
        let open = self.lock();
        for stream in open.streams.values() {
            // A stream that cannot be shut down has been reset by its client: nothing waits on it.
            let _already_gone = stream.shutdown(Shutdown::Both);
        }
        open.streams.len()
    }

    /// Waits until the registry is closed, but no longer than `time`; says whether it is.
    pub(super) fn wait_until_closed(&self, time: Duration) -> bool {
        self.wait(time, |_| self.is_closed())
    }

    /// Waits until no connection is open, but no longer than `time`; says whether none is.
    pub(super) fn wait_until_empty(&self, time: Duration) -> bool {
        self.wait(time, |open| open.streams.is_empty())
    }

    fn wait(&self, time: Duration, done: impl Fn(&Open) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |open| !done(open));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Nothing in here panics halfway through a change, so a poisoned lock still guards a sound
    /// state.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.registry.lock().streams.remove(&self.number);
        self.registry.changed.notify_all();
    }
}
