//! `lfu_cache`, which is to drop what was used least often.

use std::collections::BTreeMap;

use lfu_cache::LfuCache;

use crate::prelude::*;

const CAPACITY: usize = 3;
const KEYS: [u8; 5] = [0, 1, 2, 3, 4];
const VALUES: [u8; 2] = [0, 1];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert(u8, u8),
    Get(u8),
    GetMut(u8),
    Remove(u8),
    PopLfu,
    PeekLfu,
    /// Asked for the entry of a key, and set if it is not there.
    EntryOr(u8, u8),
}

type Reply = Option<u8>;

struct Machine(LfuCache<u8, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        Ok(match *command {
            Command::Insert(key, value) => self.0.insert(key, value),
            Command::Get(key) => self.0.get(&key).copied(),
            Command::GetMut(key) => self.0.get_mut(&key).copied(),
            Command::Remove(key) => self.0.remove(&key),
            Command::PopLfu => self.0.pop_lfu(),
            Command::PeekLfu => self.0.peek_lfu().copied(),
            Command::EntryOr(key, value) => {
                set_by_entry(&mut self.0, key, value);
                None
            }
        })
    }
}

#[cfg(feature = "newest")]
fn set_by_entry(cache: &mut LfuCache<u8, u8>, key: u8, value: u8) {
    cache.entry(key).or_insert(value);
}

/// Older versions have no entries, and nobody asks them for one.
#[cfg(not(feature = "newest"))]
fn set_by_entry(cache: &mut LfuCache<u8, u8>, key: u8, value: u8) {
    cache.insert(key, value);
}

/// The value of each key, and how often it was used. It may leave entries to another hunt.
#[derive(Clone, Default)]
struct Uses<const ENTRIES: bool>(BTreeMap<u8, (u8, usize)>);

impl<const ENTRIES: bool> Uses<ENTRIES> {
    /// The key that was used least often. None if there are several: which goes is the cache's choice.
    fn least(&self) -> Option<u8> {
        let least = self.0.values().map(|(_, uses)| *uses).min()?;
        let mut keys = self.0.iter().filter(|(_, (_, uses))| *uses == least).map(|(key, _)| *key);
        keys.next().filter(|_| keys.next().is_none())
    }

    /// The key that makes room for another.
    fn evicted(&self) -> Option<u8> {
        self.least().filter(|_| self.0.len() == CAPACITY)
    }
}

impl<const ENTRIES: bool> StateMachine for Uses<ENTRIES> {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        Ok(match *command {
            Command::Insert(key, value) | Command::EntryOr(key, value) => {
                let out = if self.0.contains_key(&key) { Some(key) } else { self.evicted() };
                let old = out.and_then(|key| self.0.remove(&key)).map(|(value, _)| value);
                self.0.insert(key, (value, 0));
                old.filter(|_| matches!(command, Command::Insert(..)))
            }
            Command::Get(key) | Command::GetMut(key) => {
                let entry = self.0.get_mut(&key);
                entry.map(|(value, uses)| {
                    *uses += 1;
                    *value
                })
            }
            Command::Remove(key) => self.0.remove(&key).map(|(value, _)| value),
            Command::PopLfu => {
                self.least().and_then(|least| self.0.remove(&least)).map(|(value, _)| value)
            }
            Command::PeekLfu => self.least().map(|least| self.0[&least].0),
        })
    }
}

impl<const ENTRIES: bool> Model for Uses<ENTRIES> {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let has_room = self.0.len() < CAPACITY || self.least().is_some();
        let insert = KEYS.into_iter().filter(|key| has_room || self.0.contains_key(key));
        let new = KEYS.into_iter().filter(|key| has_room && !self.0.contains_key(key));
        let with_values = |key| VALUES.map(|value| (key, value));
        let is_certain = self.0.is_empty() || self.least().is_some();
        let insert = insert.flat_map(with_values);
        menu.list(1, insert.map(|(key, value)| Command::Insert(key, value)));
        menu.list(1, KEYS.map(Command::Get));
        menu.list(1, KEYS.map(Command::GetMut));
        menu.list(1, KEYS.map(Command::Remove));
        menu.list(1, is_certain.then_some(Command::PopLfu));
        menu.list(1, is_certain.then_some(Command::PeekLfu));
        let entry = new.filter(|_| ENTRIES).flat_map(with_values);
        menu.list(1, entry.map(|(key, value)| Command::EntryOr(key, value)));
    }
}

pub(crate) fn property(run: Run) -> Property {
    hunt::<false>(run)
}

pub(crate) fn property_with_entries(run: Run) -> Property {
    hunt::<true>(run)
}

fn hunt<const ENTRIES: bool>(run: Run) -> Property {
    let keys = |machine: &Machine| -> (usize, Vec<u8>) {
        let mut keys: Vec<_> = machine.0.keys().copied().collect();
        keys.sort_unstable();
        (machine.0.len(), keys)
    };
    let in_model = |uses: &Uses<ENTRIES>| (uses.0.len(), uses.0.keys().copied().collect());
    run.refines("lfu_cache", || Machine(LfuCache::with_capacity(CAPACITY)), (keys, in_model))
}
