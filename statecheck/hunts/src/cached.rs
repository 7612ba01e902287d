//! cached, whose `SizedCache` is to drop what was used least recently.

use cached::{Cached, SizedCache};

use crate::prelude::*;

const CAPACITY: usize = 3;
const KEYS: [u8; 5] = [0, 1, 2, 3, 4];
const VALUES: [u8; 2] = [0, 1];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Set(u8, u8),
    Get(u8),
    GetOrSet(u8, u8),
    Remove(u8),
    Clear,
}

struct Machine(SizedCache<u8, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        Ok(match *command {
            Command::Set(key, value) => self.0.cache_set(key, value),
            Command::Get(key) => self.0.cache_get(&key).copied(),
            Command::GetOrSet(key, value) => Some(*self.0.cache_get_or_set_with(key, || value)),
            Command::Remove(key) => self.0.cache_remove(&key),
            Command::Clear => {
                self.0.cache_clear();
                None
            }
        })
    }
}

/// Keys and values, that last used first. To write to a key is no use of it.
#[derive(Clone, Default)]
struct Used(Vec<(u8, u8)>);

impl Used {
    fn take(&mut self, key: u8) -> Option<u8> {
        let place = self.0.iter().position(|entry| entry.0 == key)?;
        Some(self.0.remove(place).1)
    }

    fn put_first(&mut self, key: u8, value: u8) {
        self.0.insert(0, (key, value));
        self.0.truncate(CAPACITY);
    }
}

impl StateMachine for Used {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        Ok(match *command {
            Command::Set(key, value) => {
                let known = self.0.iter_mut().find(|entry| entry.0 == key);
                let old = known.map(|entry| std::mem::replace(&mut entry.1, value));
                if old.is_none() {
                    self.put_first(key, value);
                }
                old
            }
            Command::Get(key) => {
                let value = self.take(key);
                value.inspect(|value| self.put_first(key, *value))
            }
            Command::GetOrSet(key, value) => {
                let value = self.take(key).unwrap_or(value);
                self.put_first(key, value);
                Some(value)
            }
            Command::Remove(key) => self.take(key),
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

impl Model for Used {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let entries = KEYS.into_iter().flat_map(|key| VALUES.map(|value| (key, value)));
        menu.list(1, entries.clone().map(|(key, value)| Command::Set(key, value)));
        menu.list(1, KEYS.map(Command::Get));
        menu.list(1, entries.map(|(key, value)| Command::GetOrSet(key, value)));
        menu.list(1, KEYS.map(Command::Remove));
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let entries = |machine: &Machine| -> (usize, Vec<(u8, u8)>) {
        let (keys, values) = (machine.0.key_order(), machine.0.value_order());
        (machine.0.cache_size(), keys.copied().zip(values.copied()).collect())
    };
    let in_model = |used: &Used| (used.0.len(), used.0.clone());
    run.refines("cached", || Machine(SizedCache::with_size(CAPACITY)), (entries, in_model))
}
