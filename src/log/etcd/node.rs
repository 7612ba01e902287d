//! Requests to one node, and the meaning of its answers.
//!
//! Where a gRPC code may mean several things, etcd is asked once more for something that tells them apart:
//! its alarms, or a small read.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use ureq::{Agent, Body, http};

use super::address::Credentials;
use super::refusals::{Kind, Problem};
use super::replies::{Alarms, encode, unreachable};
use crate::log::{LogError, LogRefusal};

/// How long a node may take for one call before the next node is asked.
pub(super) const CALL: Duration = Duration::from_secs(2);

/// The most bytes of any reply except a line of a watch.
pub(super) const MAX_REPLY_BYTES: u64 = 64 << 20;

/// Every etcd with usable settings accepts a request of this many bytes.
const SMALL_REQUEST: usize = 4 * 1024;

/// The gRPC server in etcd accepts a request of this many bytes: half a MiB more than etcd does.
const SMALL_MESSAGE: usize = 512 * 1024;

/// Why a node did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failed {
    /// The requested revision is compacted, or does not exist yet.
    NoRevision(LogError),
    Log(LogError),
}

impl From<LogError> for Failed {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl Failed {
    /// The error for callers that did not ask for a revision, and can ask again.
    pub(super) fn into_log_error(self) -> LogError {
        match self {
            Self::NoRevision(error) | Self::Log(error) => error,
        }
    }
}

fn refused(node: &str, refusal: LogRefusal, problem: &Problem) -> LogError {
    LogError::Refused { refusal, problem: format!("{node}: {}", problem.said) }
}

fn away(node: &str, problem: &Problem) -> LogError {
    unreachable(format!("{node}: {}", problem.said))
}

fn rejected(node: &str, problem: &Problem) -> LogError {
    LogError::Rejected { problem: format!("{node}: {}", problem.said) }
}

/// The node that answered first, and the id of its cluster.
#[derive(Debug)]
struct Met {
    node: String,
    cluster: String,
}

/// The client of all nodes, and what they have said so far.
pub(super) struct Client {
    agent: Agent,
    credentials: Option<Credentials>,
    token: Mutex<Option<String>>,
    met: OnceLock<Met>,
    /// A key that every user of the log may read.
    probe: String,
}

impl Client {
    pub(super) fn new(agent: Agent, credentials: Option<Credentials>, prefix: &str) -> Self {
        let probe = format!("{prefix}/setup");
        Self { agent, credentials, token: Mutex::default(), met: OnceLock::new(), probe }
    }

    /// Makes a node do something, and returns its reply.
    pub(super) fn call_node(&self, node: &str, path: &str, body: &str) -> Result<String, Failed> {
        let mut asked = self.ask(node, path, body)?;
        if let Err(problem) = &asked
            && problem.kind.is_perhaps_the_token()
            && self.credentials.is_some()
        {
            // A token holds for some minutes, or until somebody changes the users of etcd.
            self.forget_token();
            asked = self.ask(node, path, body)?;
        }
        match asked {
            Ok(text) => Ok(text),
            Err(problem) if problem.kind == Kind::Argument => {
                self.ask_whether_it_is_the_request(node)?;
                // Users may have been changed at that moment.
                match self.ask(node, path, body)? {
                    Ok(text) => Ok(text),
                    Err(problem) if problem.kind != Kind::Argument => {
                        Err(self.meaning(node, body, &problem))
                    }
                    Err(problem) if body.len() <= SMALL_REQUEST => {
                        Err(rejected(node, &problem).into())
                    }
                    Err(problem) => Err(refused(node, LogRefusal::TooLarge, &problem).into()),
                }
            }
            Err(problem) => Err(self.meaning(node, body, &problem)),
        }
    }

    /// The meaning of this answer to a client with a new token.
    fn meaning(&self, node: &str, body: &str, problem: &Problem) -> Failed {
        let refusal = match problem.kind {
            Kind::NoRevision => return Failed::NoRevision(away(node, problem)),
            Kind::Away | Kind::State => return away(node, problem).into(),
            Kind::Stranger => return rejected(node, problem).into(),
            Kind::Denied | Kind::Token | Kind::Argument => LogRefusal::Denied,
            Kind::Corrupt => LogRefusal::Corrupt,
            Kind::TooLarge => LogRefusal::TooLarge,
            Kind::Exhausted => match self.alarms(node) {
                Ok(alarms) if alarms.is_on("NOSPACE") => LogRefusal::Full,
                Ok(alarms) if alarms.is_on("CORRUPT") => LogRefusal::Corrupt,
                Ok(_) if body.len() > SMALL_MESSAGE => LogRefusal::TooLarge,
                Ok(_) => return away(node, problem).into(),
                Err(error) => return error.into(),
            },
        };
        refused(node, refusal, problem).into()
    }

    /// A read that is never too large. etcd refuses it, like any other request, only from a user that it does
    /// not know.
    fn ask_whether_it_is_the_request(&self, node: &str) -> Result<(), Failed> {
        let body = json!({ "key": encode(&self.probe), "count_only": true }).to_string();
        match self.ask(node, "kv/range", &body)? {
            Ok(_) => Ok(()),
            Err(problem) => Err(self.meaning(node, &body, &problem)),
        }
    }

    /// The alarms of a node.
    fn alarms(&self, node: &str) -> Result<Alarms, LogError> {
        match self.ask(node, "maintenance/alarm", r#"{"action": "GET"}"#)? {
            Ok(text) => serde_json::from_str(&text).map_err(|error| {
                unreachable(format!("{node}: its alarms cannot be read: {error}"))
            }),
            Err(problem) => Err(away(node, &problem)),
        }
    }

    /// Asks a node. Returns its reply, or the problem that it reports.
    ///
    /// # Errors
    /// If there is no answer.
    fn ask(&self, node: &str, path: &str, body: &str) -> Result<Result<String, Problem>, LogError> {
        let token = self.token(node)?;
        self.exchange(node, path, body, token.as_deref())
    }

    pub(super) fn exchange(
        &self,
        node: &str,
        path: &str,
        body: &str,
        token: Option<&str>,
    ) -> Result<Result<String, Problem>, LogError> {
        let failed = |error: ureq::Error| unreachable(format!("{node}: {error}"));
        let mut response = self.post(node, path, body, token, None).map_err(failed)?;
        let status = response.status();
        let text = response.body_mut().with_config().limit(MAX_REPLY_BYTES).read_to_string();
        let text = text.map_err(failed)?;
        let is_done = status == http::StatusCode::OK;
        Ok(if is_done { Ok(text) } else { Err(Problem::read(status, &text)) })
    }

    pub(super) fn post(
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

    pub(super) fn forget_token(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The header that says who this is, if etcd asks for users.
    pub(super) fn token(&self, node: &str) -> Result<Option<String>, LogError> {
        let Some(Credentials { user, password }) = &self.credentials else { return Ok(None) };
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if token.is_none() {
            #[derive(Deserialize)]
            struct Granted {
                token: String,
            }
            let body = json!({ "name": user, "password": password }).to_string();
            let text = self.exchange(node, "auth/authenticate", &body, None)?;
            let text = text.map_err(|problem| not_let_in(node, user, problem))?;
            let granted = serde_json::from_str::<Granted>(&text).map_err(|error| {
                let problem = format!("{node}: user {user} gets no token: {error}");
                LogError::Rejected { problem }
            })?;
            *token = Some(granted.token);
        }
        Ok(token.clone())
    }

    /// Notes the cluster of a node.
    ///
    /// # Errors
    /// [`LogError::Mixed`] if another node, or this one earlier, was of another cluster.
    pub(super) fn note_cluster(&self, node: &str, cluster: &str) -> Result<(), LogError> {
        // Not every reply says it.
        if cluster.is_empty() {
            return Ok(());
        }
        let met = || Met { node: node.to_owned(), cluster: cluster.to_owned() };
        let first = self.met.get_or_init(met);
        if first.cluster == cluster {
            return Ok(());
        }
        let named = |Met { node, cluster }: &Met| format!("{node} (cluster {cluster})");
        Err(LogError::Mixed { one: named(first), other: named(&met()) })
    }
}

/// The error for a user that gets no token.
fn not_let_in(node: &str, user: &str, mut problem: Problem) -> LogError {
    problem.said = format!("user {user} cannot log in: {}", problem.said);
    match problem.kind {
        Kind::Argument | Kind::Token | Kind::Denied | Kind::State => {
            refused(node, LogRefusal::Denied, &problem)
        }
        Kind::Corrupt => refused(node, LogRefusal::Corrupt, &problem),
        Kind::Stranger => rejected(node, &problem),
        _ => away(node, &problem),
    }
}
