//! Follows the entries of a log in etcd: by a watch, or by their keys if etcd no longer has the events.
//!
//! Also checks that the log is still the same one.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{MutexGuard, PoisonError};

use serde_json::json;

use super::gateway::WatchEnd;
use super::replies::{KeyValue, encode};
use super::{Etcd, read, read_entry_id};
use crate::log::{Entry, EntryId, Log as _, LogError, Place, not_before};

/// How far entries have been passed on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Followed {
    last: Option<(Place, EntryId)>,
    /// A watch after this place has shown nothing for a while.
    silent: Option<Place>,
}

impl Etcd {
    /// Passes on what comes after a place, until `take` has enough or nothing comes for a while.
    pub(super) fn follow_from(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let (head, at) = self.end_of_the_same(after)?;
        if head > after && self.followed().silent == Some(after) {
            self.gateway.watch_another();
        }
        // Revisions since then that hold no entry may be compacted.
        let since = if head == after { at } else { after.0 };
        let (from, to) = (self.key("log/"), self.key("log0"));
        let last = Cell::new(after);
        let mut take = |entry: Entry| {
            last.set(entry.place);
            self.followed().last = Some((entry.place, entry.id));
            take(entry)
        };
        let ended = self
            .gateway
            .watch(&from, &to, since + 1, &mut |kv| Ok(take(self.entry(kv)?).is_continue()))?;
        match ended {
            WatchEnd::Enough => {}
            WatchEnd::Silent => self.followed().silent = Some(last.get()),
            WatchEnd::Compacted => self.read_entries(last.get(), &mut take)?,
        }
        Ok(())
    }

    /// Passes on the entries after a place that still have keys, because etcd no longer has the events.
    fn read_entries(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let mut keys = self.list("log")?;
        keys.retain(|(_, revision)| *revision > after.0);
        // Asked after the list: if no snapshot is later than `after`, no entry after it was deleted.
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
        Ok(())
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the log, and the revision at which it was read. Checks that the log has led to a place:
    /// etcd may have been restored, and have reached the same revision with other entries.
    fn end_of_the_same(&self, after: Place) -> Result<(Place, u64), LogError> {
        let mut reads = vec![read(&self.key("head")), read(&self.key("snapshot"))];
        let last = self.followed().last.filter(|(place, _)| *place == after).map(|(_, id)| id);
        reads.extend(last.map(|id| {
            json!({ "request_range": { "key": encode(self.entry_key(id)), "keys_only": true } })
        }));
        let (head, snapshot, entry, at) =
            self.gateway.call("kv/txn", &json!({ "success": reads }), |reply| {
                let revision = |number| reply.found(number).map(KeyValue::revision).transpose();
                let snapshot = reply.found(1).map(|kv| self.read_snapshot(kv)).transpose()?;
                Ok((revision(0)?, snapshot, revision(2)?, reply.revision()?))
            })?;
        let head = not_before(after, head.map(Place).unwrap_or_default())?;
        if after == Place::default() || entry == Some(after.0) {
            return Ok((head, at));
        }
        // Its key is gone, which is right if a snapshot replaces it.
        let snapshot = snapshot.map(|snapshot| snapshot.place).unwrap_or_default();
        match self.entry_at(after)? {
            Stood::Entry(id) if last.is_none_or(|last| last == id) => {
                self.followed().last = Some((after, id));
                Ok((head, at))
            }
            Stood::Compacted if snapshot == after => Ok((head, at)),
            Stood::Compacted if snapshot > after => Err(LogError::Forgotten { after }),
            _ => Err(LogError::WentBack { head, seen: after }),
        }
    }

    /// What etcd knows of the entry at a place.
    fn entry_at(&self, place: Place) -> Result<Stood, LogError> {
        let key = self.key("head");
        let body = json!({ "key": encode(&key), "revision": place.to_string() });
        let found = self.gateway.call_at("kv/range", &body, |reply| {
            // Each entry is put together with the end of the log.
            let found = reply.kvs.first().filter(|kv| kv.revision().ok() == Some(place.0));
            found.map(KeyValue::text).transpose()
        });
        match found? {
            Some(Some(id)) => Ok(Stood::Entry(read_entry_id(&key, &id)?)),
            Some(None) => Ok(Stood::Nothing),
            None => Ok(Stood::Compacted),
        }
    }
}

/// The entry at a place.
enum Stood {
    Entry(EntryId),
    Nothing,
    /// Unknown: the history is gone.
    Compacted,
}
