//! Why a command could not be done, and what to try next.
//!
//! Failures of several commands are here. Those of one command are in its own module.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

#[cfg(feature = "check")]
use super::check::CheckFailure;
#[cfg(feature = "load")]
use super::load::LoadFailure;
#[cfg(feature = "serve")]
use super::serve::ServeFailure;
#[cfg(feature = "tools")]
use super::tools::ToolFailure;
use crate::client::ClientError;
use crate::shown::{shown, shown_path};

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot handle signals: {0}")]
    Signals(io::Error),
    #[error("cannot connect to {}: {error}", shown(address))]
    Connect { address: String, error: io::Error },
    #[error("{} did not reply within {seconds} s", shown(address))]
    NoReply { address: String, seconds: u64 },
    #[error("{}: {error}", shown(address))]
    Client { address: String, error: ClientError },
    #[error("{}: {error}\n  before that, {ok} of {total} commands got OK", shown(address))]
    CutOff { address: String, error: ClientError, ok: usize, total: usize },
    #[error("cannot read {}: {error}", shown_path(path))]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot write {}: {error}", shown_path(path))]
    Write { path: PathBuf, error: io::Error },
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Serve(#[from] ServeFailure),
    #[cfg(feature = "tools")]
    #[error(transparent)]
    Tool(#[from] ToolFailure),
    #[cfg(feature = "check")]
    #[error(transparent)]
    Check(#[from] CheckFailure),
    #[cfg(feature = "load")]
    #[error(transparent)]
    Load(#[from] LoadFailure),
}

impl Failure {
    /// Whether the reader closed the output, as `head -1` does. It has all it wanted, so the command ends
    /// without an error.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// A hint at what to do next, where there is more to say than the error does.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Connect { error, .. } if is_out_of_files(error) => Some(
                "raise the limit of this shell with ulimit -n, or open fewer connections".into(),
            ),
            Self::Connect { address, error } => hint_to_connect(address, error.kind()),
            Self::Client { error: ClientError::NotAReply { .. }, .. }
            | Self::CutOff { error: ClientError::NotAReply { .. }, .. } => {
                Some("does a server of this protocol listen there?".into())
            }
            #[cfg(feature = "serve")]
            Self::Serve(failure) => failure.hint(),
            #[cfg(feature = "tools")]
            Self::Tool(failure) => failure.hint(),
            #[cfg(feature = "check")]
            Self::Check(failure) => failure.hint().map(Into::into),
            #[cfg(feature = "load")]
            Self::Load(failure) => failure.hint().map(Into::into),
            Self::Signals(_)
            | Self::NoReply { .. }
            | Self::Client { .. }
            | Self::CutOff { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Output(_) => None,
        }
    }
}

/// Whether this process has reached its limit of open files.
#[cfg(unix)]
fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error())
}

#[cfg(not(unix))]
fn is_out_of_files(_: &io::Error) -> bool {
    false
}

/// What to try when a connection failed. It suggests to start a server only if the address refused the
/// connection, and only for an address of this machine.
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
    fn out_of_files_hints_at_the_limit() {
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

    /// Failures that each hold some text from outside, if they can hold any.
    fn with(text: &str) -> Vec<Failure> {
        let (address, path) = (|| text.to_owned(), || PathBuf::from(text));
        let io = || io::Error::from(io::ErrorKind::NotFound);
        let client = || ClientError::NotAReply { line: text.into() };
        vec![
            Failure::Connect { address: address(), error: io() },
            Failure::NoReply { address: address(), seconds: 1 },
            Failure::Client { address: address(), error: client() },
            Failure::CutOff { address: address(), error: client(), ok: 1, total: 2 },
            Failure::Read { path: path(), error: io() },
            Failure::Write { path: path(), error: io() },
        ]
    }

    /// Failures of all features.
    fn all_with(text: &str) -> Vec<Failure> {
        let all = with(text).into_iter();
        #[cfg(feature = "serve")]
        let all = all.chain(ServeFailure::with(text).into_iter().map(Failure::from));
        #[cfg(feature = "tools")]
        let all = all.chain(ToolFailure::with(text).into_iter().map(Failure::from));
        #[cfg(feature = "check")]
        let all = all.chain(CheckFailure::with(text).into_iter().map(Failure::from));
        #[cfg(feature = "load")]
        let all = all.chain(LoadFailure::with(text).into_iter().map(Failure::from));
        all.collect()
    }

    #[test]
    fn no_message_holds_a_control_character_or_a_long_value() {
        // With harmless text, these are the line ends of the messages themselves.
        let own_lines: Vec<_> =
            all_with("text").iter().map(|it| it.to_string().lines().count()).collect();
        let long = "x".repeat(2_000_000);
        for hostile in ["\x1b[31mred", "a\nb\r", "\0\u{7f}\u{9b}\u{2028}", "\u{202e}\u{85}", &long]
        {
            for (failure, own_lines) in all_with(hostile).iter().zip(&own_lines) {
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
