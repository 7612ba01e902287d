//! What sessions and the server ask of a replica.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "metrics")]
use super::Reads;
use super::{Answer, Replication, Submission, Unanswered};
use crate::bug::{Bug, planted};
use crate::command::CommandRef;
use crate::engine::{Engine, UNKNOWN, Unavailable};
use crate::index::PackageIndex;
use crate::log::{LogError, Place};
use crate::wire;

impl Engine {
    /// How far the index has come in the log; `None` without one. O(1).
    pub fn applied(&self) -> Option<Place> {
        self.replication.as_ref().map(Replication::applied)
    }

    /// Has messages of one client, at most [`MAX_ENTRY_BYTES`](crate::log::MAX_ENTRY_BYTES), applied in
    /// their order at one place of the log, and waits for what comes of each.
    pub(crate) fn submit(&self, messages: Vec<u8>) -> Result<Vec<Answer>, Unanswered> {
        let submission = self.hand_in(messages)?;
        self.wait_for_answers(&submission)
    }

    /// Hands in messages of one client, at most [`MAX_ENTRY_BYTES`](crate::log::MAX_ENTRY_BYTES).
    pub(crate) fn hand_in(&self, messages: Vec<u8>) -> Result<Arc<Submission>, Unanswered> {
        let replication = self.replication.as_ref().ok_or(Unanswered::Failed)?;
        if planted(Bug::ChangesComeEarly) {
            let commands = messages.split_inclusive(|byte| *byte == b'\n').flat_map(wire::parse);
            let early =
                |index: &mut PackageIndex| commands.map(|c| index.apply(c)).all(|a| a.is_ok());
            let _nobody_asks = self.batch_ahead(UNKNOWN, early);
        }
        replication.hand_in(messages)
    }

    /// Waits for what comes of each message that was handed in, as long as there is patience.
    pub(crate) fn wait_for_answers(
        &self,
        submission: &Arc<Submission>,
    ) -> Result<Vec<Answer>, Unanswered> {
        self.replication.as_ref().ok_or(Unanswered::Failed)?.wait(submission)
    }

    /// Waits until the index has all that was answered before this was called, by any replica, unless this
    /// one reads locally.
    pub(crate) fn catch_up(&self) -> Result<(), Unanswered> {
        self.replication.as_ref().map_or(Ok(()), Replication::catch_up)
    }

    /// A command by way of the log.
    pub(in crate::engine) fn apply_in_order(
        &self,
        command: CommandRef<'_>,
    ) -> Result<Answer, Unavailable> {
        if let CommandRef::Query { package } = command {
            self.catch_up()?;
            return Ok(Ok(self.read(|index| index.look_up(package))?));
        }
        let answers = self.submit(format!("{command}\n").into_bytes())?;
        Ok(answers.into_iter().next().ok_or(Unanswered::Failed)?)
    }

    /// Whether a replica has been closed or has failed, so that it has no duties any more. O(1).
    #[cfg(feature = "server")]
    pub(crate) fn is_over(&self) -> bool {
        self.replication.as_ref().is_none_or(Replication::is_over)
    }

    /// Waits for a while, less if the replica is closed meanwhile.
    pub(crate) fn pause(&self, length: Duration) {
        if let Some(replication) = &self.replication {
            replication.pause(length);
        }
    }

    /// Closes a replica, so that whoever waits for its log is answered; `false` if there is none.
    #[cfg(feature = "server")]
    pub(crate) fn let_go(&self) -> bool {
        self.replication.as_ref().inspect(|replication| replication.close()).is_some()
    }

    /// Has a replica fail, because one of its duties panicked.
    #[cfg(feature = "server")]
    pub(crate) fn abandon(&self) {
        if let Some(replication) = &self.replication {
            let problem = "a duty panicked".into();
            replication.fail(LogError::Damaged { what: "this replica".into(), problem });
        }
    }

    /// How long ago the log of a replica did something; `None` without one. While it is there, that is a
    /// few seconds at most.
    pub fn log_unreached(&self) -> Option<Duration> {
        self.replication.as_ref().map(Replication::unreached)
    }

    /// Why a replica has failed; `None` as long as that is not so.
    pub fn log_failure(&self) -> Option<LogError> {
        self.replication.as_ref()?.failure()
    }

    /// Whether its commands are ordered by a log. O(1).
    pub(crate) fn is_replicated(&self) -> bool {
        self.replication.is_some()
    }
}

impl Replication {
    /// Whether all commands are answered, as far as is known.
    #[cfg(feature = "metrics")]
    pub(in crate::engine) fn is_serving(&self) -> Result<(), Unanswered> {
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
