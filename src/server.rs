//! Floor 7: the TCP adapter: listeners, a thread for each connection, limits, shutdown.
//!
//! It moves bytes between sockets and sessions, and knows nothing of what they say.

mod acceptor;
mod bell;
mod connection;
mod duties;
mod handle;
mod monitor;
mod peer;
mod registry;
mod watch;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::session::Backend;
use crate::wire::DEFAULT_MAX_LINE_BYTES;
pub(crate) use acceptor::Service;
pub use duties::Duties;
pub use handle::{Handle, Stopped};
pub use monitor::{Ended, Monitor, Nobody, TurnedAway};
pub(crate) use peer::Peer;
pub(crate) use registry::Registry;

/// How many clients may be connected at once unless another number is chosen.
pub const DEFAULT_MAX_CONNECTIONS: usize = 10_000;

/// How long a client may take to read replies unless another time is chosen.
pub const DEFAULT_WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a shutdown waits for clients to take their replies unless another time is chosen.
pub const DEFAULT_SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// The limits of a [`Server`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The longest line, in bytes, LF included; 65,536 unless chosen. At least
    /// [`MIN_LINE_BYTES`](crate::wire::MIN_LINE_BYTES) is wise.
    pub max_line_bytes: usize,
    /// The most clients at once: 10,000 unless chosen. The server closes any further connection at once.
    pub max_connections: usize,
    /// How long a client may leave replies unread before it is cut off: 30 seconds unless chosen, and at
    /// least a millisecond. The server notices it between one and two times as long after the system has no
    /// more room for replies. Until then the client holds its thread. It also holds what
    /// [`Session::memory`](crate::session::Session::memory) and the system's socket buffers may grow to.
    pub write_timeout: Duration,
    /// How long a client may go without a complete message before it is let go: no limit unless chosen. The
    /// server notices it up to half a second later.
    pub idle_timeout: Option<Duration>,
    /// How long a shutdown waits for clients to take their replies, from its beginning: 5 seconds unless
    /// chosen. Then it cuts the connections off.
    pub shutdown_grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_line_bytes: DEFAULT_MAX_LINE_BYTES,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            write_timeout: DEFAULT_WRITE_TIMEOUT,
            idle_timeout: None,
            shutdown_grace: DEFAULT_SHUTDOWN_GRACE,
        }
    }
}

/// A running server. Dropping it shuts it down and waits as [`Server::join`] does.
///
/// ```
/// use package_indexer::{Command, Outcome};
/// use package_indexer::{client::Client, engine::Engine, server::{Config, Server}};
/// use std::{net::TcpListener, sync::Arc};
///
/// let engine = Arc::new(Engine::default());
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let server = Server::start([listener], Arc::clone(&engine), Config::default())?;
///
/// let mut client = Client::connect(server.addresses())?;
/// assert_eq!(client.apply(&Command::index("vim", [])?)?, Outcome::Ok);
///
/// server.shut_down();
/// assert_eq!(server.join().cut_off, 0);
/// let engine = Arc::into_inner(engine).expect("the server is gone, and nobody else has it");
/// assert_eq!(engine.apply(&Command::query("vim")?)?, Outcome::Ok);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server {
    handle: Handle,
    shared: Arc<Shared>,
    joined: bool,
}

/// What the threads of a server have in common.
struct Shared {
    backend: Arc<dyn Backend>,
    config: Config,
    connections: Arc<Registry>,
    monitor: Arc<dyn Monitor>,
    refusals: watch::Refusals,
}

impl Service for Shared {
    fn connections(&self) -> &Arc<Registry> {
        &self.connections
    }

    fn serve(&self, stream: &TcpStream, peer: Peer) {
        connection::serve(stream, peer, self);
    }

    fn turned_away(&self, reason: TurnedAway) {
        self.monitor.turned_away(reason);
    }

    fn accept_failed(&self) {
        self.monitor.accept_failed();
    }
}

/// How many clients may wait to be accepted. With std's 128, clients of a larger burst would have to retry a
/// second later. The system may allow fewer.
const BACKLOG: i32 = 4_096;

/// Serves on every listener given, set to block, until the handle says otherwise.
///
/// # Errors
/// As [`Server::start`]. What has been started by then is stopped, within `grace`.
pub(crate) fn listen<S: Service>(
    listeners: impl IntoIterator<Item = TcpListener>,
    service: &Arc<S>,
    grace: Duration,
) -> io::Result<Handle> {
    let listeners: Vec<_> = listeners.into_iter().collect();
    let mut addresses = Vec::new();
    for listener in &listeners {
        listener.set_nonblocking(false)?;
        addresses.push(listener.local_addr()?);
        // It listens already: a second call only changes the length of its queue.
        rustix::net::listen(listener, BACKLOG)?;
    }
    let connections = Arc::clone(service.connections());
    let handle = Handle { addresses: addresses.into(), connections };
    for (listener, &address) in listeners.into_iter().zip(&*handle.addresses) {
        if let Err(error) = acceptor::start(listener, address, service) {
            handle.shut_down();
            let _nobody_asks = handle.wait(grace, || false);
            return Err(error);
        }
    }
    Ok(handle)
}

impl Server {
    /// Serves an engine or a replica on every listener given, until told to [shut down](Self::shut_down). The
    /// listeners are set to block. Their queues get as many places as the system allows, up to 4,096.
    ///
    /// # Errors
    /// If a listener has no address or cannot be set so. No connection has been accepted then.
    ///
    /// If the system gives no thread to accept on a listener. Clients that others have accepted by then are
    /// let go, as by a shutdown, before this returns.
    pub fn start(
        listeners: impl IntoIterator<Item = TcpListener>,
        backend: Arc<impl Backend + 'static>,
        config: Config,
    ) -> io::Result<Self> {
        Self::start_monitored(listeners, backend, config, Arc::new(Nobody))
    }

    /// Like [`start`](Self::start), with a monitor that is told what the server does.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_monitored(
        listeners: impl IntoIterator<Item = TcpListener>,
        backend: Arc<impl Backend + 'static>,
        config: Config,
        monitor: Arc<dyn Monitor>,
    ) -> io::Result<Self> {
        Self::start_serving(listeners, backend, config, monitor)
    }

    /// Starts the server for a backend of either kind.
    pub(crate) fn start_serving(
        listeners: impl IntoIterator<Item = TcpListener>,
        backend: Arc<dyn Backend>,
        config: Config,
        monitor: Arc<dyn Monitor>,
    ) -> io::Result<Self> {
        let connections = Arc::new(Registry::new(config.max_connections)?);
        let refusals = watch::Refusals::new();
        let shared = Arc::new(Shared { backend, config, connections, monitor, refusals });
        let handle = listen(listeners, &shared, config.shutdown_grace)?;
        Ok(Self { handle, shared, joined: false })
    }

    /// The addresses served, in the order of the listeners, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.handle.addresses
    }

    /// How many clients are connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.len()
    }

    /// A handle that can shut this server down from elsewhere, while [`join`](Self::join) waits.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Begins to stop, without waiting. See [`Handle::shut_down`].
    pub fn shut_down(&self) {
        self.handle.shut_down();
    }

    /// Waits for a shutdown to begin, however long that takes, and to end.
    ///
    /// A shutdown ends when every client has ended its stream or fallen silent. When
    /// [`Config::shutdown_grace`] is over, clients that still send or do not take their replies are cut off.
    /// About a second later this returns in any case. If a thread of the server has still not ended, the log
    /// has an error. Otherwise nothing holds the engine, a listener or a connection any more. The system
    /// still delivers replies that it has taken on.
    ///
    /// A [replica](crate::replica::Replica) that still has clients when the grace ends is closed then. So
    /// clients that wait for its log are answered, and have another second to read that.
    #[must_use = "says whether every client was let go in order"]
    pub fn join(mut self) -> Stopped {
        self.wait()
    }

    fn wait(&mut self) -> Stopped {
        self.joined = true;
        // The log may be unreachable: clients would wait for it for longer than the grace.
        let let_go = || self.shared.backend.let_go();
        self.handle.wait(self.shared.config.shutdown_grace, let_go)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.joined {
            self.shut_down();
            let _nobody_asks = self.wait();
        }
    }
}

/// Shows the addresses and the number of clients, not what is indexed or who the clients are.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses())
            .field("connections", &self.connections())
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
