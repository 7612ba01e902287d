//! The judge of histories: is there one order of all commands in which the machine gives every
//! reply, and in which each command has its place between its call and its reply?
//!
//! Where a quick look finds such an order, following it proves the history linearizable. Otherwise
//! a complete search decides, if its steps suffice.

use std::cell::Cell;
use std::hash::Hash;

use super::plan::{Judge, Part, Plan};
use super::{History, search, witness};
use crate::machine::StateMachine;

/// How many steps a search may take unless another number is chosen. One is a command tried in one
/// state; it costs about a microsecond, and until the search ends the memory of that state and a bit
/// for each command of the history.
pub const DEFAULT_STEPS: u64 = 200_000;

/// Into how many shares the steps by which a history is shortened are divided.
const SHARES: u64 = 32;

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
/// use statecheck::StateMachine;
/// use statecheck::history::{Checker, History, Verdict};
/// use std::convert::Infallible;
///
/// /// A number: `Some` writes it, `None` reads it; answers what is there then.
/// #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// struct Register(u32);
///
/// impl StateMachine for Register {
///     type Command = Option<u32>;
///     type Reply = u32;
///     type Error = Infallible;
///
///     fn apply(&mut self, write: &Option<u32>) -> Result<u32, Infallible> {
///         self.0 = write.unwrap_or(self.0);
///         Ok(self.0)
///     }
/// }
///
/// let checker = Checker::new(Register(0), |answer, reply| answer == reply);
/// // While client 1 writes, client 2 is told of it first, and then no more.
/// let mut history = History::default();
/// history.call(1, Some(7));
/// history.call(2, None);
/// history.reply(2, 7)?;
/// history.call(2, None);
/// history.reply(2, 0)?;
/// history.reply(1, 7)?;
/// assert_eq!(checker.check(&history), Verdict::NotLinearizable);
/// # Ok::<(), statecheck::history::Unasked>(())
/// ```
pub struct Checker<M: StateMachine, R> {
    judge: Judge<M, R>,
    steps: u64,
    /// How many all searches may take together by which a history is shortened, if that is bounded.
    steps_to_shorten: Option<u64>,
}

impl<M, R> Checker<M, R>
where
    M: StateMachine<Command: PartialEq> + Clone + Ord + Hash,
    R: PartialEq,
{
    /// Holds histories that begin with `initial` against it; `agree` says whether the machine's
    /// reply is the one that a client saw. Where the machine has an error, no reply agrees, and it is
    /// taken to be as it was before. Machines that are equal have to behave alike.
    pub fn new(initial: M, agree: fn(&M::Reply, &R) -> bool) -> Self {
        let judge = Judge { initial, agree, only_reads: |_, _| false };
        Self { judge, steps: DEFAULT_STEPS, steps_to_shorten: None }
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

    /// Lets the many searches by which a history is shortened take so many steps together, and each of them a
    /// 32nd of that. Without this each may take as many as any other. Fewer steps end sooner and leave more.
    #[must_use]
    pub fn steps_to_shorten(mut self, steps: u64) -> Self {
        self.steps_to_shorten = Some(steps);
        self
    }

    /// Judges a history. The quick look follows up to 2,048 ways event by event, and on each tries
    /// what is under way: some milliseconds for hundreds of commands of 8 clients, seconds where
    /// hundreds are under way at once. The search is exponential at worst in how many are under way,
    /// and bounded by the steps.
    #[must_use]
    pub fn check(&self, history: &History<M::Command, R>) -> Verdict {
        self.check_part(history, history.events(), &self.steps_of_one(), |_| Part::Kept)
    }

    /// Judges what happened up to an event, of those parts that `part` says; none of them optional.
    pub(super) fn check_part(
        &self,
        history: &History<M::Command, R>,
        end: usize,
        steps: &Steps,
        part: impl Fn(usize) -> Part,
    ) -> Verdict {
        let plan = Plan::new(history, end, part, &self.judge);
        if witness::find(&plan).is_some_and(|order| plan.is_explained_by(&order)) {
            return Verdict::Linearizable;
        }
        Self::decide(&plan, steps)
    }

    /// Judges the same by the search alone, for histories that most likely have no order.
    pub(super) fn decide_part(
        &self,
        history: &History<M::Command, R>,
        end: usize,
        steps: &Steps,
        part: impl Fn(usize) -> Part,
    ) -> Verdict {
        Self::decide(&Plan::new(history, end, part, &self.judge), steps)
    }

    /// The steps of one search.
    pub(super) fn steps_of_one(&self) -> Steps {
        Steps { all: Cell::new(u64::MAX), each: self.steps }
    }

    /// The steps of all searches by which a history is shortened.
    pub(super) fn steps_of_all(&self) -> Steps {
        match self.steps_to_shorten {
            Some(all) => Steps { all: Cell::new(all), each: (all / SHARES).max(1).min(self.steps) },
            None => self.steps_of_one(),
        }
    }

    fn decide(plan: &Plan<'_, M, R>, steps: &Steps) -> Verdict {
        let each = steps.each.min(steps.all.get());
        let (decided, taken) = search::decide(plan, each);
        steps.all.set(steps.all.get() - taken);
        match decided {
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

/// How many steps searches may take: all together, and each.
pub(super) struct Steps {
    all: Cell<u64>,
    each: u64,
}

impl Steps {
    /// Whether each search may take fewer than each by those.
    pub(super) fn are_fewer_than(&self, those: &Self) -> bool {
        self.each < those.each
    }
}
