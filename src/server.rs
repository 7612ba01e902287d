//! Floor 6: the TCP adapter: listeners, a thread for each connection, limits, shutdown.
//!
//! It moves bytes between sockets and sessions, and knows nothing of what they say.

mod acceptor;
mod connection;
mod handle;
mod registry;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::engine::Engine;
use crate::wire::DEFAULT_MAX_LINE_BYTES;
pub use handle::{Handle, Stopped};
use registry::Registry;

/// How many clients may be connected at once unless another number is chosen.
pub const DEFAULT_MAX_CONNECTIONS: usize = 10_000;

/// How long a shutdown waits for clients to take their replies unless another time is chosen.
pub const DEFAULT_SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// The limits of a [`Server`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The longest line, in bytes, LF included; 65,536 unless chosen. At least
    /// [`MIN_LINE_BYTES`](crate::wire::MIN_LINE_BYTES) is wise.
    pub max_line_bytes: usize,
    /// The most clients at once; the connection of whoever comes then is closed at once. 10,000
    /// unless chosen.
    pub max_connections: usize,
    /// How long a shutdown, from its beginning, waits for replies to be taken before it cuts the
    /// connections off; 5 seconds unless chosen.
    pub shutdown_grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_line_bytes: DEFAULT_MAX_LINE_BYTES,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            shutdown_grace: DEFAULT_SHUTDOWN_GRACE,
        }
    }
}

/// A running server. Dropping it shuts it down and waits as [`Server::join`] does.
///
/// ```
/// use package_indexer::{Command, Outcome, StateMachine};
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
    engine: Arc<Engine>,
    config: Config,
    connections: Arc<Registry>,
}

impl Server {
    /// Serves `engine` on every listener given, until told to [shut down](Self::shut_down). The
    /// listeners are set to block.
    ///
    /// # Errors
    /// When a listener has no address or cannot be set to block, and then no connection has been
    /// accepted; or when the system gives no thread to accept on a listener, and then those that
    /// were accepted on others are let go as by a shutdown before this returns.
    pub fn start(
        listeners: impl IntoIterator<Item = TcpListener>,
        engine: Arc<Engine>,
        config: Config,
    ) -> io::Result<Self> {
        let listeners: Vec<_> = listeners.into_iter().collect();
        let mut addresses = Vec::new();
        for listener in &listeners {
            listener.set_nonblocking(false)?;
            addresses.push(listener.local_addr()?);
        }
        let connections = Arc::new(Registry::new(config.max_connections));
        let handle = Handle { addresses: addresses.into(), connections: Arc::clone(&connections) };
        let shared = Arc::new(Shared { engine, config, connections });
        let server = Self { handle, shared, joined: false };
        // Whatever fails from here on, dropping `server` stops what has been started.
        for (listener, &address) in listeners.into_iter().zip(server.addresses()) {
            acceptor::start(listener, address, &server.shared)?;
        }
        Ok(server)
    }

    /// The addresses served, in the order of the listeners, with the ports that they got.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.handle.addresses
    }

    /// How many clients are connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.len()
    }

    /// What shuts this server down from elsewhere, while [`join`](Self::join) waits.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Begins to stop, without waiting: [`Handle::shut_down`].
    pub fn shut_down(&self) {
        self.handle.shut_down();
    }

    /// Waits for a shutdown to begin, however long that takes, and to end.
    ///
    /// It ends when every client has ended its stream or fallen silent. At
    /// [`Config::shutdown_grace`] after its beginning, those are cut off that still send, or do
    /// not take their replies, and about a second later this returns in any case, with an error
    /// in the log if a thread of the server has still not ended. If none is left behind, nothing
    /// holds the engine, a listener or a connection any more. Replies that the system has taken
    /// on are delivered even after that.
    #[must_use = "says whether every client was let go in order"]
    pub fn join(mut self) -> Stopped {
        self.wait()
    }

    fn wait(&mut self) -> Stopped {
        self.joined = true;
        self.handle.wait(self.shared.config.shutdown_grace)
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

/// Says where it listens and how many are connected, not what is indexed or who they are.
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
