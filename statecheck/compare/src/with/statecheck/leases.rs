//! The lease manager under statecheck.

use std::convert::Infallible;

use statecheck::StateMachine;
use statecheck::model::{Menu, Model, Ref};
use statecheck::property::Property;

use crate::machines::leases::{Granted, Leases, NAMES};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Acquire(char),
    Renew(Ref),
    Release(Ref),
    Tick,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Machine<const BUG: u8> {
    pub leases: Leases<BUG>,
    ids: Vec<u64>,
}

impl<const BUG: u8> StateMachine for Machine<BUG> {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        let Self { leases, ids } = self;
        Ok(match command {
            Command::Acquire(name) => {
                let id = leases.acquire(*name);
                ids.extend(id);
                id.is_some()
            }
            Command::Renew(lease) => lease.of(ids).is_some_and(|id| leases.renew(*id)),
            Command::Release(lease) => lease.of(ids).is_some_and(|id| leases.release(*id)),
            Command::Tick => {
                leases.tick();
                true
            }
        })
    }
}

impl StateMachine for Granted {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        Ok(match command {
            Command::Acquire(name) => self.acquire(*name),
            Command::Renew(lease) => self.renew(lease.0),
            Command::Release(lease) => self.release(lease.0),
            Command::Tick => {
                self.tick();
                true
            }
        })
    }
}

impl Model for Granted {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(2, [Command::Tick]);
        menu.list(3, NAMES.map(Command::Acquire));
        menu.list(2, Ref::all(self.count()).map(Command::Release));
        menu.list(2, Ref::all(self.count()).map(Command::Renew));
    }

    fn granted(&self) -> usize {
        self.count()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Renew(lease) | Command::Release(lease) => vec![lease],
            Command::Acquire(_) | Command::Tick => vec![],
        }
    }
}

pub fn refines<const BUG: u8>() -> Property {
    let held = (|machine: &Machine<BUG>| machine.leases.held(), Granted::held);
    Property::refines("leases", "They are held.", Machine::<BUG>::default, held)
}

#[test]
fn leases_refine_their_model() {
    refines::<0>().test();
}
