//! Why a server could not be tested, and what to do next.

use std::path::PathBuf;

use crate::conformance::{CannotTest, SavedError, SystemError};
use crate::shown::{shown, shown_path};

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum CheckFailure {
    #[error("no check has the name {:?}, or a name that begins with it", shown(name))]
    NoSuchCheck { name: String },
    #[error(transparent)]
    NoSuchCase(CannotTest),
    #[error(transparent)]
    OneAddress(CannotTest),
    #[error(transparent)]
    System(#[from] SystemError),
    #[error("nothing could be decided: all checks were left out, or too many commands ran at once")]
    NothingTested,
    #[error("broken off: not all checks ran, and those that ran found nothing")]
    BrokenOff,
    #[error("cannot read {} as a transcript or a history: {error}", shown_path(path))]
    Saved { path: PathBuf, error: SavedError },
}

impl CheckFailure {
    /// A hint at what to do next, where there is more to say than the error does.
    pub(in crate::cli) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchCheck { .. } => Some("indexer check --list prints the names of all checks"),
            Self::OneAddress(_) => Some("give each of them with an --addr of its own"),
            Self::System(_) => Some("give each address of the system once"),
            Self::NothingTested => Some("run more checks, or give fewer --clients"),
            Self::Saved { error: SavedError::Empty, .. } => Some(
                "what check kept without steps is tried again by the last line of its comments",
            ),
            Self::Saved { .. } => Some("spec/README.md describes transcripts"),
            Self::NoSuchCase(_) | Self::BrokenOff => None,
        }
    }

    /// Failures that hold some text from outside, if they can hold any.
    #[cfg(test)]
    pub(in crate::cli) fn with(text: &str) -> Vec<Self> {
        let name = || text.to_owned();
        let saved = format!("{text}\n").parse::<crate::conformance::Saved>();
        let mut all = vec![
            Self::NoSuchCheck { name: name() },
            Self::OneAddress(CannotTest::OneAddress { name: name() }),
            Self::NoSuchCase(CannotTest::NoSuchCase { name: name(), case: 1, cases: 1 }),
            Self::System(SystemError::GivenTwice { name: name() }),
        ];
        all.extend(saved.err().map(|error| Self::Saved { path: text.into(), error }));
        all
    }
}
