//! Logs: structured lines on standard error, which nothing waits for and no failed write changes.

mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::time::Duration;
use std::{env, io, thread};

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::ServeFailure;
use crate::shown::{Shown, shown};
use queue::Queue;

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

/// How long the end of the program waits for lines that are not written yet.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The log of this process. Dropping it writes what waits to be written, or gives up after a second.
pub(super) struct Log(Arc<Queue>);

impl Log {
    /// Waits until all that was logged is written or lost, for a second at most.
    pub(super) fn flush(&self) {
        self.0.flush(LAST_WAIT);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Sends the logs of this process to standard error, and the messages of panics with them. `on_loss` is called
/// for each line that could not be written.
pub(super) fn start(
    arguments: &Logging,
    on_loss: impl Fn() + Send + Sync + 'static,
) -> Result<Log, ServeFailure> {
    let level = match arguments.log_level {
        Some(level) => level,
        None => from_environment()?.unwrap_or(Level::Info),
    };
    let queue = Queue::start(io::stderr(), on_loss).map_err(ServeFailure::Start)?;
    tracing_subscriber::fmt()
        .with_writer(Arc::clone(&queue))
        .with_max_level(LevelFilter::from(level))
        .with_target(false)
        // It would print with `eprintln!`, which panics when standard error cannot be written.
        .log_internal_errors(false)
        .init();
    panic::set_hook(Box::new(log_panic));
    Ok(Log(queue))
}

/// Logs a panic: the hook of the standard library waits for standard error, with all that the thread holds.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text: Shown<'_> = shown(text.unwrap_or("no message"));
    let thread = thread::current();
    let (thread, location) = (thread.name().unwrap_or_default(), panic.location());
    tracing::error!(thread, location = location.map(tracing::field::display), "panicked: {text}");
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        trace.to_string().lines().for_each(|line| tracing::error!("{line}"));
    }
}

/// What the environment says; set to nothing is as good as not set.
fn from_environment() -> Result<Option<Level>, ServeFailure> {
    let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let level = value.to_str().and_then(|value| Level::from_str(value, true).ok());
    let unknown =
        || ServeFailure::LogLevel { variable: VARIABLE, value: value.as_encoded_bytes().into() };
    level.map(Some).ok_or_else(unknown)
}
