//! A check: a claim about a server, with the cases on which it is tried. Which checks there are, and
//! what runs them, is in `suite`.

use std::fmt;

use super::context::{Context, Trial};
use crate::testing::transcript::Transcript;

/// What kind of check one is; they are tried in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A transcript of the specification as a whole.
    Transcripts,
    /// One rule, by what the transcripts say under its name.
    Rules,
    /// What is said at several addresses of one system.
    Addresses,
    /// What one client sends, message by message.
    Lockstep,
    /// What one client sends, in pieces or ahead.
    Segmentation,
    /// What many clients send at once.
    Histories,
    /// Clients that break off.
    Disconnects,
    /// Clients that do what none should.
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

/// Tries one case: its seed, and its number.
type Attempt = Box<dyn Fn(&Context, u64, u64) -> Trial>;

/// A claim about a server, and the cases on which it is tried.
pub struct Check {
    /// Its name.
    pub name: String,
    /// What it claims, in a line.
    pub promise: String,
    /// The rules of the protocol that it covers, by their ids.
    pub rules: Vec<String>,
    /// When it is tried.
    pub stage: Stage,
    /// How many cases there are; where they are drawn, how many are unless the time says otherwise.
    pub cases: u64,
    /// Whether the cases are drawn, so that there can be any number of them.
    pub drawn: bool,
    pub(super) attempt: Attempt,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.promise)
    }
}

impl Check {
    /// A check whose cases are conversations that are known beforehand.
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
            // One rule alone, of which the other lines of its cases say nothing.
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

    /// A check whose cases come from their seeds.
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
