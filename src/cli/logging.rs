//! Logs: structured lines on standard error.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

/// How much to log.
#[derive(Debug, Args)]
pub(super) struct Logging {
    /// How much to log on standard error; `debug` says why each ERROR was answered
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Info, env = "INDEXER_LOG")]
    log_level: Level,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
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

/// Sends the logs of this process to standard error, in colour only to a terminal.
pub(super) fn start(arguments: &Logging) {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(colour)
        .with_max_level(LevelFilter::from(arguments.log_level))
        .with_target(false)
        .init();
}
