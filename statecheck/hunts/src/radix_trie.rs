//! `radix_trie`, whose `Trie` is to be a map that finds keys by their beginnings.

use std::collections::BTreeMap;

use radix_trie::{Trie, TrieCommon};

use crate::prelude::*;

const KEYS: [&str; 9] = ["", "a", "b", "aa", "ab", "ba", "aab", "abb", "bba"];
const VALUES: [u8; 2] = [0, 1];

type Key = &'static str;

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert(Key, u8),
    Remove(Key),
    Get(Key),
    /// Everything whose key begins so.
    Below(Key),
    /// The value of the longest key that this one begins with.
    Above(Key),
}

type Entries = Vec<(Key, u8)>;

#[derive(Default)]
struct Machine(Trie<Key, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Entries;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Entries, Infallible> {
        let entry = |key, value: Option<u8>| value.map(|value| (key, value)).into_iter().collect();
        Ok(match *command {
            Command::Insert(key, value) => entry(key, self.0.insert(key, value)),
            Command::Remove(key) => entry(key, self.0.remove(key)),
            Command::Get(key) => entry(key, self.0.get(key).copied()),
            Command::Below(key) => {
                let below = self.0.get_raw_descendant(key);
                let mut entries: Entries = below
                    .iter()
                    .flat_map(TrieCommon::iter)
                    .map(|(key, value)| (*key, *value))
                    .collect();
                entries.sort_unstable();
                entries
            }
            Command::Above(key) => entry(key, self.0.get_ancestor_value(key).copied()),
        })
    }
}

#[derive(Clone, Default)]
struct Map(BTreeMap<Key, u8>);

impl StateMachine for Map {
    type Command = Command;
    type Reply = Entries;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Entries, Infallible> {
        let entry = |key, value: Option<u8>| value.map(|value| (key, value)).into_iter().collect();
        Ok(match *command {
            Command::Insert(key, value) => entry(key, self.0.insert(key, value)),
            Command::Remove(key) => entry(key, self.0.remove(key)),
            Command::Get(key) => entry(key, self.0.get(key).copied()),
            Command::Below(start) => {
                self.entries().into_iter().filter(|(key, _)| key.starts_with(start)).collect()
            }
            Command::Above(key) => {
                let above = self.0.iter().rev().find(|(start, _)| key.starts_with(**start));
                entry(key, above.map(|(_, value)| *value))
            }
        })
    }
}

impl Map {
    fn entries(&self) -> Entries {
        self.0.iter().map(|(key, value)| (*key, *value)).collect()
    }
}

impl Model for Map {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let entries = KEYS.into_iter().flat_map(|key| VALUES.map(|value| (key, value)));
        menu.list(1, entries.map(|(key, value)| Command::Insert(key, value)));
        menu.list(1, KEYS.map(Command::Remove));
        menu.list(1, KEYS.map(Command::Get));
        menu.list(1, KEYS.map(Command::Below));
        menu.list(1, KEYS.map(Command::Above));
    }
}

pub(crate) fn property(run: Run) -> Property {
    let entries = |machine: &Machine| -> (usize, Entries) {
        let mut entries: Entries = machine.0.iter().map(|(key, value)| (*key, *value)).collect();
        entries.sort_unstable();
        (machine.0.len(), entries)
    };
    let in_model = |map: &Map| (map.0.len(), map.entries());
    run.refines("radix_trie", Machine::default, (entries, in_model))
}
