//! Floor 8: counts of what a server did, for Prometheus, and the endpoint that serves them.
//!
//! [`Metrics`] is the [`Monitor`] that counts. [`Endpoint`] serves the counts over HTTP at its own address,
//! and says whether the server is well. `server` and `session` decide what is counted, and when.

mod backup;
mod endpoint;
mod format;
mod hosts;
mod http;
mod process;
mod shared;
mod slow;

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::command::{Reply, Verb};
use crate::log::LogRefusal;
use crate::server::{Ended, Monitor, TurnedAway};
use crate::session::{Backend, MAX_BATCH, Tally, View};
pub use endpoint::Endpoint;
#[cfg(any(test, feature = "serve"))]
pub(crate) use endpoint::Opening;
use format::Format;
use process::Process;

/// A metric that Prometheus does not allow, which is a bug of ours.
#[derive(Debug, thiserror::Error)]
#[error("cannot count for Prometheus: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// The replies, in the order in which they are counted.
const REPLIES: [Reply; 3] = [Reply::Ok, Reply::Fail, Reply::Error];

/// Counts what a server does since its start, without a lock. A batch costs some atomic additions and three
/// looks at the clock.
///
/// ```
/// use package_indexer::{engine::Engine, metrics::Metrics};
/// use package_indexer::server::{Config, Monitor, Server};
/// use std::{net::TcpListener, sync::Arc};
///
/// let engine = Arc::new(Engine::default());
/// let metrics = Arc::new(Metrics::new()?);
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let monitor = Arc::clone(&metrics) as Arc<dyn Monitor>;
/// let server =
///     Server::start_monitored([listener], Arc::clone(&engine), Config::default(), monitor)?;
/// assert!(metrics.text(&*engine)?.contains("indexer_packages 0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Per verb, and in it per reply.
    commands: [[IntCounter; REPLIES.len()]; Verb::ALL.len()],
    malformed: IntCounter,
    open: IntGauge,
    accepted: IntCounter,
    /// By the number of the variant, as in `ended`.
    turned_away: [IntCounter; TurnedAway::ALL.len()],
    ended: [IntCounter; Ended::ALL.len()],
    accept_failures: IntCounter,
    received_bytes: IntCounter,
    sent_bytes: IntCounter,
    batch_messages: Histogram,
    lock_wait: Histogram,
    batch_time: Histogram,
    packages: IntGauge,
    dependencies: IntGauge,
    state_bytes: IntGauge,
    read_only: IntGauge,
    not_durable: IntCounter,
    unanswered: IntCounter,
    log_place: IntGauge,
    log_unreached: IntGauge,
    log_lines_lost: IntCounter,
    log_full: IntGauge,
    ready: IntGauge,
    /// `None` if the system does not report it.
    process: Option<Process>,
}

impl Metrics {
    /// Counters at zero.
    ///
    /// # Errors
    /// None that is known.
    pub fn new() -> Result<Self, MetricsError> {
        let new = New(Registry::new());
        let build = Opts::new("indexer_build_info", "1, with the version as a label.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        new.registered(IntGauge::with_opts(build)?)?.set(1);
        let commands = new.counters(
            "indexer_commands_total",
            "Messages that were commands, by command and reply.",
            &["command", "reply"],
        )?;
        let turned_away = new.counters(
            "indexer_connections_turned_away_total",
            "Clients that were disconnected at once: the server was full, or had no thread.",
            &["reason"],
        )?;
        let ended = new.counters(
            "indexer_connections_ended_total",
            "Connections that have ended, by the reason.",
            &["how"],
        )?;
        Ok(Self {
            commands: Verb::ALL.map(|verb| {
                REPLIES
                    .map(|reply| commands.with_label_values(&[verb.as_str(), &reply.to_string()]))
            }),
            turned_away: TurnedAway::ALL.map(|why| turned_away.with_label_values(&[why.as_str()])),
            ended: Ended::ALL.map(|how| ended.with_label_values(&[how.as_str()])),
            malformed: new.counter(
                "indexer_malformed_total",
                "Lines that were not messages and got ERROR.",
            )?,
            open: new.gauge("indexer_connections_open", "Connections that are served now.")?,
            accepted: new
                .counter("indexer_connections_accepted_total", "Connections that were served.")?,
            accept_failures: new.counter(
                "indexer_accept_failures_total",
                "Attempts to accept a client that failed for lack of file descriptors or memory.",
            )?,
            received_bytes: new
                .counter("indexer_received_bytes_total", "Bytes that came from clients.")?,
            sent_bytes: new.counter("indexer_sent_bytes_total", "Bytes of replies.")?,
            batch_messages: new.histogram(
                "indexer_batch_messages",
                "Messages of a batch, malformed ones included.",
                powers(1.0, 2.0, MAX_BATCH.ilog2() + 1),
            )?,
            lock_wait: new.histogram(
                "indexer_lock_wait_seconds",
                "How long a batch waited for the index.",
                powers(1e-6, 4.0, 11),
            )?,
            batch_time: new.histogram(
                "indexer_batch_seconds",
                "How long a batch held the index.",
                powers(1e-6, 4.0, 11),
            )?,
            packages: new.gauge("indexer_packages", "Packages that are indexed.")?,
            dependencies: new
                .gauge("indexer_dependencies", "Dependencies of all packages together.")?,
            state_bytes: new.gauge(
                "indexer_state_bytes",
                "The size of the state as --max-state-bytes counts it.",
            )?,
            read_only: new.gauge(
                "indexer_read_only",
                "1 while nothing can be changed: the store has failed, or the log of a replica takes no \
                 changes.",
            )?,
            not_durable: new.counter(
                "indexer_not_durable_total",
                "Messages that got ERROR because the store has failed.",
            )?,
            unanswered: new.counter(
                "indexer_unanswered_total",
                "Messages that got ERROR because the log of the replicas did not say in time \
                 what becomes of them, or takes no changes.",
            )?,
            log_place: new.gauge(
                "indexer_log_place",
                "The place in the log that a replica has reached; 0 without a log.",
            )?,
            log_unreached: new.gauge(
                "indexer_log_unreached_seconds",
                "How long ago the log of a replica did something; a few seconds at most while it is reachable, \
                 0 without one.",
            )?,
            log_lines_lost: new.counter(
                "indexer_log_lines_lost_total",
                "Lines of the server's log that were lost: they could not be written, or not fast enough.",
            )?,
            log_full: new.gauge(
                "indexer_log_full",
                "1 while the log of a replica takes no changes for lack of space.",
            )?,
            ready: new.gauge(
                "indexer_ready",
                "1 while clients should be sent here: /readyz answers 200.",
            )?,
            process: Process::register(&new)?,
            registry: new.0,
        })
    }

    /// Counts a line of the server's log that was lost.
    pub fn log_line_lost(&self) {
        self.log_lines_lost.inc();
    }

    /// All counts in Prometheus's text format, and how much the index holds after its last batch, durable or
    /// not. It waits for no batch and for no disk. For a poisoned engine it shows what the index held before
    /// the panic.
    ///
    /// # Errors
    /// None that is known.
    pub fn text(&self, backend: &dyn Backend) -> Result<String, MetricsError> {
        let is_ready = self.ready.get() == 1;
        self.page(Format::Text, Some(backend), is_ready)
    }

    /// All counts, and how much the index holds if there is one.
    fn page(
        &self,
        format: Format,
        backend: Option<&dyn Backend>,
        is_ready: bool,
    ) -> Result<String, MetricsError> {
        if let Some(backend) = backend {
            self.look_at(backend);
        }
        self.ready.set(is_ready.into());
        if let Some(process) = &self.process {
            process.update();
        }
        format.write(&self.registry.gather())
    }

    fn look_at(&self, backend: &dyn Backend) {
        let View(engine) = backend.engine();
        let held = engine.held();
        for (gauge, count) in [
            (&self.packages, held.packages()),
            (&self.dependencies, held.dependencies()),
            (&self.state_bytes, held.state_bytes()),
        ] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let log = backend.log_state();
        let place = log.map_or(0, |log| log.applied.0);
        self.log_place.set(i64::try_from(place).unwrap_or(i64::MAX));
        let unreached = log.map_or(0, |log| log.unreached.as_secs());
        self.log_unreached.set(i64::try_from(unreached).unwrap_or(i64::MAX));
        let refusal = log.and_then(|log| log.refusal);
        self.log_full.set((refusal == Some(LogRefusal::Full)).into());
        self.read_only.set((engine.store_failure().is_some() || refusal.is_some()).into());
    }
}

impl Monitor for Metrics {
    fn connected(&self) {
        self.accepted.inc();
        self.open.inc();
    }

    fn turned_away(&self, reason: TurnedAway) {
        self.turned_away[reason as usize].inc();
    }

    fn ended(&self, how: Ended) {
        self.open.dec();
        self.ended[how as usize].inc();
    }

    fn accept_failed(&self) {
        self.accept_failures.inc();
    }

    fn received(&self, bytes: usize) {
        self.received_bytes.inc_by(bytes as u64);
    }

    fn sent(&self, bytes: usize) {
        self.sent_bytes.inc_by(bytes as u64);
    }

    fn batch(&self, waited: Duration, held: Duration) {
        self.lock_wait.observe(waited.as_secs_f64());
        self.batch_time.observe(held.as_secs_f64());
    }

    fn answered(&self, tally: &Tally) {
        for (verb, counters) in Verb::ALL.iter().zip(&self.commands) {
            for (reply, counter) in REPLIES.iter().zip(counters) {
                let messages = tally.commands(*verb, *reply);
                // Even an addition of 0 takes the counter's cache line from other processors.
                if messages > 0 {
                    counter.inc_by(messages.into());
                }
            }
        }
        self.malformed.inc_by(tally.malformed().into());
        self.not_durable.inc_by(tally.not_durable().into());
        self.unanswered.inc_by(tally.unanswered().into());
        self.batch_messages.observe(tally.messages().into());
    }
}

/// `count` bounds of buckets, each `factor` times the one before.
fn powers(first: f64, factor: f64, count: u32) -> Vec<f64> {
    std::iter::successors(Some(first), |bound| Some(bound * factor)).take(count as usize).collect()
}

/// Makes metrics and registers each.
struct New(Registry);

impl New {
    fn registered<M: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: M,
    ) -> Result<M, prometheus::Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.registered(IntCounter::new(name, help)?)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.registered(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.registered(IntGauge::new(name, help)?)
    }

    fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: Vec<f64>,
    ) -> Result<Histogram, prometheus::Error> {
        self.registered(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?)
    }
}

#[cfg(test)]
mod tests;
