//! Logs: structured lines on standard error.

use std::env;
use std::io;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::Failure;

/// Says how much to log where the flag does not. Read here and not by clap, which would have the
/// commands that do not log look at it too.
const VARIABLE: &str = "INDEXER_LOG";

/// How much to log.
#[derive(Debug, Args)]
pub(super) struct Logging {
    /// How much to log on standard error; `debug` says why each ERROR was answered. Without this
    /// flag the environment variable `INDEXER_LOG` decides, and without that, `info`
    #[arg(long, value_name = "LEVEL", value_enum, ignore_case = true)]
    log_level: Option<Level>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Off => Self::OFF,
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// Sends the logs of this process to standard error.
pub(super) fn start(arguments: &Logging) -> Result<(), Failure> {
    let level = match arguments.log_level {
        Some(level) => level,
        None => from_environment()?.unwrap_or(Level::Info),
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(LevelFilter::from(level))
        .with_target(false)
        .init();
    Ok(())
}

/// What the environment says; set to nothing is as good as not set.
fn from_environment() -> Result<Option<Level>, Failure> {
    let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value.to_string_lossy().into_owned();
    let unknown = |_| Failure::LogLevel { variable: VARIABLE, value: value.clone() };
    Level::from_str(&value, true).map(Some).map_err(unknown)
}
