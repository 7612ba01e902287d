//! `indexer serve`: a server that runs until a signal stops it.

mod access;
mod check_config;
pub(super) mod data_dir;
mod failure;
mod listeners;
mod logging;
#[cfg_attr(not(target_os = "linux"), path = "serve/no_manager.rs")]
mod manager;
mod passed;
#[cfg(feature = "etcd")]
mod replicate;

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::arguments::{DEFAULT_ADDRESS, at_least_one_second};
use super::environment::{Origin, Setting, unknown_variables};
use super::output::Aside;
use super::signals::Signals;
use super::{Failure, Fulfilled};
use crate::engine::Engine;
use crate::index::{Limits, PackageIndex};
use crate::metrics::{Endpoint, Metrics, Opening};
#[cfg(feature = "etcd")]
use crate::replica::Replica;
use crate::server::{
    self, DEFAULT_MAX_CONNECTIONS, DEFAULT_SHUTDOWN_GRACE, DEFAULT_WRITE_TIMEOUT, Duties, Monitor,
    Nobody, Server,
};
use crate::session::Backend;
use crate::shown::shown;
use crate::wire::{DEFAULT_MAX_LINE_BYTES, MIN_LINE_BYTES};
pub(super) use failure::ServeFailure;
use listeners::Addresses;
use manager::Manager;
use passed::Passed;

/// Serve an index until SIGINT, SIGTERM or SIGHUP
///
/// The index starts empty and is kept in memory alone, unless you give --data-dir. The server prints each
/// address that it listens on to standard output, one a line.
///
/// A signal stops the server in good order. It takes no more clients, finishes what it has received, and
/// sends the replies. Then it exits with 0, or with 2 if it could not keep changes any more. It ignores
/// SIGHUP if SIGHUP was ignored when it started, as after nohup.
///
/// The log never delays an answer. If its lines cannot be written, because the disk is full or nobody reads
/// them, they are lost, and --metrics counts them.
///
/// Each option that takes a value may also come from the environment variable named in its description. If an
/// option may be repeated, the variable holds the values with commas between.
///
/// A service manager may ask for notifications (`NOTIFY_SOCKET`, `WATCHDOG_USEC`): the server then reports
/// when it is ready, that it is alive, and when it stops. The manager may also pass sockets to listen on
/// (`LISTEN_FDS`). They replace the default of --listen. A socket called `metrics` replaces --metrics.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// An address to listen on; may be repeated
    ///
    /// Port 0 takes any free port. `[::]` also takes IPv4 clients if the system allows it. Beside an IPv4
    /// address with the same port it takes IPv6 clients only.
    #[arg(long, value_name = "ADDR:PORT", default_value = DEFAULT_ADDRESS, value_delimiter = ',')]
    pub(super) listen: Vec<String>,
    /// Keep the index in this directory [default: in memory alone]
    ///
    /// The directory is created if it does not exist. A client gets its answer only after the disk has the
    /// change. If the disk fails, changes get ERROR, and they are not there after the next start. If that
    /// cannot be noted on the disk, the log says so.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The longest line that a client may send, in bytes, with its LF
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_LINE_BYTES, value_parser = line_bytes)]
    max_line_bytes: usize,
    /// The most clients at once
    ///
    /// The server disconnects any further client at once.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_CONNECTIONS, value_parser = at_least_one)]
    max_connections: usize,
    /// The most packages; an INDEX beyond this gets ERROR
    #[arg(long, value_name = "N", default_value_t = Limits::CEILING, value_parser = amount)]
    max_packages: usize,
    /// The most dependencies of all packages together; an INDEX beyond this gets ERROR
    #[arg(long, value_name = "N", default_value_t = Limits::CEILING, value_parser = amount)]
    max_dependencies: usize,
    /// The most dependencies of one package; an INDEX beyond this gets ERROR
    #[arg(long, value_name = "N", default_value_t = Limits::CEILING, value_parser = amount)]
    max_dependencies_per_package: usize,
    /// The most bytes of state; an INDEX beyond this gets ERROR
    ///
    /// A package counts 48 bytes, and 20 more for each 16 bytes of its name past 11. A dependency counts 20
    /// bytes. The index takes at most a quarter more memory than that.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::MOST_STATE_BYTES)]
    max_state_bytes: usize,
    /// How long a client may leave replies unread before the server disconnects it
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_WRITE_TIMEOUT.as_secs(), value_parser = at_least_one_second)]
    write_timeout: u64,
    /// How long a client may send no complete message before the server disconnects it [default: no limit]
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one_second)]
    idle_timeout: Option<u64>,
    /// How long a stopping server waits for clients to read their replies
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_SHUTDOWN_GRACE.as_secs())]
    shutdown_grace: u64,
    /// Serve metrics over HTTP at this address
    ///
    /// /metrics has counts for Prometheus, /healthz says whether the server is well, and /backup sends a copy
    /// of the index that --data-dir keeps.
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<String>,
    /// A host name for requests to --metrics; may be repeated
    ///
    /// IP addresses and localhost are always accepted. Requests for any other name are refused, because a web
    /// page can make its own name point to this server.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    metrics_host: Vec<String>,
    /// Check and print the options in effect, and serve nothing
    ///
    /// Variables of the environment are checked too. Exits with 0 if a server can start with these options,
    /// and with 2 if not.
    #[arg(long)]
    check_config: bool,
    #[cfg(feature = "etcd")]
    #[command(flatten)]
    replication: Box<replicate::Replication>,
    #[command(flatten)]
    logging: logging::Logging,
    /// All options in effect, and where each comes from.
    #[arg(skip)]
    pub(super) settings: Vec<Setting>,
}

fn line_bytes(text: &str) -> Result<usize, String> {
    let bytes: usize = text.parse().map_err(|error| format!("{error}"))?;
    if bytes < MIN_LINE_BYTES {
        return Err(format!("give {MIN_LINE_BYTES} or more: a name may have 255 bytes"));
    }
    Ok(bytes)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number: NonZeroUsize = text.parse().map_err(|error| format!("{error}"))?;
    Ok(number.get())
}

/// A number of packages or dependencies, up to what an index can hold.
fn amount(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|error| format!("{error}"))?;
    if number > Limits::CEILING {
        return Err(format!("give {} or less: an index can hold no more", Limits::CEILING));
    }
    Ok(number)
}

impl Arguments {
    fn config(&self) -> server::Config {
        server::Config {
            max_line_bytes: self.max_line_bytes,
            max_connections: self.max_connections,
            write_timeout: Duration::from_secs(self.write_timeout),
            idle_timeout: self.idle_timeout.map(Duration::from_secs),
            shutdown_grace: Duration::from_secs(self.shutdown_grace),
        }
    }

    fn addresses(&self) -> Addresses<'_> {
        Addresses { listen: &self.listen, metrics: self.metrics.as_deref() }
    }

    /// Where to listen in addition to the sockets that were passed. Those replace defaults only.
    fn addresses_beside(&self, passed: &Passed) -> Addresses<'_> {
        let is_default = |it: &Setting| it.option == "listen" && it.origin == Origin::Default;
        let mut addresses = self.addresses();
        if !passed.clients.is_empty() && self.settings.iter().any(is_default) {
            addresses.listen = &[];
        }
        if passed.metrics.is_some() {
            addresses.metrics = None;
        }
        addresses
    }

    fn limits(&self) -> Limits {
        Limits {
            max_packages: self.max_packages,
            max_dependencies: self.max_dependencies,
            max_dependencies_per_package: self.max_dependencies_per_package,
            max_state_bytes: self.max_state_bytes,
        }
    }
}

/// The index that is served.
enum Served {
    /// In memory or in a directory.
    Engine(Arc<Engine>),
    #[cfg(feature = "etcd")]
    Replica(Arc<Replica>),
}

impl Served {
    /// Loads the index that the arguments name.
    fn load(arguments: &Arguments) -> Result<Self, Failure> {
        let limits = arguments.limits();
        #[cfg(feature = "etcd")]
        if let Some(replica) = arguments.replication.replica(limits, arguments.max_line_bytes)? {
            return Ok(Self::Replica(Arc::new(replica)));
        }
        let engine = match &arguments.data_dir {
            Some(directory) => data_dir::engine(directory, limits)?,
            None => Engine::new(PackageIndex::with_limits(limits)),
        };
        Ok(Self::Engine(Arc::new(engine)))
    }

    /// Starts the background threads.
    #[cfg_attr(
        not(feature = "etcd"),
        allow(clippy::unnecessary_wraps, reason = "only a replica has background threads")
    )]
    fn duties(&self) -> io::Result<Option<Duties>> {
        match self {
            Self::Engine(_) => Ok(None),
            #[cfg(feature = "etcd")]
            Self::Replica(replica) => Duties::start(replica).map(Some),
        }
    }

    fn backend(&self) -> Arc<dyn Backend> {
        match self {
            Self::Engine(engine) => Arc::clone(engine) as _,
            #[cfg(feature = "etcd")]
            Self::Replica(replica) => Arc::clone(replica) as _,
        }
    }

    /// Returns a check of whether the server can go on. The check does not return while the index is stuck. A
    /// disk or an etcd that is unreachable or slow is no reason to restart the server.
    fn sign_of_life(&self) -> impl Fn() -> bool + Send + 'static {
        let backend = self.backend();
        #[cfg(feature = "etcd")]
        let replica = match self {
            Self::Engine(_) => None,
            Self::Replica(replica) => Some(Arc::clone(replica)),
        };
        move || {
            #[cfg(feature = "etcd")]
            if replica.as_ref().is_some_and(|replica| replica.log_failure().is_some()) {
                return false;
            }
            backend.engine().0.read_ahead(0, PackageIndex::len).is_ok()
        }
    }

    /// Closes the index. Fails if the index could not go on.
    fn end(&self) -> Result<(), ServeFailure> {
        match self {
            Self::Engine(engine) => {
                let closed = engine.close();
                // The first failure says more than the failure to close that follows it.
                if let Some(error) = engine.store_failure() {
                    return Err(ServeFailure::NotKept { problem: error.to_string() });
                }
                closed.map_err(ServeFailure::Store)
            }
            #[cfg(feature = "etcd")]
            Self::Replica(replica) => {
                replica.close();
                replica
                    .log_failure()
                    .map_or(Ok(()), |error| Err(ServeFailure::ReplicaFailed(error)))
            }
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let unknown = unknown_variables(&arguments.settings);
    #[cfg(not(feature = "etcd"))]
    if unknown.iter().any(|name| name == "INDEXER_REPLICATE") {
        return Err(ServeFailure::CannotReplicate.into());
    }
    if arguments.check_config {
        return check_config::run(arguments);
    }
    let passed = passed::take()?;
    // Created before the log, because they count the lines that the log loses.
    let has_endpoint = arguments.metrics.is_some() || passed.metrics.is_some();
    let metrics = has_endpoint.then(Metrics::new).transpose().map_err(ServeFailure::Metrics)?;
    let metrics = metrics.map(Arc::new);
    let counted = metrics.clone();
    let on_loss = move || {
        if let Some(metrics) = &counted {
            metrics.log_line_lost();
        }
    };
    // Dropped last, so that the error message comes after all lines of the log.
    let log = logging::start(&arguments.logging, on_loss)?;
    for variable in unknown {
        let variable = shown(&variable);
        tracing::warn!(event = "unknown_variable", %variable, "no option has this variable");
    }
    serve(arguments, passed, metrics, &log)
}

fn serve(
    arguments: &Arguments,
    mut passed: Passed,
    metrics: Option<Arc<Metrics>>,
    log: &logging::Log,
) -> Result<Fulfilled, Failure> {
    let manager = Manager::find();
    let addresses = arguments.addresses_beside(&passed);
    let listener = match passed.metrics.take() {
        Some(listener) => Some(listener),
        None => addresses.bind_metrics()?,
    };
    // Started before the index is loaded and kept until the server has stopped, so that both can be watched.
    let endpoint = listener
        .zip(metrics.clone())
        .map(|(listener, metrics)| {
            Opening::start(arguments.metrics_host.clone(), listener, metrics)
        })
        .transpose()
        .map_err(ServeFailure::Start)?;
    manager.loading();
    let served = Served::load(arguments)?;
    let signals = Signals::register().map_err(Failure::Signals)?;
    let duties = served.duties().map_err(ServeFailure::Start)?;
    let passed_at = passed.clients.iter().filter_map(|it| it.local_addr().ok());
    let others = passed_at.chain(endpoint.as_ref().map(Opening::address)).collect();
    let mut listeners = addresses.bind_clients(others)?;
    listeners.append(&mut passed.clients);
    let monitor: Arc<dyn Monitor> = match metrics {
        Some(metrics) => metrics,
        None => Arc::new(Nobody),
    };
    let config = arguments.config();
    let server = Server::start_serving(listeners, served.backend(), config, monitor)
        .map_err(ServeFailure::Start)?;
    let endpoint = endpoint.map(|opening| opening.open(served.backend(), server.handle()));
    tracing::info!(
        event = "serving",
        addresses = ?server.addresses(),
        max_connections = config.max_connections,
        max_line_bytes = config.max_line_bytes,
        "serving"
    );
    // Scripts that wait for the addresses find the line above in the log.
    log.flush();
    if let Err(error) = announce(&server, endpoint.as_ref()) {
        tracing::warn!(
            event = "not_announced",
            %error, "cannot print the addresses to standard output"
        );
    }
    let watchdog = manager.watch(served.sign_of_life()).map_err(ServeFailure::Start)?;
    manager.ready(server.addresses());
    let signal = signals.wait();
    manager.stopping();
    server.shut_down();
    let stopped = server.join();
    drop((endpoint, duties, watchdog));
    served.end()?;
    tracing::info!(event = "stopped", signal, cut_off = stopped.cut_off, "stopped");
    Ok(Fulfilled::Yes)
}

/// Prints the server's addresses to standard output. Scripts that chose port 0 wait for them.
///
/// # Errors
/// If a write fails, unless the reader closed the pipe. The server goes on either way.
fn announce(server: &Server, endpoint: Option<&Endpoint>) -> io::Result<()> {
    let mut output = Aside::new(io::stdout());
    for address in server.addresses() {
        writeln!(output, "listening on {address}")?;
    }
    if let Some(endpoint) = endpoint {
        writeln!(output, "metrics on http://{}/metrics", endpoint.address())?;
    }
    output.end()
}
