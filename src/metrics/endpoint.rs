//! The HTTP endpoint: it answers one request on each connection, and closes it.
//!
//! The threads of `server` serve it, so its clients have the same kinds of limits. Its main purpose is the
//! health check, which must get through at any time. So a connection that has not sent its request gives way
//! to a new one, and only a few slow requests run at once.

use std::fmt::Display;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::{Duration, Instant};

use super::format::Format;
use super::hosts::Hosts;
use super::http::{Head, PATIENCE, Request, Response, Status, read_head};
use super::shared::Shared;
use super::slow::{MAX_SLOW, Slow};
use super::{Metrics, backup};
use crate::server::{Handle, Peer, Registry, Service, listen};
use crate::session::Backend;
use crate::store::Snapshot;

/// The most connections at once. An operator has a few, and each takes a thread.
pub(super) const MAX_CONNECTIONS: usize = 128;

/// Of these, the most requests for the digest at once.
pub(super) const MAX_DIGESTS: usize = 16;

/// How long a request waits for a digest that another request computes.
const DIGEST_PATIENCE: Duration = Duration::from_secs(10);

/// How long the end of the endpoint waits for requests in hand.
const GRACE: Duration = Duration::from_secs(1);

/// The HTTP endpoint of a server. Dropping it ends it.
///
/// | page | what it answers |
/// |---|---|
/// | `/metrics` | the counts, in Prometheus's text format or as OpenMetrics |
/// | `/healthz` | 200 while the server answers its clients, or loads its index; else 503 with the reason |
/// | `/readyz` | the same, but 503 while the index is loaded |
/// | `/digest` | the digest of the index, with its place in the log of a replica |
/// | `/backup` | a copy of the engine's store, as INDEX messages: the durable state of one moment |
///
/// A request must name the endpoint by an IP address, by `localhost`, or by a name that was
/// [given](Self::start_as). Requests for `/digest` and `/backup` from web pages of another origin are
/// refused.
#[derive(Debug)]
pub struct Endpoint(Handle);

/// An [`Endpoint`] whose server is not ready yet. `/readyz` says so, and `/healthz` says that it is alive.
/// Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Opening {
    endpoint: Endpoint,
    served: Arc<OnceLock<Served>>,
}

/// The index and the server, once they are there.
#[derive(Debug)]
struct Served {
    backend: Arc<dyn Backend>,
    server: Handle,
}

impl Opening {
    /// Listens, and answers requests that name one of these hosts too.
    ///
    /// # Errors
    /// As [`Server::start`](crate::server::Server::start).
    pub(crate) fn start(
        names: impl IntoIterator<Item = String>,
        listener: TcpListener,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let served = Arc::new(OnceLock::new());
        let pages = Arc::new(Pages {
            hosts: Hosts::new(names),
            metrics,
            served: Arc::clone(&served),
            connections: Arc::new(Registry::with_waiting_room(MAX_CONNECTIONS)?),
            slow: AtomicUsize::new(0),
            digest: Shared::new(MAX_DIGESTS, DIGEST_PATIENCE),
            backing_up: Mutex::new(()),
        });
        let endpoint = Endpoint(listen([listener], &pages, GRACE)?);
        Ok(Self { endpoint, served })
    }

    /// The address that it listens on.
    #[cfg(feature = "serve")]
    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.address()
    }

    /// From here on it serves the index, and says whether the server of `handle` is well.
    pub(crate) fn open(self, backend: Arc<dyn Backend>, server: Handle) -> Endpoint {
        // No one else has set it.
        let _is_set = self.served.set(Served { backend, server });
        self.endpoint
    }
}

impl Endpoint {
    /// Serves on `listener` what `metrics` has counted, how much the index holds, and whether the server of
    /// `handle` is well.
    ///
    /// # Errors
    /// As [`Server::start`](crate::server::Server::start).
    pub fn start(
        listener: TcpListener,
        metrics: Arc<Metrics>,
        backend: Arc<impl Backend + 'static>,
        server: Handle,
    ) -> io::Result<Self> {
        Self::start_as([], listener, metrics, backend, server)
    }

    /// The same, for requests that name one of these hosts too, with any port.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_as(
        names: impl IntoIterator<Item = String>,
        listener: TcpListener,
        metrics: Arc<Metrics>,
        backend: Arc<dyn Backend>,
        server: Handle,
    ) -> io::Result<Self> {
        Ok(Opening::start(names, listener, metrics)?.open(backend, server))
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.addresses()[0]
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.0.shut_down();
        let _nobody_asks = self.0.wait(GRACE, || false);
    }
}

/// What the pages show.
struct Pages {
    hosts: Hosts,
    metrics: Arc<Metrics>,
    served: Arc<OnceLock<Served>>,
    connections: Arc<Registry>,
    /// How many slow requests run now.
    slow: AtomicUsize,
    /// The text of the digest, or why there is none.
    digest: Shared<Result<String, String>>,
    /// Held during a backup.
    backing_up: Mutex<()>,
}

impl Service for Pages {
    fn connections(&self) -> &Arc<Registry> {
        &self.connections
    }

    fn serve(&self, stream: &TcpStream, client: Peer) {
        if let Err(error) = self.converse(stream, client) {
            let Peer { address: peer, connection } = client;
            tracing::debug!(
                event = "page_not_fetched",
                connection, %peer, %error, "a request for metrics failed"
            );
        }
    }

    /// Sends an answer instead of closing without a word, as far as that needs no waiting.
    fn refuse(&self, mut stream: &TcpStream) -> io::Result<()> {
        let response = Response::plain(Status::Unavailable, "too many requests at once\n");
        stream.set_nonblocking(true)?;
        stream.write_all(&response.bytes())?;
        stream.shutdown(Shutdown::Write)?;
        // Unread bytes at the end would reset the connection, and the response would be lost.
        let _nothing_came = stream.read(&mut [0; 1024]);
        Ok(())
    }
}

impl Pages {
    fn converse(&self, mut stream: &TcpStream, client: Peer) -> io::Result<()> {
        let head = read_head(stream);
        if self.connections.keep(stream).is_err() {
            return self.refuse(stream);
        }
        let head = head?;
        let answer = match &head {
            Head::Complete(head) => {
                Request::read(head).map_or_else(Into::into, |request| self.respond(&request))
            }
            Head::TooLong => Response::plain(Status::HeadTooLong, "the head is too long\n").into(),
        };
        match answer {
            Payload::Page(response) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.write_all(&response.bytes())?;
            }
            Payload::WouldBackUp => backup::send_head(stream)?,
            Payload::Backup(snapshot, _slow, backing_up) => {
                let Peer { address: peer, connection } = client;
                let begun = Instant::now();
                let sent = backup::send(&*snapshot, stream);
                drop((snapshot, backing_up));
                match sent.and_then(|packages| backup::end(stream).map(|()| packages)) {
                    Ok(packages) => {
                        let took = begun.elapsed();
                        tracing::info!(
                            event = "backed_up",
                            connection, %peer, packages, ?took, "backed up"
                        );
                    }
                    Err(error) => {
                        tracing::warn!(
                            event = "backup_broken_off",
                            connection, %peer, %error,
                            "a backup was broken off: the client has only a part of it"
                        );
                        return Ok(());
                    }
                }
            }
        }
        stream.shutdown(Shutdown::Write)
    }

    /// The index and the server.
    ///
    /// # Errors
    /// The response while they are not ready.
    fn served(&self) -> Result<&Served, Response> {
        self.served.get().ok_or_else(|| unavailable(&"the index is being loaded"))
    }

    fn respond(&self, request: &Request<'_>) -> Payload<'_> {
        if let Some(host) = request.host
            && !self.hosts.includes(host)
        {
            let why = "this server does not have that name: use its IP address, or start it with --metrics-host\n";
            return Response::plain(Status::Misdirected, why).into();
        }
        let path = request.path.strip_suffix('/').unwrap_or(request.path);
        let is_of_data = ["/digest", "/backup"].contains(&path);
        if is_of_data && request.is_of_a_page {
            return Response::plain(Status::Forbidden, "web pages may not read this\n").into();
        }
        let slow = if is_of_data || path == "/metrics" { Slow::begin(&self.slow) } else { None };
        let mut answer = match (path, slow) {
            ("/healthz", _) => self.health().into(),
            ("/readyz", _) => self.readiness().into(),
            ("/metrics", Some(_slow)) => self.metrics(request.format).into(),
            ("/digest", Some(_slow)) => self.digest().into(),
            ("/backup", Some(slow)) => self.backup(request.has_chunks, slow),
            ("/metrics" | "/digest" | "/backup", None) => {
                unavailable(&format!("{MAX_SLOW} such requests run already: try again later"))
                    .into()
            }
            _ => Response::plain(
                Status::NotFound,
                "the pages are /metrics, /healthz, /readyz, /digest and /backup\n",
            )
            .into(),
        };
        match (request.method, &mut answer) {
            ("GET", _) => answer,
            ("HEAD", Payload::Backup(..)) => Payload::WouldBackUp,
            ("HEAD", Payload::Page(response)) => {
                response.without_body = true;
                answer
            }
            _ => Response::plain(Status::MethodNotAllowed, "use GET or HEAD\n").into(),
        }
    }

    fn backup<'a>(&'a self, has_chunks: bool, slow: Slow<'a>) -> Payload<'a> {
        if !has_chunks {
            return Response::plain(Status::OldVersion, "a backup needs HTTP/1.1\n").into();
        }
        let backend = match self.served() {
            Ok(served) => &served.backend,
            Err(response) => return response.into(),
        };
        let backing_up = match self.backing_up.try_lock() {
            Ok(backing_up) => backing_up,
            // A thread that panicked has left nothing half done.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return unavailable(
                    &"another backup is being fetched: try again when it has ended",
                )
                .into();
            }
        };
        // After a failure, the file cannot be read either.
        if let Some(error) = backend.engine().0.store_failure() {
            let why = format!("the store has failed, so restart the server: {error}");
            return unavailable(&why).into();
        }
        match backend.snapshot() {
            Ok(Some(snapshot)) => Payload::Backup(snapshot, slow, backing_up),
            Ok(None) => {
                let why = "this server keeps nothing on disk: start it with --data-dir\n";
                Response::plain(Status::NotFound, why).into()
            }
            Err(error) => unavailable(&error).into(),
        }
    }

    /// A short text that is equal for replicas with equal indexes at one place. It is computed once for all
    /// who ask meanwhile.
    fn digest(&self) -> Response {
        let backend = match self.served() {
            Ok(served) => &served.backend,
            Err(response) => return response,
        };
        match self.digest.get(|| digest_text(&**backend)) {
            Ok(Ok(text)) => Response::ok(text),
            Ok(Err(error)) => unavailable(&error),
            Err(error) => unavailable(&error),
        }
    }

    fn metrics(&self, format: Format) -> Response {
        let backend = self.served.get().map(|served| &*served.backend);
        let is_ready = self.readiness().is_ok();
        match self.metrics.page(format, backend, is_ready) {
            Ok(text) => Response { kind: format.kind(), varies: true, ..Response::ok(text) },
            Err(error) => Response::plain(Status::ServerError, &format!("{error}\n")),
        }
    }

    /// Whether the process does its work. Loading the index is part of it.
    fn health(&self) -> Response {
        match self.served() {
            Ok(served) => served.health(),
            Err(_loading) => Response::ok("ok: the index is being loaded\n".into()),
        }
    }

    /// Whether clients should be sent here.
    fn readiness(&self) -> Response {
        self.served().map_or_else(|loading| loading, Served::health)
    }
}

impl Served {
    fn health(&self) -> Response {
        if self.server.is_shut_down() {
            return Response::plain(Status::Unavailable, "the server is shutting down\n");
        }
        match self.backend.health() {
            Ok(()) => Response::ok("ok\n".into()),
            Err(error) => unavailable(&error),
        }
    }
}

fn digest_text(backend: &dyn Backend) -> Result<String, String> {
    let (place, packages, digest) = backend.digest().map_err(|error| error.to_string())?;
    let place = place.map_or(String::new(), |place| format!("place {place}\n"));
    Ok(format!("{place}packages {packages}\ndigest {digest}\n"))
}

fn unavailable(why: &dyn Display) -> Response {
    Response::plain(Status::Unavailable, &format!("{why}\n"))
}

/// What a client gets.
enum Payload<'a> {
    Page(Response),
    /// The snapshot, its place, and the lock that keeps other backups out.
    Backup(Box<dyn Snapshot>, Slow<'a>, MutexGuard<'a, ()>),
    /// The head of a backup.
    WouldBackUp,
}

impl From<Response> for Payload<'_> {
    fn from(response: Response) -> Self {
        Self::Page(response)
    }
}
