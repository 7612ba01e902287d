//! A check: a claim about a server, with the cases that test it. `suite` has the table of checks, and
//! runs them.

use std::fmt;

use super::context::{Context, Trial};
use crate::testing::transcript::Transcript;

/// The kind of a check. Checks are tried in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A transcript of the specification as a whole.
    Transcripts,
    /// One rule, by the sections of the transcripts that name it.
    Rules,
    /// Messages at several addresses of one system.
    Addresses,
    /// Messages of one client, each answered before the next is sent.
    Lockstep,
    /// Messages of one client, in pieces or ahead of replies.
    Segmentation,
    /// Messages of many clients at once.
    Histories,
    /// Clients that break off.
    Disconnects,
    /// Clients that misbehave.
    Robustness,
    /// What the harness of the challenge does.
    Challenge,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transcripts => "transcripts",
            Self::Rules => "rules",
            Self::Addresses => "addresses",
            Self::Lockstep => "lockstep",
            Self::Segmentation => "segmentation",
            Self::Histories => "histories",
            Self::Disconnects => "disconnects",
            Self::Robustness => "robustness",
            Self::Challenge => "challenge",
        })
    }
}

/// Tries one case. Takes the seed and the number of the case.
type Attempt = Box<dyn Fn(&Context, u64, u64) -> Trial>;

/// A claim about a server, and the cases that test it.
pub struct Check {
    /// The name of the check.
    pub name: String,
    /// What it claims, in one line.
    pub promise: String,
    /// The ids of the rules that it covers.
    pub rules: Vec<String>,
    /// The kind of check, which decides when it is tried.
    pub stage: Stage,
    /// How many cases there are. A time limit replaces this number if the cases are drawn.
    pub cases: u64,
    /// Whether the cases are drawn at random, so that there can be any number of them.
    pub drawn: bool,
    pub(super) attempt: Attempt,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.promise)
    }
}

impl Check {
    /// A check whose cases are fixed conversations.
    pub(super) fn listed(
        stage: Stage,
        name: impl Into<String>,
        promise: &str,
        rules: Vec<String>,
        cases: Vec<Transcript>,
    ) -> Self {
        let (count, of) = (cases.len() as u64, rules.clone());
        let attempt = move |context: &Context, _, number| {
            let case = usize::try_from(number).ok().and_then(|number| cases.get(number));
            // The server reads this rule in its own way. The other lines of the case say nothing about
            // it.
            let is_its_own =
                stage == Stage::Rules && of.iter().any(|rule| context.dialect.has_its_own(rule));
            case.filter(|_| !is_its_own).map_or(Trial::LeftOut, |it| context.holds(it))
        };
        Self {
            name: name.into(),
            promise: promise.to_owned(),
            rules,
            stage,
            cases: count,
            drawn: false,
            attempt: Box::new(attempt),
        }
    }

    /// A check whose cases are drawn from their seeds.
    pub(super) fn drawn(
        stage: Stage,
        name: &str,
        promise: &str,
        rules: &[&str],
        cases: u64,
        attempt: impl Fn(&Context, u64) -> Trial + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            promise: promise.to_owned(),
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            stage,
            cases,
            drawn: true,
            attempt: Box::new(move |context, seed, _| attempt(context, seed)),
        }
    }
}
