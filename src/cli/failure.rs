//! Why a command could not be done, and what to try next.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::list::ListError;
use crate::client::ClientError;
use crate::index::LimitError;
use crate::log::LogError;
use crate::metrics::MetricsError;
use crate::store::{LoadError, StoreError};
use crate::testing::conformance::{CannotTest, SavedError, SystemError};

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{variable} is {value:?}, which is no log level")]
    LogLevel { variable: &'static str, value: String },
    #[error("cannot listen on {address}: {error}")]
    Listen { address: String, flag: &'static str, error: io::Error },
    #[error("cannot start the server: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
    #[error("cannot connect to {address}: {error}")]
    Connect { address: String, error: io::Error },
    #[error("no reply came from {address} within {seconds} s")]
    NoReply { address: String, seconds: u64 },
    #[error("{address}: {error}")]
    Client { address: String, error: ClientError },
    #[error("{address}: {error}\n  {ok} of {total} commands had been answered OK before")]
    CutOff { address: String, error: ClientError, ok: usize, total: usize },
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot read {} as a package list: {error}", path.display())]
    List { path: PathBuf, error: ListError },
    #[error("cannot index {}: {error}", path.display())]
    Limit { path: PathBuf, error: LimitError },
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("cannot start a thread for each of {connections} connections: {error}")]
    Threads { connections: u32, error: io::Error },
    #[error("{address} sent more replies than it was sent messages")]
    Surplus { address: String },
    #[error("cannot keep latencies: {0}")]
    Latencies(hdrhistogram::CreationError),
    #[error("cannot draw {}: {problem}", path.display())]
    Draw { path: PathBuf, problem: String },
    #[error("no check is called {name:?}, and no name of one begins so")]
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
    #[error("cannot read {} as a transcript or a history: {error}", path.display())]
    Saved { path: PathBuf, error: SavedError },
    #[error(transparent)]
    Store(StoreError),
    #[error("the state in {} cannot be served: {error}", path.display())]
    State { path: PathBuf, error: LoadError },
    #[error("{} is not there", path.display())]
    NoState { path: PathBuf },
    #[error("nothing could be kept any more: {problem}")]
    NotKept { problem: String },
    #[cfg(feature = "etcd")]
    #[error(transparent)]
    Replica(super::replicate::NoReplica),
    #[error("the replica has failed: {0}")]
    ReplicaFailed(LogError),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

impl Failure {
    /// Whether nobody reads the output any more, as behind `head -1`. Whoever left has what they
    /// wanted, so that this is a reason to end and none to complain.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What to try next, where there is something to say beyond the error.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::LogLevel { .. } => {
                Some("choose one of off, error, warn, info, debug, trace, or unset it".into())
            }
            Self::Listen { error, flag, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                Some(format!("another server may be running; choose another address with {flag}"))
            }
            Self::Listen { .. } => Some("give an address of this machine as HOST:PORT".into()),
            Self::Connect { error, .. } if is_out_of_files(error) => Some(
                "raise the limit of this shell with ulimit -n, or open fewer connections".into(),
            ),
            Self::Connect { address, error } => hint_to_connect(address, error.kind()),
            Self::List { error: ListError::Compressed { tool }, .. } => {
                Some(format!("decompress it first: {tool} -dc FILE | indexer import ... -"))
            }
            Self::List { error: ListError::NotText, .. } => {
                Some("is it compressed? decompress it first; a list is text".into())
            }
            Self::List { .. } => Some("is it in the format that --format says?".into()),
            Self::Client { error: ClientError::NotAReply { .. }, .. }
            | Self::CutOff { error: ClientError::NotAReply { .. }, .. } => {
                Some("is it a server of this protocol that listens there?".into())
            }
            Self::NoSuchCheck { .. } => Some("indexer check --list prints their names".into()),
            Self::OneAddress(_) => Some("give each of them with an --addr of its own".into()),
            Self::System(_) => Some("give each address of the system once".into()),
            Self::NothingTested => Some("try more checks, or fewer --clients".into()),
            Self::Saved { error: SavedError::Empty, .. } => Some(
                "what check kept without steps is tried again by the last line of its comments"
                    .into(),
            ),
            Self::Saved { .. } => Some("spec/README.md describes transcripts".into()),
            Self::Threads { .. } => Some("try fewer with --connections".into()),
            Self::Store(StoreError::InUse { .. }) => {
                Some("is a server running with it? stop it first, or give another directory".into())
            }
            Self::Store(StoreError::Directory { .. }) => {
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
                error: LoadError::Malformed { .. } | LoadError::NotClosed { .. },
                ..
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
            Self::ReplicaFailed(_) => {
                Some("start it again: it makes its index anew from what etcd has".into())
            }
            Self::Store(_)
            | Self::State { .. }
            | Self::Start(_)
            | Self::Metrics(_)
            | Self::Signals(_)
            | Self::BrokenOff
            | Self::NoSuchCase(_)
            | Self::NoReply { .. }
            | Self::Client { .. }
            | Self::CutOff { .. }
            | Self::Read { .. }
            | Self::Limit { .. }
            | Self::Latencies(_)
            | Self::Surplus { .. }
            | Self::Draw { .. }
            | Self::Write { .. }
            | Self::Output(_) => None,
        }
    }
}

/// Whether this process may not open any more files.
#[cfg(unix)]
fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error())
}

#[cfg(not(unix))]
fn is_out_of_files(_: &io::Error) -> bool {
    false
}

/// What to try when a connection failed: to start a server only where the address answered that
/// there is none, and only if it is one that this machine can listen on.
fn hint_to_connect(address: &str, error: io::ErrorKind) -> Option<String> {
    match error {
        io::ErrorKind::InvalidInput => Some("give an address as HOST:PORT".into()),
        io::ErrorKind::ConnectionRefused => {
            let port = address.strip_prefix("localhost:").and_then(|port| port.parse::<u16>().ok());
            let here = match address.parse::<SocketAddr>() {
                Ok(address) => address.ip().is_loopback() && address.port() != 0,
                Err(_name) => port.is_some_and(|port| port != 0),
            };
            let start = "is a server running there? start one with: indexer --listen";
            here.then(|| format!("{start} {address}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn whoever_is_out_of_files_is_told_where_the_limit_is() {
        let hint = |code| {
            let error = io::Error::from_raw_os_error(code);
            Failure::Connect { address: "127.0.0.1:0".into(), error }.hint()
        };
        assert!(hint(24).is_some_and(|hint| hint.contains("ulimit -n")));
        assert_eq!(hint(13), None);
    }

    #[test]
    fn starting_a_server_is_advised_only_where_it_would_help() {
        let refused = |address| hint_to_connect(address, io::ErrorKind::ConnectionRefused);
        let advice = "is a server running there? start one with: indexer --listen";
        for address in ["127.0.0.1:8080", "[::1]:9000", "localhost:8080"] {
            assert_eq!(refused(address), Some(format!("{advice} {address}")));
        }
        for address in ["127.0.0.1:0", "192.0.2.1:8080", "example.org:8080", "localhost:0"] {
            assert_eq!(refused(address), None, "{address}");
        }
        assert_eq!(hint_to_connect("127.0.0.1:8080", io::ErrorKind::PermissionDenied), None);
    }
}
