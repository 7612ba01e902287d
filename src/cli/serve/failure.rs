//! Why a server could not start or go on, or its state not be read, and what to try next.

use std::io;
use std::path::PathBuf;

#[cfg(feature = "etcd")]
use crate::log::LogError;
use crate::metrics::MetricsError;
use crate::shown::{shown, shown_path};
use crate::store::{LoadError, StoreError};

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ServeFailure {
    #[error("cannot listen on {}: {error}", shown(address))]
    Listen { address: String, flag: &'static str, error: io::Error, taken_by: Option<String> },
    #[error(
        "the service manager passed socket {number}, which cannot be listened on: {}",
        shown(problem)
    )]
    NotPassed { number: usize, problem: String },
    #[cfg(not(feature = "systemd"))]
    #[error("the service manager passed {count} sockets, and this build takes none")]
    CannotBePassed { count: usize },
    #[cfg(not(feature = "etcd"))]
    #[error("INDEXER_REPLICATE is set, and this build has no replicas")]
    CannotReplicate,
    #[error("--data-dir {} cannot be used: {error}", shown_path(path))]
    DataDir { path: PathBuf, error: io::Error },
    #[error("cannot start the server: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    #[error(transparent)]
    Store(StoreError),
    #[error("the state in {} cannot be served: {error}", shown_path(path))]
    State { path: PathBuf, error: LoadError },
    #[error("{} is not there", shown_path(path))]
    NoState { path: PathBuf },
    #[error("nothing could be kept any more: {}", shown(problem))]
    NotKept { problem: String },
    #[cfg(feature = "etcd")]
    #[error(transparent)]
    Replica(#[from] super::replicate::NoReplica),
    #[cfg(feature = "etcd")]
    #[error("the replica has failed: {0}")]
    ReplicaFailed(LogError),
}

impl ServeFailure {
    /// What to try next, where there is something to say beyond the error.
    pub(in crate::cli) fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { taken_by: Some(other), flag, .. } => Some(format!(
                "this server is to listen on {} already; choose another address with {flag}",
                shown(other)
            )),
            Self::Listen { error, flag, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                Some(format!("another server may be running; choose another address with {flag}"))
            }
            Self::Listen { .. } => Some("give an address of this machine as HOST:PORT".into()),
            Self::NotPassed { .. } => {
                Some("a socket unit has to name TCP addresses, with Accept=no".into())
            }
            #[cfg(not(feature = "systemd"))]
            Self::CannotBePassed { .. } => {
                Some("build it with the feature `systemd`, or disable the socket unit".into())
            }
            #[cfg(not(feature = "etcd"))]
            Self::CannotReplicate => Some(
                "build it with `cargo install --path . --features etcd`, or unset the variable"
                    .into(),
            ),
            Self::Store(StoreError::InUse { .. }) => {
                Some("is a server running with it? stop it first, or give another directory".into())
            }
            Self::Store(StoreError::Directory { .. }) | Self::DataDir { .. } => {
                Some("--data-dir takes a directory that can be made, read and written".into())
            }
            Self::NoState { .. } => Some(
                "has a server kept its state there? this is the file that it would be in".into(),
            ),
            Self::Store(StoreError::Newer { .. } | StoreError::NewerContainer { .. }) => {
                Some("use the version that wrote it, or a later one".into())
            }
            Self::Store(StoreError::Damaged { .. })
            | Self::State {
                error: LoadError::Malformed(_) | LoadError::NotClosed { .. }, ..
            } => Some("restore a backup".into()),
            Self::State { error: LoadError::Limit { .. }, .. } => {
                Some("raise the limit, or serve it once without and remove packages".into())
            }
            Self::NotKept { .. } => Some(
                "all that was answered OK is kept; start again when the disk is well and has room"
                    .into(),
            ),
            #[cfg(feature = "etcd")]
            Self::Replica(why) => why.hint(),
            #[cfg(feature = "etcd")]
            Self::ReplicaFailed(error) => Some(
                error
                    .remedy()
                    .unwrap_or("start it again: it makes its index anew from what etcd has")
                    .into(),
            ),
            Self::Store(_) | Self::State { .. } | Self::Start(_) | Self::Metrics(_) => None,
        }
    }

    /// Those that hold some text from outside, wherever they can.
    #[cfg(test)]
    pub(in crate::cli) fn with(text: &str) -> Vec<Self> {
        use crate::index::LimitError;

        let path = || PathBuf::from(text);
        let io = || io::Error::from(io::ErrorKind::NotFound);
        let store = || {
            [
                StoreError::Directory { path: path(), error: io() },
                StoreError::InUse { path: path() },
                StoreError::Newer { path: path(), found: 3, supported: 2 },
                StoreError::Damaged { path: path(), problem: text.into() },
                StoreError::Io { action: "read", path: path(), error: text.into() },
            ]
        };
        let (package, dependency) = (text.to_owned(), text.to_owned());
        let state = [
            LoadError::NotClosed { package: package.clone(), dependency },
            LoadError::Limit { package, error: LimitError::Packages { limit: 1 } },
        ];
        let listen = Self::Listen {
            address: text.into(),
            flag: "--listen",
            error: io(),
            taken_by: Some(text.into()),
        };
        let mut all = vec![
            listen,
            Self::NotPassed { number: 0, problem: text.into() },
            Self::DataDir { path: path(), error: io() },
            Self::NoState { path: path() },
            Self::NotKept { problem: text.into() },
        ];
        all.extend(store().map(Self::Store));
        all.extend(store().map(|error| Self::State { path: path(), error: error.into() }));
        all.extend(state.map(|error| Self::State { path: path(), error }));
        #[cfg(feature = "etcd")]
        all.extend(
            [
                LogError::Unreachable { problem: text.into() },
                LogError::Damaged { what: text.into(), problem: text.into() },
                LogError::Disagrees { ours: text.into(), theirs: text.into() },
                LogError::Rejected { problem: text.into() },
                LogError::Mixed { one: text.into(), other: text.into() },
            ]
            .map(Self::ReplicaFailed),
        );
        all
    }
}
