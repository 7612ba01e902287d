//! What has to be put in order, out of a history, and whether some order is one.

use std::collections::HashMap;

use super::History;
use crate::machine::StateMachine;

/// What histories are held against.
pub(super) struct Judge<M: StateMachine, R> {
    /// The machine, before anybody has asked.
    pub(super) initial: M,
    /// Whether the machine's reply is what the client saw.
    pub(super) agree: fn(&M::Reply, &R) -> bool,
    /// Whether a command that was answered so changes nothing, in whatever state.
    pub(super) only_reads: fn(&M::Command, &R) -> bool,
}

/// How an operation of the history is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It happened, with its reply.
    Kept,
    /// It may have happened, in its time, with whatever reply; or not.
    Optional,
    /// It may have happened, in its time, with its reply; or not.
    OptionalAsAnswered,
    /// It is not there.
    LeftOut,
}

/// An operation that needs a place in the order.
pub(super) struct Entry<'a, C, R> {
    pub(super) command: &'a C,
    /// The reply that it must get; without one any will do.
    pub(super) reply: Option<&'a R>,
    /// It has its place after this...
    pub(super) called: usize,
    /// ...before this, ...
    pub(super) returned: usize,
    /// ...and after this entry, the one before it of the same client.
    pub(super) after: Option<usize>,
    /// Whether it changes nothing, in whatever state it gets its reply.
    pub(super) reads: bool,
    /// Whether it may also not have happened, in its time. What never returns needs no such choice:
    /// it can have its place after all that does, which is as good as none.
    pub(super) is_optional: bool,
}

/// What has to be put in order: entries, by their calls.
pub(super) struct Plan<'a, M: StateMachine, R> {
    pub(super) entries: Vec<Entry<'a, M::Command, R>>,
    judge: &'a Judge<M, R>,
}

impl<'a, M: StateMachine + Clone, R> Plan<'a, M, R> {
    /// Of what happened up to the event numbered `end`, those parts that `part` says.
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

    /// The machine before anything has its place.
    pub(super) fn initial(&self) -> &M {
        &self.judge.initial
    }

    /// The machine after an entry, if the reply is the one that this machine gives.
    pub(super) fn applied(&self, number: usize, machine: &M) -> Option<M> {
        let entry = &self.entries[number];
        let mut next = machine.clone();
        match (entry.reply, next.apply(entry.command)) {
            (Some(reply), Ok(answer)) => (self.judge.agree)(&answer, reply).then_some(next),
            (Some(_), Err(_)) => None,
            (None, Ok(_)) => Some(next),
            // What has no answer has changed nothing.
            (None, Err(_)) => Some(machine.clone()),
        }
    }

    /// Whether an order of entries explains the history: every entry that has a reply gets it there
    /// from the machine, none stands before one that had returned when it was called, and those of
    /// one client stand as they were called. Entries without a reply may be missing at the end.
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
        // From the back: nothing that stands later may have returned before this was called.
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
