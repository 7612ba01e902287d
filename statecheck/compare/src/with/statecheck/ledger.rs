//! The ledger under statecheck.

use std::convert::Infallible;

use statecheck::StateMachine;
use statecheck::model::{Menu, Model, Ref};
use statecheck::property::Property;

use crate::machines::ledger::{ACCOUNTS, AMOUNTS, Ledger, Transfers};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Prepare(usize, usize, u32),
    Commit(Ref),
    Abort(Ref),
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Machine<const BUG: u8> {
    pub ledger: Ledger<BUG>,
    ids: Vec<usize>,
}

impl<const BUG: u8> StateMachine for Machine<BUG> {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        let Self { ledger, ids } = self;
        Ok(match command {
            Command::Prepare(from, to, amount) => {
                let id = ledger.prepare(*from, *to, *amount);
                ids.extend(id);
                id.is_some()
            }
            Command::Commit(transfer) => transfer.of(ids).is_some_and(|id| ledger.commit(*id)),
            Command::Abort(transfer) => transfer.of(ids).is_some_and(|id| ledger.abort(*id)),
        })
    }
}

impl StateMachine for Transfers {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        Ok(match command {
            Command::Prepare(from, to, amount) => self.prepare(*from, *to, *amount),
            Command::Commit(transfer) => self.commit(transfer.0),
            Command::Abort(transfer) => self.abort(transfer.0),
        })
    }
}

impl Model for Transfers {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let pairs = (0..ACCOUNTS).flat_map(|from| (0..ACCOUNTS).map(move |to| (from, to)));
        let prepare = pairs
            .filter(|(from, to)| from != to)
            .flat_map(|(from, to)| AMOUNTS.map(move |amount| Command::Prepare(from, to, amount)));
        menu.list(3, prepare);
        menu.list(2, Ref::all(self.count()).map(Command::Commit));
        menu.list(2, Ref::all(self.count()).map(Command::Abort));
    }

    fn granted(&self) -> usize {
        self.count()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Commit(transfer) | Command::Abort(transfer) => vec![transfer],
            Command::Prepare(..) => vec![],
        }
    }
}

pub fn refines<const BUG: u8>() -> Property {
    let accounts = (|machine: &Machine<BUG>| machine.ledger.accounts(), Transfers::accounts);
    Property::refines("ledger", "It adds up.", Machine::<BUG>::default, accounts)
}

#[test]
fn the_ledger_refines_its_model() {
    refines::<0>().test();
}
