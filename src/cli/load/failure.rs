//! Why a load could not be sent or measured, and what to try next.

use std::io;
use std::path::PathBuf;

use crate::shown::{shown, shown_path};

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LoadFailure {
    #[error("cannot start a thread for each of {connections} connections: {error}")]
    Threads { connections: u32, error: io::Error },
    #[error("{} sent more replies than it was sent messages", shown(address))]
    Surplus { address: String },
    #[error("cannot keep latencies: {0}")]
    Latencies(hdrhistogram::CreationError),
    #[error("cannot draw {}: {}", shown_path(path), shown(problem))]
    Draw { path: PathBuf, problem: String },
}

impl LoadFailure {
    /// What to try next, where there is something to say beyond the error.
    pub(in crate::cli) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Threads { .. } => Some("try fewer with --connections"),
            Self::Surplus { .. } | Self::Latencies(_) | Self::Draw { .. } => None,
        }
    }

    /// Those that hold some text from outside, wherever they can.
    #[cfg(test)]
    pub(in crate::cli) fn with(text: &str) -> Vec<Self> {
        let problem = text.to_owned();
        vec![Self::Surplus { address: text.into() }, Self::Draw { path: text.into(), problem }]
    }
}
