//! The log in etcd (feature `etcd`).
//!
//! Below its prefix are the keys
//!
//! | key | value |
//! |---|---|
//! | `setup` | what all replicas have alike |
//! | `registered` | nothing; its revisions are the ids that are given out |
//! | `writer/ID` | how many entries the writer has appended |
//! | `log/ID/NUMBER` | an entry |
//! | `head` | the id of the last entry |
//! | `snapshot` | the snapshot to start from |
//! | `chunk/ID/NUMBER` | a part of a snapshot |
//!
//! A place is the revision at which etcd has put an entry. An append is one transaction, which compares the
//! revision of the writer's own key and puts the entry, that key and `head`: so each revision has one entry
//! at most, that of `writer/ID` is the place of that writer's last entry, and that of `head` is the place of
//! the last entry of all. Entries are followed by a watch; etcd shows its events in the order of revisions.

mod address;
mod gateway;
mod packed;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Entry, EntryId, Log, LogError, Place, Snapshot, Writer};
pub use address::{Address, AddressError, Credentials, Identity, SetupError};
use gateway::{Gateway, KeyValue, Reply, WatchEnd, encode};
use packed::{pack, unpack};

/// A log in etcd.
pub struct Etcd {
    gateway: Gateway,
    prefix: String,
    /// Behind this place there was nothing up to this revision.
    looked: Mutex<(Place, u64)>,
}

impl Etcd {
    /// A log that lies at an address. Nothing is asked of etcd yet.
    ///
    /// # Errors
    /// [`SetupError`] if a file for TLS cannot be used.
    pub fn new(
        address: &Address,
        credentials: Option<Credentials>,
        identity: &Identity,
    ) -> Result<Self, SetupError> {
        let gateway = Gateway::new(address, credentials, identity)?;
        Ok(Self { gateway, prefix: address.prefix.clone(), looked: Mutex::default() })
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

    /// The keys below a folder whose revisions lie between two, with these, and when they were looked at.
    fn list(
        &self,
        folder: &str,
        revisions: (Option<u64>, Option<u64>),
    ) -> Result<(Vec<(String, u64)>, u64), LogError> {
        let (from, to) = (self.key(&format!("{folder}/")), self.key(&format!("{folder}0")));
        let mut body = json!({ "key": encode(from), "range_end": encode(to), "keys_only": true });
        for (name, revision) in
            [("min_mod_revision", revisions.0), ("max_mod_revision", revisions.1)]
        {
            if let Some(revision) = revision {
                body[name] = revision.to_string().into();
            }
        }
        self.gateway.call("kv/range", &body, |reply| {
            let keys = reply.kvs.iter().map(|kv| Ok((kv.key()?, kv.revision()?)));
            Ok((keys.collect::<Result<_, LogError>>()?, reply.revision()?))
        })
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

    /// What an entry is called, by its key.
    fn entry_id(&self, key: &str) -> Result<EntryId, LogError> {
        let id = key.strip_prefix(&self.key("log/")).and_then(|id| id.split_once('/'));
        let id = id.and_then(|(writer, number)| {
            Some(EntryId { writer: writer.parse().ok()?, number: number.parse().ok()? })
        });
        id.ok_or_else(|| damaged(key, "it is no id of an entry"))
    }

    fn entry(&self, kv: &KeyValue<'_>) -> Result<Entry, LogError> {
        let key = kv.key()?;
        let messages = unpack(&kv.value()?).map_err(|problem| damaged(&key, &problem))?;
        Ok(Entry { place: Place(kv.revision()?), id: self.entry_id(&key)?, messages })
    }

    /// Hands over the entries behind a place that still have keys, because etcd no longer shows how they came.
    fn read_entries(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let (mut keys, revision) = self.list("log", (Some(after.0 + 1), None))?;
        // Asked afterwards: if it is not behind, no entry behind has been deleted.
        if self.snapshot()?.is_some_and(|snapshot| snapshot.place > after) {
            return Err(LogError::Forgotten { after });
        }
        keys.sort_unstable_by_key(|(_, revision)| *revision);
        let mut last = after;
        for (key, _) in keys {
            let Some(entry) = self.get(&key, |kv| self.entry(kv))? else {
                return Err(LogError::Forgotten { after: last });
            };
            last = entry.place;
            if take(entry).is_break() {
                return Ok(());
            }
        }
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = (last, revision);
        Ok(())
    }
}

fn damaged(what: &str, problem: &str) -> LogError {
    LogError::Damaged { what: what.to_owned(), problem: problem.to_owned() }
}

fn put(key: &str, value: impl AsRef<[u8]>) -> Value {
    json!({ "request_put": { "key": encode(key), "value": encode(value) } })
}

fn read(key: &str) -> Value {
    json!({ "request_range": { "key": encode(key) } })
}

/// The comparison that a key is not there.
fn is_missing(key: &str) -> Value {
    json!({ "key": encode(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0" })
}

/// A snapshot as it is written down.
fn written(snapshot: &Snapshot) -> String {
    let Snapshot { id, place, log_bytes, chunks, packages } = snapshot;
    format!("{id} {place} {log_bytes} {chunks} {packages}")
}

fn read_snapshot(text: &str) -> Option<Snapshot> {
    let mut numbers = text.split(' ').map(|number| number.parse::<u64>().ok());
    let mut next = || numbers.next().flatten();
    Some(Snapshot {
        id: next()?,
        place: Place(next()?),
        log_bytes: next()?,
        chunks: u32::try_from(next()?).ok()?,
        packages: next()?,
    })
}

impl Log for Etcd {
    fn agree(&self, setup: &str) -> Result<(), LogError> {
        let key = self.key("setup");
        let body = json!({
            "compare": [is_missing(&key)],
            "success": [put(&key, setup)],
            "failure": [read(&key)],
        });
        let theirs = self
            .gateway
            .call("kv/txn", &body, |reply| reply.found().map(KeyValue::text).transpose())?;
        match theirs {
            Some(theirs) if theirs != setup => {
                Err(LogError::Disagrees { ours: setup.to_owned(), theirs })
            }
            _ => Ok(()),
        }
    }

    fn register(&self) -> Result<Writer, LogError> {
        let id = self.begin_snapshot()?;
        let key = self.writer_key(id);
        // Not put again by a request that was late: that would undo what has been appended.
        let body = json!({
            "compare": [is_missing(&key)],
            "success": [put(&key, "0")],
            "failure": [read(&key)],
        });
        let place = self.gateway.call("kv/txn", &body, |reply| match reply.found() {
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
                put(&self.entry_key(id), pack(messages)),
                put(&key, &number),
                put(&self.key("head"), id.to_string()),
            ],
            "failure": [read(&key)],
        });
        self.gateway.call("kv/txn", &body, |reply| {
            if reply.succeeded {
                return Ok(Some(Place(reply.revision()?)));
            }
            match reply.found() {
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
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let since = if looked.0 == after { looked.1.max(after.0) } else { after.0 };
        let (from, to) = (self.key("log/"), self.key("log0"));
        let mut last = after;
        let ended = self.gateway.watch(&from, &to, since + 1, &mut |kv| {
            let entry = self.entry(kv)?;
            last = entry.place;
            Ok(take(entry).is_continue())
        })?;
        match ended {
            WatchEnd::Silent => Ok(()),
            WatchEnd::Compacted => self.read_entries(last, take),
        }
    }

    fn snapshot(&self) -> Result<Option<Snapshot>, LogError> {
        let key = self.key("snapshot");
        self.get(&key, |kv| {
            let text = kv.text()?;
            read_snapshot(&text).ok_or_else(|| damaged(&key, &format!("it holds '{text}'")))
        })
    }

    fn chunk(&self, snapshot: &Snapshot, number: u32) -> Result<Option<Vec<u8>>, LogError> {
        let key = self.chunk_key(snapshot.id, number);
        self.get(&key, |kv| unpack(&kv.value()?).map_err(|problem| damaged(&key, &problem)))
    }

    fn begin_snapshot(&self) -> Result<u64, LogError> {
        self.put(&self.key("registered"), "")
    }

    fn write_chunk(&self, id: u64, number: u32, messages: &[u8]) -> Result<(), LogError> {
        self.put(&self.chunk_key(id, number), pack(messages)).map(drop)
    }

    fn publish(&self, snapshot: &Snapshot, before: Option<&Snapshot>) -> Result<bool, LogError> {
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
            let found = reply.found().map(KeyValue::text).transpose()?;
            Ok(reply.succeeded || found.is_some_and(|found| found == value))
        })
    }

    fn forget(&self, snapshot: &Snapshot, before: Option<&Snapshot>) -> Result<(), LogError> {
        // One that is being written now has a greater id, or is not published any more.
        self.delete(&self.key("chunk/"), &self.chunk_key(snapshot.id, 0))?;
        let mut last = BTreeMap::new();
        for (key, _) in self.list("log", (None, Some(snapshot.place.0)))?.0 {
            let id = self.entry_id(&key)?;
            let number = last.entry(id.writer).or_insert(id.number);
            *number = id.number.max(*number);
        }
        for (writer, number) in last {
            let [from, to] = [0, number + 1].map(|number| EntryId { writer, number });
            self.delete(&self.entry_key(from), &self.entry_key(to))?;
        }
        let Some(before) = before else { return Ok(()) };
        for (key, revision) in self.list("writer", (None, Some(before.place.0)))?.0 {
            let body = json!({
                // Unless it has appended something just now.
                "compare": [{
                    "key": encode(&key), "target": "MOD", "result": "EQUAL",
                    "mod_revision": revision.to_string(),
                }],
                "success": [{ "request_delete_range": { "key": encode(&key) } }],
            });
            self.gateway.call("kv/txn", &body, |_| Ok(()))?;
        }
        // What led to the snapshot before is wanted by nobody. If more of it is gone already, so much the
        // better.
        let body = json!({ "revision": before.place.to_string() });
        match self.gateway.call("kv/compaction", &body, |_| Ok(())) {
            Err(LogError::Unreachable { problem }) if problem.contains("compacted") => Ok(()),
            other => other,
        }
    }
}
