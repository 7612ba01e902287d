//! Why a command could not be done, and what to try next.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::list::ListError;
use crate::client::ClientError;
use crate::index::LimitError;
use crate::log::LogError;
use crate::metrics::MetricsError;
use crate::shown::{shown, shown_path};
use crate::store::{LoadError, StoreError};
use crate::testing::conformance::{CannotTest, SavedError, SystemError};

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{variable} is {:?}, which is no log level", shown(value))]
    LogLevel { variable: &'static str, value: Vec<u8> },
    #[error("cannot listen on {}: {error}", shown(address))]
    Listen { address: String, flag: &'static str, error: io::Error, taken_by: Option<String> },
    #[error("cannot start the server: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
    #[error("cannot connect to {}: {error}", shown(address))]
    Connect { address: String, error: io::Error },
    #[error("no reply came from {} within {seconds} s", shown(address))]
    NoReply { address: String, seconds: u64 },
    #[error("{}: {error}", shown(address))]
    Client { address: String, error: ClientError },
    #[error("{}: {error}\n  {ok} of {total} commands had been answered OK before", shown(address))]
    CutOff { address: String, error: ClientError, ok: usize, total: usize },
    #[error("cannot read {}: {error}", shown_path(path))]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot read {} as a package list: {error}", shown_path(path))]
    List { path: PathBuf, error: ListError },
    #[error("cannot index {}: {error}", shown_path(path))]
    Limit { path: PathBuf, error: LimitError },
    #[error("cannot write {}: {error}", shown_path(path))]
    Write { path: PathBuf, error: io::Error },
    #[error("cannot start a thread for each of {connections} connections: {error}")]
    Threads { connections: u32, error: io::Error },
    #[error("{} sent more replies than it was sent messages", shown(address))]
    Surplus { address: String },
    #[error("cannot keep latencies: {0}")]
    Latencies(hdrhistogram::CreationError),
    #[error("cannot draw {}: {}", shown_path(path), shown(problem))]
    Draw { path: PathBuf, problem: String },
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
            Self::Listen { taken_by: Some(other), flag, .. } => Some(format!(
                "this server is to listen on {} already; choose another address with {flag}",
                shown(other)
            )),
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
            Self::List { error: ListError::Annotation { .. }, .. } => Some(
                "print the list without annotations, or remove them: sed 's/\\[[^]]*\\]//g' FILE"
                    .into(),
            ),
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
    use crate::name::NameError;

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

    /// Failures that each hold some text from outside, wherever they can.
    fn with(text: &str) -> Vec<Failure> {
        let (address, path) = (|| text.to_owned(), || PathBuf::from(text));
        let io = || io::Error::from(io::ErrorKind::NotFound);
        let client = || ClientError::NotAReply { line: text.into() };
        let list = [
            ListError::Line { line: 1, problem: text.into() },
            ListError::Stanza { stanza: 1, package: text.into(), problem: text.into() },
            ListError::Item { item: text.into(), of: text.into() },
            ListError::Name { name: text.into(), of: text.into(), error: NameError::Empty },
        ];
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
        let logs = [
            LogError::Unreachable { problem: text.into() },
            LogError::Damaged { what: text.into(), problem: text.into() },
            LogError::Disagrees { ours: text.into(), theirs: text.into() },
        ];
        let (total, name) = (2, address());
        let saved = || format!("{text}\n").parse::<crate::testing::conformance::Saved>();
        let mut all = vec![
            Failure::LogLevel { variable: "INDEXER_LOG", value: text.into() },
            Failure::Listen {
                address: address(),
                flag: "--listen",
                error: io(),
                taken_by: Some(text.into()),
            },
            Failure::Connect { address: address(), error: io() },
            Failure::NoReply { address: address(), seconds: 1 },
            Failure::Client { address: address(), error: client() },
            Failure::CutOff { address: address(), error: client(), ok: 1, total },
            Failure::Read { path: path(), error: io() },
            Failure::Limit { path: path(), error: LimitError::Packages { limit: 1 } },
            Failure::Write { path: path(), error: io() },
            Failure::Surplus { address: address() },
            Failure::Draw { path: path(), problem: text.into() },
            Failure::NoSuchCheck { name: name.clone() },
            Failure::OneAddress(CannotTest::OneAddress { name: name.clone() }),
            Failure::NoSuchCase(CannotTest::NoSuchCase { name: name.clone(), case: 1, cases: 1 }),
            Failure::System(SystemError::GivenTwice { name }),
            Failure::NoState { path: path() },
            Failure::NotKept { problem: text.into() },
        ];
        all.extend(saved().err().map(|error| Failure::Saved { path: path(), error }));
        all.extend(list.map(|error| Failure::List { path: path(), error }));
        all.extend(store().map(Failure::Store));
        all.extend(store().map(|error| Failure::State { path: path(), error: error.into() }));
        all.extend(state.map(|error| Failure::State { path: path(), error }));
        all.extend(logs.map(Failure::ReplicaFailed));
        all
    }

    #[test]
    fn no_message_holds_a_control_character_or_a_long_value() {
        // Without anything hostile in them, these are the messages' own line ends.
        let own_lines: Vec<_> =
            with("text").iter().map(|it| it.to_string().lines().count()).collect();
        let long = "x".repeat(2_000_000);
        for hostile in ["\x1b[31mred", "a\nb\r", "\0\u{7f}\u{9b}\u{2028}", "\u{202e}\u{85}", &long]
        {
            for (failure, own_lines) in with(hostile).iter().zip(&own_lines) {
                let hint = failure.hint().unwrap_or_default();
                let message = format!("{failure}\n{hint}");
                let is_hostile =
                    |c: char| c != '\n' && (c.is_control() || "\u{2028}\u{202e}".contains(c));
                assert!(!message.contains(is_hostile), "{message:?}");
                assert_eq!(failure.to_string().lines().count(), *own_lines, "{message:?}");
                assert!(message.len() < 2_000, "{} bytes: {message}", message.len());
            }
        }
    }
}
