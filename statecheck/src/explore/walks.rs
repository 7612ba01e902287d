//! Explores every walk through a model within a scope, together with a machine.
//!
//! It needs no more of the machine than [`Property::refines`](crate::property::Property::refines) does: a
//! fresh one, and what it holds. It reaches each state again by the commands that first led there, so a
//! machine need not be cloned. It keeps only a fingerprint of 128 bits for each state, and the way to it, so
//! the memory is known. Two of `n` states have the same fingerprint by chance with a probability below `n² /
//! 2¹²⁸`.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};

use super::map::{Map, Way, index};
use super::scope::{Coverage, Found, Scope, Unseen};
use crate::lockstep::{self, Divergence};
use crate::machine::StateMachine;
use crate::model::{Model, offered};
use crate::property::guarded;

/// So many states that are found again, and differ, are all compared with the first that was treated as the
/// same...
const CHECKED_FIRST: usize = 1_000;

/// ...and after these one of so many.
const CHECKED_OF: usize = 16;

/// Applies each command that the model offers to model and machine, in every state within the scope. Compares
/// replies and projected states. A panic is a difference.
///
/// A key or a renaming treats different states as one. The exploration checks that on the first thousand
/// states that it finds again, and on one of sixteen after them. It compares each with the first of its kind.
/// What is offered must be answered alike in both, and lead to the same states. It does not compare how many
/// commands do so, because many may do nothing.
///
/// Time is linear in the transitions and the depth.
///
/// ```
/// use statecheck::explore::{self, Scope};
/// use statecheck::model::{Menu, Model};
/// use statecheck::StateMachine;
/// use std::convert::Infallible;
///
/// /// A queue of the last `PLACES` bits.
/// #[derive(Clone, Default)]
/// struct Queue<const PLACES: usize>(Vec<bool>);
///
/// impl<const PLACES: usize> StateMachine for Queue<PLACES> {
///     type Command = bool;
///     type Reply = usize;
///     type Error = Infallible;
///
///     fn apply(&mut self, bit: &bool) -> Result<usize, Infallible> {
///         self.0.truncate(PLACES - 1);
///         self.0.insert(0, *bit);
///         Ok(self.0.len())
///     }
/// }
///
/// impl<const PLACES: usize> Model for Queue<PLACES> {
///     fn offer(&self, menu: &mut Menu<'_, bool>) {
///         menu.list(1, [false, true]);
///     }
/// }
///
/// let bits = (|queue: &Queue<4>| queue.0.clone(), |model: &Queue<4>| model.0.clone());
/// let scope = Scope::of_states();
/// let coverage = explore::walks(Queue::<4>::default, bits, &scope)?;
/// assert_eq!(coverage.to_string(), "31 states, 62 transitions, 4 commands deep: all there are");
///
/// // A larger one is seen only in part.
/// let bits = (|queue: &Queue<64>| queue.0.clone(), |model: &Queue<64>| model.0.clone());
/// let coverage = explore::walks(Queue::<64>::default, bits, &scope.within_states(1_000))?;
/// assert_eq!(coverage.states, 1_000);
/// assert_eq!(coverage.unseen.unwrap().complete_to, 9);
/// # Ok::<(), explore::Found<bool>>(())
/// ```
///
/// # Errors
/// What was [`Found`].
pub fn walks<M, S, P>(
    fresh: impl Fn() -> S,
    (state, model_state): (impl Fn(&S) -> P, impl Fn(&M) -> P),
    scope: &Scope<P>,
) -> Result<Coverage, Found<M::Command>>
where
    M: Model<Reply: Debug + PartialEq, Error: Display>,
    S: StateMachine<Command = M::Command, Reply = M::Reply, Error: Display>,
    P: Debug + PartialEq,
{
    let step = |trace: &[M::Command], command: &M::Command, model: &mut M| {
        guarded(|| {
            let mut machine = fresh();
            for command in trace {
                let _known = machine.apply(command);
            }
            lockstep::step(command, (&mut machine, &state), (model, &model_state))
        })
    };
    let model = M::default();
    let first = guarded(|| lockstep::alike(state(&fresh()), &model_state(&model)));
    let first = first
        .map_err(|difference| Found::Divergence(Divergence { trace: Vec::new(), difference }))?;
    let mut map = Map::new((scope.fingerprint)(&first));
    let (mut tally, room) = (Tally::default(), scope.room());
    let mut number = 0;
    while number < map.ways.len() && map.depth(number) < scope.most_commands {
        let trace = map.trace_to::<M>(number);
        let model = after::<M>(&trace);
        for (place, command) in offered(&model).iter().enumerate() {
            let trace_on = || [&trace[..], std::slice::from_ref(command)].concat();
            let reached = step(&trace, command, &mut model.clone()).map_err(|difference| {
                Found::Divergence(Divergence { trace: trace_on(), difference })
            })?;
            tally.transitions += 1;
            let fingerprint = (scope.fingerprint)(&reached);
            if let Some(first) = map.numbers.get(&fingerprint) {
                if scope.is_coarse && tally.is_to_be_checked() {
                    let one = map.trace_to::<M>(*first as usize);
                    tally.checked +=
                        usize::from(check_alike::<M, P>(one, trace_on(), &model_state, scope)?);
                }
            } else if map.ways.len() < room {
                map.numbers.insert(fingerprint, index(map.ways.len()));
                let depth = map.ways[number].depth + 1;
                map.ways.push(Way { from: index(number), offered: index(place), depth });
            } else {
                tally.drop_at(map.depth(number) + 1);
            }
        }
        number += 1;
    }
    Ok(tally.coverage(&map, number))
}

/// The model after some commands, whose replies are already known.
fn after<M: Model>(trace: &[M::Command]) -> M {
    let mut model = M::default();
    for command in trace {
        let _known = model.apply(command);
    }
    model
}

/// Checks that two states which are treated as one answer and move alike. Returns `false` if they are equal,
/// so that there is nothing to check.
fn check_alike<M: Model<Reply: Debug, Error: Display>, P: PartialEq>(
    one: Vec<M::Command>,
    other: Vec<M::Command>,
    model_state: &impl Fn(&M) -> P,
    scope: &Scope<P>,
) -> Result<bool, Found<M::Command>> {
    let models = [&one, &other].map(|trace| after::<M>(trace));
    if model_state(&models[0]) == model_state(&models[1]) {
        return Ok(false);
    }
    let [of_one, of_other] = models.map(|model| {
        let reached = offered(&model).into_iter().map(|command| {
            let mut model = model.clone();
            let answer = match model.apply(&command) {
                _ if scope.ignores_replies => String::new(),
                Ok(reply) => format!("{reply:?}"),
                Err(error) => error.to_string(),
            };
            (answer, (scope.fingerprint)(&model_state(&model)))
        });
        reached.collect::<BTreeSet<_>>()
    });
    if of_one == of_other {
        return Ok(true);
    }
    Err(Found::Unsound { one, other })
}

/// The counts of an exploration under way.
#[derive(Default)]
struct Tally {
    transitions: usize,
    found_again: usize,
    checked: usize,
    dropped: usize,
    /// The number of commands to the first state for which there was no room.
    first_dropped: Option<usize>,
}

impl Tally {
    /// Notes that a state was found again. Returns whether to compare it with the first of its kind.
    fn is_to_be_checked(&mut self) -> bool {
        self.found_again += 1;
        self.checked < CHECKED_FIRST || self.found_again.is_multiple_of(CHECKED_OF)
    }

    /// Notes that there is no room for a state to which so many commands lead.
    fn drop_at(&mut self, depth: usize) {
        self.dropped += 1;
        self.first_dropped.get_or_insert(depth);
    }

    /// What was seen when so many states were explored.
    fn coverage(self, map: &Map, explored: usize) -> Coverage {
        let deepest = map.depth(map.ways.len() - 1);
        let complete_to = self.first_dropped.unwrap_or(deepest);
        let unexplored = map.ways.len() - explored;
        let unseen = Unseen { unexplored, dropped: self.dropped, complete_to };
        Coverage {
            states: map.ways.len(),
            transitions: self.transitions,
            depth: deepest,
            checked: self.checked,
            unseen: (unexplored + self.dropped > 0).then_some(unseen),
        }
    }
}

#[cfg(test)]
mod tests;
