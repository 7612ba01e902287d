//! skiplist, whose `SkipMap` is to be a map in the order of its keys.

use std::collections::BTreeMap;

use skiplist::SkipMap;

use crate::prelude::*;

const KEYS: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const VALUES: [u8; 2] = [0, 1];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert(u8, u8),
    Remove(u8),
    Get(u8),
    PopFront,
    PopBack,
    Clear,
}

type Reply = Option<(u8, u8)>;

#[derive(Default)]
struct Machine(SkipMap<u8, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        let of = |key, value: Option<u8>| value.map(|value| (key, value));
        Ok(match *command {
            Command::Insert(key, value) => of(key, self.0.insert(key, value)),
            Command::Remove(key) => of(key, self.0.remove(&key)),
            Command::Get(key) => of(key, self.0.get(&key).copied()),
            Command::PopFront => self.0.pop_front(),
            Command::PopBack => self.0.pop_back(),
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

#[derive(Clone, Default)]
struct Map(BTreeMap<u8, u8>);

impl StateMachine for Map {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        let of = |key, value: Option<u8>| value.map(|value| (key, value));
        Ok(match *command {
            Command::Insert(key, value) => of(key, self.0.insert(key, value)),
            Command::Remove(key) => of(key, self.0.remove(&key)),
            Command::Get(key) => of(key, self.0.get(&key).copied()),
            Command::PopFront => self.0.pop_first(),
            Command::PopBack => self.0.pop_last(),
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
        menu.list(1, entries.map(|(key, value)| Command::Insert(key, value)));
        menu.list(1, KEYS.map(Command::Remove));
        menu.list(1, KEYS.map(Command::Get));
        menu.list(1, [Command::PopFront]);
        menu.list(1, [Command::PopBack]);
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let entries = |machine: &Machine| -> (Vec<(u8, u8)>, usize) {
        // A list that is out of order may run in a circle.
        let entries = machine.0.iter().take(2 * KEYS.len());
        (entries.map(|(key, value)| (*key, *value)).collect(), machine.0.len())
    };
    let in_model = |map: &Map| (map.0.clone().into_iter().collect(), map.0.len());
    run.refines("skiplist", Machine::default, (entries, in_model))
}
