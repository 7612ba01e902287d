//! From a history that is not linearizable to a short one that shows why.
//!
//! Leaving out a command that changed something could itself make what is left inexplicable. So
//! what is left out stays in every check, as a command that may have happened in its time or not,
//! with whatever reply: only if there is no order even then, what is left shows the fault. And it
//! has to show that alone, so there has to be an order for it without its last reply.

use std::hash::Hash;

use super::checker::{Checker, Verdict};
use super::plan::Part;
use super::{Event, History, from_events};
use crate::machine::StateMachine;

impl<M, R> Checker<M, R>
where
    M: StateMachine<Command: Clone + PartialEq> + Clone + Ord + Hash,
    R: Clone + PartialEq,
{
    /// The same fault, shown by fewer commands. The history ends with the first reply that no order
    /// explains, as far as the steps suffice to know that, and of what came before stays what it
    /// takes, or more where the steps do not suffice to do without. `None` if the history is linearizable, or not known not to be. Mostly some 4n checks, n²
    /// at worst.
    #[must_use]
    pub fn minimise(&self, history: &History<M::Command, R>) -> Option<History<M::Command, R>> {
        let mut parts = vec![Part::Kept; history.operations().len()];
        let fails = |end: usize, parts: &[Part]| {
            self.decide_part(history, end, |number| parts[number]) == Verdict::NotLinearizable
        };
        if !fails(history.events(), &parts) {
            return None;
        }
        // What has no order up to some event has none up to any later one.
        let (mut explained, mut end) = (0, history.events());
        while end - explained > 1 {
            let middle = explained + (end - explained) / 2;
            if self.check_part(history, middle, |_| Part::Kept) == Verdict::NotLinearizable {
                end = middle;
            } else {
                explained = middle;
            }
        }
        let explained_before = |parts: &[Part]| {
            let alone = |number: usize| match parts[number] {
                Part::Kept => Part::Kept,
                Part::Optional | Part::LeftOut => Part::LeftOut,
            };
            self.check_part(history, end - 1, alone) == Verdict::Linearizable
        };
        self.leave_out(history, &mut parts, |parts| fails(end, parts) && explained_before(parts));
        Some(kept(history, end, &parts))
    }

    /// Leaves out runs of operations, long ones first, for as long as `fails` holds.
    fn leave_out(
        &self,
        history: &History<M::Command, R>,
        parts: &mut Vec<Part>,
        fails: impl Fn(&[Part]) -> bool,
    ) {
        let operations = history.operations();
        let without = |number: usize| match &operations[number].answer {
            // What has an order has one without this as well.
            Some(answer) if self.only_reads(&operations[number].command, &answer.reply) => {
                Part::LeftOut
            }
            _ => Part::Optional,
        };
        let mut length = operations.len();
        while length > 0 {
            let mut left_out = false;
            let kept: Vec<usize> =
                (0..operations.len()).filter(|number| parts[*number] == Part::Kept).collect();
            for run in kept.chunks(length) {
                let mut fewer = parts.clone();
                for number in run {
                    fewer[*number] = without(*number);
                }
                if fails(&fewer) {
                    *parts = fewer;
                    left_out = true;
                }
            }
            // Single ones once more after any success: one may have held another.
            if length > 1 || !left_out {
                length /= 2;
            }
        }
    }
}

/// What of a history is kept, up to an event.
fn kept<C: Clone, R: Clone>(history: &History<C, R>, end: usize, parts: &[Part]) -> History<C, R> {
    let events = history.in_order().take(end).filter(|(number, _)| parts[*number] == Part::Kept);
    let owned = events.map(|(number, event)| {
        let event = match event {
            Event::Call(command) => Event::Call(command.clone()),
            Event::Reply(reply) => Event::Reply(reply.clone()),
        };
        (history.operations()[number].client, event)
    });
    from_events(owned)
        .unwrap_or_else(|_unasked| unreachable!("invariant: a reply is kept with its call"))
}
