//! The cache under statecheck.

use std::convert::Infallible;

use statecheck::StateMachine;
use statecheck::model::{Menu, Model};
use statecheck::property::Property;

use crate::machines::cache::{Cache, Entries, KEYS, TIMES, VALUES};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Put(char, u8, u32),
    Get(char),
    Tick,
}

#[derive(Debug, PartialEq)]
pub enum Reply {
    Gone(Option<char>),
    Value(Option<u8>),
    Done,
}

impl<const BUG: u8> StateMachine for Cache<BUG> {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        Ok(match command {
            Command::Put(key, value, time) => Reply::Gone(self.put(*key, *value, *time)),
            Command::Get(key) => Reply::Value(self.get(*key)),
            Command::Tick => {
                self.tick();
                Reply::Done
            }
        })
    }
}

impl StateMachine for Entries {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        Ok(match command {
            Command::Put(key, value, time) => Reply::Gone(self.put(*key, *value, *time)),
            Command::Get(key) => Reply::Value(self.get(*key)),
            Command::Tick => {
                self.tick();
                Reply::Done
            }
        })
    }
}

impl Model for Entries {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(2, [Command::Tick]);
        menu.list(2, KEYS.map(Command::Get));
        let times = KEYS.into_iter().flat_map(|key| TIMES.map(move |time| (key, time)));
        let put =
            times.flat_map(|(key, time)| VALUES.map(move |value| Command::Put(key, value, time)));
        menu.list(3, put);
    }
}

pub fn refines<const BUG: u8>() -> Property {
    let entries = (Cache::<BUG>::entries, Entries::entries);
    Property::refines("cache", "It keeps what is used.", Cache::<BUG>::default, entries)
}

#[test]
fn the_cache_refines_its_model() {
    refines::<0>().test();
}
