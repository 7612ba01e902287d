//! The client of etcd's JSON gateway, over a blocking HTTP crate.
//!
//! The alternative is the gRPC crate that is kept for etcd. It brings an async runtime, 44 more crates, and a
//! build that needs the compiler of protocol buffers. JSON costs this, measured with three nodes on two cores
//! and three clients, where an append is a transaction of three puts:
//!
//! | operations a second | gRPC | JSON |
//! |---|---|---|
//! | reads of the head | 2,976 | 2,201 |
//! | appends of 1 KiB | 1,314 | 932 |
//! | appends of 20 KB | 631 | 415 |
//! | appends of 64 KiB | 488 | 209 |
//!
//! So entries are compressed. Whole replicas were measured with gRPC too: appends, reads of the head and watches
//! ran on a thread with its own runtime. These are medians of nine pairs of runs, while other work had 40 % of
//! both cores:
//!
//! | load | more messages with gRPC | share of bare appends, JSON | with gRPC |
//! |---|---|---|---|
//! | 24 × 64, writing | 25 % | 0.61 | 0.45 |
//! | 24 × 256, writing | 38 % | 0.37 | 0.35 |
//! | 24 × 256, mixed | 41 % | 0.56 | 0.53 |
//!
//! Bare appends gained more than replicas, so replicas came no nearer to their goal, a share of 0.7. JSON was
//! kept.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::{Agent, http};

use super::address::{Credentials, EtcdAddress, Identity, SetupError};
use super::node::{CALL, Client, Failed, MAX_REPLY_BYTES};
use super::refusals::{Kind, Problem};
use super::replies::{KeyValue, Line, Reply, encode, nonsense, unreachable};
use crate::log::{LogError, LogRefusal};

/// How long a watched node may be silent before it is asked whether it missed to show something.
const SILENCE: Duration = Duration::from_secs(1);

/// The longest line of a watch: events of 1.5 MiB in base 64, and some room.
const MAX_LINE_BYTES: u64 = 16 << 20;

pub(super) struct Gateway {
    client: Client,
    nodes: Vec<String>,
    /// The node that is asked first.
    current: AtomicUsize,
    /// The node that is watched.
    watched: AtomicUsize,
}

/// How a watch ended.
pub(super) enum WatchEnd {
    /// The caller has enough.
    Enough,
    /// Nothing came for a while.
    Silent,
    /// Revisions from the first one on are gone.
    Compacted,
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
            client: Client::new(config.build().into(), credentials, &address.prefix),
            nodes: address.nodes.iter().map(|node| format!("{scheme}://{node}")).collect(),
            current: AtomicUsize::new(0),
            watched: AtomicUsize::new(0),
        })
    }

    /// Asks one node after the other until one succeeds. Every call can be repeated. A refusal by the whole
    /// cluster ends it: another node would say the same or, if it stands still, nothing for long.
    pub(super) fn call<R>(
        &self,
        path: &str,
        body: &Value,
        read: impl Fn(&Reply<'_>) -> Result<R, LogError>,
    ) -> Result<R, LogError> {
        self.call_any(path, &body.to_string(), read).map_err(Failed::into_log_error)
    }

    /// The same for a request for a revision. `None` if that revision is gone.
    pub(super) fn call_at<R>(
        &self,
        path: &str,
        body: &Value,
        read: impl Fn(&Reply<'_>) -> Result<R, LogError>,
    ) -> Result<Option<R>, LogError> {
        match self.call_any(path, &body.to_string(), read) {
            Ok(read) => Ok(Some(read)),
            Err(Failed::NoRevision(_)) => Ok(None),
            Err(Failed::Log(error)) => Err(error),
        }
    }

    fn call_any<R>(
        &self,
        path: &str,
        body: &str,
        read: impl Fn(&Reply<'_>) -> Result<R, LogError>,
    ) -> Result<R, Failed> {
        let first = self.current.load(Ordering::Relaxed);
        let mut worst = None::<LogError>;
        for turn in first..first + self.nodes.len() {
            let node = &self.nodes[turn % self.nodes.len()];
            let error = match self.client.call_node(node, path, body) {
                Ok(text) => match self.reply(node, &text) {
                    Ok(reply) => return Ok(read(&reply)?),
                    Err(error) => error,
                },
                Err(Failed::Log(error)) => error,
                Err(no_revision) => return Err(no_revision),
            };
            if is_of_the_cluster(&error) {
                return Err(error.into());
            }
            if worst.as_ref().is_none_or(|worst| weight(worst) < weight(&error)) {
                worst = Some(error);
            }
            // Other callers have found that out too.
            let _moved =
                self.current.compare_exchange(turn, turn + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        Err(worst.unwrap_or_else(|| unreachable("it has no nodes".into())).into())
    }

    /// The reply of a node, if the node is of the same cluster as the others.
    fn reply<'a>(&self, node: &str, text: &'a str) -> Result<Reply<'a>, LogError> {
        let reply = Reply::read(text).map_err(|error| LogError::Rejected {
            problem: format!("{node}: its reply is not from an etcd: {error}"),
        })?;
        self.client.note_cluster(node, reply.cluster())?;
        Ok(reply)
    }

    /// Asks all nodes at once which cluster they are of. The cluster of a node that does not answer is
    /// compared when it first replies.
    ///
    /// # Errors
    /// [`LogError::Mixed`] if they are not all of one cluster.
    pub(super) fn compare_nodes(&self) -> Result<(), LogError> {
        let compare =
            |node: &str| match self.client.exchange(node, "maintenance/status", "{}", None) {
                Ok(Ok(text)) => match Reply::read(&text) {
                    Ok(reply) => self.client.note_cluster(node, reply.cluster()),
                    Err(_) => Ok(()),
                },
                Ok(Err(_)) | Err(_) => Ok(()),
            };
        thread::scope(|scope| {
            let spawn = |node| thread::Builder::new().spawn_scoped(scope, move || compare(node));
            let asked: Vec<_> = self.nodes.iter().map(|node| spawn(node)).collect();
            // Without a thread, it is compared later.
            let mut asked = asked.into_iter().flatten();
            asked.try_for_each(|thread| thread.join().unwrap_or(Ok(())))
        })
    }

    /// Passes on what is put below a key, from a revision on, in order, until `take` has enough or nothing
    /// comes for a while.
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
        let token = self.client.token(node)?;
        let response = self.client.post(node, "watch", &body, token.as_deref(), Some(SILENCE));
        let mut response = response.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        if status != http::StatusCode::OK {
            let text = response.body_mut().with_config().limit(MAX_REPLY_BYTES).read_to_string();
            let text = text.map_err(|error| failed(error.to_string()))?;
            return Err(self.why_not_watched(node, from, to, &Problem::read(status, &text)));
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
            if let Some(error) = &read.error {
                let problem = Problem::read_line(error);
                return Err(self.why_not_watched(node, from, to, &problem));
            }
            let Some(watched) = read.result else { continue };
            self.client.note_cluster(node, watched.cluster())?;
            if !matches!(&*watched.compact_revision, "" | "0") {
                return Ok(WatchEnd::Compacted);
            }
            if watched.canceled {
                // The reason is in words only. It may be that this node does not know the token.
                let said = watched.cancel_reason.into_owned();
                let problem = Problem { kind: Kind::Token, said };
                return Err(self.why_not_watched(node, from, to, &problem));
            }
            for event in &watched.events {
                if !take(&event.kv)? {
                    return Ok(WatchEnd::Enough);
                }
            }
        }
    }

    /// Why a node does not show what is put below a key. A read of the same keys tells, because it needs the
    /// same rights. If it succeeds, the watch has to be retried.
    fn why_not_watched(&self, node: &str, from: &str, to: &str, problem: &Problem) -> LogError {
        if problem.kind != Kind::Away {
            self.client.forget_token();
            let body = json!({
                "key": encode(from), "range_end": encode(to), "keys_only": true, "limit": 1,
            });
            if let Err(failed) = self.client.call_node(node, "kv/range", &body.to_string()) {
                return failed.into_log_error();
            }
        }
        unreachable(format!("{node}: {}", problem.said))
    }
}

/// Whether other nodes would say the same. Users and limits of requests may differ for a while, if a node
/// lags or was started with other options.
fn is_of_the_cluster(error: &LogError) -> bool {
    matches!(error, LogError::Mixed { .. })
        || matches!(error.refusal(), Some(LogRefusal::Full | LogRefusal::Corrupt))
}

/// How much an error of one node says about all. A refusal says more than silence. That one node is not an
/// etcd says less, as long as another may be one.
fn weight(error: &LogError) -> u8 {
    match error {
        LogError::Refused { .. } => 2,
        error if error.is_lasting() => 0,
        _ => 1,
    }
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
mod tests;
