//! How an engine makes changes durable, many batches at a time, and who waits for that.
//!
//! Batches are applied one after the other, each with its changes a *version* of the index. Anyone who
//! has to know that a version is durable and finds nobody at it commits everything that has changed by
//! then; those who come meanwhile wait, and one of them commits next (group commit). It is the durable
//! half of `spec/Server.tla`: `applied` is `Len(versions)` there, `durable` is `durable`.

use std::sync::atomic::Ordering;
use std::sync::{OnceLock, PoisonError};

use crate::bug::{Bug, planted};
use crate::index::Change;
use crate::store::{Snapshot, Store, StoreError};
use crate::sync::{AtomicU64, Condvar, Mutex, MutexGuard};

/// How many batches with changes an index has come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Version(u64);

/// Changes may pile up for a commit until they hold so many names; anyone who brings more waits before.
pub(super) const MAX_NAMES_WAITING: usize = 262_144;

pub(super) struct Durability {
    store: Mutex<Option<Box<dyn Store>>>,
    progress: Mutex<Progress>,
    /// Where those wait whom the commit that is being made concerns, and those who wait for the next.
    moved: [Condvar; 2],
    /// The version of the index; written by the one who has it alone.
    applied: AtomicU64,
    /// The latest durable version; what `progress` has, to be read without a lock.
    durable: AtomicU64,
    /// Why nothing can be made durable any more.
    failure: OnceLock<StoreError>,
}

#[derive(Default)]
struct Progress {
    durable: Version,
    /// What has changed since the commit that was begun last, and the version that it leads to.
    waiting: Vec<Change>,
    /// How many names are in `waiting`.
    names: usize,
    upto: Version,
    /// The version that the commit leads to that is being made, if one is.
    committing: Option<Version>,
    /// At which of `moved` those wait whom it concerns.
    concerned: usize,
}

/// What to do about a version that is not durable.
pub(super) enum Turn {
    /// It is.
    Durable,
    /// It will never be.
    Failed,
    /// To commit these, which lead to this version, and to tell that by [`Durability::done`].
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

    /// The version that the index is at, for who only looks. To be asked with the index in hand.
    pub(super) fn seen(&self) -> Version {
        Version(self.applied.load(Ordering::Acquire))
    }

    /// Takes over what a batch changed, with the index still in hand, so that versions come in order.
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

    /// Waits until a version is durable, or can no longer be, or anyone who asks is the one to see to it.
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

    /// Which version has to be durable before more may be changed, if too much is waiting. To be asked
    /// with the index in hand, so that nobody comes between.
    pub(super) fn before_more(&self) -> Option<Version> {
        let progress = self.lock();
        (progress.names >= MAX_NAMES_WAITING).then_some(progress.upto)
    }

    /// Makes changes durable. What others have to wait for, so without any other lock.
    pub(super) fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.as_mut().map_or(Err(StoreError::Closed), |store| store.commit(changes))
    }

    /// What the store keeps between two commits.
    pub(super) fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.as_ref().map_or(Err(StoreError::Closed), |store| store.snapshot())
    }

    /// A version has become durable.
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
        // First who commits next, while the others reply. The rest of those sleep on.
        self.moved[1 - concerned].notify_one();
        self.moved[concerned].notify_all();
    }

    /// Nothing can be made durable any more. With the index in hand; returns what has changed since
    /// the commit that failed, which is to be taken back.
    pub(super) fn fail(&self, error: StoreError) -> Vec<Change> {
        let mut progress = self.lock();
        let mut waiting = std::mem::take(&mut progress.waiting);
        if planted(Bug::LaterChangesStay) {
            waiting.clear();
        }
        let _first_failure = self.failure.set(error);
        progress.committing = None;
        // What is left of the index is what is durable: anyone who looks from here on need not wait.
        self.applied.store(progress.durable.0, Ordering::Release);
        drop(progress);
        self.moved.iter().for_each(Condvar::notify_all);
        waiting
    }

    /// Closes the store; what changes afterwards cannot be made durable.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).take();
        store.map_or(Ok(()), Store::close)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Nothing that is done with it in hand can panic.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;
