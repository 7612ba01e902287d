//! Floor 9: the suite for every server that speaks the protocol: what the specification says, tried on a
//! server behind an address, of which nothing else is known. Several addresses are tried as one
//! [`System`], which serves one index at all of them.
//!
//! [`run`] goes through the [`checks`] in order: the transcripts of the specification, each rule on
//! its own, the properties of any machine in lockstep with the reference model, the same messages in
//! every segmentation, histories of clients at once, clients that break off, and clients that do
//! what none should. The server need not be empty: every name that is sent begins with a prefix of
//! this run, and is removed again. What honest servers read in different ways is [observed
//! first](Behaviour), and then not held against them unless that is asked for. What is found is
//! made as short as can be, against the server itself.

mod avoid;
mod cannot_test;
mod challenge;
mod check;
mod concurrent;
mod context;
mod dialect;
mod disturbed;
mod edit;
mod finding;
mod generated;
mod harness;
mod housekeeper;
mod link;
mod namespace;
mod naming;
mod outcome;
mod past;
mod probe;
mod replay;
mod restart;
mod route;
mod rules;
mod scripted;
mod severity;
mod shared;
mod simpler;
mod subject;
mod suite;
mod system;
mod target;

use std::time::Duration;

pub use cannot_test::CannotTest;
pub use challenge::Challenge;
pub use check::{Check, Stage};
pub use dialect::Behaviour;
pub use finding::{Evidence, Finding, rule_text};
pub use outcome::{CheckOutcome, Report, Verdict};
pub use replay::{Saved, SavedError, replay};
pub use severity::Severity;
pub use suite::{Event, checks, chosen, run};
pub use system::{Address, System, SystemError};

/// How all names begin that a run with this seed sends.
#[must_use]
pub fn names_of(seed: u64) -> String {
    format!("check{seed:x}z")
}

/// How a run goes about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What is drawn, and which names are used: the same for the same seed.
    pub seed: u64,
    /// How many clients there are at once where they contend, at least 2.
    pub clients: usize,
    /// How many commands a sequence or a history has at most, at least 1.
    pub commands: usize,
    /// How long all checks together draw cases whose number is free; without it there are as many
    /// as the table says.
    pub time: Option<Duration>,
    /// How long a reply may take.
    pub patience: Duration,
    /// How long one case may take, to shorten what it has found, and to tidy up after it; at least twice
    /// as long as a reply.
    pub bound: Duration,
    /// After so many checks that failed nothing more is tried; all are if there is no number.
    pub fail_fast: Option<u64>,
    /// The shell's command that brings the server back when it is gone.
    pub restart: Option<String>,
    /// By which text it is judged.
    pub challenge: Challenge,
    /// Whether a difference where honest servers differ is a failure too.
    pub strict: bool,
    /// The checks to try, by their names or how these begin; all if none is given.
    pub only: Vec<String>,
    /// The one case to try of each of them, by its number from 0; all if none is given.
    pub case: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            clients: 8,
            commands: 200,
            time: None,
            patience: Duration::from_secs(5),
            bound: Duration::from_secs(10),
            fail_fast: None,
            restart: None,
            challenge: Challenge::Own,
            strict: false,
            only: Vec::new(),
            case: None,
        }
    }
}
