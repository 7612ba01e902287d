//! Floor 9: the conformance suite, which tests any server that speaks the protocol. It needs only an
//! address. It tests several addresses as one [`System`], which serves the same index at all of them.
//!
//! [`run`] tries the [`checks`] in order. First come the transcripts of the specification, and each
//! rule on its own. Then drawn commands run in lockstep with the reference model, and the same
//! messages arrive in every segmentation. One order must explain the histories of clients at once.
//! Last come clients that break off, clients that misbehave, and the challenge's own harness.
//!
//! The server need not be empty. Every name that a run sends begins with a prefix of that run, and the
//! run removes its packages again. Honest servers read some lines in different ways. The suite
//! [observes](Behaviour) these first, and accepts them unless the run is [strict](Settings::strict).
//! It shortens each finding against the server itself, as far as it can.

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

/// The prefix of all names that a run with this seed sends.
#[must_use]
pub fn names_of(seed: u64) -> String {
    format!("check{seed:x}z")
}

/// What a run tries, how it judges, and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The seed of all that is drawn and of the names. The same seed gives the same.
    pub seed: u64,
    /// How many clients contend at once, at least 2.
    pub clients: usize,
    /// The most commands in a sequence or a history, at least 1.
    pub commands: usize,
    /// How long all drawn checks together may take. `None` draws as many cases as the table says.
    pub time: Option<Duration>,
    /// How long a reply may take.
    pub patience: Duration,
    /// The time limit for one case, for the shortening of its finding, and for the tidying up after
    /// it. It is at least twice `patience`.
    pub bound: Duration,
    /// How many failed checks end the run. `None` tries all.
    pub fail_fast: Option<u64>,
    /// The shell command that restarts the server when nothing answers any more.
    pub restart: Option<String>,
    /// The text by which the server is judged.
    pub challenge: Challenge,
    /// Whether every difference from the rules is a failure, even where honest servers differ.
    pub strict: bool,
    /// The checks to try, each by its name or by how its name begins. Empty for all.
    pub only: Vec<String>,
    /// The one case to try of each check, by its number from 0. `None` for all.
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
