//! What became of the checks of a run: the verdict on each, and the report of all.

use std::time::Duration;

use super::check::{Check, Stage};
use super::dialect::Behaviour;
use super::finding::Finding;

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It held on every case that was tried.
    Passed,
    /// There was nothing to try: all of it is about what this server reads in its own way.
    LeftOut,
    /// Not one case could be decided.
    Undecided,
    /// It did not hold.
    Failed(Box<Finding>),
    /// It fails by a rule that another check has found to be broken.
    Known {
        /// The rule.
        rule: String,
    },
    /// It was not tried to its end: so many others had failed, or the run was broken off.
    NotRun,
}

/// A check with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// The name of the check.
    pub name: String,
    /// What it claims.
    pub promise: String,
    /// When it is tried.
    pub stage: Stage,
    /// On how many cases it was tried.
    pub cases: u64,
    /// The number of the case on which it failed, from 0, if one did.
    pub case: Option<u64>,
    /// How many of them could not be decided.
    pub undecided: u64,
    /// How long that took.
    pub time: Duration,
    /// What became of it.
    pub verdict: Verdict,
}

impl CheckOutcome {
    /// What became of `check` before any of its cases was tried.
    pub(super) fn of(check: &Check, verdict: Verdict) -> Self {
        let Check { name, promise, stage, .. } = check;
        Self {
            name: name.clone(),
            promise: promise.clone(),
            stage: *stage,
            cases: 0,
            case: None,
            undecided: 0,
            time: Duration::ZERO,
            verdict,
        }
    }

    /// What became of a check that was not tried.
    #[must_use]
    pub fn not_run(check: &Check) -> Self {
        Self::of(check, Verdict::NotRun)
    }

    /// What was found, if anything was.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        match &self.verdict {
            Verdict::Failed(finding) => Some(finding),
            Verdict::Passed
            | Verdict::LeftOut
            | Verdict::Undecided
            | Verdict::Known { .. }
            | Verdict::NotRun => None,
        }
    }
}

/// What a run has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the server does where honest servers differ.
    pub behaviours: Vec<Behaviour>,
    /// Every check that was asked for.
    pub outcomes: Vec<CheckOutcome>,
    /// How long a reply took before anything was tried, in the median.
    pub reply_time: Duration,
    /// Whether nothing answers any more, so that the rest could not be tried.
    pub is_gone: bool,
}

impl Report {
    /// What was found, the worst first; what breaks the same rule in the same way stands once.
    #[must_use]
    pub fn findings(&self) -> Vec<(&CheckOutcome, &Finding)> {
        let found = self.outcomes.iter().filter_map(|it| Some((it, it.finding()?)));
        let mut findings: Vec<(&CheckOutcome, &Finding)> = Vec::new();
        for (outcome, finding) in found {
            let is_the_same = |(_, other): &(_, &Finding)| {
                (&other.rule, &other.what) == (&finding.rule, &finding.what)
            };
            if !findings.iter().any(is_the_same) {
                findings.push((outcome, finding));
            }
        }
        findings.sort_by_key(|(_, finding)| finding.severity);
        findings
    }

    /// Whether there is nothing to go by: no check passed, and none failed.
    #[must_use]
    pub fn shows_nothing(&self) -> bool {
        let says = |outcome: &CheckOutcome| {
            matches!(outcome.verdict, Verdict::Passed | Verdict::Failed(_))
        };
        !self.outcomes.iter().any(says)
    }

    /// Whether all was tried, and nothing was found.
    #[must_use]
    pub fn conforms(&self) -> bool {
        !self.outcomes.iter().any(|it| {
            matches!(it.verdict, Verdict::Failed(_) | Verdict::Known { .. } | Verdict::NotRun)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::checks;

    #[test]
    fn what_was_not_tried_to_its_end_is_not_said_to_conform() {
        let check = checks(1).swap_remove(0);
        let report = |verdicts: &[Verdict]| {
            let of = |verdict: &Verdict| CheckOutcome::of(&check, verdict.clone());
            let outcomes = verdicts.iter().map(of).collect();
            let reply_time = Duration::ZERO;
            Report { behaviours: Vec::new(), outcomes, reply_time, is_gone: false }
        };
        let failed = Verdict::Failed(Box::new(Finding::in_words("O1", "no reply")));
        assert!(report(&[Verdict::Passed, Verdict::LeftOut, Verdict::Undecided]).conforms());
        assert!(!report(&[Verdict::Passed, Verdict::NotRun]).conforms());
        assert!(!report(&[Verdict::Passed, failed]).conforms());
    }
}
