//! ordered-multimap, which is to hold several values for a key, all in the order in which they came.

use ordered_multimap::ListOrderedMultimap;

use crate::prelude::*;

const KEYS: [u8; 4] = [0, 1, 2, 3];
const VALUES: [u8; 3] = [0, 1, 2];
/// No more values than this are there at a time.
const MOST: usize = 12;

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Append(u8, u8),
    Insert(u8, u8),
    InsertAll(u8, u8),
    GetAll(u8),
    Remove(u8),
    RemoveAll(u8),
    PopBack,
    PopFront,
    /// Keeps all values but this.
    RetainOthers(u8),
    PackToFit,
    Clear,
}

type Entries = Vec<(u8, u8)>;

#[derive(Default)]
struct Machine(ListOrderedMultimap<u8, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Entries;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Entries, Infallible> {
        let Self(map) = self;
        let of = |key, value: Option<u8>| value.map(|value| (key, value)).into_iter().collect();
        match *command {
            Command::Append(key, value) => drop(map.append(key, value)),
            Command::Insert(key, value) => return Ok(of(key, map.insert(key, value))),
            Command::InsertAll(key, value) => {
                return Ok(map.insert_all(key, value).map(|value| (key, value)).collect());
            }
            Command::GetAll(key) => {
                return Ok(map.get_all(&key).map(|value| (key, *value)).collect());
            }
            Command::Remove(key) => return Ok(of(key, map.remove(&key))),
            Command::RemoveAll(key) => {
                return Ok(map.remove_all(&key).map(|value| (key, value)).collect());
            }
            Command::PopBack => {
                return Ok(map
                    .pop_back()
                    .map(|(key, value)| (key.into_owned(), value))
                    .into_iter()
                    .collect());
            }
            Command::PopFront => {
                return Ok(map
                    .pop_front()
                    .map(|(key, value)| (key.into_owned(), value))
                    .into_iter()
                    .collect());
            }
            Command::RetainOthers(value) => map.retain(|_, it| *it != value),
            Command::PackToFit => map.pack_to_fit(),
            Command::Clear => map.clear(),
        }
        Ok(vec![])
    }
}

/// The entries in order.
#[derive(Clone, Default)]
struct Map(Entries);

impl Map {
    fn take(&mut self, key: u8) -> Entries {
        self.0.extract_if(.., |entry| entry.0 == key).collect()
    }
}

impl StateMachine for Map {
    type Command = Command;
    type Reply = Entries;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Entries, Infallible> {
        match *command {
            Command::Append(key, value) => self.0.push((key, value)),
            Command::Insert(key, value) | Command::InsertAll(key, value) => {
                let mut old = self.take(key);
                self.0.push((key, value));
                if matches!(command, Command::Insert(..)) {
                    old.truncate(1);
                }
                return Ok(old);
            }
            Command::GetAll(key) => return Ok(self.clone().take(key)),
            Command::Remove(key) => {
                let mut old = self.take(key);
                old.truncate(1);
                return Ok(old);
            }
            Command::RemoveAll(key) => return Ok(self.take(key)),
            Command::PopBack => return Ok(self.0.pop().into_iter().collect()),
            Command::PopFront => {
                let first = usize::from(!self.0.is_empty());
                return Ok(self.0.drain(..first).collect());
            }
            Command::RetainOthers(value) => self.0.retain(|entry| entry.1 != value),
            Command::PackToFit => {}
            Command::Clear => self.0.clear(),
        }
        Ok(vec![])
    }
}

impl Model for Map {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let entries = || KEYS.into_iter().flat_map(|key| VALUES.map(|value| (key, value)));
        let append = entries().filter(|_| self.0.len() < MOST);
        menu.list(1, append.map(|(key, value)| Command::Append(key, value)));
        menu.list(1, entries().map(|(key, value)| Command::Insert(key, value)));
        menu.list(1, entries().map(|(key, value)| Command::InsertAll(key, value)));
        menu.list(1, KEYS.map(Command::GetAll));
        menu.list(1, KEYS.map(Command::Remove));
        menu.list(1, KEYS.map(Command::RemoveAll));
        menu.list(1, [Command::PopBack]);
        menu.list(1, [Command::PopFront]);
        menu.list(1, VALUES.map(Command::RetainOthers));
        menu.list(1, [Command::PackToFit]);
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let entries = |Machine(map): &Machine| -> (Entries, usize) {
        (map.iter().map(|(key, value)| (*key, *value)).collect(), map.values_len())
    };
    run.refines(
        "ordered-multimap",
        Machine::default,
        (entries, |map: &Map| (map.0.clone(), map.0.len())),
    )
}
