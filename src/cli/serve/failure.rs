//! Why a server could not start or go on, or why its state could not be read, and what to do next.

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
        "the service manager passed socket {number}, which it cannot listen on: {}",
        shown(problem)
    )]
    NotPassed { number: usize, problem: String },
    #[cfg(not(feature = "systemd"))]
    #[error("the service manager passed {count} sockets, and this build cannot use them")]
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
    #[error("the index could not be kept any more: {}", shown(problem))]
    NotKept { problem: String },
    #[cfg(feature = "etcd")]
    #[error(transparent)]
    Replica(#[from] super::replicate::NoReplica),
    #[cfg(feature = "etcd")]
    #[error("the replica has failed: {0}")]
    ReplicaFailed(LogError),
}

impl ServeFailure {
    /// A hint at what to do next, where there is more to say than the error does.
    pub(in crate::cli) fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { taken_by: Some(other), flag, .. } => Some(format!(
                "this server also listens on {}; give {flag} another address",
                shown(other)
            )),
            Self::Listen { error, flag, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                Some(format!("another server may be running; stop it, or give {flag} another address"))
            }
            Self::Listen { .. } => Some("give an address of this machine as HOST:PORT".into()),
            Self::NotPassed { .. } => {
                Some("name TCP addresses in the socket unit, and set Accept=no".into())
            }
            #[cfg(not(feature = "systemd"))]
            Self::CannotBePassed { .. } => {
                Some("install a build with the feature `systemd`, or disable the socket unit".into())
            }
            #[cfg(not(feature = "etcd"))]
            Self::CannotReplicate => Some(
                "install a build that has, with `cargo install --path . --features etcd`, or unset the variable"
                    .into(),
            ),
            Self::Store(StoreError::InUse { .. }) => {
                Some("a server may be using it; stop that server, or give another directory".into())
            }
            Self::Store(StoreError::Directory { .. }) | Self::DataDir { .. } => {
                Some("give --data-dir a directory that this user can create, read and write".into())
            }
            Self::NoState { .. } => Some(
                "give the directory that a server had as its --data-dir; this file holds the state".into(),
            ),
            Self::Store(StoreError::Newer { .. } | StoreError::NewerContainer { .. }) => {
                Some("use the version that wrote it, or a newer one".into())
            }
            Self::Store(StoreError::Damaged { .. })
            | Self::State {
                error:
                    LoadError::Malformed(_) | LoadError::NotClosed { .. } | LoadError::Twice { .. },
                ..
            } => Some("restore a backup".into()),
            Self::State { error: LoadError::Limit { .. }, .. } => {
                Some("raise the limit, or serve once without it and remove packages".into())
            }
            Self::NotKept { .. } => Some(
                "every change that got OK is kept; make room or repair the disk, then start the server again"
                    .into(),
            ),
            #[cfg(feature = "etcd")]
            Self::Replica(why) => why.hint(),
            #[cfg(feature = "etcd")]
            Self::ReplicaFailed(error) => Some(
                error
                    .remedy()
                    .unwrap_or("start it again: it loads its index from etcd")
                    .into(),
            ),
            Self::Store(_) | Self::State { .. } | Self::Start(_) | Self::Metrics(_) => None,
        }
    }

    /// Failures that hold some text from outside, if they can hold any.
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
            LoadError::Twice { package: package.clone() },
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
