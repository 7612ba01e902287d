//! Logs: structured lines on standard error. Nothing waits for them, and a failed write changes no answer.
//!
//! This module decides which lines are printed and how they look. What they say is written where the event
//! happens. `docs/running.md` lists every event.

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

/// What to log, and in which form.
#[derive(Debug, Args)]
pub(super) struct Logging {
    /// What to log on standard error: off, error, warn, info, debug or trace
    ///
    /// Parts of the program may have levels of their own, as in `info,package_indexer::server=debug`. `debug`
    /// says why each ERROR was sent.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log_level: Filter,
    /// The form of a log line; docs/running.md lists the events
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: time, level, part of the program, message and fields
    Text,
    /// For machines: one JSON object a line, with the same content
    Json,
}

/// How long the end of the program waits for lines that are not written yet.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The log of this process. Dropping it waits until all lines are written, for a second at most.
pub(super) struct Log(Arc<Queue>);

impl Log {
    /// Waits until all lines so far are written or lost, for a second at most.
    pub(super) fn flush(&self) {
        self.0.flush(LAST_WAIT);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Sends the logs of this process, and the messages of panics, to standard error. `on_loss` is called for
/// each line that could not be written.
pub(super) fn start(
    arguments: &Logging,
    on_loss: impl Fn() + Send + Sync + 'static,
) -> Result<Log, ServeFailure> {
    let queue = Queue::start(io::stderr(), on_loss).map_err(ServeFailure::Start)?;
    // It would print its own errors with `eprintln!`, which panics when standard error cannot be written.
    let lines = layer().with_writer(Arc::clone(&queue)).log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(arguments.log_level.targets());
    match arguments.log_format {
        Format::Text => registry.with(lines).init(),
        Format::Json => registry.with(lines.event_format(Json)).init(),
    }
    panic::set_hook(Box::new(log_panic));
    Ok(Log(queue))
}

/// Logs a panic. The hook of the standard library would wait for standard error while the thread holds its
/// locks.
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
