//! Just enough HTTP/1.1 for Prometheus, a health check and a browser.
//!
//! It reads the head of a request, and writes a response.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::format::Format;

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// The most header fields of a request: several times what browsers and proxies send.
const MAX_FIELDS: usize = 64;

/// How long a client may take to send the head of its request.
const HEAD_PATIENCE: Duration = Duration::from_secs(2);

/// How long a client may leave a response unread.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The result of reading a head.
pub(super) enum Head {
    Complete(Vec<u8>),
    TooLong,
}

/// Reads up to the empty line that ends the head of a request.
///
/// # Errors
/// If the client ends the connection or takes too long.
pub(super) fn read_head(mut stream: &TcpStream) -> io::Result<Head> {
    let begun = Instant::now();
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !is_complete(&head) {
        if head.len() >= MAX_HEAD_BYTES {
            return Ok(Head::TooLong);
        }
        let left = HEAD_PATIENCE.saturating_sub(begun.elapsed());
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

/// Whether an empty line has come after the first line of a request. A line ends with LF, and a CR before it
/// is not part of the line. Empty lines before the first do not count (RFC 9112, section 2.2).
fn is_complete(head: &[u8]) -> bool {
    let first = head.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(head.len());
    let head = &head[first..];
    head.windows(2).any(|bytes| bytes == b"\n\n") || head.windows(3).any(|bytes| bytes == b"\n\r\n")
}

/// A request: what it asks for, and for whom.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// The path without its query.
    pub(super) path: &'a str,
    /// Whether it is HTTP/1.1, and so its client knows chunks.
    pub(super) has_chunks: bool,
    /// The host that it names, with the port. `None` in HTTP/1.0.
    pub(super) host: Option<&'a [u8]>,
    /// The format that it wants for metrics.
    pub(super) format: Format,
    /// Whether a web page of another origin asks, if its browser says so.
    pub(super) is_of_a_page: bool,
}

impl<'a> Request<'a> {
    /// Reads a complete head.
    ///
    /// # Errors
    /// The response to bytes that are no valid request (RFC 9112, section 3.2).
    pub(super) fn read(head: &'a [u8]) -> Result<Self, Response> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(head) {
            Ok(_) => {}
            Err(httparse::Error::TooManyHeaders) => {
                let why = format!("the head has more than {MAX_FIELDS} fields\n");
                return Err(Response::plain(Status::HeadTooLong, &why));
            }
            Err(_) => {
                return Err(Response::plain(Status::BadRequest, "this is not an HTTP request\n"));
            }
        }
        let values = |name: &'static str| {
            let named = request.headers.iter().filter(move |it| it.name.eq_ignore_ascii_case(name));
            named.map(|field| field.value.trim_ascii())
        };
        let has_chunks = request.version == Some(1);
        let mut hosts = values("Host");
        let host = hosts.next();
        if hosts.next().is_some() || has_chunks && host.is_none() {
            let why = "a request must have one Host field\n";
            return Err(Response::plain(Status::BadRequest, why));
        }
        let is_of_another = |site: &[u8]| ![&b"none"[..], b"same-origin"].contains(&site);
        let is_of_a_page =
            values("Origin").next().is_some() || values("Sec-Fetch-Site").any(is_of_another);
        let (authority, path) = parts(request.path.unwrap_or_default());
        Ok(Self {
            method: request.method.unwrap_or_default(),
            path,
            has_chunks,
            host: authority.map(str::as_bytes).or(host),
            is_of_a_page,
            format: Format::accepted(values("Accept")),
        })
    }
}

/// The host in a target of absolute form, and its path. That host then counts instead of the field `Host`
/// (RFC 9112, section 3.2.2).
fn parts(target: &str) -> (Option<&str>, &str) {
    let (authority, path) = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            (Some(authority), path)
        }
        _ => (None, target),
    };
    (authority, path.split(['?', '#']).next().unwrap_or_default())
}

/// The statuses in use.
#[derive(Debug, Clone, Copy)]
pub(super) enum Status {
    Ok,
    BadRequest,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Misdirected,
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
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::Misdirected => "421 Misdirected Request",
            Self::HeadTooLong => "431 Request Header Fields Too Large",
            Self::ServerError => "500 Internal Server Error",
            Self::Unavailable => "503 Service Unavailable",
            Self::OldVersion => "505 HTTP Version Not Supported",
        }
    }
}

/// A whole body, with its head.
pub(super) struct Response {
    pub(super) status: Status,
    pub(super) kind: &'static str,
    pub(super) body: String,
    pub(super) without_body: bool,
    /// Whether it depends on the request's `Accept` fields.
    pub(super) varies: bool,
}

impl Response {
    pub(super) fn ok(body: String) -> Self {
        Self { status: Status::Ok, kind: "text/plain", body, without_body: false, varies: false }
    }

    pub(super) fn plain(status: Status, body: &str) -> Self {
        Self { status, ..Self::ok(body.to_owned()) }
    }

    pub(super) fn is_ok(&self) -> bool {
        matches!(self.status, Status::Ok)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let more = match self.status {
            Status::MethodNotAllowed => "Allow: GET, HEAD\r\n",
            Status::Unavailable => "Retry-After: 1\r\n",
            Status::Ok if self.varies => "Vary: Accept\r\n",
            _ => "",
        };
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\n{more}Connection: close\r\n\r\n",
            self.status.line(),
            self.kind,
            self.body.len()
        );
        let body = if self.without_body { "" } else { &self.body };
        [head.as_bytes(), body.as_bytes()].concat()
    }
}

/// A body that is sent in chunks (RFC 9112, section 7.1), until it is complete, takes too long, or must not
/// go on.
pub(super) struct Chunks<'a> {
    stream: &'a TcpStream,
    until: Instant,
    may_go_on: &'a dyn Fn() -> io::Result<()>,
    /// The bytes of the next chunk.
    waiting: Vec<u8>,
}

impl<'a> Chunks<'a> {
    /// Sends the head of a response of text.
    ///
    /// # Errors
    /// If the client does not read it in time, or it must not go on.
    pub(super) fn begin(
        stream: &'a TcpStream,
        within: Duration,
        may_go_on: &'a dyn Fn() -> io::Result<()>,
    ) -> io::Result<Self> {
        let until = Instant::now() + within;
        let chunks = Self { stream, until, may_go_on, waiting: Vec::new() };
        chunks.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
              Transfer-Encoding: chunked\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        )?;
        Ok(chunks)
    }

    /// Marks the body as complete.
    ///
    /// # Errors
    /// If the client does not read it in time.
    pub(super) fn end(stream: &TcpStream, within: Duration) -> io::Result<()> {
        let until = Instant::now() + within;
        let last = Chunks { stream, until, may_go_on: &|| Ok(()), waiting: Vec::new() };
        last.write(b"0\r\n\r\n")
    }

    /// The next chunk, for more bytes.
    pub(super) fn waiting(&mut self) -> &mut Vec<u8> {
        &mut self.waiting
    }

    /// Sends the waiting bytes as one chunk, if they are this many. An empty chunk would be the last.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(super) fn flush_if(&mut self, bytes: usize) -> io::Result<()> {
        if self.waiting.is_empty() || self.waiting.len() < bytes {
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", self.waiting.len()).into_bytes();
        chunk.append(&mut self.waiting);
        chunk.extend_from_slice(b"\r\n");
        self.write(&chunk)
    }

    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        let mut stream = self.stream;
        while !bytes.is_empty() {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(ErrorKind::TimedOut, "it took too long"));
            }
            (self.may_go_on)()?;
            stream.set_write_timeout(Some(left.min(PATIENCE)))?;
            match stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_path_and_perhaps_an_authority() {
        for (target, expected) in [
            ("/metrics", (None, "/metrics")),
            ("/metrics?x=http://y", (None, "/metrics")),
            ("http://evil.example/metrics?x", (Some("evil.example"), "/metrics")),
            ("http://evil.example", (Some("evil.example"), "")),
            ("http://evil.example?/metrics", (Some("evil.example"), "")),
            ("http:///metrics", (Some(""), "/metrics")),
            ("*", (None, "*")),
        ] {
            assert_eq!(parts(target), expected, "{target}");
        }
    }
}
