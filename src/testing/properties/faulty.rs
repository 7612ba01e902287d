//! What is wrong on purpose, around what is right, so that nothing inside has to know of it: machines, parsers
//! and stores for the canaries.

use std::hash::{BuildHasher as _, RandomState};

use statecheck::StateMachine;

use super::Subject;
use crate::command::{Command, CommandRef, Outcome, Reply};
use crate::index::{LimitError, PackageIndex};
use crate::name::{MAX_NAME_BYTES, Name};
use crate::testing::State;
use crate::wire::{self, ParseError};

/// What is wrong with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::testing) enum Fault {
    /// INDEX adds to the list that the package had.
    OldListStays,
    /// A package that depends on itself cannot be removed.
    SelfIsADependent,
    /// INDEX that is answered FAIL leaves the package without its list.
    FailClearsTheList,
    /// QUERY removes what it finds.
    QueryRemoves,
    /// INDEX of a package that is indexed already is answered FAIL.
    SecondIndexFails,
    /// INDEX also clears the list of one of the dependencies.
    IndexClearsADependency,
    /// Packages whose names have an odd hash are not found by QUERY.
    HashShows,
}

/// An index with a fault.
#[derive(Debug, Clone)]
pub(in crate::testing) struct Faulty {
    index: PackageIndex,
    fault: Fault,
    hasher: RandomState,
}

impl Faulty {
    pub(in crate::testing) fn new(fault: Fault) -> Self {
        Self { index: PackageIndex::new(), fault, hasher: RandomState::new() }
    }

    pub(in crate::testing) fn index(&self) -> &PackageIndex {
        &self.index
    }

    fn list(&self, package: &Name) -> Vec<Name> {
        self.index.dependencies(package.as_str()).into_iter().flatten().collect()
    }

    fn clear(&mut self, package: &Name) -> Result<Outcome, LimitError> {
        self.index.apply(&Command::Index { package: package.clone(), dependencies: Vec::new() })
    }
}

impl StateMachine for Faulty {
    type Command = Command;
    type Reply = Outcome;
    type Error = LimitError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, LimitError> {
        match (self.fault, command) {
            (Fault::OldListStays, Command::Index { package, dependencies }) => {
                let dependencies = [self.list(package), dependencies.clone()].concat();
                self.index.apply(&Command::Index { package: package.clone(), dependencies })
            }
            (Fault::SelfIsADependent, Command::Remove { package })
                if self.list(package).contains(package) =>
            {
                Ok(Outcome::Fail)
            }
            (Fault::FailClearsTheList, Command::Index { package, .. }) => {
                let outcome = self.index.apply(command)?;
                if outcome == Outcome::Fail && self.index.contains(package.as_str()) {
                    self.clear(package)?;
                }
                Ok(outcome)
            }
            (Fault::QueryRemoves, Command::Query { package }) => {
                let outcome = self.index.apply(command)?;
                self.index.apply(&Command::Remove { package: package.clone() })?;
                Ok(outcome)
            }
            (Fault::SecondIndexFails, Command::Index { package, .. })
                if self.index.contains(package.as_str()) =>
            {
                Ok(Outcome::Fail)
            }
            (Fault::IndexClearsADependency, Command::Index { dependencies, .. }) => {
                let outcome = self.index.apply(command)?;
                if let (Outcome::Ok, Some(first)) = (outcome, dependencies.first()) {
                    self.clear(first)?;
                }
                Ok(outcome)
            }
            (Fault::HashShows, Command::Query { package })
                if self.hasher.hash_one(package) % 2 == 1 =>
            {
                Ok(Outcome::Fail)
            }
            _ => self.index.apply(command),
        }
    }
}

impl Subject for Faulty {
    fn state(&self) -> Option<State> {
        self.index.state()
    }

    fn check(&self) -> Result<(), String> {
        self.index.check()
    }
}

/// Points behind the byte that an error is about.
pub(super) fn points_behind(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    wire::parse(line).map_err(|error| ParseError { offset: error.offset + 1, ..error })
}

/// Drops a bar behind the dependencies.
pub(super) fn third_bar(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    let Some(start) = line.strip_suffix(b"|\n").filter(|start| start.ends_with(b"|")) else {
        return wire::parse(line);
    };
    // Leaked: what is read borrows from it, and there are few.
    wire::parse(Box::leak([start, b"\n"].concat().into_boxed_slice()))
}

/// Refuses names of 255 bytes.
pub(super) fn longest_name_is_refused(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    let read = wire::parse(line)?;
    if read.package().as_str().len() < MAX_NAME_BYTES { Ok(read) } else { wire::parse(b"") }
}

/// Takes a reply that ends with CR LF.
pub(super) fn reply_may_have_cr(line: &[u8]) -> Result<Reply, ParseError> {
    match line.strip_suffix(b"\r\n") {
        Some(word) => wire::parse_reply(&[word, b"\n"].concat()),
        None => wire::parse_reply(line),
    }
}

/// Prints a list with a comma before its first name.
pub(super) fn comma_is_printed_first(command: CommandRef<'_>) -> String {
    let printed = command.to_string();
    let list = printed.rfind('|').map_or(printed.len(), |bar| bar + 1);
    if list == printed.len() {
        printed
    } else {
        printed.replacen(&printed[list..], &format!(",{}", &printed[list..]), 1)
    }
}
