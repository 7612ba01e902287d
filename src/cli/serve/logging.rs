//! Logs: structured lines on standard error, which nothing waits for and no failed write changes.
//!
//! Which lines there are, and how they look, is decided here; what they say, where it happens.
//! `docs/running.md` lists every event.

mod filter;
mod json;
mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use clap::{Args, ValueEnum};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::ServeFailure;
use crate::shown::{Shown, shown};
use filter::Filter;
use json::Json;
use queue::Queue;

/// How much to log, and in which form.
#[derive(Debug, Args)]
pub(super) struct Logging {
    /// What to log on standard error: a level (off, error, warn, info, debug or trace), or several for
    /// parts of the program, as in `info,package_indexer::server=debug`; `debug` says why each ERROR was
    /// answered
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log_level: Filter,
    /// How a line of the log looks; docs/running.md lists the events
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: the time, the level, the part of the program, the message, and fields
    Text,
    /// For machines: an object with the same, one a line
    Json,
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
    let queue = Queue::start(io::stderr(), on_loss).map_err(ServeFailure::Start)?;
    // Its errors it would print with `eprintln!`, which panics when standard error cannot be written.
    let lines = layer().with_writer(Arc::clone(&queue)).log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(arguments.log_level.targets());
    match arguments.log_format {
        Format::Text => registry.with(lines).init(),
        Format::Json => registry.with(lines.event_format(Json)).init(),
    }
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
    let location = location.map(tracing::field::display);
    tracing::error!(event = "panicked", thread, location, "panicked: {text}");
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        for line in trace.to_string().lines() {
            tracing::error!(event = "backtrace", thread, "{line}");
        }
    }
}
