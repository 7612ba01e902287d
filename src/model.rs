//! Floor 2: the reference model: what the index should answer, written to be checked by eye.
//!
//! Each rule can be held against the reply table in `spec/protocol.md`. Nothing here is fast, and
//! nothing here may become clever: `index` is for that.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::command::{Command, Outcome};
use crate::machine::StateMachine;
use crate::name::Name;

/// The indexed packages, each with the set of packages that it depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    packages: BTreeMap<Name, BTreeSet<Name>>,
}

impl Model {
    /// What is indexed.
    pub fn packages(&self) -> &BTreeMap<Name, BTreeSet<Name>> {
        &self.packages
    }

    fn is_indexed(&self, package: &Name) -> bool {
        self.packages.contains_key(package)
    }

    fn has_other_dependent(&self, package: &Name) -> bool {
        self.packages.iter().any(|(other, list)| other != package && list.contains(package))
    }
}

impl StateMachine for Model {
    type Command = Command;
    type Reply = Outcome;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Outcome, Infallible> {
        Ok(match command {
            Command::Index { dependencies, .. }
                if !dependencies.iter().all(|name| self.is_indexed(name)) =>
            {
                Outcome::Fail
            }
            Command::Index { package, dependencies } => {
                self.packages.insert(package.clone(), dependencies.iter().cloned().collect());
                Outcome::Ok
            }
            Command::Remove { package } if self.has_other_dependent(package) => Outcome::Fail,
            Command::Remove { package } => {
                self.packages.remove(package);
                Outcome::Ok
            }
            Command::Query { package } => Outcome::when(self.is_indexed(package)),
        })
    }
}
