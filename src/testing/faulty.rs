//! A machine that is wrong on purpose, for the tests of the drivers.

use std::convert::Infallible;

use statecheck::StateMachine;

use crate::command::{Command, Outcome};
use crate::model::Model;

/// A model that answers OK to the REMOVE of a package that two others need, and keeps it.
#[derive(Clone, Default)]
pub(super) struct LetsGo(pub(super) Model);

impl StateMachine for LetsGo {
    type Command = Command;
    type Reply = Outcome;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Outcome, Infallible> {
        let held_by_two = |package| {
            let lists = self.0.packages().iter();
            lists.filter(|(name, list)| *name != package && list.contains(package)).count() == 2
        };
        match command {
            Command::Remove { package } if held_by_two(package) => Ok(Outcome::Ok),
            _ => self.0.apply(command),
        }
    }
}
