//! The judge of histories: is there one order of all commands in which the machine gives every
//! reply, and in which each command has its place between its call and its reply?
//!
//! Where a quick look finds such an order, following it proves the history linearizable. Otherwise
//! a complete search decides, if its steps suffice.

use std::hash::Hash;

use super::plan::{Judge, Part, Plan};
use super::{History, search, witness};
use crate::machine::StateMachine;

/// How many steps a search may take unless another number is chosen. One costs about a microsecond,
/// and up to some kilobytes of memory until the search ends.
pub const DEFAULT_STEPS: u64 = 200_000;

/// What a history turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is such an order.
    Linearizable,
    /// There is none.
    NotLinearizable,
    /// The steps did not suffice to know.
    Undecided,
}

/// Checks what clients saw, replies of type `R`, against a machine `M`.
///
/// ```
/// use package_indexer::testing::history::{Checker, History, Verdict};
/// use package_indexer::{Command, Model, Reply};
///
/// let checker = Checker::new(Model::default(), |outcome, reply| Reply::from(*outcome) == *reply);
/// // Told first that the package is there, and then that it is not.
/// let history: History<Command, Reply> = "
///     1> INDEX|a|
///     2> QUERY|a|
///     2< OK
///     2> QUERY|a|
///     2< FAIL
///     1< OK
/// ".parse()?;
/// assert_eq!(checker.check(&history), Verdict::NotLinearizable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Checker<M: StateMachine, R> {
    judge: Judge<M, R>,
    steps: u64,
}

impl<M, R> Checker<M, R>
where
    M: StateMachine<Command: PartialEq> + Clone + Ord + Hash,
    R: PartialEq,
{
    /// Holds histories that begin with `initial` against it; `agree` says whether the machine's
    /// reply is the one that a client saw. Where the machine has an error, no reply agrees.
    pub fn new(initial: M, agree: fn(&M::Reply, &R) -> bool) -> Self {
        Self { judge: Judge { initial, agree, only_reads: |_, _| false }, steps: DEFAULT_STEPS }
    }

    /// Says which commands, given their replies, change nothing in whatever state they get them:
    /// most checks are short only with that. A command wrongly said to be one makes checks wrong.
    #[must_use]
    pub fn reading(mut self, only_reads: fn(&M::Command, &R) -> bool) -> Self {
        self.judge.only_reads = only_reads;
        self
    }

    /// Lets a search take so many steps, instead of 200,000.
    #[must_use]
    pub fn steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// Judges a history. Exponential at worst in how many commands are under way at once, and
    /// bounded by the steps; the quick look before that is linear in the length of the history, and
    /// takes up to seconds where hundreds of commands are under way at once.
    #[must_use]
    pub fn check(&self, history: &History<M::Command, R>) -> Verdict {
        let plan = Plan::new(history, history.events(), |_| Part::Kept, &self.judge);
        if witness::find(&plan).is_some_and(|order| plan.is_explained_by(&order)) {
            return Verdict::Linearizable;
        }
        self.decide(&plan)
    }

    /// Judges what happened up to an event, of those parts that `part` says, by the search alone.
    pub(super) fn decide_part(
        &self,
        history: &History<M::Command, R>,
        end: usize,
        part: impl Fn(usize) -> Part,
    ) -> Verdict {
        self.decide(&Plan::new(history, end, part, &self.judge))
    }

    fn decide(&self, plan: &Plan<'_, M, R>) -> Verdict {
        match search::decide(plan, self.steps) {
            Some(true) => Verdict::Linearizable,
            Some(false) => Verdict::NotLinearizable,
            None => Verdict::Undecided,
        }
    }

    #[cfg(test)]
    pub(super) fn judge(&self) -> &Judge<M, R> {
        &self.judge
    }

    pub(super) fn only_reads(&self, command: &M::Command, reply: &R) -> bool {
        (self.judge.only_reads)(command, reply)
    }
}
