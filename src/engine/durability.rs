//! How an engine makes changes durable, many batches at a time, and who waits for that.
//!
//! Batches are applied one after the other. Each with its changes makes a *version* of the index. A thread
//! that needs a version to be durable looks whether another commits. If not, it commits all that has changed
//! by then. Threads that come meanwhile wait, and one of them commits next (group commit). This is the
//! durable half of `spec/Server.tla`: `applied` is `Len(versions)` there, and `durable` is `durable`.

use std::sync::atomic::Ordering;
use std::sync::{OnceLock, PoisonError};

use crate::bug::{Bug, planted};
use crate::index::Change;
use crate::store::{Snapshot, Store, StoreError};
use crate::sync::{AtomicU64, Condvar, Mutex, MutexGuard};

/// A version of the index: how many batches with changes it has come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Version(u64);

/// How many names changes may hold that wait for a commit. A thread that would bring more waits first.
pub(super) const MAX_NAMES_WAITING: usize = 262_144;

pub(super) struct Durability {
    store: Mutex<Option<Box<dyn Store>>>,
    progress: Mutex<Progress>,
    /// Two places to wait: one for those whom the commit under way concerns, one for the next.
    moved: [Condvar; 2],
    /// The version of the index, written by the thread that has the index alone.
    applied: AtomicU64,
    /// The latest durable version. It copies what `progress` has, for readers without the lock.
    durable: AtomicU64,
    /// Why nothing can be made durable any more.
    failure: OnceLock<StoreError>,
}

#[derive(Default)]
struct Progress {
    durable: Version,
    /// What has changed since the last commit began. It leads to version `upto`.
    waiting: Vec<Change>,
    /// How many names are in `waiting`.
    names: usize,
    upto: Version,
    /// The version to which the commit under way leads, if there is one.
    committing: Option<Version>,
    /// Where in `moved` those wait whom this commit concerns.
    concerned: usize,
}

/// What a thread has to do about a version that is not durable.
pub(super) enum Turn {
    /// Nothing: it is durable.
    Durable,
    /// Nothing: it will never be durable.
    Failed,
    /// Commit these changes, which lead to this version, and report that by [`Durability::done`].
    Commit(Vec<Change>, Version),
}

impl Durability {
    pub(super) fn new(store: Box<dyn Store>) -> Self {
        Self {
            store: Mutex::new(Some(store)),
            progress: Mutex::default(),
            moved: [Condvar::new(), Condvar::new()],
            applied: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            failure: OnceLock::new(),
        }
    }

    /// The version that the index is at, for a thread that only looks. Call it with the index in hand.
    pub(super) fn seen(&self) -> Version {
        Version(self.applied.load(Ordering::Acquire))
    }

    /// Takes over the changes of a batch. The index is still in hand, so versions come in order.
    pub(super) fn push(&self, mut changes: Vec<Change>) -> Version {
        if changes.is_empty() {
            return self.seen();
        }
        let mut progress = self.lock();
        let version = Version(self.applied.load(Ordering::Acquire) + 1);
        progress.names += changes.iter().map(Change::name_count).sum::<usize>();
        progress.waiting.append(&mut changes);
        progress.upto = version;
        self.applied.store(version.0, Ordering::Release);
        version
    }

    /// Why nothing can be made durable any more.
    pub(super) fn failure(&self) -> Option<&StoreError> {
        self.failure.get()
    }

    /// Waits until a version is durable, can no longer be, or is for the caller to commit.
    pub(super) fn turn(&self, version: Version) -> Turn {
        if self.durable.load(Ordering::Acquire) >= version.0 {
            return Turn::Durable;
        }
        let mut progress = self.lock();
        loop {
            if progress.durable >= version {
                return Turn::Durable;
            }
            if self.failure.get().is_some() {
                return Turn::Failed;
            }
            let place = match progress.committing {
                None => {
                    let upto = progress.upto;
                    progress.committing = Some(upto);
                    progress.concerned = 1 - progress.concerned;
                    progress.names = 0;
                    return Turn::Commit(std::mem::take(&mut progress.waiting), upto);
                }
                Some(upto) if version <= upto => progress.concerned,
                Some(_) => 1 - progress.concerned,
            };
            progress = self.moved[place].wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The version that has to be durable before more may be changed, if too much is waiting. Call it with
    /// the index in hand, so that nobody comes between.
    pub(super) fn before_more(&self) -> Option<Version> {
        let progress = self.lock();
        (progress.names >= MAX_NAMES_WAITING).then_some(progress.upto)
    }

    /// Makes changes durable. Others wait for that, so it takes no other lock.
    pub(super) fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.as_mut().map_or(Err(StoreError::Closed), |store| store.commit(changes))
    }

    /// What the store keeps between two commits.
    pub(super) fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.as_ref().map_or(Err(StoreError::Closed), |store| store.snapshot())
    }

    /// Notes that a version has become durable.
    pub(super) fn done(&self, version: Version) {
        let mut progress = self.lock();
        progress.durable = version;
        progress.committing = None;
        let concerned = progress.concerned;
        self.durable.store(version.0, Ordering::Release);
        drop(progress);
        if planted(Bug::CommitsWakeNobody) {
            return;
        }
        // First wake a thread that commits next, while the others reply. The rest of them sleep on.
        self.moved[1 - concerned].notify_one();
        self.moved[concerned].notify_all();
    }

    /// Notes that nothing can be made durable any more. Call it with the index in hand. Returns what has
    /// changed since the commit that failed, which the caller has to take back.
    pub(super) fn fail(&self, error: StoreError) -> Vec<Change> {
        let mut progress = self.lock();
        let mut waiting = std::mem::take(&mut progress.waiting);
        if planted(Bug::LaterChangesStay) {
            waiting.clear();
        }
        let _first_failure = self.failure.set(error);
        progress.committing = None;
        // The index is left with what is durable, so a thread that looks from here on need not wait.
        self.applied.store(progress.durable.0, Ordering::Release);
        drop(progress);
        self.moved.iter().for_each(Condvar::notify_all);
        waiting
    }

    /// Closes the store. Later changes cannot be made durable.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).take();
        store.map_or(Ok(()), Store::close)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Nothing that is done under this lock can panic.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;
