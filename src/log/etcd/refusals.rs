//! What etcd refuses although it can be reached, known by its words: one code of gRPC stands for several.
//!
//! | etcd says | it is | changes | QUERYs | `/healthz` | service again |
//! |---|---|---|---|---|---|
//! | `database space exceeded` | [`Full`](LogRefusal::Full) | `ERROR` at once | answered | 503 at once | by itself, once an append is taken |
//! | `permission denied`, `authentication failed`, `user name is empty`, `authentication is not enabled` | [`Denied`](LogRefusal::Denied) | `ERROR` at once | answered, if reading is allowed | 503 at once | the same |
//! | `corrupt cluster` | [`Corrupt`](LogRefusal::Corrupt) | `ERROR` at once | as etcd answers reads | 503 at once | the same |
//! | `request is too large`, `larger than max` | [`TooLarge`](LogRefusal::TooLarge) | `ERROR` at once for that entry, others go on | answered | 200 | at once |
//! | `invalid auth token`, `revision of auth store is old` | a token that is renewed at once | answered | answered | 200 | at once |
//! | `requested revision has been compacted` | no refusal: a snapshot leads on | answered | answered | 200 | at once |
//! | `too many requests`, `no leader`, `leader changed`, `request timed out`, `server stopped`, `learner`, anything else | unreachable: another node is asked, then all are asked again | `ERROR` after the patience | the same | 503 after the patience | by itself |
//!
//! While changes are refused a replica tries again within half a second, by registering a writer: the
//! least that a log takes only when it takes changes. `indexer_read_only` is 1 then, and `indexer_log_full` for
//! want of space.

use crate::log::LogRefusal;

/// The words, and what they mean.
const WORDS: [(&str, LogRefusal); 8] = [
    ("database space exceeded", LogRefusal::Full),
    ("permission denied", LogRefusal::Denied),
    ("authentication failed", LogRefusal::Denied),
    ("user name is empty", LogRefusal::Denied),
    ("authentication is not enabled", LogRefusal::Denied),
    ("corrupt cluster", LogRefusal::Corrupt),
    ("request is too large", LogRefusal::TooLarge),
    ("larger than max", LogRefusal::TooLarge),
];

/// What kind of refusal an error of etcd is; `None` if it is none.
pub(super) fn refusal(problem: &str) -> Option<LogRefusal> {
    WORDS.iter().find(|(words, _)| problem.contains(words)).map(|(_, refusal)| *refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_etcd_are_told_apart_by_their_words() {
        for (problem, expected) in [
            ("429: etcdserver: mvcc: database space exceeded", Some(LogRefusal::Full)),
            ("403: etcdserver: permission denied", Some(LogRefusal::Denied)),
            (
                "etcdserver: authentication failed, invalid user ID or password",
                Some(LogRefusal::Denied),
            ),
            ("etcdserver: user name is empty", Some(LogRefusal::Denied)),
            ("etcdserver: authentication is not enabled", Some(LogRefusal::Denied)),
            ("etcdserver: corrupt cluster", Some(LogRefusal::Corrupt)),
            ("etcdserver: request is too large", Some(LogRefusal::TooLarge)),
            ("grpc: received message larger than max (5 vs. 4)", Some(LogRefusal::TooLarge)),
            ("trying to send message larger than max (5 vs. 4)", Some(LogRefusal::TooLarge)),
            ("429: etcdserver: too many requests", None),
            ("etcdserver: no leader", None),
            ("etcdserver: leader changed", None),
            ("etcdserver: request timed out", None),
            ("etcdserver: rpc not supported for learner", None),
            ("etcdserver: invalid auth token", None),
            ("etcdserver: mvcc: required revision has been compacted", None),
            ("connection refused", None),
        ] {
            assert_eq!(refusal(problem), expected, "{problem}");
        }
    }
}
