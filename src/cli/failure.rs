//! Why a command could not be done, and what to try next.

use std::io;
use std::path::PathBuf;

use super::list::ListError;
use crate::client::ClientError;

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot listen on {address}: {error}")]
    Listen { address: String, error: io::Error },
    #[error("cannot start the server: {0}")]
    Start(io::Error),
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
    #[error("cannot connect to {address}: {error}")]
    Connect { address: String, error: io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot read {} as a package list: {error}", path.display())]
    List { path: PathBuf, error: ListError },
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

impl Failure {
    /// What to try next, where there is something to say beyond the error.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { error, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                Some("another server may be running; choose another address with --listen".into())
            }
            Self::Listen { .. } => Some("give an address of this machine as HOST:PORT".into()),
            Self::Connect { address, .. } => Some(format!(
                "is a server running there? start one with: indexer --listen {address}"
            )),
            Self::List { .. } => Some("is it in the format that --format says?".into()),
            Self::Client(ClientError::NotAReply { .. }) => {
                Some("is it a server of this protocol that listens there?".into())
            }
            Self::Start(_)
            | Self::Signals(_)
            | Self::Client(_)
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Output(_) => None,
        }
    }
}
