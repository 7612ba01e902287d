//! The log in etcd (feature `etcd`).
//!
//! The keys below its prefix are
//!
//! | key | value |
//! |---|---|
//! | `setup` | the settings that all replicas share |
//! | `registered` | nothing; its revisions are the ids of snapshots |
//! | `writer/ID` | how many entries the writer has appended |
//! | `log/ID/NUMBER` | an entry |
//! | `head` | the id of the last entry |
//! | `snapshot` | the snapshot to start from |
//! | `chunk/ID/NUMBER` | a part of a snapshot |
//!
//! A place is the revision at which etcd has put an entry. An append is one transaction. It compares the
//! revision of the writer's own key, and puts the entry, that key and `head`. So each revision has at most
//! one entry. The revision of `writer/ID` is the place of that writer's last entry, and the revision of
//! `head` is the place of the last entry of all. Entries are followed by a watch: etcd shows its events in
//! the order of revisions.
//!
//! Entries and chunks have a checksum (`packed`). `refusals` has a table of what a replica does when etcd
//! refuses something.

mod address;
mod follow;
mod gateway;
mod node;
mod packed;
mod refusals;
mod replies;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;

use rustls::crypto::ring;
use serde_json::{Value, json};

use super::{Entry, EntryId, Log, LogError, LogRefusal, LogSnapshot, Place, Writer};
pub use address::{AddressError, Credentials, EtcdAddress, Identity, SetupError};
use follow::Followed;
use gateway::Gateway;
use packed::{Owner, pack, unpack};
use replies::{KeyValue, Reply, encode, unreachable};

/// A log in etcd.
pub struct Etcd {
    gateway: Gateway,
    prefix: String,
    followed: Mutex<Followed>,
}

/// How many keys are listed or deleted in one request.
const PAGE: u64 = 10_000;

impl Etcd {
    /// A log at an address. It does not connect to etcd yet.
    ///
    /// # Errors
    /// [`SetupError`] if a file for TLS cannot be used.
    pub fn new(
        address: &EtcdAddress,
        credentials: Option<Credentials>,
        identity: &Identity,
    ) -> Result<Self, SetupError> {
        let gateway = Gateway::new(address, credentials, identity)?;
        Ok(Self { gateway, prefix: address.prefix.clone(), followed: Mutex::default() })
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    fn writer_key(&self, id: u64) -> String {
        self.key(&format!("writer/{id:020}"))
    }

    fn entry_key(&self, EntryId { writer, number }: EntryId) -> String {
        self.key(&format!("log/{writer:020}/{number:020}"))
    }

    fn chunk_key(&self, id: u64, number: u32) -> String {
        self.key(&format!("chunk/{id:020}/{number:010}"))
    }

    /// Reads one key.
    fn get<R>(
        &self,
        key: &str,
        read: impl Fn(&KeyValue<'_>) -> Result<R, LogError>,
    ) -> Result<Option<R>, LogError> {
        let found = |reply: &Reply<'_>| reply.kvs.first().map(&read).transpose();
        self.gateway.call("kv/range", &json!({ "key": encode(key) }), found)
    }

    /// The keys below a folder with their revisions, all at one moment.
    fn list(&self, folder: &str) -> Result<Vec<(String, u64)>, LogError> {
        let (mut from, to) = (self.key(&format!("{folder}/")), self.key(&format!("{folder}0")));
        let (mut keys, mut at) = (Vec::new(), None);
        loop {
            let mut body = json!({
                "key": encode(&from), "range_end": encode(&to), "keys_only": true, "limit": PAGE,
            });
            if let Some(revision) = at {
                body["revision"] = u64::to_string(&revision).into();
            }
            let (page, more, revision) = self.gateway.call("kv/range", &body, |reply| {
                let keys = reply.kvs.iter().map(|kv| Ok((kv.key()?, kv.revision()?)));
                let keys = keys.collect::<Result<Vec<_>, LogError>>()?;
                Ok((keys, reply.more, reply.revision()?))
            })?;
            keys.extend(page);
            at.get_or_insert(revision);
            match keys.last() {
                Some((last, _)) if more => from = format!("{last}\0"),
                _ => return Ok(keys),
            }
        }
    }

    fn put(&self, key: &str, value: impl AsRef<[u8]>) -> Result<u64, LogError> {
        let body = json!({ "key": encode(key), "value": encode(value) });
        let revision = |reply: &Reply<'_>| reply.revision();
        self.gateway.call("kv/put", &body, revision)
    }

    fn delete(&self, from: &str, to: &str) -> Result<(), LogError> {
        let body = json!({ "key": encode(from), "range_end": encode(to) });
        self.gateway.call("kv/deleterange", &body, |_| Ok(()))
    }

    /// The id of the entry that a key holds.
    fn entry_id(&self, key: &str) -> Result<EntryId, LogError> {
        let id = key.strip_prefix(&self.key("log/"));
        read_entry_id(key, id.unwrap_or_default())
    }

    fn entry(&self, kv: &KeyValue<'_>) -> Result<Entry, LogError> {
        let key = kv.key()?;
        let id = self.entry_id(&key)?;
        let messages = unpack(Owner::Entry(id), &kv.value()?);
        let messages = messages.map_err(|problem| damaged(&key, &problem))?;
        Ok(Entry { place: Place(kv.revision()?), id, messages })
    }

    /// Puts the settings of the replicas unless they are there, and returns those that are there.
    fn put_setup(&self, key: &str, setup: &str) -> Result<Option<String>, LogError> {
        let body = json!({
            "compare": [is_missing(key)],
            "success": [put(key, setup)],
            "failure": [read(key)],
        });
        let found = |reply: &Reply<'_>| reply.found(0).map(KeyValue::text).transpose();
        self.gateway.call("kv/txn", &body, found)
    }

    fn read_snapshot(&self, kv: &KeyValue<'_>) -> Result<LogSnapshot, LogError> {
        let text = kv.text()?;
        let problem = || format!("it holds '{text}'");
        read_snapshot(&text).ok_or_else(|| damaged(&self.key("snapshot"), &problem()))
    }
}

/// A random number from the system's source, as TLS has it, so that no one else draws the same.
fn draw() -> Result<u64, LogError> {
    let mut bytes = [0; 8];
    let drawn = ring::default_provider().secure_random.fill(&mut bytes);
    drawn.map_err(|_| unreachable("the system has no random number for a writer".into()))?;
    Ok(u64::from_le_bytes(bytes))
}

fn damaged(what: &str, problem: &str) -> LogError {
    LogError::Damaged { what: what.to_owned(), problem: problem.to_owned() }
}

fn text(kv: &KeyValue<'_>) -> Result<String, LogError> {
    kv.text()
}

fn put(key: &str, value: impl AsRef<[u8]>) -> Value {
    json!({ "request_put": { "key": encode(key), "value": encode(value) } })
}

fn read(key: &str) -> Value {
    json!({ "request_range": { "key": encode(key) } })
}

/// Compares that a key does not exist.
fn is_missing(key: &str) -> Value {
    json!({ "key": encode(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0" })
}

/// The id of an entry, from its key or from the end of the log.
fn read_entry_id(key: &str, text: &str) -> Result<EntryId, LogError> {
    let id = text.split_once('/').and_then(|(writer, number)| {
        Some(EntryId { writer: writer.parse().ok()?, number: number.parse().ok()? })
    });
    id.ok_or_else(|| damaged(key, "it is not the id of an entry"))
}

/// The text of a snapshot.
fn written(snapshot: &LogSnapshot) -> String {
    let LogSnapshot { id, place, log_bytes, chunks, packages } = snapshot;
    format!("{id} {place} {log_bytes} {chunks} {packages}")
}

fn read_snapshot(text: &str) -> Option<LogSnapshot> {
    let mut numbers = text.split(' ').map(|number| number.parse::<u64>().ok());
    let mut next = || numbers.next().flatten();
    Some(LogSnapshot {
        id: next()?,
        place: Place(next()?),
        log_bytes: next()?,
        chunks: u32::try_from(next()?).ok()?,
        packages: next()?,
    })
}

/// A snapshot of one chunk as it lies in etcd, as its two values, so that a test can see what it holds.
#[cfg(test)]
pub(crate) fn kept(written: &str, chunk: &[u8]) -> (LogSnapshot, Vec<u8>) {
    let snapshot = read_snapshot(written).unwrap();
    (snapshot, unpack(Owner::Chunk(snapshot.id, 0), chunk).unwrap())
}

impl Log for Etcd {
    fn agree(&self, setup: &str) -> Result<(), LogError> {
        let key = self.key("setup");
        self.gateway.compare_nodes()?;
        // Read first, and put only if missing: an etcd without space refuses any transaction that could put
        // something.
        let theirs = match self.get(&key, text)? {
            Some(theirs) => Some(theirs),
            None => self.put_setup(&key, setup)?,
        };
        match theirs {
            Some(theirs) if theirs != setup => {
                Err(LogError::Disagrees { ours: setup.to_owned(), theirs })
            }
            _ => Ok(()),
        }
    }

    fn register(&self) -> Result<Writer, LogError> {
        // Random, because revisions repeat when etcd is restored from a backup. Then an entry of another
        // writer with other messages must not look like one that was seen.
        let id = draw()?;
        let key = self.writer_key(id);
        // The condition stops a late request from putting it again, which would undo appends.
        let body = json!({
            "compare": [is_missing(&key)],
            "success": [put(&key, "0")],
            "failure": [read(&key)],
        });
        let place = self.gateway.call("kv/txn", &body, |reply| match reply.found(0) {
            Some(kv) => kv.revision(),
            None => reply.revision(),
        })?;
        Ok(Writer { id, entries: 0, place: Place(place) })
    }

    fn append(&self, writer: &Writer, messages: &[u8]) -> Result<Option<Place>, LogError> {
        let (id, key) = (writer.next(), self.writer_key(writer.id));
        let number = id.number.to_string();
        let body = json!({
            "compare": [{
                "key": encode(&key), "target": "MOD", "result": "EQUAL",
                "mod_revision": writer.place.to_string(),
            }],
            "success": [
                put(&self.entry_key(id), pack(Owner::Entry(id), messages)),
                put(&key, &number),
                put(&self.key("head"), id.to_string()),
            ],
            "failure": [read(&key)],
        });
        self.gateway.call("kv/txn", &body, |reply| {
            if reply.succeeded {
                return Ok(Some(Place(reply.revision()?)));
            }
            match reply.found(0) {
                // An earlier attempt was successful.
                Some(kv) if kv.text()? == number => Ok(Some(Place(kv.revision()?))),
                _ => Ok(None),
            }
        })
    }

    fn head(&self) -> Result<Place, LogError> {
        let place = self.get(&self.key("head"), |kv| kv.revision().map(Place))?;
        Ok(place.unwrap_or_default())
    }

    fn follow(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        self.follow_from(after, take)
    }

    fn snapshot(&self) -> Result<Option<LogSnapshot>, LogError> {
        let key = self.key("snapshot");
        self.get(&key, |kv| self.read_snapshot(kv))
    }

    fn chunk(&self, snapshot: &LogSnapshot, number: u32) -> Result<Option<Vec<u8>>, LogError> {
        let key = self.chunk_key(snapshot.id, number);
        let owner = Owner::Chunk(snapshot.id, number);
        self.get(&key, |kv| unpack(owner, &kv.value()?).map_err(|problem| damaged(&key, &problem)))
    }

    fn begin_snapshot(&self) -> Result<u64, LogError> {
        self.put(&self.key("registered"), "")
    }

    fn write_chunk(&self, id: u64, number: u32, messages: &[u8]) -> Result<(), LogError> {
        let packed = pack(Owner::Chunk(id, number), messages);
        self.put(&self.chunk_key(id, number), packed).map(drop)
    }

    fn publish(
        &self,
        snapshot: &LogSnapshot,
        before: Option<&LogSnapshot>,
    ) -> Result<bool, LogError> {
        let (key, value) = (self.key("snapshot"), written(snapshot));
        let is_before = match before {
            None => is_missing(&key),
            Some(before) => json!({
                "key": encode(&key), "target": "VALUE", "result": "EQUAL",
                "value": encode(written(before)),
            }),
        };
        let body = json!({
            "compare": [is_before],
            "success": [put(&key, &value)],
            "failure": [read(&key)],
        });
        self.gateway.call("kv/txn", &body, |reply| {
            let found = reply.found(0).map(KeyValue::text).transpose()?;
            Ok(reply.succeeded || found.is_some_and(|found| found == value))
        })
    }

    fn forget(&self, snapshot: &LogSnapshot, before: Option<&LogSnapshot>) -> Result<(), LogError> {
        // A snapshot that is being written has a greater id, or can no longer be published.
        let oldest = before.map_or(snapshot.id, |before| before.id);
        self.delete(&self.key("chunk/"), &self.chunk_key(oldest, 0))?;
        let mut spans = BTreeMap::new();
        for (key, revision) in self.list("log")? {
            if revision <= snapshot.place.0 {
                let EntryId { writer, number } = self.entry_id(&key)?;
                // The keys are listed in their order.
                spans.entry(writer).or_insert((number, number)).1 = number;
            }
        }
        for (writer, (mut number, last)) in spans {
            while number <= last {
                let [from, to] = [number, (number + PAGE).min(last + 1)];
                let key = |number| self.entry_key(EntryId { writer, number });
                self.delete(&key(from), &key(to))?;
                number = to;
            }
        }
        let Some(before) = before else { return Ok(()) };
        for (key, revision) in self.list("writer")? {
            if revision > before.place.0 {
                continue;
            }
            let body = json!({
                // Deleted only if the writer has not appended since.
                "compare": [{
                    "key": encode(&key), "target": "MOD", "result": "EQUAL",
                    "mod_revision": revision.to_string(),
                }],
                "success": [{ "request_delete_range": { "key": encode(&key) } }],
            });
            self.gateway.call("kv/txn", &body, |_| Ok(()))?;
        }
        // Nobody needs the history up to the previous snapshot. More of it may be gone already. A user
        // without the right to compact leaves that to the administrator of etcd.
        let body = json!({ "revision": before.place.to_string() });
        match self.gateway.call_at("kv/compaction", &body, |_| Ok(())) {
            Err(LogError::Refused { refusal: LogRefusal::Denied, .. }) => Ok(()),
            other => other.map(drop),
        }
    }
}
