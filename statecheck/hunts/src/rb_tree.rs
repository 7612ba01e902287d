//! `rb_tree`, whose `RBMap` is to be a map in the order of its keys.

use std::collections::BTreeMap;

use rb_tree::RBMap;

use crate::prelude::*;

const KEYS: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const VALUES: [u8; 2] = [0, 1];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert(u8, u8),
    Remove(u8),
    Get(u8),
    Pop,
    PopBack,
    Retain(u8),
    Clear,
}

type Reply = Option<(u8, u8)>;

struct Machine(RBMap<u8, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        let of = |key, value: Option<u8>| value.map(|value| (key, value));
        Ok(match *command {
            Command::Insert(key, value) => self.0.insert(key, value),
            Command::Remove(key) => self.0.remove_entry(&key),
            Command::Get(key) => of(key, self.0.get(&key).copied()),
            Command::Pop => self.0.pop_pair(),
            Command::PopBack => self.0.pop_pair_back(),
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
struct Map(BTreeMap<u8, u8>);

impl StateMachine for Map {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        let of = |key, value: Option<u8>| value.map(|value| (key, value));
        Ok(match *command {
            Command::Insert(key, value) => of(key, self.0.insert(key, value)),
            Command::Remove(key) => self.0.remove_entry(&key),
            Command::Get(key) => of(key, self.0.get(&key).copied()),
            Command::Pop => self.0.pop_first(),
            Command::PopBack => self.0.pop_last(),
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
        menu.list(1, entries.map(|(key, value)| Command::Insert(key, value)));
        menu.list(1, KEYS.map(Command::Remove));
        menu.list(1, KEYS.map(Command::Get));
        menu.list(1, [Command::Pop]);
        menu.list(1, [Command::PopBack]);
        menu.list(1, VALUES.map(Command::Retain));
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let entries = |machine: &Machine| -> (Vec<(u8, u8)>, usize) {
        let entries = machine.0.iter();
        (entries.map(|(key, value)| (*key, *value)).collect(), machine.0.len())
    };
    let in_model = |map: &Map| (map.0.clone().into_iter().collect(), map.0.len());
    run.refines("rb_tree", || Machine(RBMap::new()), (entries, in_model))
}
