//! The HTTP endpoint: one request a connection, answered and closed.
//!
//! Just enough of HTTP/1.1 for Prometheus, a health check and a browser. It is served by the
//! threads of `server`, so that its clients are as limited as any.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use super::{Metrics, backup};
use crate::engine::Engine;
use crate::server::{Handle, Registry, Service, listen};
use crate::store::Snapshot;

/// The most connections at once: an operator has a few, and each takes a thread.
const MAX_CONNECTIONS: usize = 16;

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// The most header fields of a request.
const MAX_FIELDS: usize = 64;

/// How long a client may take to send its request, and then leave what is written to it untaken.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end waits for requests in hand.
const GRACE: Duration = Duration::from_secs(1);

/// Serves `/metrics`, in Prometheus's text format, and `/healthz`, which answers 200 while the
/// server answers its clients, and 503 with the reason when it does not, and under `/digest` the digest of
/// the index, with its place in the log of a replica. Under `/backup` is a copy of
/// what the engine's store keeps: the state of one moment, durable, as INDEX messages. Dropping it ends
/// it.
#[derive(Debug)]
pub struct Endpoint(Handle);

impl Endpoint {
    /// Serves on `listener` what `metrics` has counted, how much `engine` holds, and whether the
    /// server of `handle` is there.
    ///
    /// # Errors
    /// As [`Server::start`](crate::server::Server::start).
    pub fn start(
        listener: TcpListener,
        metrics: Arc<Metrics>,
        engine: Arc<Engine>,
        server: Handle,
    ) -> io::Result<Self> {
        let connections = Arc::new(Registry::new(MAX_CONNECTIONS)?);
        let backing_up = Mutex::new(());
        let pages = Arc::new(Pages { metrics, engine, server, connections, backing_up });
        listen([listener], &pages, GRACE).map(Self)
    }

    /// Where it is served.
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

/// What there is to be fetched.
struct Pages {
    metrics: Arc<Metrics>,
    engine: Arc<Engine>,
    server: Handle,
    connections: Arc<Registry>,
    /// Held by whoever is fetching a backup.
    backing_up: Mutex<()>,
}

impl Service for Pages {
    fn connections(&self) -> &Arc<Registry> {
        &self.connections
    }

    fn serve(&self, stream: &TcpStream, peer: SocketAddr) {
        if let Err(error) = self.converse(stream) {
            tracing::debug!(%peer, %error, "metrics were not fetched");
        }
    }
}

impl Pages {
    fn converse(&self, mut stream: &TcpStream) -> io::Result<()> {
        let response = match read_head(stream)? {
            Head::Complete(head) => self.respond(&head),
            Head::TooLong => Response::plain(Status::HeadTooLong, "the head is too long\n").into(),
        };
        match response {
            Answer::Page(response) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.write_all(&response.bytes())?;
            }
            Answer::WouldBackUp => backup::send_head(stream)?,
            Answer::Backup(snapshot, backing_up) => {
                let begun = Instant::now();
                let sent = backup::send(&*snapshot, stream);
                drop((snapshot, backing_up));
                match sent.and_then(|packages| backup::end(stream).map(|()| packages)) {
                    Ok(packages) => tracing::info!(packages, took = ?begun.elapsed(), "backed up"),
                    Err(error) => {
                        tracing::warn!(%error, "a backup was broken off: what was fetched is not whole");
                        return Ok(());
                    }
                }
            }
        }
        stream.shutdown(Shutdown::Write)
    }

    fn respond(&self, head: &[u8]) -> Answer<'_> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        if request.parse(head).is_err() {
            return Response::plain(Status::BadRequest, "this is no HTTP request\n").into();
        }
        let path = request.path.unwrap_or_default();
        let mut answer = match path.split('?').next() {
            Some("/metrics") => self.metrics().into(),
            Some("/healthz") => self.health().into(),
            Some("/digest") => self.digest().into(),
            Some("/backup") => self.backup(request.version == Some(1)),
            _ => Response::plain(
                Status::NotFound,
                "there are /metrics, /healthz, /digest and /backup\n",
            )
            .into(),
        };
        match (request.method, &mut answer) {
            (Some("GET"), _) => answer,
            (Some("HEAD"), Answer::Backup(..)) => Answer::WouldBackUp,
            (Some("HEAD"), Answer::Page(response)) => {
                response.without_body = true;
                answer
            }
            _ => Response::plain(Status::MethodNotAllowed, "there are GET and HEAD\n").into(),
        }
    }

    fn backup(&self, has_chunks: bool) -> Answer<'_> {
        if !has_chunks {
            return Response::plain(Status::OldVersion, "a backup needs HTTP/1.1\n").into();
        }
        let unavailable = |why: &dyn Display| {
            Answer::Page(Response::plain(Status::Unavailable, &format!("{why}\n")))
        };
        let backing_up = match self.backing_up.try_lock() {
            Ok(backing_up) => backing_up,
            // Nothing is left halfway by one that panicked.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return unavailable(&"a backup is being fetched: there is one at a time");
            }
        };
        // After that, the file cannot be read either.
        if let Some(error) = self.engine.store_failure() {
            return unavailable(&format!("the store has failed, so restart the server: {error}"));
        }
        match self.engine.snapshot() {
            Ok(Some(snapshot)) => Answer::Backup(snapshot, backing_up),
            Ok(None) => {
                let why = "nothing is kept on disk: start the server with --data-dir\n";
                Response::plain(Status::NotFound, why).into()
            }
            Err(error) => unavailable(&error),
        }
    }

    /// What the index is, in a few letters: equal for equal replicas at one place.
    fn digest(&self) -> Response {
        match self.engine.digest() {
            Ok((place, packages, digest)) => {
                let place = place.map_or(String::new(), |place| format!("place {place}\n"));
                Response::ok(format!("{place}packages {packages}\ndigest {digest}\n"))
            }
            Err(error) => Response::plain(Status::Unavailable, &format!("{error}\n")),
        }
    }

    fn metrics(&self) -> Response {
        match self.metrics.text(&self.engine) {
            Ok(text) => Response { kind: "text/plain; version=0.0.4", ..Response::ok(text) },
            Err(error) => Response::plain(Status::ServerError, &format!("{error}\n")),
        }
    }

    fn health(&self) -> Response {
        if self.server.is_shut_down() {
            return Response::plain(Status::Unavailable, "the server is shutting down\n");
        }
        match self.engine.health() {
            Ok(()) => Response::ok("ok\n".into()),
            Err(poisoned) => Response::plain(Status::Unavailable, &format!("{poisoned}\n")),
        }
    }
}

/// What a client gets.
enum Answer<'a> {
    Page(Response),
    /// What to send, and that nobody else is sent one meanwhile.
    Backup(Box<dyn Snapshot>, MutexGuard<'a, ()>),
    /// The head of a backup.
    WouldBackUp,
}

impl From<Response> for Answer<'_> {
    fn from(response: Response) -> Self {
        Self::Page(response)
    }
}

/// What came of a request's head.
enum Head {
    Complete(Vec<u8>),
    TooLong,
}

/// Reads up to the empty line that ends the head of a request.
fn read_head(mut stream: &TcpStream) -> io::Result<Head> {
    let begun = Instant::now();
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if head.len() >= MAX_HEAD_BYTES {
            return Ok(Head::TooLong);
        }
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => head.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Head::Complete(head))
}

/// The statuses that are given.
#[derive(Debug, Clone, Copy)]
enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLong,
    ServerError,
    Unavailable,
    OldVersion,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::HeadTooLong => "431 Request Header Fields Too Large",
            Self::ServerError => "500 Internal Server Error",
            Self::Unavailable => "503 Service Unavailable",
            Self::OldVersion => "505 HTTP Version Not Supported",
        }
    }
}

struct Response {
    status: Status,
    kind: &'static str,
    body: String,
    without_body: bool,
}

impl Response {
    fn ok(body: String) -> Self {
        Self { status: Status::Ok, kind: "text/plain", body, without_body: false }
    }

    fn plain(status: Status, body: &str) -> Self {
        Self { status, ..Self::ok(body.to_owned()) }
    }

    fn bytes(&self) -> Vec<u8> {
        let allow = match self.status {
            Status::MethodNotAllowed => "Allow: GET, HEAD\r\n",
            _ => "",
        };
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\n{allow}Connection: close\r\n\r\n",
            self.status.line(),
            self.kind,
            self.body.len()
        );
        let body = if self.without_body { "" } else { &self.body };
        [head.as_bytes(), body.as_bytes()].concat()
    }
}
