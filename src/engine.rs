//! Floor 4: one [`PackageIndex`] shared by many connections.
//!
//! The engine says in which order batches happen: each takes the index for itself, so that every
//! command has one place in one order and all connections see the same (protocol rules O). Batches
//! that only ask may have it side by side: whichever of them is said to be first, the answers are the
//! same. Bytes and replies are `session`'s business, threads and sockets `server`'s.
//!
//! Of the ways to share an index that `benches/locks.rs` compares, this is the fastest for those who
//! only ask, and level for two threads that also write: a readers-writer lock that spins and yields
//! before it sleeps, with turns for whoever waits long. A mutex makes those wait who only ask, std's
//! readers-writer lock sleeps at once, and a thread that owns the index has to be woken for each batch.

use std::fmt;
use std::sync::TryLockError;

use crate::bug::{Bug, planted};
use crate::command::{Command, CommandRef, Outcome};
use crate::index::{LimitError, PackageIndex};
use crate::machine::StateMachine;
use crate::sync::{Gate, RwLock};

/// How many batches of others that may change the index come at most before that of whoever has waited
/// longest, with the feature `server`, for whose threads that matters.
pub const MAX_BATCHES_AHEAD: u32 = crate::sync::IN_A_ROW;

/// A [`PackageIndex`] behind a lock. Share it with an `Arc`.
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
    /// Passed by every batch before it takes the index, so that nobody starves.
    gate: Gate,
    index: RwLock<PackageIndex>,
}

/// A batch panicked halfway, by a bug of ours: what the index holds can no longer be trusted, and
/// nobody is given an answer from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the index was left in an unknown state by a panic; restart the server")]
#[non_exhaustive]
pub struct Poisoned;

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The command would break a limit; it has changed nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// An earlier batch panicked; nothing can be answered any more.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
}

impl Engine {
    /// Shares an index.
    #[must_use]
    pub fn new(index: PackageIndex) -> Self {
        Self { gate: Gate::default(), index: RwLock::new(index) }
    }

    /// Does some work with the index that no other work comes in between of. Others wait as long
    /// as it takes, so it should be short and do no I/O; with the feature `server`, whoever has
    /// waited longest gets the index after [`MAX_BATCHES_AHEAD`] at most.
    ///
    /// The lock is not re-entrant: whatever uses the same engine from within `work`, be it to batch, to
    /// [`read`](Self::read) or to [`apply`](Self::apply), waits for itself, for ever.
    ///
    /// # Errors
    /// [`Poisoned`] once any batch has panicked.
    pub fn batch<R>(&self, work: impl FnOnce(&mut PackageIndex) -> R) -> Result<R, Poisoned> {
        // Dropped last, when the index is free.
        let _passed = self.gate.pass();
        let mut index = self.index.write().map_err(|_poisoned| Poisoned)?;
        if planted(Bug::BatchesOverlap) {
            let mut copy = index.clone();
            drop(index);
            let result = work(&mut copy);
            *self.index.write().map_err(|_poisoned| Poisoned)? = copy;
            return Ok(result);
        }
        Ok(work(&mut index))
    }

    /// Looks at the index, which nothing changes meanwhile: as [`batch`](Self::batch), but side by
    /// side with others who only look. Not re-entrant either: a read within a read waits for ever as
    /// soon as a batch waits between them.
    ///
    /// ```
    /// use package_indexer::engine::Engine;
    ///
    /// let engine = Engine::default();
    /// assert_eq!(engine.read(|index| index.contains("vim"))?, false);
    /// # Ok::<(), package_indexer::engine::Poisoned>(())
    /// ```
    ///
    /// # Errors
    /// [`Poisoned`] once any batch has panicked; a panic of `work` itself does no harm to others.
    pub fn read<R>(&self, work: impl FnOnce(&PackageIndex) -> R) -> Result<R, Poisoned> {
        // Dropped last, when the index is free.
        let _passed = self.gate.pass_to_read();
        let index = self.index.read().map_err(|_poisoned| Poisoned)?;
        Ok(work(&index))
    }

    /// Applies one command, as a batch of its own, at the cost of [`PackageIndex::apply`] and of
    /// waiting for the batches of others.
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
    /// [`EngineError::Limit`] when the command would break a limit, which leaves the index as it
    /// was; [`EngineError::Poisoned`] once any batch has panicked.
    pub fn apply<'a>(&self, command: impl Into<CommandRef<'a>>) -> Result<Outcome, EngineError> {
        let command = command.into();
        match command {
            CommandRef::Query { package } => Ok(self.read(|index| index.look_up(package))?),
            _ => Ok(self.batch(|index| index.apply(command))??),
        }
    }
}

/// Says how much is indexed and not what: a log line must not hold the whole index. Never waits.
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

/// A shared engine is a machine too: each command is a batch of its own.
impl StateMachine for &Engine {
    type Command = Command;
    type Reply = Outcome;
    type Error = EngineError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, EngineError> {
        Engine::apply(self, command)
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Limits;

    fn command(line: &str) -> Command {
        crate::wire::parse(format!("{line}\n").as_bytes()).unwrap().to_command()
    }

    /// Does some work on a thread of its own, and says whether it panicked.
    fn panics<R: Send>(work: impl FnOnce() -> R + Send) -> bool {
        std::thread::scope(|scope| scope.spawn(work).join().is_err())
    }

    #[test]
    fn after_a_panic_nobody_is_answered() {
        let engine = Engine::default();
        assert!(panics(|| engine.batch(|_| panic!("a bug, on purpose"))));
        assert_eq!(engine.batch(|index| index.len()), Err(Poisoned));
        assert_eq!(engine.read(PackageIndex::len), Err(Poisoned));
        let refused = engine.apply(&command("QUERY|a|"));
        assert_eq!(refused, Err(EngineError::Poisoned(Poisoned)));
        assert_eq!(format!("{engine:?}"), r#"Engine { state: "poisoned", .. }"#);
    }

    #[test]
    fn a_shared_engine_is_a_state_machine() {
        fn ask(mut machine: impl StateMachine<Command = Command, Reply = Outcome>) -> Outcome {
            machine.apply(&command("INDEX|a|")).ok().unwrap()
        }
        let engine = Engine::default();
        assert_eq!(ask(&engine), Outcome::Ok);
        assert_eq!(engine.apply(&command("QUERY|b|")), Ok(Outcome::Fail));
        assert_eq!(engine.batch(|index| index.len()), Ok(1));
    }

    #[test]
    fn a_reader_that_panics_harms_nobody() {
        let engine = Engine::default();
        assert!(panics(|| engine.read(|_| panic!("a bug, on purpose"))));
        assert_eq!(engine.apply(&command("INDEX|a|")), Ok(Outcome::Ok));
    }

    #[test]
    fn readers_do_not_wait_for_readers() {
        let engine = Engine::default();
        let both = std::sync::Barrier::new(2);
        // Each waits, inside, for the other to be inside too.
        let look = || engine.read(|index| (both.wait(), index.len()).1);
        let lengths = std::thread::scope(|scope| {
            let other = scope.spawn(look);
            [look(), other.join().unwrap()]
        });
        assert_eq!(lengths, [Ok(0), Ok(0)]);
    }

    #[test]
    fn a_command_past_a_limit_is_refused_and_changes_nothing() {
        let limits = Limits { max_packages: 1, ..Limits::default() };
        let engine = Engine::new(PackageIndex::with_limits(limits));
        engine.apply(&command("INDEX|a|")).unwrap();
        let refused = engine.apply(&command("INDEX|b|"));
        assert_eq!(refused, Err(EngineError::Limit(LimitError::Packages { limit: 1 })));
        assert_eq!(engine.apply(&command("QUERY|b|")), Ok(Outcome::Fail));
    }

    #[test]
    fn debug_counts_the_packages_and_names_none_and_never_waits() {
        let engine = Engine::default();
        engine.apply(&command("INDEX|vim|")).unwrap();
        assert_eq!(format!("{engine:?}"), "Engine { packages: 1, .. }");
        let busy = engine.batch(|_| format!("{engine:?}"));
        assert_eq!(busy.unwrap(), r#"Engine { state: "busy", .. }"#);
    }
}
