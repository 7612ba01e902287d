//! Why a replica does not answer.

use std::time::Duration;

use crate::engine::Unavailable;
use crate::index::LimitError;
use crate::log::LogRefusal;

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The command would break a limit; it has changed nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// There is no index to apply it to.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log has not said what becomes of it.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

/// Why a replica has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswered {
    /// It was not appended in time, and will not be: it has no effect.
    #[error("the log did not accept the command within {} ms, so it was withdrawn", .0.as_millis())]
    Withdrawn(Duration),
    /// Nobody knows whether it has been, or will be, applied.
    #[error("the log did not say within {} ms what became of the command: it may still take effect", .0.as_millis())]
    Unknown(Duration),
    /// It only asked, and the end of the log could not be reached in time.
    #[error("the end of the log was not reached within {} ms", .0.as_millis())]
    Behind(Duration),
    /// It was applied, but this replica was so far behind that it has only seen what came of it later.
    #[error("this replica continued from a snapshot: the command may still take effect")]
    Skipped,
    /// The log has not been reached for this long, so nobody waits for it: it has no effect.
    #[error("the log has been unreachable for {} ms, so the command was not sent to it", .0.as_millis())]
    Away(Duration),
    /// The log takes no changes now, so none is handed to it: this one has no effect.
    #[error("the log takes no changes: {0}")]
    Refused(LogRefusal),
    /// The log has refused an attempt to append it. There will be no other, but an earlier one may have an
    /// effect.
    #[error("the log refused the command: {0}; an earlier attempt may still take effect")]
    Abandoned(LogRefusal),
    /// The replica has stopped, for a reason that the log of the server tells.
    #[error("the replica has failed; the server's log says why")]
    Failed,
}
