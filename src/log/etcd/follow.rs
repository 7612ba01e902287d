//! How the entries of a log in etcd are followed: by a watch, or by their keys where etcd no longer shows how
//! they came; and how it is known that it still is the same log.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{MutexGuard, PoisonError};

use serde_json::json;

use super::gateway::WatchEnd;
use super::replies::{KeyValue, encode};
use super::{Etcd, read};
use crate::log::{Entry, EntryId, Log as _, LogError, Place, not_before};

/// How far entries have been handed over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Followed {
    last: Option<(Place, EntryId)>,
    /// Behind this place there was nothing up to this revision.
    looked: (Place, u64),
    /// Behind this place a watch has shown nothing for a while.
    silent: Option<Place>,
}

impl Etcd {
    /// Hands over what comes behind a place, until `take` has enough or nothing comes for a while.
    pub(super) fn follow_from(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let head = self.end_of_the_same(after)?;
        let Followed { looked, silent, .. } = *self.followed();
        if head > after && silent == Some(after) {
            self.gateway.watch_another();
        }
        let since = if looked.0 == after { looked.1.max(after.0) } else { after.0 };
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

    /// Hands over the entries behind a place that still have keys, because etcd no longer shows how they came.
    fn read_entries(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let (mut keys, revision) = self.list("log")?;
        keys.retain(|(_, revision)| *revision > after.0);
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
        self.followed().looked = (last, revision);
        Ok(())
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the log ends, if it still is the one that has led to a place: etcd may have been restored, and
    /// have come as far again with other entries.
    fn end_of_the_same(&self, after: Place) -> Result<Place, LogError> {
        let mut reads = vec![read(&self.key("head")), read(&self.key("snapshot"))];
        let last = self.followed().last.filter(|(place, _)| *place == after);
        reads.extend(last.map(|(_, id)| {
            json!({ "request_range": { "key": encode(self.entry_key(id)), "keys_only": true } })
        }));
        let (head, snapshot, entry) =
            self.gateway.call("kv/txn", &json!({ "success": reads }), |reply| {
                let revision = |number| reply.found(number).map(KeyValue::revision).transpose();
                let snapshot = reply.found(1).map(|kv| self.read_snapshot(kv)).transpose()?;
                Ok((revision(0)?, snapshot, revision(2)?))
            })?;
        let head = not_before(after, head.map(Place).unwrap_or_default())?;
        match snapshot.map(|snapshot| snapshot.place) {
            _ if after == Place::default() || entry == Some(after.0) => Ok(head),
            Some(place) if place == after => Ok(head),
            Some(place) if place > after => Err(LogError::Forgotten { after }),
            _ => Err(LogError::WentBack { head, seen: after }),
        }
    }
}
