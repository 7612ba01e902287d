//! The log in memory, as replicas on a checker's schedules use it.

use std::ops::ControlFlow;
use std::sync::Arc;

use shuttle::thread::yield_now;

use crate::log::memory::Memory;
use crate::log::{Entry, Log, LogError, LogSnapshot, Place, Writer};
use crate::sync::{Condvar, Mutex};

/// The log in memory, with a place to sleep at until something is appended. Elsewhere a replica waits a
/// moment for more, and a schedule has no moments.
#[derive(Clone, Default)]
pub(super) struct Watched {
    pub(super) memory: Memory,
    changes: Arc<(Mutex<u64>, Condvar)>,
}

impl Watched {
    /// How many times something may have changed so far.
    pub(super) fn changes(&self) -> u64 {
        *self.changes.0.lock().unwrap()
    }

    /// Wakes all who wait for more.
    pub(super) fn change(&self) {
        *self.changes.0.lock().unwrap() += 1;
        self.changes.1.notify_all();
    }

    /// Waits until something may have changed since.
    pub(super) fn wait_for_more(&self, seen: u64) {
        let changes = self.changes.0.lock().unwrap();
        drop(self.changes.1.wait_while(changes, |changes| *changes == seen));
    }
}

impl Log for Watched {
    fn append(&self, writer: &Writer, messages: &[u8]) -> Result<Option<Place>, LogError> {
        let appended = self.memory.append(writer, messages);
        // Others may see the change before its author is told.
        self.change();
        yield_now();
        appended
    }

    fn agree(&self, setup: &str) -> Result<(), LogError> {
        self.memory.agree(setup)
    }

    fn register(&self) -> Result<Writer, LogError> {
        self.memory.register()
    }

    fn head(&self) -> Result<Place, LogError> {
        let head = self.memory.head();
        // The answer is old before the one who asked gets it.
        yield_now();
        head
    }

    fn follow(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        self.memory.follow(after, take)
    }

    fn snapshot(&self) -> Result<Option<LogSnapshot>, LogError> {
        self.memory.snapshot()
    }

    fn chunk(&self, snapshot: &LogSnapshot, number: u32) -> Result<Option<Vec<u8>>, LogError> {
        self.memory.chunk(snapshot, number)
    }

    fn begin_snapshot(&self) -> Result<u64, LogError> {
        self.memory.begin_snapshot()
    }

    fn write_chunk(&self, id: u64, number: u32, messages: &[u8]) -> Result<(), LogError> {
        self.memory.write_chunk(id, number, messages)
    }

    fn publish(
        &self,
        snapshot: &LogSnapshot,
        before: Option<&LogSnapshot>,
    ) -> Result<bool, LogError> {
        self.memory.publish(snapshot, before)
    }

    fn forget(&self, snapshot: &LogSnapshot, before: Option<&LogSnapshot>) -> Result<(), LogError> {
        self.memory.forget(snapshot, before)
    }
}
