//! Shortens a round with a fault to a few commands that show it.
//!
//! If a reply is wrong, the recording is shortened. A panic is wrong by itself, so nothing of a recording
//! would be left. In that case the clients run again with fewer commands, as long as the machine panics.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use super::{Concurrent, Said, Seen};
use crate::history::History;
use crate::history::plan::Part;
use crate::input::without_runs;
use crate::model::{Model, Ref};

/// How many times fewer commands are tried: whether they panic may depend on the schedule.
const TRIES: usize = 20;

impl<M, S, G> Concurrent<M, S, G>
where
    M: Model<Command: Send, Reply: Clone + Debug + PartialEq + Send> + Ord + Hash,
    S: Sync,
{
    /// The fault of a round, shown by fewer commands. It ends with the wrong reply.
    pub(super) fn shortened(&self, history: &Seen<M>) -> Seen<M> {
        if let Some(end) = end_of_panic(history) {
            return self.panics_with_fewer(until(history, end));
        }
        let refers_to = references_of::<M>(history);
        let shortened =
            self.checker().minimise_taking(history, Part::OptionalAsAnswered, |number| {
                refers_to[number].clone()
            });
        renumbered::<M>(shortened.unwrap_or_else(|| history.clone()))
    }

    /// Leaves out what a panic does not need, as far as that is seen.
    fn panics_with_fewer(&self, mut seen: Seen<M>) -> Seen<M> {
        let again = |commands: &[(usize, M::Command)]| {
            let mut scripts = vec![Vec::new(); self.clients];
            for (client, command) in commands {
                scripts[client - 1].push(command.clone());
            }
            (0..TRIES).find_map(|_| {
                let history = self.follow(scripts.clone());
                end_of_panic(&history).map(|end| until(&history, end))
            })
        };
        loop {
            let asked = seen.operations().iter().map(|it| (it.client, it.command.command.clone()));
            let asked: Vec<_> = asked.collect();
            match without_runs(&asked).find_map(|fewer| again(&fewer)) {
                Some(fewer) => seen = fewer,
                None => return seen,
            }
        }
    }
}

/// How many calls and replies there are up to the first panic, if there is one.
pub(super) fn end_of_panic<C, R>(history: &History<C, Said<R>>) -> Option<usize> {
    let answers = history.operations().iter().filter_map(|operation| operation.answer.as_ref());
    let panics = answers.filter(|answer| matches!(answer.reply, Said::Panicked(_)));
    panics.map(|answer| answer.at + 1).min()
}

fn until<C: Clone, R: Clone>(history: &History<C, R>, end: usize) -> History<C, R> {
    history.part_until(end, |_| true)
}

/// For each operation, the operations that granted what it refers to.
fn references_of<M: Model>(history: &Seen<M>) -> Vec<Vec<usize>> {
    let mut granted_by = BTreeMap::new();
    let mut references = Vec::new();
    for (number, operation) in history.operations().iter().enumerate() {
        let mut asked = operation.command.clone();
        let of = M::references(&mut asked.command).into_iter();
        references
            .push(of.filter_map(|it| granted_by.get(&(asked.client, *it)).copied()).collect());
        granted_by.extend(asked.granted.map(|granted| ((asked.client, Ref(granted)), number)));
    }
    references
}

/// The history after some operations have gone. Each client's references are counted again, from 0.
fn renumbered<M: Model>(mut history: Seen<M>) -> Seen<M> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    let mut now = BTreeMap::new();
    for operation in &mut history.operations {
        let client = operation.client;
        for reference in M::references(&mut operation.command.command) {
            *reference = now.get(&(client, *reference)).copied().unwrap_or(*reference);
        }
        let count = counts.entry(client).or_default();
        let granted = *count..*count + operation.command.granted.len();
        *count = granted.end;
        let before = std::mem::replace(&mut operation.command.granted, granted.clone());
        now.extend(before.map(|it| (client, Ref(it))).zip(granted.clone().map(Ref)));
        if let Some(Said::Answered { granted: said, .. }) =
            operation.answer.as_mut().map(|answer| &mut answer.reply)
        {
            *said = granted;
        }
    }
    history
}
