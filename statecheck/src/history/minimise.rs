//! Shortens a history that is not linearizable to one that shows why.
//!
//! Without a command that changed something, the rest may be inexplicable for that reason alone. So a command
//! that is left out stays in every check. There it may have happened in its time, with any reply, or not at
//! all. Only if there is no order even then does the rest show the fault. It also has to show that fault
//! alone, so there has to be an order for it without its last reply.

use std::hash::Hash;

use super::checker::{Checker, Steps, Verdict};
use super::plan::Part;
use super::{History, Operation};
use crate::machine::StateMachine;

impl<M, R> Checker<M, R>
where
    M: StateMachine<Command: Clone + PartialEq> + Clone + Ord + Hash,
    R: Clone + PartialEq,
{
    /// The operation whose reply is the first that no order explains. All before that reply happened in some
    /// order, and with it there is none. The result is its place in [`operations`](History::operations), from
    /// 0. `None` if the history is linearizable, or not known not to be. If the steps do not suffice, it may
    /// be a later reply. Takes 1 + log₂ n checks for n calls and replies.
    #[must_use]
    pub fn first_unexplained(&self, history: &History<M::Command, R>) -> Option<usize> {
        let end = self.first_unexplained_end(history, &self.steps_of_one())?;
        // A call alone is always explained. If the steps did not suffice to see a fault before that call, the
        // last reply before it is the best answer.
        let replies = history.operations().iter().enumerate().filter_map(|(number, operation)| {
            operation.answer.as_ref().map(|answer| (answer.at, number))
        });
        replies.filter(|(at, _)| *at < end).max().map(|(_, number)| number)
    }

    /// The number of calls and replies after which no order explains them, as far as the steps suffice to
    /// know that.
    fn first_unexplained_end(
        &self,
        history: &History<M::Command, R>,
        steps: &Steps,
    ) -> Option<usize> {
        let (mut explained, mut end) = (0, history.events());
        // The search decides alone: a quick look would most likely find no order. If few steps do not suffice
        // for the whole, they do not for any part that matters.
        let all = self.steps_of_one();
        let fails = |steps| {
            self.decide_part(history, end, steps, |_| Part::Kept) == Verdict::NotLinearizable
        };
        let steps = if fails(steps) {
            steps
        } else if steps.are_fewer_than(&all) && fails(&all) {
            &all
        } else {
            return None;
        };
        // If there is no order up to some event, there is none up to a later one.
        while end - explained > 1 {
            let middle = explained + (end - explained) / 2;
            if self.check_part(history, middle, steps, |_| Part::Kept) == Verdict::NotLinearizable {
                end = middle;
            } else {
                explained = middle;
            }
        }
        Some(end)
    }

    /// The same fault, shown by fewer commands. The history ends with the first reply that no order explains,
    /// as far as the steps suffice to know that. Of what came before it keeps what the fault needs, or more
    /// if the steps do not suffice. Each call and reply keeps its time. `None` if the history is
    /// linearizable, or not known not to be. Mostly takes some 4n checks, and n² at worst.
    #[must_use]
    pub fn minimise(&self, history: &History<M::Command, R>) -> Option<History<M::Command, R>> {
        self.minimise_taking(history, Part::Optional, |_| Vec::new())
    }

    /// Like [`minimise`](Self::minimise), if operations refer to the replies of earlier ones: `refers_to`
    /// says to which. An operation that is left out takes along all that refer to it. Checks go on treating
    /// it as `left_out` says.
    ///
    /// With [`Part::OptionalAsAnswered`] less is left. The reply of an operation that is left out is then
    /// taken as true. Some order does explain it, because it came before the first reply that none explains.
    pub(super) fn minimise_taking(
        &self,
        history: &History<M::Command, R>,
        left_out: Part,
        refers_to: impl Fn(usize) -> Vec<usize>,
    ) -> Option<History<M::Command, R>> {
        let mut parts = vec![Part::Kept; history.operations().len()];
        let steps = self.steps_of_all();
        let end = self.first_unexplained_end(history, &steps)?;
        let fails = |parts: &[Part]| {
            self.decide_part(history, end, &steps, |number| parts[number])
                == Verdict::NotLinearizable
        };
        let explained_before = |parts: &[Part]| {
            let alone = |number: usize| match parts[number] {
                Part::Kept => Part::Kept,
                Part::Optional | Part::OptionalAsAnswered | Part::LeftOut => Part::LeftOut,
            };
            self.check_part(history, end - 1, &steps, alone) == Verdict::Linearizable
        };
        let without = |number: usize| {
            let operation: &Operation<_, _> = &history.operations()[number];
            match &operation.answer {
                // If there is an order, there is one without this as well.
                Some(answer) if self.only_reads(&operation.command, &answer.reply) => Part::LeftOut,
                _ => left_out,
            }
        };
        let shorter = |parts: &[Part], run: &[usize]| {
            let mut fewer = parts.to_vec();
            for number in run {
                fewer[*number] = without(*number);
            }
            for number in 0..fewer.len() {
                let is_left_out = |earlier: &usize| fewer[*earlier] != Part::Kept;
                if fewer[number] == Part::Kept && refers_to(number).iter().any(is_left_out) {
                    fewer[number] = without(number);
                }
            }
            Some(fewer).filter(|fewer| fails(fewer) && explained_before(fewer))
        };
        leave_out(&mut parts, shorter);
        Some(history.part_until(end, |number| parts[number] == Part::Kept))
    }
}

/// Leaves out runs of operations, long ones first, as long as `shorter` finds something without one.
fn leave_out(parts: &mut Vec<Part>, shorter: impl Fn(&[Part], &[usize]) -> Option<Vec<Part>>) {
    let mut length = parts.len();
    while length > 0 {
        let mut left_out = false;
        let kept: Vec<usize> =
            (0..parts.len()).filter(|number| parts[*number] == Part::Kept).collect();
        for run in kept.chunks(length) {
            if let Some(fewer) = shorter(parts, run) {
                *parts = fewer;
                left_out = true;
            }
        }
        // Single ones are tried again after any success, because one may have kept another.
        if length > 1 || !left_out {
            length /= 2;
        }
    }
}

#[cfg(test)]
mod tests;
