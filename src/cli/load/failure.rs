//! Why a load could not be sent or measured, and what to try next.

use std::io;
use std::path::PathBuf;

use crate::client::ClientError;
use crate::shown::{shown, shown_path};

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LoadFailure {
    #[error("cannot start a thread for each of {connections} connections: {error}")]
    Threads { connections: u32, error: io::Error },
    #[error("{}: {error}", shown(address))]
    Connection { address: String, error: ClientError, pipeline: u32 },
    #[error(
        "interrupted after {seconds:.1} s of {planned}: what is printed was measured until then"
    )]
    Interrupted { seconds: f64, planned: f64 },
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
            Self::Connection { error: ClientError::NotAReply { .. }, pipeline: 1, .. } => {
                Some("is it a server of this protocol that listens there?")
            }
            Self::Connection { error: ClientError::NotAReply { .. }, .. } => Some(
                "is it a server of this protocol that listens there? if it takes one message at a time, \
                 try --pipeline 1",
            ),
            Self::Connection { pipeline: 2.., .. } => {
                Some("if the server takes one message at a time, try --pipeline 1")
            }
            Self::Connection { .. } | Self::Interrupted { .. } => None,
            Self::Surplus { .. } | Self::Latencies(_) | Self::Draw { .. } => None,
        }
    }

    /// Those that hold some text from outside, wherever they can.
    #[cfg(test)]
    pub(in crate::cli) fn with(text: &str) -> Vec<Self> {
        let problem = text.to_owned();
        let error = ClientError::NotAReply { line: text.into() };
        vec![
            Self::Connection { address: text.into(), error, pipeline: 2 },
            Self::Surplus { address: text.into() },
            Self::Draw { path: text.into(), problem },
        ]
    }
}
