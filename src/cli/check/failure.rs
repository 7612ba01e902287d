//! Why a server could not be tried, and what to try next.

use std::path::PathBuf;

use crate::conformance::{CannotTest, SavedError, SystemError};
use crate::shown::{shown, shown_path};

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum CheckFailure {
    #[error("no check is called {:?}, and no name of one begins so", shown(name))]
    NoSuchCheck { name: String },
    #[error(transparent)]
    NoSuchCase(CannotTest),
    #[error(transparent)]
    OneAddress(CannotTest),
    #[error(transparent)]
    System(#[from] SystemError),
    #[error("nothing could be decided: all was left out, or too much went on at once")]
    NothingTested,
    #[error("broken off: not all was tried, and nothing was found")]
    BrokenOff,
    #[error("cannot read {} as a transcript or a history: {error}", shown_path(path))]
    Saved { path: PathBuf, error: SavedError },
}

impl CheckFailure {
    /// What to try next, where there is something to say beyond the error.
    pub(in crate::cli) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchCheck { .. } => Some("indexer check --list prints their names"),
            Self::OneAddress(_) => Some("give each of them with an --addr of its own"),
            Self::System(_) => Some("give each address of the system once"),
            Self::NothingTested => Some("try more checks, or fewer --clients"),
            Self::Saved { error: SavedError::Empty, .. } => Some(
                "what check kept without steps is tried again by the last line of its comments",
            ),
            Self::Saved { .. } => Some("spec/README.md describes transcripts"),
            Self::NoSuchCase(_) | Self::BrokenOff => None,
        }
    }

    /// Those that hold some text from outside, wherever they can.
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
