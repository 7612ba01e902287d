//! The outcome of a run: the verdict on each check, and the report of all.

use std::time::Duration;

use super::check::{Check, Stage};
use super::dialect::Behaviour;
use super::finding::Finding;

/// The verdict on a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It held on every case that was tried.
    Passed,
    /// Nothing was left to try. All of it is about rules that are avoided, or that this server reads
    /// in its own way.
    LeftOut,
    /// No case could be decided in time.
    Undecided,
    /// It did not hold.
    Failed(Box<Finding>),
    /// It failed because of a rule that another check has found to be broken.
    Known {
        /// The id of the rule.
        rule: String,
    },
    /// It was not finished: enough others had failed, the run was interrupted, or the server was gone.
    NotRun,
}

/// A check and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// The name of the check.
    pub name: String,
    /// What it claims.
    pub promise: String,
    /// The kind of check, which decides when it is tried.
    pub stage: Stage,
    /// How many cases were tried, without those that were left out.
    pub cases: u64,
    /// The number of the case that failed, from 0, if one did.
    pub case: Option<u64>,
    /// How many of these cases could not be decided.
    pub undecided: u64,
    /// How long the check took.
    pub time: Duration,
    /// The verdict.
    pub verdict: Verdict,
}

impl CheckOutcome {
    /// The outcome of `check` before any case is tried.
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

    /// The outcome of a check that was not tried.
    #[must_use]
    pub fn not_run(check: &Check) -> Self {
        Self::of(check, Verdict::NotRun)
    }

    /// The finding, if the check failed.
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
    /// The outcome of every check that was asked for.
    pub outcomes: Vec<CheckOutcome>,
    /// The median time of a reply, measured before any check.
    pub reply_time: Duration,
    /// Whether nothing answers any more, so that the remaining checks could not be tried.
    pub is_gone: bool,
}

impl Report {
    /// The findings, the worst first. Findings with the same rule and the same words appear once.
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

    /// Whether the report shows nothing: no check passed, and none failed.
    #[must_use]
    pub fn shows_nothing(&self) -> bool {
        let says = |outcome: &CheckOutcome| {
            matches!(outcome.verdict, Verdict::Passed | Verdict::Failed(_))
        };
        !self.outcomes.iter().any(says)
    }

    /// Whether all checks were tried, and none failed.
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
