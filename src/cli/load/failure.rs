//! Why a load could not be sent or measured, and what to do next.

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
    #[error("interrupted after {seconds:.1} s of {planned}: the results are for that time")]
    Interrupted { seconds: f64, planned: f64 },
    #[error("{} sent more replies than it got messages", shown(address))]
    Surplus { address: String },
    #[error("cannot record latencies: {0}")]
    Latencies(hdrhistogram::CreationError),
    #[error("cannot draw {}: {}", shown_path(path), shown(problem))]
    Draw { path: PathBuf, problem: String },
}

impl LoadFailure {
    /// A hint at what to do next, where there is more to say than the error does.
    pub(in crate::cli) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Threads { .. } => Some("give fewer --connections"),
            Self::Connection { error: ClientError::NotAReply { .. }, pipeline: 1, .. } => {
                Some("does a server of this protocol listen there?")
            }
            Self::Connection { error: ClientError::NotAReply { .. }, .. } => Some(
                "does a server of this protocol listen there? if it takes one message at a time, \
                 try --pipeline 1",
            ),
            Self::Connection { pipeline: 2.., .. } => {
                Some("if the server takes one message at a time, try --pipeline 1")
            }
            Self::Connection { .. } | Self::Interrupted { .. } => None,
            Self::Surplus { .. } | Self::Latencies(_) | Self::Draw { .. } => None,
        }
    }

    /// Failures that hold some text from outside, if they can hold any.
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
