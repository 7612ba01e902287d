//! The operations of a history that have to be put in order, and the check of such an order.

use std::collections::HashMap;

use super::History;
use crate::machine::StateMachine;

/// How histories are judged.
pub(super) struct Judge<M: StateMachine, R> {
    /// The machine, before anybody has asked.
    pub(super) initial: M,
    /// Whether the machine's reply is what the client saw.
    pub(super) agree: fn(&M::Reply, &R) -> bool,
    /// Whether a command with this reply changes nothing, in any state.
    pub(super) only_reads: fn(&M::Command, &R) -> bool,
}

/// How to treat an operation of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It happened, with its reply.
    Kept,
    /// It may have happened in its time, with any reply, or not at all.
    Optional,
    /// It may have happened in its time, with its reply, or not at all.
    OptionalAsAnswered,
    /// It is not there.
    LeftOut,
}

/// An operation that needs a place in the order.
pub(super) struct Entry<'a, C, R> {
    pub(super) command: &'a C,
    /// The reply that it must get, or `None` if any will do.
    pub(super) reply: Option<&'a R>,
    /// It has its place after this...
    pub(super) called: usize,
    /// ...before this...
    pub(super) returned: usize,
    /// ...and after this entry, the one before it of the same client.
    pub(super) after: Option<usize>,
    /// Whether it changes nothing, in any state in which it gets its reply.
    pub(super) reads: bool,
    /// Whether it may also not have happened. An entry that never returns needs no such choice: it can stand
    /// after all that do, which is as good as not at all.
    pub(super) is_optional: bool,
}

/// The entries that have to be put in order, by their calls.
pub(super) struct Plan<'a, M: StateMachine, R> {
    pub(super) entries: Vec<Entry<'a, M::Command, R>>,
    judge: &'a Judge<M, R>,
}

impl<'a, M: StateMachine + Clone, R> Plan<'a, M, R> {
    /// The plan for what happened up to the event numbered `end`, with the parts that `part` says.
    pub(super) fn new(
        history: &'a History<M::Command, R>,
        end: usize,
        part: impl Fn(usize) -> Part,
        judge: &'a Judge<M, R>,
    ) -> Self {
        let mut entries = Vec::new();
        let mut last_of = HashMap::new();
        for (number, operation) in history.operations().iter().enumerate() {
            if operation.called >= end || part(number) == Part::LeftOut {
                continue;
            }
            let answer = operation.answer.as_ref().filter(|answer| answer.at < end);
            let part = part(number);
            let reply = answer.filter(|_| part != Part::Optional).map(|answer| &answer.reply);
            entries.push(Entry {
                command: &operation.command,
                reply,
                called: operation.called,
                returned: answer.map_or(usize::MAX, |answer| answer.at),
                after: last_of.insert(operation.client, entries.len()),
                reads: reply.is_some_and(|reply| (judge.only_reads)(&operation.command, reply)),
                is_optional: answer.is_some() && part != Part::Kept,
            });
        }
        Self { entries, judge }
    }

    /// The machine before the first entry.
    pub(super) fn initial(&self) -> &M {
        &self.judge.initial
    }

    /// The machine after an entry, or `None` if it gives another reply.
    pub(super) fn applied(&self, number: usize, machine: &M) -> Option<M> {
        let entry = &self.entries[number];
        let mut next = machine.clone();
        match (entry.reply, next.apply(entry.command)) {
            (Some(reply), Ok(answer)) => (self.judge.agree)(&answer, reply).then_some(next),
            (Some(_), Err(_)) => None,
            (None, Ok(_)) => Some(next),
            // A command without an answer has changed nothing.
            (None, Err(_)) => Some(machine.clone()),
        }
    }

    /// Whether an order of entries explains the history. Every entry that has a reply must get it there from
    /// the machine. None may stand before one that had returned when it was called. The entries of one client
    /// must stand as they were called. Entries without a reply may be missing at the end.
    pub(super) fn is_explained_by(&self, order: &[usize]) -> bool {
        let mut places = vec![None; self.entries.len()];
        let mut machine = self.judge.initial.clone();
        for (at, number) in order.iter().enumerate() {
            let twice = places[*number].replace(at).is_some();
            match self.applied(*number, &machine) {
                Some(next) if !twice => machine = next,
                _ => return false,
            }
        }
        // From the back: no later entry may have returned before this one was called.
        let mut first_return = usize::MAX;
        let in_time = order.iter().rev().all(|number| {
            first_return = first_return.min(self.entries[*number].returned);
            self.entries[*number].called < first_return
        });
        let in_turn = |(entry, place): (&Entry<'_, _, _>, &Option<usize>)| match place {
            Some(_) => entry.after.is_none_or(|it| places[it].is_some() && places[it] < *place),
            None => entry.reply.is_none(),
        };
        in_time && self.entries.iter().zip(&places).all(in_turn)
    }
}
