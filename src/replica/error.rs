//! Why a replica does not answer.

use std::time::Duration;

use crate::engine::Unavailable;
use crate::index::LimitError;
use crate::log::LogRefusal;

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The command would break a limit, and has changed nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// No index can apply the command.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log has not said what becomes of the command.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

/// Why a replica has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswered {
    /// It was not appended in time, and will not be. It has no effect.
    #[error("the log did not accept the command within {} ms, so it was withdrawn", .0.as_millis())]
    Withdrawn(Duration),
    /// Nobody knows whether it has been applied, or will be.
    #[error("the log did not say within {} ms what became of the command: it may still take effect", .0.as_millis())]
    Unknown(Duration),
    /// It was a QUERY, and the index did not reach the end of the log in time.
    #[error("the end of the log was not reached within {} ms", .0.as_millis())]
    Behind(Duration),
    /// It was applied, but this replica was too slow: it has only seen a later state.
    #[error("this replica continued from a snapshot: the command may still take effect")]
    Skipped,
    /// The log has been unreachable for this long, so nobody waits for it. The command has no effect.
    #[error("the log has been unreachable for {} ms, so the command was not sent to it", .0.as_millis())]
    Away(Duration),
    /// The log takes no changes now, so it is not given any. The command has no effect.
    #[error("the log takes no changes: {0}")]
    Refused(LogRefusal),
    /// The log has refused an attempt to append it. There will be no other attempt, but an earlier one may
    /// have an effect.
    #[error("the log refused the command: {0}; an earlier attempt may still take effect")]
    Abandoned(LogRefusal),
    /// The replica has stopped. The server's log has the reason.
    #[error("the replica has failed; the server's log says why")]
    Failed,
}
