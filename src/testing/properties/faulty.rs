//! Machines, parsers and stores that are wrong on purpose, for the canaries. They wrap the right ones, so
//! that nothing inside has to know of them.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use statecheck::StateMachine;

use super::Subject;
use super::service::tell;
use super::wire::Wire;
use crate::command::{Command, CommandRef, Dependencies, Outcome, Reply};
use crate::engine::Engine;
use crate::index::{Bulk, BulkError, InstallationStep, LimitError, Limits, PackageIndex};
use crate::name::{MAX_NAME_BYTES, Name};
use crate::session::{MAX_BATCH, Session};
use crate::testing::State;
use crate::testing::generators::LINE_LIMIT;
use crate::wire::{self, LineBuffer, ParseError};

/// What is wrong with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::testing) enum Fault {
    /// INDEX adds to the list that the package had.
    OldListStays,
    /// A package that depends on itself cannot be removed.
    SelfIsADependent,
    /// An INDEX that is answered FAIL leaves the package without its list.
    FailClearsTheList,
    /// QUERY removes the package that it finds.
    QueryRemoves,
    /// INDEX of a package that is already indexed is answered FAIL.
    SecondIndexFails,
    /// INDEX also clears the list of one of the dependencies, but not its own.
    IndexClearsADependency,
    /// QUERY does not find packages whose names have an odd hash.
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
            (Fault::IndexClearsADependency, Command::Index { package, dependencies }) => {
                let outcome = self.index.apply(command)?;
                let others = dependencies.first().filter(|first| *first != package);
                if let (Outcome::Ok, Some(first)) = (outcome, others) {
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

/// Points one byte after the one that an error is about.
pub(super) const POINTS_BEHIND: Wire = Wire { parse: points_behind, ..Wire::OURS };

fn points_behind(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    wire::parse(line).map_err(|error| ParseError { offset: error.offset + 1, ..error })
}

/// Drops a bar after the dependencies.
pub(super) const THIRD_BAR: Wire = Wire { parse: third_bar, ..Wire::OURS };

fn third_bar(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    let Some(start) = line.strip_suffix(b"|\n").filter(|start| start.ends_with(b"|")) else {
        return wire::parse(line);
    };
    // Leaked: the result borrows from it, and there are few.
    wire::parse(Box::leak([start, b"\n"].concat().into_boxed_slice()))
}

/// Refuses names of 255 bytes.
pub(super) const LONGEST_NAME_IS_REFUSED: Wire =
    Wire { parse: longest_name_is_refused, ..Wire::OURS };

fn longest_name_is_refused(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    let read = wire::parse(line)?;
    if read.package().as_str().len() < MAX_NAME_BYTES { Ok(read) } else { wire::parse(b"") }
}

/// Accepts a reply that ends with CR LF.
pub(super) const REPLY_MAY_HAVE_CR: Wire = Wire { parse_reply: reply_may_have_cr, ..Wire::OURS };

fn reply_may_have_cr(line: &[u8]) -> Result<Reply, ParseError> {
    match line.strip_suffix(b"\r\n") {
        Some(word) => wire::parse_reply(&[word, b"\n"].concat()),
        None => wire::parse_reply(line),
    }
}

/// Prints a list with a comma before its first name.
pub(super) const COMMA_IS_PRINTED_FIRST: Wire =
    Wire { print: comma_is_printed_first, ..Wire::OURS };

fn comma_is_printed_first(command: CommandRef<'_>) -> String {
    let printed = command.to_string();
    let list = printed.rfind('|').map_or(printed.len(), |bar| bar + 1);
    if list == printed.len() {
        printed
    } else {
        printed.replacen(&printed[list..], &format!(",{}", &printed[list..]), 1)
    }
}

/// Shows characters that steer a terminal as they came.
pub(super) fn controls_are_shown(value: &[u8]) -> [String; 3] {
    [(); 3].map(|()| String::from_utf8_lossy(value).into_owned())
}

/// Forgets the first part of a line when the rest has not come.
pub(super) fn split_line_is_forgotten(buffer: &mut LineBuffer) {
    *buffer = LineBuffer::new(LINE_LIMIT);
}

/// Begins with the packages that need all others.
pub(super) fn order_is_reversed(index: &PackageIndex) -> Vec<InstallationStep> {
    index.installation_order().into_iter().rev().collect()
}

/// Builds the packages without rows all the same, with empty lists.
pub(super) fn debts_are_forgiven(mut bulk: Bulk) -> Result<PackageIndex, BulkError> {
    while let Err(BulkError::Owed { dependency, .. }) = bulk.clone().finish() {
        bulk.add([(dependency.borrowed(), Dependencies::NONE)].into_iter())?;
    }
    bulk.finish()
}

/// Leaves out the commands that close cycles: those for packages that came before.
pub(super) fn cycles_stay_open(index: &PackageIndex) -> Vec<Command> {
    let mut seen = BTreeSet::new();
    let commands = index.to_commands().into_iter();
    commands.filter(|command| seen.insert(command.package().clone())).collect()
}

/// Always includes the package.
pub(super) fn closure_holds_its_start(index: &PackageIndex, package: &str) -> Option<Vec<Name>> {
    let mut needs: BTreeSet<_> = index.transitive_dependencies(package)?.collect();
    needs.extend(package.parse::<Name>());
    Some(needs.into_iter().collect())
}

/// Allows any number of packages.
pub(super) fn limit_is_ignored(limits: Limits) -> PackageIndex {
    PackageIndex::with_limits(Limits { max_packages: usize::MAX, ..limits })
}

/// Puts the replies to malformed messages first.
pub(super) fn errors_come_first(
    session: &mut Session,
    engine: &Engine,
    bytes: &[u8],
) -> Result<Vec<Reply>, String> {
    let mut replies = tell(session, engine, bytes)?;
    replies.sort_by_key(|reply| *reply != Reply::Error);
    Ok(replies)
}

/// Begins a new conversation when one is over.
pub(super) fn http_is_read(
    session: &mut Session,
    engine: &Engine,
    bytes: &[u8],
) -> Result<Vec<Reply>, String> {
    let mut replies = Vec::new();
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        replies.extend(tell(session, engine, part)?);
        if session.is_over() {
            *session = Session::new(LINE_LIMIT);
        }
    }
    Ok(replies)
}

/// Answers the rest after a full batch only when more comes.
pub(super) fn rest_of_a_batch_waits(
    session: &mut Session,
    engine: &Engine,
    bytes: &[u8],
) -> Result<Vec<Reply>, String> {
    let mut replies = tell(session, engine, bytes)?;
    replies.truncate(MAX_BATCH);
    Ok(replies)
}

/// Answers the QUERYs among messages that come together before the rest is applied.
pub(super) fn queries_go_first(
    session: &mut Session,
    engine: &Engine,
    bytes: &[u8],
) -> Result<Vec<Reply>, String> {
    let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if !bytes.ends_with(b"\n") || lines.iter().any(|line| wire::parse(line).is_err()) {
        return tell(session, engine, bytes);
    }
    let mut order: Vec<_> = (0..lines.len()).collect();
    order.sort_by_key(|number| !lines[*number].starts_with(b"QUERY"));
    let sorted: Vec<u8> = order.iter().flat_map(|number| lines[*number]).copied().collect();
    let mut replies: Vec<_> = order.into_iter().zip(tell(session, engine, &sorted)?).collect();
    replies.sort_by_key(|(number, _)| *number);
    Ok(replies.into_iter().map(|(_, reply)| reply).collect())
}

/// Cuts everything off after the eighth byte.
pub(super) fn answers_are_cut_off(replies: Vec<String>) -> Vec<String> {
    let mut left = 8;
    let fits = |reply: &String| {
        left -= i32::try_from(reply.len()).unwrap_or(i32::MAX);
        left >= 0
    };
    replies.into_iter().take_while(fits).collect()
}
