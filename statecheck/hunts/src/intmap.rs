//! intmap, which is to be a map from numbers.

use std::collections::BTreeMap;

use intmap::{Entry, IntMap};

use crate::prelude::*;

const KEYS: [u64; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const VALUES: [u8; 2] = [0, 1];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert(u64, u8),
    InsertChecked(u64, u8),
    InsertEntry(u64, u8),
    RemoveEntry(u64),
    Remove(u64),
    Get(u64),
    Retain(u8),
    Clear,
}

#[derive(Default)]
struct Machine(IntMap<u64, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        Ok(match *command {
            Command::Insert(key, value) => self.0.insert(key, value),
            Command::InsertChecked(key, value) => {
                self.0.insert_checked(key, value).then_some(value)
            }
            Command::InsertEntry(key, value) => match self.0.entry(key) {
                Entry::Occupied(mut entry) => Some(entry.insert(value)),
                Entry::Vacant(entry) => {
                    entry.insert(value);
                    None
                }
            },
            Command::RemoveEntry(key) => match self.0.entry(key) {
                Entry::Occupied(entry) => Some(entry.remove()),
                Entry::Vacant(_) => None,
            },
            Command::Remove(key) => self.0.remove(key),
            Command::Get(key) => self.0.get(key).copied(),
            Command::Retain(value) => {
                self.0.retain(|_, it| *it == value);
                None
            }
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

#[derive(Clone, Default)]
struct Map(BTreeMap<u64, u8>);

impl StateMachine for Map {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        Ok(match *command {
            Command::Insert(key, value) | Command::InsertEntry(key, value) => {
                self.0.insert(key, value)
            }
            Command::InsertChecked(key, value) => {
                let is_new = !self.0.contains_key(&key);
                self.0.entry(key).or_insert(value);
                is_new.then_some(value)
            }
            Command::Remove(key) | Command::RemoveEntry(key) => self.0.remove(&key),
            Command::Get(key) => self.0.get(&key).copied(),
            Command::Retain(value) => {
                self.0.retain(|_, it| *it == value);
                None
            }
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

impl Model for Map {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let entries = KEYS.into_iter().flat_map(|key| VALUES.map(|value| (key, value)));
        menu.list(1, entries.clone().map(|(key, value)| Command::Insert(key, value)));
        menu.list(1, entries.clone().map(|(key, value)| Command::InsertChecked(key, value)));
        menu.list(1, entries.map(|(key, value)| Command::InsertEntry(key, value)));
        menu.list(1, KEYS.map(Command::RemoveEntry));
        menu.list(1, KEYS.map(Command::Remove));
        menu.list(1, KEYS.map(Command::Get));
        menu.list(1, VALUES.map(Command::Retain));
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let entries = |machine: &Machine| -> (Vec<(u64, u8)>, Vec<u64>, usize) {
        let mut entries: Vec<_> = machine.0.iter().map(|(key, value)| (key, *value)).collect();
        entries.sort_unstable();
        let found = KEYS.into_iter().filter(|key| machine.0.contains_key(*key)).collect();
        (entries, found, machine.0.len())
    };
    let in_model = |map: &Map| {
        (map.0.clone().into_iter().collect(), map.0.keys().copied().collect(), map.0.len())
    };
    run.refines("intmap", Machine::default, (entries, in_model))
}
