//! What sessions and the server ask of a replica.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "metrics")]
use super::Reads;
use super::{Answer, Replica, ReplicaError, Share, Submission, Unanswered};
use crate::command::{CommandRef, Outcome};
use crate::engine::{Engine, Unavailable};
use crate::index::{Digest, FrozenIndex, PackageIndex};
use crate::log::{LogError, LogRefusal, Place};

impl Replica {
    /// The engine, with all that has been applied so far.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Looks at what has been applied so far, like [`Engine::read`].
    ///
    /// # Errors
    /// [`Unavailable::Poisoned`] once applying has panicked.
    pub fn read<R>(&self, work: impl FnOnce(&PackageIndex) -> R) -> Result<R, Unavailable> {
        self.engine.read(work)
    }

    /// How far the index has come in the log. O(1).
    #[must_use]
    pub fn applied(&self) -> Place {
        self.share.applied()
    }

    /// Applies one command at its place in the log. A QUERY sees all that any replica answered before, unless
    /// this one reads locally.
    ///
    /// # Errors
    /// [`ReplicaError::Limit`] when the command would break a limit, which leaves the index as it was.
    /// [`ReplicaError::Unanswered`] when the log does not say what becomes of the command.
    pub fn apply<'a>(&self, command: impl Into<CommandRef<'a>>) -> Result<Outcome, ReplicaError> {
        let command = command.into();
        if let CommandRef::Query { package } = command {
            self.catch_up()?;
            return Ok(self.engine.read(|index| index.look_up(package))?);
        }
        let answers = self.submit(format!("{command}\n").into_bytes())?;
        Ok(answers.into_iter().next().ok_or(Unanswered::Failed)??)
    }

    /// What the index holds at this moment, and its place in the log.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub fn freeze(&self) -> Result<(FrozenIndex, Place), Unavailable> {
        self.engine.freeze_with(|| self.applied())
    }

    /// The place in the log, the number of packages and their digest, all at one moment.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub fn digest(&self) -> Result<(Place, usize, Digest), Unavailable> {
        let (frozen, place) = self.freeze()?;
        Ok((place, frozen.len(), frozen.digest()))
    }

    /// Applies messages of one client, at most [`MAX_ENTRY_BYTES`](crate::log::MAX_ENTRY_BYTES), in their
    /// order and at one place of the log. Waits for the answer to each.
    pub(crate) fn submit(&self, messages: Vec<u8>) -> Result<Vec<Answer>, Unanswered> {
        let submission = self.hand_in(messages)?;
        self.wait_for_answers(&submission)
    }

    /// Hands in messages of one client, at most [`MAX_ENTRY_BYTES`](crate::log::MAX_ENTRY_BYTES).
    pub(crate) fn hand_in(&self, messages: Vec<u8>) -> Result<Arc<Submission>, Unanswered> {
        self.share.hand_in(messages)
    }

    /// Waits for the answer to each message of a submission, as long as the replica has patience.
    pub(crate) fn wait_for_answers(
        &self,
        submission: &Arc<Submission>,
    ) -> Result<Vec<Answer>, Unanswered> {
        self.share.wait(submission)
    }

    /// Waits until the index has all that any replica answered before this call, unless this one reads
    /// locally.
    pub(crate) fn catch_up(&self) -> Result<(), Unanswered> {
        self.share.catch_up()
    }

    /// Whether the replica has been closed or has failed, so that it has no duties any more. O(1).
    #[cfg(feature = "server")]
    pub(crate) fn is_over(&self) -> bool {
        self.share.is_over()
    }

    /// Waits for a while, or until the replica is closed.
    pub(crate) fn pause(&self, length: Duration) {
        self.share.pause(length);
    }

    /// Ends the duties. Clients that wait for the log get [`Unanswered::Failed`], and so do all that come
    /// later.
    pub fn close(&self) {
        self.share.close();
    }

    /// Makes the replica fail, because one of its duties panicked.
    #[cfg(feature = "server")]
    pub(crate) fn abandon(&self) {
        let problem = "a duty panicked".into();
        self.share.fail(LogError::Damaged { what: "this replica".into(), problem });
    }

    /// How long ago the log last did something. While it is reachable, that is a few seconds at most.
    #[must_use]
    pub fn log_unreached(&self) -> Duration {
        self.share.unreached()
    }

    /// Why the replica has failed, or `None` while it has not.
    #[must_use]
    pub fn log_failure(&self) -> Option<LogError> {
        self.share.failure()
    }

    /// Why the log takes no changes, or `None` while it does, as far as is known.
    #[must_use]
    pub fn log_refusal(&self) -> Option<LogRefusal> {
        self.share.refusal()
    }

    /// Whether all commands are answered now, as far as is known. Waits for nothing.
    ///
    /// # Errors
    /// The reason why they are not answered.
    #[cfg(feature = "metrics")]
    pub fn health(&self) -> Result<(), ReplicaError> {
        self.share.is_serving()?;
        Ok(self.engine.health()?)
    }
}

/// Shows how far it has come, and not what it holds.
impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut replica = f.debug_struct("Replica");
        replica.field("engine", &self.engine).field("applied", &self.applied());
        replica.finish_non_exhaustive()
    }
}

impl Share {
    /// Whether all commands are answered, as far as is known.
    #[cfg(feature = "metrics")]
    fn is_serving(&self) -> Result<(), Unanswered> {
        if self.is_over() {
            return Err(Unanswered::Failed);
        }
        if let Some(refusal) = self.refusal() {
            return Err(Unanswered::Refused(refusal));
        }
        match self.how.reads {
            Reads::Linearizable => self.expect_there(),
            Reads::Local => Ok(()),
        }
    }
}
