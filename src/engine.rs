//! Floor 4: one [`PackageIndex`] shared by many connections.
//!
//! The engine says in which order batches happen: each takes the index for itself, so that every
//! command has one place in one order and all connections see the same (protocol rules O). Bytes
//! and replies are `session`'s business, threads and sockets `server`'s.

use std::sync::Mutex;

use crate::command::{Command, Outcome};
use crate::index::{LimitError, PackageIndex};
use crate::machine::StateMachine;

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
#[derive(Debug, Default)]
pub struct Engine {
    index: Mutex<PackageIndex>,
}

/// Why the engine has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The command would break a limit; it has changed nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A batch panicked halfway, by a bug of ours: what the index holds can no longer be trusted,
    /// and nobody is given an answer from it.
    #[error("the index was left in an unknown state by a panic; restart the server")]
    Poisoned,
}

impl Engine {
    /// Shares an index.
    #[must_use]
    pub fn new(index: PackageIndex) -> Self {
        Self { index: Mutex::new(index) }
    }

    /// Does some work with the index that no other work comes in between of. Others wait as long
    /// as it takes, so it should be short and do no I/O.
    ///
    /// # Errors
    /// [`EngineError::Poisoned`] once any batch has panicked.
    pub fn batch<R>(&self, work: impl FnOnce(&mut PackageIndex) -> R) -> Result<R, EngineError> {
        let mut index = self.index.lock().map_err(|_poisoned| EngineError::Poisoned)?;
        Ok(work(&mut index))
    }
}

/// A shared engine is a machine too: each command is a batch of its own.
impl StateMachine for &Engine {
    type Command = Command;
    type Reply = Outcome;
    type Error = EngineError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, EngineError> {
        Ok(self.batch(|index| index.apply(command))??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_panic_nobody_is_answered() {
        let engine = Engine::default();
        let panicked = std::thread::scope(|scope| {
            scope.spawn(|| engine.batch(|_| panic!("a bug, on purpose"))).join().is_err()
        });
        assert!(panicked);
        assert_eq!(engine.batch(|index| index.len()), Err(EngineError::Poisoned));
    }

    #[test]
    fn a_shared_engine_is_a_state_machine() {
        let engine = Engine::default();
        let mut machine = &engine;
        assert_eq!(machine.apply(&Command::index("a", []).unwrap()), Ok(Outcome::Ok));
        assert_eq!(machine.apply(&Command::query("b").unwrap()), Ok(Outcome::Fail));
        assert_eq!(engine.batch(|index| index.len()), Ok(1));
    }
}
