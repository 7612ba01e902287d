//! Floor 6: the TCP adapter: listeners, a thread for each connection, limits, shutdown.
//!
//! It moves bytes between sockets and sessions, and knows nothing of what they say.

mod acceptor;
mod connection;
mod registry;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::engine::Engine;
use crate::wire::DEFAULT_MAX_LINE_BYTES;
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
    /// The most clients at once; whoever comes then is let go at once. 10,000 unless chosen.
    pub max_connections: usize,
    /// How long a shutdown waits for replies to be taken before it cuts the connections off; 5
    /// seconds unless chosen.
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
/// let server = Server::start([listener], engine, Config::default())?;
///
/// let mut client = Client::connect(server.addresses())?;
/// assert_eq!(client.apply(&Command::index("vim", [])?)?, Outcome::Ok);
///
/// server.shut_down();
/// assert_eq!(server.join().cut_off, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    acceptors: Vec<JoinHandle<()>>,
}

/// What the threads of a server have in common.
#[derive(Debug)]
struct Shared {
    engine: Arc<Engine>,
    config: Config,
    connections: Arc<Registry>,
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// How many clients were cut off when the grace ended: they still sent, or did not take their
    /// replies.
    pub cut_off: usize,
}

impl Server {
    /// Serves `engine` on every listener given, until told to [shut down](Self::shut_down).
    ///
    /// # Errors
    /// When a listener has no address or a thread cannot be started; nothing is served then.
    pub fn start(
        listeners: impl IntoIterator<Item = TcpListener>,
        engine: Arc<Engine>,
        config: Config,
    ) -> io::Result<Self> {
        let connections = Arc::new(Registry::new(config.max_connections));
        let shared = Arc::new(Shared { engine, config, connections });
        let mut server = Self { addresses: Vec::new(), shared, acceptors: Vec::new() };
        // Whatever fails from here on, dropping `server` stops what has been started.
        for listener in listeners {
            let address = listener.local_addr()?;
            let shared = Arc::clone(&server.shared);
            let accept = move || acceptor::run(&listener, &shared);
            let acceptor =
                thread::Builder::new().name(format!("accept {address}")).spawn(accept)?;
            server.acceptors.push(acceptor);
            server.addresses.push(address);
        }
        Ok(server)
    }

    /// The addresses served, in the order of the listeners, with the ports that they got.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How many clients are connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.len()
    }

    /// Begins to stop, without waiting: no more clients are taken, batches that run are finished
    /// and answered, and clients find the end of the stream behind their replies. Idle ones are
    /// let go within a second.
    pub fn shut_down(&self) {
        if self.shared.connections.close() {
            for &address in &self.addresses {
                acceptor::wake(address);
            }
        }
    }

    /// Waits for a [shutdown](Self::shut_down) to begin and to end.
    ///
    /// It ends when every client has ended its stream or fallen silent, and at the latest about a
    /// second after [`Config::shutdown_grace`], with those cut off that still send, or do not take
    /// their replies. Replies that the system has taken on are delivered even after that.
    #[must_use = "says whether every client was let go in order"]
    pub fn join(mut self) -> Stopped {
        self.wait()
    }

    fn wait(&mut self) -> Stopped {
        for acceptor in self.acceptors.drain(..) {
            if acceptor.join().is_err() {
                tracing::error!("a thread that accepts connections panicked");
            }
        }
        let connections = &self.shared.connections;
        let cut_off = if connections.wait_until_empty(self.shared.config.shutdown_grace) {
            0
        } else {
            let cut_off = connections.cut_off();
            connections.wait_until_empty(Duration::from_secs(1));
            cut_off
        };
        Stopped { cut_off }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shut_down();
        let _nobody_asks = self.wait();
    }
}

#[cfg(test)]
mod tests;
