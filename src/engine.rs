//! Floor 4: one [`PackageIndex`] shared by many connections.
//!
//! The engine decides in which order batches happen. Each batch has the index for itself, so every command
//! has one place in one order, and all connections see the same (protocol rules O). Batches that only ask may
//! share the index: in any order their answers are the same. Bytes and replies are the business of `session`,
//! threads and sockets that of `server`.
//!
//! With a store, nobody is told what a crash could take back. A batch returns when what it changed, and what
//! it saw, is durable. All batches that wait at the same time share the cost of that.
//!
//! Turns are fair by work: see [`MAX_NAMES_AHEAD`]. `benches/locks.rs` compares this with other ways to share
//! an index.

mod copies;
mod durability;
#[cfg(feature = "server")]
mod gate;
#[cfg(feature = "metrics")]
mod health;
// Here the checker tries every order after the gate. The gate's own schedules are tried separately.
#[cfg(any(not(feature = "server"), all(test, shuttle)))]
mod open_gate;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::TryLockError;

use crate::command::{CommandRef, Outcome};
use crate::index::{Change, LimitError, PackageIndex};
use crate::store::{Store, StoreError};
use crate::sync::RwLock;

pub(crate) use durability::Version;
use durability::{Durability, Turn};
#[cfg(all(feature = "server", not(all(test, shuttle))))]
use gate::Gate;
#[cfg(any(not(feature = "server"), all(test, shuttle)))]
use open_gate::Gate;

/// How many names of other batches may go out of turn before the next waiter has its turn. A batch counts as
/// 64 names at least. It has an effect only with the feature `server`, whose threads need it.
///
/// Turns are fair by work. Batches wait in queues by their size, one queue for each power of two of names.
/// In each round every queue may apply as many names as this constant says, or saves them for a longer
/// batch. So a short batch waits for one round at most, and long lists delay other long lists first.
pub const MAX_NAMES_AHEAD: usize = 4_096;

/// The work of a batch that does not say how many names it has: that of a light one.
pub(crate) const UNKNOWN: usize = 1;

/// A [`PackageIndex`] under a lock. Share it with an `Arc`.
///
/// ```
/// use package_indexer::{Command, Outcome, PackageIndex, engine::Engine};
///
/// let engine = Engine::new(PackageIndex::new());
/// let commands = [Command::index("a", [])?, Command::index("b", ["a"])?];
/// let outcomes = engine.batch(|index| commands.each_ref().map(|command| index.apply(command)))?;
/// assert_eq!(outcomes, [Ok(Outcome::Ok), Ok(Outcome::Ok)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Engine {
    /// Every batch passes it before it takes the index, so that no batch starves.
    gate: Gate,
    index: RwLock<PackageIndex>,
    keeping: Keeping,
    /// How much the index holds, for readers without the lock.
    #[cfg(feature = "metrics")]
    held: health::Held,
}

/// Where changes are kept.
#[derive(Default)]
enum Keeping {
    /// In memory, as long as the engine lives.
    #[default]
    Memory,
    /// In a store, before anybody is told of them.
    Store(Box<Durability>),
}

/// A batch panicked halfway, by a bug of ours. What the index holds can no longer be trusted, so nobody gets
/// an answer from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the index was left in an unknown state by a panic; restart the server")]
#[non_exhaustive]
pub struct Poisoned;

/// The store has failed, now or earlier. What this batch changed or saw is not durable and was taken back. Or
/// the batch was not begun, because it might have changed something. QUERYs of what was durable before still
/// work. [`Engine::store_failure`] has the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be changed: the store has failed; the server's log says why")]
#[non_exhaustive]
pub struct NotDurable;

/// Why a batch has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// An earlier batch panicked. Nothing can be answered any more.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// Its changes are not durable, and were taken back.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The command would break a limit, and has changed nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// No index can apply the command, or nothing can keep what it changed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Engine {
    /// Shares an index, in memory alone.
    #[must_use]
    pub fn new(index: PackageIndex) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            held: health::Held::of(&index),
            index: RwLock::new(index),
            ..Self::default()
        }
    }

    /// Shares an index that was [loaded](crate::store::load) from a store, and keeps it there.
    #[must_use]
    pub fn durable(mut index: PackageIndex, store: Box<dyn Store>) -> Self {
        index.record_changes();
        Self { keeping: Keeping::Store(Box::new(Durability::new(store))), ..Self::new(index) }
    }

    /// Runs some work on the index as one batch: no other work comes in between. Others wait as long as it
    /// takes, so it should be short and do no I/O. With the feature `server`, waiters have turns: see
    /// [`MAX_NAMES_AHEAD`]. This batch counts as a light one; [`apply`](Self::apply) counts the names of its
    /// command.
    ///
    /// The lock is not re-entrant. If `work` calls `batch`, [`read`](Self::read) or [`apply`](Self::apply) of
    /// the same engine, it waits for itself, for ever.
    ///
    /// With a store, it returns when all that was changed or seen is durable.
    ///
    /// # Errors
    /// [`Unavailable::Poisoned`] once any batch has panicked. [`Unavailable::NotDurable`] when the store
    /// fails, and ever after.
    pub fn batch<R>(&self, work: impl FnOnce(&mut PackageIndex) -> R) -> Result<R, Unavailable> {
        self.batch_of(UNKNOWN, work)
    }

    /// Like [`batch`](Self::batch), for a batch of so many names.
    fn batch_of<R>(
        &self,
        names: usize,
        work: impl FnOnce(&mut PackageIndex) -> R,
    ) -> Result<R, Unavailable> {
        let (result, version) = self.batch_ahead(names, work)?;
        self.wait(version)?;
        Ok(result)
    }

    /// Like `batch_of`, but does not wait. It returns the version at which what was seen is durable.
    pub(crate) fn batch_ahead<R>(
        &self,
        names: usize,
        work: impl FnOnce(&mut PackageIndex) -> R,
    ) -> Result<(R, Version), Unavailable> {
        // Dropped last, when the index is free.
        let (_passed, mut index) = loop {
            let passed = self.gate.pass(names);
            let index = self.index.write().map_err(|_poisoned| Poisoned)?;
            match self.durability().and_then(Durability::before_more) {
                None => break (passed, index),
                Some(version) => {
                    drop((index, passed));
                    self.wait(version)?;
                }
            }
        };
        if self.store_failure().is_some() {
            return Err(NotDurable.into());
        }
        let result = work(&mut index);
        #[cfg(feature = "metrics")]
        self.held.note(&index);
        let push = |durability: &Durability| durability.push(index.take_changes());
        let version = self.durability().map_or(Version::default(), push);
        Ok((result, version))
    }

    /// Looks at the index, which nothing changes meanwhile. It is like [`batch`](Self::batch), but shares the
    /// index with others who only look. It is not re-entrant either: a read within a read waits for ever as
    /// soon as a batch waits between them.
    ///
    /// ```
    /// use package_indexer::engine::Engine;
    ///
    /// let engine = Engine::default();
    /// assert_eq!(engine.read(|index| index.contains("vim"))?, false);
    /// # Ok::<(), package_indexer::engine::Unavailable>(())
    /// ```
    ///
    /// # Errors
    /// [`Unavailable::Poisoned`] once any batch has panicked; a panic of `work` itself does no harm to
    /// others. [`Unavailable::NotDurable`] if what was seen is taken back.
    pub fn read<R>(&self, work: impl FnOnce(&PackageIndex) -> R) -> Result<R, Unavailable> {
        let (result, version) = self.read_ahead(UNKNOWN, work)?;
        self.wait(version)?;
        Ok(result)
    }

    /// Like [`read`](Self::read) for a batch of so many names, but does not wait. It returns the version at
    /// which what was seen is durable.
    pub(crate) fn read_ahead<R>(
        &self,
        names: usize,
        work: impl FnOnce(&PackageIndex) -> R,
    ) -> Result<(R, Version), Poisoned> {
        // Dropped last, when the index is free.
        let _passed = self.gate.pass_to_read(names);
        let index = self.index.read().map_err(|_poisoned| Poisoned)?;
        let version = self.durability().map_or(Version::default(), Durability::seen);
        Ok((work(&index), version))
    }

    /// Waits until a version is durable, and commits it if nobody else does.
    pub(crate) fn wait(&self, version: Version) -> Result<(), NotDurable> {
        // In memory, all is settled when it is applied.
        let Keeping::Store(durability) = &self.keeping else { return Ok(()) };
        loop {
            match durability.turn(version) {
                Turn::Durable => return Ok(()),
                Turn::Failed => return Err(NotDurable),
                Turn::Commit(changes, upto) => {
                    // Those who wait for this commit must be told how it ended, also after a panic.
                    let commit = AssertUnwindSafe(|| durability.commit(&changes));
                    match catch_unwind(commit).unwrap_or(Err(StoreError::Panicked)) {
                        Ok(()) => durability.done(upto),
                        Err(error) => self.take_back(durability, changes, error),
                    }
                }
            }
        }
    }

    /// Undoes all that is not durable, and allows no more changes.
    fn take_back(&self, durability: &Durability, changes: Vec<Change>, error: StoreError) {
        let _passed = self.gate.pass(UNKNOWN);
        match self.index.write() {
            Ok(mut index) => {
                let waiting = durability.fail(error);
                index.undo(changes.into_iter().chain(waiting));
                #[cfg(feature = "metrics")]
                self.held.note(&index);
            }
            // After a panic the index may hold anything: nobody gets an answer from it.
            Err(_poisoned) => drop(durability.fail(error)),
        }
    }

    fn durability(&self) -> Option<&Durability> {
        match &self.keeping {
            Keeping::Memory => None,
            Keeping::Store(durability) => Some(durability),
        }
    }

    /// Whether there is a store, so that changes that were applied can be taken back. O(1).
    pub(crate) fn is_durable(&self) -> bool {
        self.durability().is_some()
    }

    /// Why nothing can be changed any more, or `None` while it can. O(1).
    pub fn store_failure(&self) -> Option<&StoreError> {
        self.durability()?.failure()
    }

    /// Closes the store, if there is one. What is durable stays so, and the next start is quick. From here
    /// on, batches that change something are [`Unavailable::NotDurable`].
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be closed in good order. What is durable stays so.
    pub fn close(&self) -> Result<(), StoreError> {
        self.durability().map_or(Ok(()), Durability::close)
    }

    /// Applies one command, as a batch of its own. It costs as much as [`PackageIndex::apply`], and the wait
    /// for other batches.
    ///
    /// ```
    /// use package_indexer::{Command, Outcome, engine::Engine, wire};
    ///
    /// let engine = Engine::default();
    /// assert_eq!(engine.apply(&Command::index("vim", [])?)?, Outcome::Ok);
    /// assert_eq!(engine.apply(wire::parse(b"QUERY|vim|\n")?)?, Outcome::Ok);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError::Limit`] when the command would break a limit, which leaves the index as it was.
    /// [`EngineError::Unavailable`] as [`batch`](Self::batch).
    pub fn apply<'a>(&self, command: impl Into<CommandRef<'a>>) -> Result<Outcome, EngineError> {
        let command = command.into();
        match command {
            CommandRef::Query { package } => Ok(self.read(|index| index.look_up(package))?),
            _ => Ok(self.batch_of(command.name_count(), |index| index.apply(command))??),
        }
    }
}

/// Shows how much is indexed and not what, because a log line must not hold the whole index. Never waits.
impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut engine = f.debug_struct("Engine");
        match self.index.try_read() {
            Ok(index) => engine.field("packages", &index.len()),
            Err(TryLockError::WouldBlock) => engine.field("state", &"busy"),
            Err(TryLockError::Poisoned(_)) => engine.field("state", &"poisoned"),
        };
        engine.finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;

#[cfg(test)]
mod shelf;

#[cfg(test)]
mod tests;
