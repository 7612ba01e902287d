//! The client: etcd's JSON gateway, by a blocking HTTP crate.
//!
//! Chosen over the gRPC crate that is kept for etcd, which brings an async runtime, 86 crates in place of
//! ten, and a build that needs the compiler of protocol buffers. What that costs, measured with three nodes
//! on two cores, three clients, each append a transaction of three puts: 2,201 reads of the head a second in
//! place of 2,976, 932 appends of 1 KiB in place of 1,314, 415 of 20 KB in place of 631, and 209 of 64 KiB in
//! place of 488. Entries are compressed for that reason.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::{Agent, Body, http};

use super::address::{Credentials, EtcdAddress, Identity, SetupError};
use super::refusals::refusal;
use super::replies::{KeyValue, Line, Problem, Reply, encode, nonsense, unreachable};
use crate::log::{LogError, LogRefusal};

/// How long a node may take for one call before the next node is asked.
const CALL: Duration = Duration::from_secs(2);

/// How long a watched node may be silent before it is asked whether there is something that it did not
/// show.
const SILENCE: Duration = Duration::from_secs(1);

/// The longest line that a watch can bring: events of 1.5 MiB in base 64, and room.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// The most bytes of any other reply.
const MAX_REPLY_BYTES: u64 = 64 << 20;

pub(super) struct Gateway {
    agent: Agent,
    nodes: Vec<String>,
    /// Which node is asked first.
    current: AtomicUsize,
    /// Which node is watched.
    watched: AtomicUsize,
    credentials: Option<Credentials>,
    token: Mutex<Option<String>>,
}

/// How a watch has ended.
pub(super) enum WatchEnd {
    /// Whoever took has enough.
    Enough,
    /// Nothing came for a while.
    Silent,
    /// Revisions from its beginning on are gone.
    Compacted,
}

/// What an answer says that is an error.
fn problem(text: &str) -> String {
    let said = serde_json::from_str::<Problem<'_>>(text);
    said.map_or_else(|_| text.trim_end().to_owned(), |problem| problem.message.into())
}

/// What it means that a node answers with this error.
fn refused(node: &str, problem: &str) -> LogError {
    let said = format!("{node}: {problem}");
    match refusal(problem) {
        Some(refusal) => LogError::Refused { refusal, problem: said },
        None => unreachable(said),
    }
}

impl Gateway {
    pub(super) fn new(
        address: &EtcdAddress,
        credentials: Option<Credentials>,
        identity: &Identity,
    ) -> Result<Self, SetupError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CALL))
            .max_idle_connections_per_host(4);
        if address.tls {
            config = config.tls_config(identity.tls()?);
        }
        let scheme = if address.tls { "https" } else { "http" };
        Ok(Self {
            agent: config.build().into(),
            nodes: address.nodes.iter().map(|node| format!("{scheme}://{node}")).collect(),
            current: AtomicUsize::new(0),
            watched: AtomicUsize::new(0),
            credentials,
            token: Mutex::default(),
        })
    }

    /// Asks one node after the other, until one does it. Every call can be repeated. What the whole cluster
    /// refuses is asked of no other node: it would say the same, or, if it stands still, nothing for long.
    pub(super) fn call<R>(
        &self,
        path: &str,
        body: &Value,
        read: impl Fn(&Reply<'_>) -> Result<R, LogError>,
    ) -> Result<R, LogError> {
        let text = self.call_any(path, &body.to_string())?;
        read(&Reply::read(&text)?)
    }

    fn call_any(&self, path: &str, body: &str) -> Result<String, LogError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut last = unreachable("it has no nodes".into());
        for turn in first..first + self.nodes.len() {
            match self.call_node(&self.nodes[turn % self.nodes.len()], path, body) {
                Ok(text) => return Ok(text),
                Err(error) if error.refusal().is_some_and(is_of_the_cluster) => return Err(error),
                // A refusal says more than silence.
                Err(error) if last.refusal().is_none() => last = error,
                Err(_) => {}
            }
            // Whoever calls meanwhile has found that out as well.
            let _moved =
                self.current.compare_exchange(turn, turn + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        Err(last)
    }

    fn call_node(&self, node: &str, path: &str, body: &str) -> Result<String, LogError> {
        let mut renewed = false;
        loop {
            let token = self.token(node, renewed)?;
            let sent = self.post(node, path, body, token.as_deref(), None);
            let mut response = sent.map_err(|error| unreachable(format!("{node}: {error}")))?;
            let status = response.status();
            let text = response.body_mut().with_config().limit(MAX_REPLY_BYTES).read_to_string();
            let text = text.map_err(|error| unreachable(format!("{node}: {error}")))?;
            if status == http::StatusCode::OK {
                return Ok(text);
            }
            let problem = problem(&text);
            // A token holds for some minutes, or until somebody changes the users of etcd.
            let is_old = status == http::StatusCode::UNAUTHORIZED
                || problem.contains("revision of auth store is old");
            if is_old && self.credentials.is_some() && !renewed {
                renewed = true;
                continue;
            }
            return Err(refused(node, &format!("{status}: {problem}")));
        }
    }

    fn post(
        &self,
        node: &str,
        path: &str,
        body: &str,
        token: Option<&str>,
        silence: Option<Duration>,
    ) -> Result<http::Response<Body>, ureq::Error> {
        let mut request = self.agent.post(format!("{node}/v3/{path}"));
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        if silence.is_some() {
            // A node that has lost the others ends the watch.
            request = request.header("Grpc-Metadata-hasleader", "true");
        }
        let config = request.config();
        let config = match silence {
            Some(silence) => {
                config.timeout_recv_response(Some(silence)).timeout_per_read(Some(silence))
            }
            None => config.timeout_global(Some(CALL)),
        };
        config.build().send(body)
    }

    fn forget_token(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What says who this is, if somebody has to be.
    fn token(&self, node: &str, renew: bool) -> Result<Option<String>, LogError> {
        let Some(Credentials { user, password }) = &self.credentials else { return Ok(None) };
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if renew {
            *token = None;
        }
        if token.is_none() {
            #[derive(Deserialize)]
            struct Granted {
                token: String,
            }
            let failed = |problem: String| unreachable(format!("{node}: {problem}"));
            let body = json!({ "name": user, "password": password }).to_string();
            let response = self.post(node, "auth/authenticate", &body, None, None);
            let mut response = response.map_err(|error| failed(error.to_string()))?;
            let text = response.body_mut().read_to_string();
            let text = text.map_err(|error| failed(error.to_string()))?;
            let granted = serde_json::from_str::<Granted>(&text);
            let not_let_in =
                |_| refused(node, &format!("user {user} is not let in: {}", problem(&text)));
            *token = Some(granted.map_err(not_let_in)?.token);
        }
        Ok(token.clone())
    }

    /// Hands over what is put below a key, from a revision on, in order, until `take` says that it has
    /// enough or nothing comes for a while.
    pub(super) fn watch(
        &self,
        from: &str,
        to: &str,
        revision: u64,
        take: &mut dyn FnMut(&KeyValue<'_>) -> Result<bool, LogError>,
    ) -> Result<WatchEnd, LogError> {
        let turn = self.watched.load(Ordering::Relaxed);
        let ended = self.watch_node(turn, from, to, revision, take);
        if ended.is_err() {
            self.watch_another();
        }
        ended
    }

    /// Watches the next node from now on.
    pub(super) fn watch_another(&self) {
        self.watched.fetch_add(1, Ordering::Relaxed);
    }

    fn watch_node(
        &self,
        turn: usize,
        from: &str,
        to: &str,
        revision: u64,
        take: &mut dyn FnMut(&KeyValue<'_>) -> Result<bool, LogError>,
    ) -> Result<WatchEnd, LogError> {
        let node = &self.nodes[turn % self.nodes.len()];
        let body = json!({ "create_request": {
            "key": encode(from), "range_end": encode(to), "start_revision": revision.to_string(),
            "filters": ["NODELETE"], "fragment": true,
        }})
        .to_string();
        let failed = |problem: String| unreachable(format!("{node}: {problem}"));
        let token = self.token(node, false)?;
        let response = self.post(node, "watch", &body, token.as_deref(), Some(SILENCE));
        let response = response.map_err(|error| failed(error.to_string()))?;
        if response.status() == http::StatusCode::UNAUTHORIZED {
            self.token(node, true)?;
        }
        if response.status() != http::StatusCode::OK {
            return Err(failed(response.status().to_string()));
        }
        let mut lines = BufReader::with_capacity(128 * 1024, response.into_body().into_reader());
        let mut line = Vec::new();
        loop {
            line.clear();
            match lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) => return Err(failed("it ended the watch".into())),
                Ok(_) => {}
                Err(error) if is_silence(&error) => return Ok(WatchEnd::Silent),
                Err(error) => return Err(failed(error.to_string())),
            }
            let read: Line<'_> = serde_json::from_slice(&line).map_err(|error| nonsense(&error))?;
            if let Some(problem) = read.error {
                return Err(failed(problem.message.into()));
            }
            let Some(watched) = read.result else { continue };
            if !matches!(&*watched.compact_revision, "" | "0") {
                return Ok(WatchEnd::Compacted);
            }
            if watched.canceled {
                // For want of a token that this node knows, perhaps.
                self.forget_token();
                return Err(failed(watched.cancel_reason.into()));
            }
            for event in &watched.events {
                if !take(&event.kv)? {
                    return Ok(WatchEnd::Enough);
                }
            }
        }
    }
}

/// Whether all nodes of a cluster refuse alike. Users and limits of requests may differ for a while, where a
/// node lags or was started otherwise.
fn is_of_the_cluster(refusal: LogRefusal) -> bool {
    matches!(refusal, LogRefusal::Full | LogRefusal::Corrupt)
}

/// Whether a read ended because nothing came.
fn is_silence(error: &std::io::Error) -> bool {
    let is_timeout = |error: &(dyn std::error::Error + Send + Sync + 'static)| {
        matches!(error.downcast_ref(), Some(ureq::Error::Timeout(_)))
    };
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
        || error.get_ref().is_some_and(is_timeout)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    /// Calls two nodes, of which the first answers so, and the second that it has done it. What came of it, and
    /// whether the second was asked.
    fn call(status: &'static str, problem: &'static str) -> (Result<u64, LogError>, bool) {
        let nodes = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = nodes.each_ref().map(|node| node.local_addr().unwrap().to_string());
        let address = EtcdAddress { tls: false, nodes: addresses.to_vec(), prefix: "p".into() };
        let gateway = Gateway::new(&address, None, &Identity::default()).unwrap();
        let [first, second] = nodes;
        let error = format!(r#"{{"error": "{problem}", "message": "{problem}"}}"#);
        let answering = thread::spawn(move || answer(&first, status, &error));
        let is_asked =
            thread::spawn(move || answer(&second, "200 OK", r#"{"header": {"revision": "7"}}"#));
        let revision = |reply: &Reply<'_>| reply.revision();
        let called = gateway.call("kv/put", &json!({}), revision);
        answering.join().unwrap();
        // Whoever was not asked until now meets a connection that ends.
        let _ended = TcpStream::connect(&addresses[1]).map(drop);
        (called, is_asked.join().unwrap())
    }

    /// Answers one request; whether there was one.
    fn answer(node: &TcpListener, status: &str, body: &str) -> bool {
        let mut reader = BufReader::new(node.accept().unwrap().0);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).unwrap() > 0 && line != "\r\n" {
            let field = line.to_ascii_lowercase();
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if line.is_empty() {
            return false;
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        reader.get_mut().write_all((head + body).as_bytes()).unwrap();
        true
    }

    #[test]
    fn what_a_whole_cluster_refuses_is_asked_of_no_other_node() {
        let (called, is_asked) =
            call("429 Too Many Requests", "etcdserver: mvcc: database space exceeded");
        assert_eq!(called.unwrap_err().refusal(), Some(LogRefusal::Full));
        assert!(!is_asked);
        for problem in ["etcdserver: permission denied", "etcdserver: too many requests"] {
            assert_eq!(call("400 Bad Request", problem), (Ok(7), true), "{problem}");
        }
    }
}
