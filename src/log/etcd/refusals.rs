//! What etcd refuses although it can be reached. Refusals are told apart by number: the gRPC code in an answer of its
//! gateway, or the HTTP status of an answer without a code. The words are for readers of the log, and decide nothing.
//!
//! | code | etcd 3.4 says with it, for example | it is | changes | QUERYs | `/healthz` | service again |
//! |---|---|---|---|---|---|---|
//! | 8, and the alarm `NOSPACE` is on | `database space exceeded` | [`Full`](crate::log::LogRefusal::Full) | `ERROR` at once | answered | 503 at once | by itself, after an append succeeds |
//! | 7; 3 or 16, also with a new token and for a small read; 3, 9 or 16 when a user asks for a token | `permission denied`; `user name is empty`; `authentication failed`, `authentication is not enabled` | [`Denied`](crate::log::LogRefusal::Denied) | `ERROR` at once | answered, if reading is allowed | 503 at once | the same |
//! | 15; 8, and the alarm `CORRUPT` is on alone | `corrupt cluster` | [`Corrupt`](crate::log::LogRefusal::Corrupt) | `ERROR` at once | as etcd answers reads | 503 at once | the same |
//! | 3 for a large request, and none for a small read; 8 for a larger one, and no alarm is on | `request is too large`; `received message larger than max` | [`TooLarge`](crate::log::LogRefusal::TooLarge) | `ERROR` at once for that entry, others go on | answered | 200 | at once |
//! | 3 for a small request, and none for a small read; 5, 12 | `key is not provided`, `too many operations in txn request` | [`Rejected`](crate::log::LogError::Rejected), after all nodes have said so | `ERROR` | `ERROR` | 503 at once | by a restart |
//! | none, with a status that is not a server's error | `404 Not Found`; 400, to a user who shows a certificate with a common name | the same: the server is not an etcd, or only its gateway | `ERROR` | `ERROR` | 503 at once | by a restart |
//! | none: the `cluster_id` of a reply is not that of another | | [`Mixed`](crate::log::LogError::Mixed) | `ERROR` | `ERROR` | 503 at once | by a restart |
//! | 16, 3 | `invalid auth token`, `revision of auth store is old` | a token that is renewed at once | answered | answered | 200 | at once |
//! | 11 | `required revision has been compacted`, `required revision is a future revision` | no refusal: a snapshot replaces the entries | answered | answered | 200 | at once |
//! | 14, 8 for a small request while no alarm is on, and all others; none, with a status from 500 on | `no leader`, `request timed out` | unreachable: another node is asked, then all are asked again | `ERROR` after the patience | the same | 503 after the patience | by itself |
//!
//! While changes are refused, a replica retries within half a second by registering a writer. A log takes
//! that only if it takes changes. `indexer_read_only` is 1 then, and `indexer_log_full` is 1 if the log lacks
//! space. A start ends at once if the user has no right to do it. It waits for everything else, as it waits
//! for an etcd that is unreachable.

use serde_json::Value;
use ureq::http::StatusCode;

/// The kind of an answer that is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Another node may do it, or this one later.
    Away,
    /// The revision does not exist: it is compacted, or has not come yet.
    NoRevision,
    /// The request cannot be accepted, or etcd does not know the user.
    Argument,
    /// The token is missing or no longer valid.
    Token,
    /// The user has no right to do it.
    Denied,
    /// Something is exhausted: space (an alarm says so), room for a request of this size, or time for this
    /// many requests.
    Exhausted,
    /// The copies of the nodes differ.
    Corrupt,
    /// The request is too large for a proxy before etcd.
    TooLarge,
    /// etcd is in a state in which it cannot do what is asked.
    State,
    /// The server does not know the request.
    Stranger,
}

impl Kind {
    /// Whether a new token may help.
    pub(super) fn is_perhaps_the_token(self) -> bool {
        matches!(self, Self::Argument | Self::Token)
    }

    /// The kind of an answer with a gRPC code.
    fn of_code(code: u64) -> Self {
        match code {
            3 => Self::Argument,
            5 | 12 => Self::Stranger,
            7 => Self::Denied,
            8 => Self::Exhausted,
            9 => Self::State,
            11 => Self::NoRevision,
            15 => Self::Corrupt,
            16 => Self::Token,
            _ => Self::Away,
        }
    }

    /// The kind of an answer without a code. It comes from a proxy, or from a server that is not etcd.
    fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 403 => Self::Denied,
            413 => Self::TooLarge,
            408 | 425 | 429 | 500.. => Self::Away,
            _ => Self::Stranger,
        }
    }
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) kind: Kind,
    /// What it says.
    pub(super) said: String,
}

impl Problem {
    /// The error in an answer with this status.
    pub(super) fn read(status: StatusCode, text: &str) -> Self {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let (code, message) = code_and_message(&body);
        let kind = code.map_or_else(|| Kind::of_status(status), Kind::of_code);
        Self { kind, said: format!("{status}: {}", message.unwrap_or(text.trim_end())) }
    }

    /// The error in a line of a stream that began without one.
    pub(super) fn read_line(line: &Value) -> Self {
        let (code, message) = code_and_message(line);
        let said = message.map_or_else(|| line.to_string(), str::to_owned);
        Self { kind: code.map_or(Kind::Away, Kind::of_code), said }
    }
}

/// The gateway puts the fields beside `error`, or inside it if replies come as a stream.
fn code_and_message(body: &Value) -> (Option<u64>, Option<&str>) {
    let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
    let code = error.get("grpc_code").or_else(|| error.get("code"));
    (code.and_then(Value::as_u64), error.get("message").and_then(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_their_numbers() {
        let status = StatusCode::from_u16;
        for (code, kind) in [
            (1, Kind::Away),
            (2, Kind::Away),
            (3, Kind::Argument),
            (4, Kind::Away),
            (5, Kind::Stranger),
            (7, Kind::Denied),
            (8, Kind::Exhausted),
            (9, Kind::State),
            (11, Kind::NoRevision),
            (12, Kind::Stranger),
            (13, Kind::Away),
            (14, Kind::Away),
            (15, Kind::Corrupt),
            (16, Kind::Token),
            (99, Kind::Away),
        ] {
            // Words and status that would say something else.
            let words = "etcdserver: permission denied";
            let one = format!(r#"{{"error": "{words}", "message": "{words}", "code": {code}}}"#);
            let said = format!("404 Not Found: {words}");
            let read = Problem::read(status(404).unwrap(), &one);
            assert_eq!(read, Problem { kind, said }, "{code}");
            let line = format!(r#"{{"error": {{"grpc_code": {code}, "message": "{words}"}}}}"#);
            assert_eq!(Problem::read(status(503).unwrap(), &line).kind, kind, "{code}");
            let read = Problem::read_line(&serde_json::from_str(&line).unwrap());
            assert_eq!(read, Problem { kind, said: words.into() }, "{code}");
        }
    }

    #[test]
    fn an_answer_without_a_code_is_known_by_its_status() {
        for (status, kind) in [
            (301, Kind::Stranger),
            (400, Kind::Stranger),
            (401, Kind::Denied),
            (403, Kind::Denied),
            (404, Kind::Stranger),
            (408, Kind::Away),
            (413, Kind::TooLarge),
            (429, Kind::Away),
            (500, Kind::Away),
            (503, Kind::Away),
        ] {
            for text in ["<p>code 7</p>\n", "{}", "[1]", r#"{"code": "7"}"#, ""] {
                let read = Problem::read(StatusCode::from_u16(status).unwrap(), text);
                assert_eq!(read.kind, kind, "{status} {text}");
                assert!(read.said.ends_with(text.trim_end()), "{read:?}");
            }
        }
        assert_eq!(Problem::read_line(&Value::from("gone")).kind, Kind::Away);
    }
}
