//! Tries every command in every state that two machines can reach with a handful of commands: small before
//! random.
//!
//! It works for any two machines that can be cloned and have the same commands and replies. [`lockstep`]
//! follows one trace, and this follows all.
//!
//! If a [`Model`](crate::model::Model) says which commands make sense, [`walks()`] does the same for a
//! machine that cannot be cloned. It has bounds, and may treat states as equal up to renamings. [`test()`]
//! runs it as a test of a property, and keeps what it finds.

mod kept;
mod map;
mod scope;
mod walks;

pub use kept::test;
pub use scope::{Coverage, Found, Scope, Unseen};
pub use walks::walks;

use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::hash::Hash;

use super::lockstep::{self, Divergence};
use crate::machine::StateMachine;

/// What a complete exploration has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explored {
    /// How many states can be reached, the first included.
    pub states: usize,
    /// How many commands were applied: each of them once in each state.
    pub transitions: usize,
}

/// Applies each of `commands`, to both machines, in every state that can be reached with them, breadth first.
/// Compares replies and projected states after each.
///
/// The projection tells states apart, so it has to keep all that decides what happens next. Time is linear in
/// the transitions, memory in the states.
///
/// ```
/// use statecheck::StateMachine;
/// use statecheck::explore::{self, Explored};
/// use std::convert::Infallible;
///
/// /// A counter that begins again when it has passed its limit: anything but 9 is a bug.
/// #[derive(Clone)]
/// struct Counter<const LIMIT: u32>(u32);
///
/// impl<const LIMIT: u32> StateMachine for Counter<LIMIT> {
///     type Command = u32;
///     type Reply = u32;
///     type Error = Infallible;
///
///     fn apply(&mut self, more: &u32) -> Result<u32, Infallible> {
///         self.0 = (self.0 + more) % (LIMIT + 1);
///         Ok(self.0)
///     }
/// }
///
/// let explored = explore::run(
///     &[1, 5],
///     (Counter::<9>(0), Counter::<9>(0)),
///     (|one: &Counter<9>| one.0, |other: &Counter<9>| other.0),
/// );
/// assert_eq!(explored, Ok(Explored { states: 10, transitions: 20 }));
///
/// let explored = explore::run(
///     &[1, 5],
///     (Counter::<9>(0), Counter::<8>(0)),
///     (|one: &Counter<9>| one.0, |other: &Counter<8>| other.0),
/// );
/// assert_eq!(explored.unwrap_err().trace, [5, 5]);
/// ```
///
/// # Errors
/// The first [`Divergence`], with a shortest trace that leads to it.
pub fn run<A, B, S>(
    commands: &[A::Command],
    machines: (A, B),
    projections: (impl Fn(&A) -> S, impl Fn(&B) -> S),
) -> Result<Explored, Divergence<A::Command>>
where
    A: StateMachine<Command: Clone, Reply: Debug + PartialEq, Error: Display> + Clone,
    B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display> + Clone,
    S: Debug + Eq + Hash,
{
    run_by_key(commands, machines, projections, |_, state| state, |_| ())
}

/// Like [`run`], but a key tells states apart. The key is made from the left machine and from the projected
/// state that both machines hold. `found` is called with each new key.
///
/// - A coarse key is the same for several states, and only one of them is explored. Suppose that these states
///   differ only by names, say, and that the machines treat all names alike. Then nothing is lost. A machine
///   that does not may go wrong in a state that is passed over.
/// - A finer key has what the left machine hides from the projection, and so tells more states apart.
///
/// ```
/// use statecheck::StateMachine;
/// use statecheck::explore::{self, Explored};
/// use std::collections::BTreeSet;
/// use std::convert::Infallible;
///
/// /// Three lamps that are switched one by one.
/// #[derive(Clone, Default)]
/// struct Lamps(BTreeSet<char>);
///
/// impl StateMachine for Lamps {
///     type Command = char;
///     type Reply = bool;
///     type Error = Infallible;
///
///     fn apply(&mut self, lamp: &char) -> Result<bool, Infallible> {
///         Ok(self.0.remove(lamp) || self.0.insert(*lamp))
///     }
/// }
///
/// let lit = |lamps: &Lamps| lamps.0.clone();
/// let machines = (Lamps::default(), Lamps::default());
/// // Which lamps they are does not matter, only how many.
/// let key = |_: &Lamps, lit: BTreeSet<char>| lit.len();
/// let mut found = Vec::new();
/// let explored = explore::run_by_key(&['a', 'b', 'c'], machines, (lit, lit), key, |key| {
///     found.push(*key);
/// });
/// assert_eq!(explored, Ok(Explored { states: 4, transitions: 12 }));
/// assert_eq!(found, [0, 1, 2, 3]);
/// ```
///
/// # Errors
/// The first [`Divergence`], with a shortest trace that leads to it.
pub fn run_by_key<A, B, S, K>(
    commands: &[A::Command],
    (left, right): (A, B),
    (project_left, project_right): (impl Fn(&A) -> S, impl Fn(&B) -> S),
    key: impl Fn(&A, S) -> K,
    mut found: impl FnMut(&K),
) -> Result<Explored, Divergence<A::Command>>
where
    A: StateMachine<Command: Clone, Reply: Debug + PartialEq, Error: Display> + Clone,
    B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display> + Clone,
    S: Debug + PartialEq,
    K: Eq + Hash,
{
    let both = lockstep::alike(project_left(&left), &project_right(&right));
    let both = both.map_err(|difference| Divergence { trace: Vec::new(), difference })?;
    let first = key(&left, both);
    found(&first);
    let mut seen = HashSet::from([first]);
    // For each state, how it was first reached: the state before it, and the command.
    let mut paths = vec![None];
    let mut transitions = 0;
    // States are numbered in the order in which they are found, which is breadth first.
    let mut state = 0;
    while state < paths.len() {
        let trace = trace_to(&paths, state);
        // Made again: machines kept for all states would take far more memory than keys.
        let (left, right) = (after(&left, &trace), after(&right, &trace));
        for command in commands {
            let (mut left, mut right) = (left.clone(), right.clone());
            let step =
                lockstep::step(command, (&mut left, &project_left), (&mut right, &project_right));
            let reached = step.map_err(|difference| {
                let trace = trace.iter().copied().chain([command]).cloned().collect();
                Divergence { trace, difference }
            })?;
            transitions += 1;
            let key = key(&left, reached);
            if !seen.contains(&key) {
                found(&key);
                seen.insert(key);
                paths.push(Some((state, command)));
            }
        }
        state += 1;
    }
    Ok(Explored { states: seen.len(), transitions })
}

/// The commands that lead to a state.
fn trace_to<'a, C>(paths: &[Option<(usize, &'a C)>], state: usize) -> Vec<&'a C> {
    let back = std::iter::successors(paths[state], |(before, _)| paths[*before]);
    let mut trace: Vec<_> = back.map(|(_, command)| command).collect();
    trace.reverse();
    trace
}

/// A machine after some commands, whose replies are already known.
fn after<M: StateMachine + Clone>(machine: &M, trace: &[&M::Command]) -> M {
    let mut machine = machine.clone();
    for command in trace {
        let _known = machine.apply(command);
    }
    machine
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn what_a_machine_hides_can_tell_states_apart() {
        /// Counts its commands, and shows nothing.
        #[derive(Clone, Default)]
        struct Silent(u8);

        impl StateMachine for Silent {
            type Command = ();
            type Reply = ();
            type Error = Infallible;

            fn apply(&mut self, (): &()) -> Result<(), Infallible> {
                self.0 = (self.0 + 1) % 10;
                Ok(())
            }
        }

        let machines = (Silent::default(), Silent::default());
        let projections = (|_: &Silent| (), |_: &Silent| ());
        let explored = |key: fn(&Silent, ()) -> u8| {
            run_by_key(&[()], machines.clone(), projections, key, |_| ()).unwrap().states
        };
        assert_eq!((explored(|_, ()| 0), explored(|machine, ()| machine.0)), (1, 10));
    }
}
