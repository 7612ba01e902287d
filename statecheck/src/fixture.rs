//! Machines for the tests of the drivers: a shelf of things, each of which may need others.
//!
//! INDEX puts a thing there, and fails before all that it needs is there. REMOVE takes a thing away, and
//! fails while another thing needs it. QUERY looks for a thing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use super::history::Checker;
use crate::machine::StateMachine;

/// A command for a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Index { thing: String, needs: BTreeSet<String> },
    Remove { thing: String },
    Query { thing: String },
}

impl Command {
    pub(crate) fn index<'a>(
        thing: &str,
        needs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let needs: Vec<_> = needs.into_iter().collect();
        format!("INDEX|{thing}|{}", needs.join(",")).parse()
    }

    pub(crate) fn remove(thing: &str) -> Result<Self, String> {
        format!("REMOVE|{thing}|").parse()
    }

    pub(crate) fn query(thing: &str) -> Result<Self, String> {
        format!("QUERY|{thing}|").parse()
    }
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let parts: Vec<&str> = line.split('|').collect();
        let [verb, thing, needs] = parts[..] else { return Err("not three parts".to_owned()) };
        let thing = thing.to_owned();
        match verb {
            "INDEX" => {
                let needs = needs.split(',').filter(|name| !name.is_empty());
                Ok(Self::Index { thing, needs: needs.map(str::to_owned).collect() })
            }
            "REMOVE" => Ok(Self::Remove { thing }),
            "QUERY" => Ok(Self::Query { thing }),
            _ => Err("no such command".to_owned()),
        }
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { thing, needs } => {
                let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
                write!(f, "INDEX|{thing}|{}", needs.join(","))
            }
            Self::Remove { thing } => write!(f, "REMOVE|{thing}|"),
            Self::Query { thing } => write!(f, "QUERY|{thing}|"),
        }
    }
}

/// The outcome of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Fail,
}

/// The reply that a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Ok,
    Fail,
    Error,
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok => Self::Ok,
            Outcome::Fail => Self::Fail,
        }
    }
}

impl FromStr for Reply {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        match line {
            "OK" => Ok(Self::Ok),
            "FAIL" => Ok(Self::Fail),
            "ERROR" => Ok(Self::Error),
            _ => Err("no such reply".to_owned()),
        }
    }
}

impl Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
        })
    }
}

/// A shelf.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Model(BTreeMap<String, BTreeSet<String>>);

impl Model {
    /// Each thing, and the things that it needs.
    pub(crate) fn things(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.0
    }

    fn is_needed(&self, thing: &String) -> bool {
        self.0.iter().any(|(other, needs)| other != thing && needs.contains(thing))
    }
}

impl StateMachine for Model {
    type Command = Command;
    type Reply = Outcome;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Outcome, Infallible> {
        let possible = match command {
            Command::Index { needs, .. } => needs.iter().all(|it| self.0.contains_key(it)),
            Command::Remove { thing } => !self.is_needed(thing),
            Command::Query { thing } => self.0.contains_key(thing),
        };
        if !possible {
            return Ok(Outcome::Fail);
        }
        match command {
            Command::Index { thing, needs } => drop(self.0.insert(thing.clone(), needs.clone())),
            Command::Remove { thing } => drop(self.0.remove(thing)),
            Command::Query { .. } => {}
        }
        Ok(Outcome::Ok)
    }
}

/// Each thing on the shelf, and the things that it needs.
pub(crate) fn state(model: &Model) -> BTreeMap<String, BTreeSet<String>> {
    model.things().clone()
}

/// A shelf that several threads share.
#[derive(Default)]
pub(crate) struct Shared(Mutex<Model>);

impl Shared {
    pub(crate) fn apply(&self, command: &Command) -> Outcome {
        let Ok(outcome) = self.0.lock().unwrap_or_else(PoisonError::into_inner).apply(command);
        outcome
    }
}

/// Compares what clients of a shelf saw with an empty shelf.
pub(crate) fn checker() -> Checker<Model, Reply> {
    let only_reads: fn(&Command, &Reply) -> bool =
        |command, reply| matches!(command, Command::Query { .. }) || *reply != Reply::Ok;
    Checker::new(Model::default(), |outcome, reply| Reply::from(*outcome) == *reply)
        .reading(only_reads)
}
