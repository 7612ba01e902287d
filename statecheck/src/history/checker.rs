//! The judge of histories. It asks for one order of all commands in which the machine gives every reply. Each
//! command must have its place between its call and its reply.
//!
//! If a quick look finds an order, following that proves the history linearizable. Otherwise a complete
//! search decides, if its steps suffice.

use std::cell::Cell;
use std::hash::Hash;

use super::plan::{Judge, Part, Plan};
use super::{History, search, witness};
use crate::machine::StateMachine;

/// How many steps a search may take unless another number is chosen. A step tries a command in a state, and
/// costs about a microsecond. Until the search ends, it also takes the memory of that state and a bit for
/// each command of the history.
pub const DEFAULT_STEPS: u64 = 200_000;

/// Into how many shares the steps for shortening a history are divided.
const SHARES: u64 = 32;

/// The result of judging a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is such an order.
    Linearizable,
    /// There is none.
    NotLinearizable,
    /// The steps did not suffice to decide.
    Undecided,
}

/// Checks what clients saw, replies of type `R`, by a machine `M`.
///
/// ```
/// use statecheck::StateMachine;
/// use statecheck::history::{Checker, History, Verdict};
/// use std::convert::Infallible;
///
/// /// A number: `Some` writes it, `None` reads it. It replies with the number that is there then.
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
/// // While client 1 writes, client 2 reads the new number first, and then the old one.
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
    /// How many steps all searches together may take to shorten a history, if that is bounded.
    steps_to_shorten: Option<u64>,
}

impl<M, R> Checker<M, R>
where
    M: StateMachine<Command: PartialEq> + Clone + Ord + Hash,
    R: PartialEq,
{
    /// Judges histories that begin with `initial`. `agree` says whether the machine's reply is the one that a
    /// client saw. If the machine returns an error, no reply agrees, and it counts as unchanged. Machines
    /// that are equal have to behave alike.
    pub fn new(initial: M, agree: fn(&M::Reply, &R) -> bool) -> Self {
        let judge = Judge { initial, agree, only_reads: |_, _| false };
        Self { judge, steps: DEFAULT_STEPS, steps_to_shorten: None }
    }

    /// Sets which commands, given their replies, change nothing in any state. Most checks are short only with
    /// that. If it is true of a command that changes something, checks are wrong.
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

    /// Lets the many searches that shorten a history take so many steps together, and each of them a 32nd of
    /// that. By default each may take as many as any other search. With fewer steps shortening ends sooner,
    /// and more is left.
    #[must_use]
    pub fn steps_to_shorten(mut self, steps: u64) -> Self {
        self.steps_to_shorten = Some(steps);
        self
    }

    /// Judges a history. The quick look follows up to 2,048 ways event by event, and on each tries what is
    /// under way. It takes some milliseconds for hundreds of commands of 8 clients, and seconds if hundreds
    /// are under way at once. The search is bounded by the steps, and exponential at worst in the number of
    /// commands under way.
    #[must_use]
    pub fn check(&self, history: &History<M::Command, R>) -> Verdict {
        self.check_part(history, history.events(), &self.steps_of_one(), |_| Part::Kept)
    }

    /// Judges the parts that `part` says, up to an event. None of them is optional.
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

    /// Judges the same by the search alone. It is for histories that most likely have no order.
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

    /// The steps of all searches that shorten a history.
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

/// How many steps searches may take, all together and each.
pub(super) struct Steps {
    all: Cell<u64>,
    each: u64,
}

impl Steps {
    /// Whether each search may take fewer steps than each search by `those`.
    pub(super) fn are_fewer_than(&self, those: &Self) -> bool {
        self.each < those.each
    }
}
