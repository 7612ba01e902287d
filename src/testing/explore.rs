//! Every state that two machines can reach with a handful of commands, and every command in each of
//! them: small before random.
//!
//! Knows nothing of packages: any two machines that can be cloned, with the same commands and
//! replies, will do. [`lockstep`] goes along one trace, this goes along all.

use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::hash::Hash;

use super::lockstep::{self, Divergence};
use crate::machine::StateMachine;

/// How far an exploration went: all the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explored {
    /// The states that can be reached, the first included.
    pub states: usize,
    /// The commands applied: each of them once in each state.
    pub transitions: usize,
}

/// Applies each of `commands` in every state that can be reached with them, breadth first, to both
/// machines, and compares replies and projected states after each.
///
/// States are told apart by their projection, so it has to keep whatever decides what happens next.
/// Time is linear in the transitions, memory in the states.
///
/// ```
/// use package_indexer::testing::{explore, state_of_index, state_of_model};
/// use package_indexer::{Command, Model, PackageIndex};
///
/// let commands = ["INDEX|a|", "INDEX|a|a", "REMOVE|a|", "QUERY|a|"].map(|c| c.parse().unwrap());
/// let machines = (PackageIndex::new(), Model::default());
/// let explored = explore::run(&commands, machines, (state_of_index, state_of_model))?;
/// assert_eq!(explored, explore::Explored { states: 3, transitions: 12 });
/// # Ok::<(), package_indexer::testing::lockstep::Divergence<Command>>(())
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

/// As [`run`], with states told apart by a key, made from the left machine and from the projected
/// state that both machines hold. Each new key is shown to `found` on the way.
///
/// - A key that several states share leaves one of them to stand for all. If it is the same for
///   states that only differ by, say, the names in them, and the machines treat all names alike,
///   nothing is lost; a machine that does not may go wrong in a state that is passed over.
/// - A key that keeps what the left machine hides from the projection tells more states apart.
///
/// ```
/// use package_indexer::testing::{explore, scope::{Scope, SmallState}};
/// use package_indexer::{Model, PackageIndex};
///
/// let scope = Scope::new(2).unwrap();
/// let projections = (SmallState::of_index, SmallState::of_model);
/// let modulo_renaming = |_: &PackageIndex, state| scope.canonical(state);
/// let mut states = 0;
/// let explored = explore::run_by_key(
///     &scope.commands(),
///     (PackageIndex::new(), Model::default()),
///     projections,
///     modulo_renaming,
///     |state| states += scope.orbit(*state),
/// )?;
/// assert_eq!((explored.states, states), (13, 21));
/// # Ok::<(), package_indexer::testing::lockstep::Divergence<package_indexer::Command>>(())
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
    let first = key(&left, project_left(&left));
    found(&first);
    let mut seen = HashSet::from([first]);
    // How each state was reached first: from which, by which command.
    let mut paths = vec![None];
    let mut transitions = 0;
    // States are numbered in the order in which they were found, which is breadth first.
    let mut state = 0;
    while state < paths.len() {
        let trace = trace_to(&paths, state);
        // Made once more: a machine kept for each state would take far more memory than its key.
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

/// A machine after some commands, whose replies are known.
fn after<M: StateMachine + Clone>(machine: &M, trace: &[&M::Command]) -> M {
    let mut machine = machine.clone();
    for command in trace {
        let _known = machine.apply(command);
    }
    machine
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    use super::*;
    use crate::testing::faulty::LetsGo;
    use crate::testing::scope::{Scope, SmallState};
    use crate::{Command, Model, PackageIndex};

    fn scope(packages: usize) -> Scope {
        Scope::new(packages).unwrap()
    }

    fn sound(index: &PackageIndex) -> SmallState {
        assert_eq!(index.check_invariants(), Ok(()));
        SmallState::of_index(index)
    }

    /// Explores all states of a scope, index and model side by side.
    fn explore(scope: &Scope, index: PackageIndex) -> Explored {
        let machines = (index, Model::default());
        run(&scope.commands(), machines, (sound, SmallState::of_model))
            .unwrap_or_else(|divergence| panic!("\n{divergence}"))
    }

    /// All states of a scope, every command in each.
    fn all(scope: &Scope) -> Explored {
        let states = scope.state_count();
        Explored { states, transitions: states * scope.command_count() }
    }

    #[test]
    fn index_and_model_agree_in_every_state_of_up_to_three_packages() {
        assert_eq!(all(&scope(3)), Explored { states: 567, transitions: 17_010 });
        for packages in 0..=3 {
            let scope = scope(packages);
            assert_eq!(explore(&scope, PackageIndex::new()), all(&scope), "{packages}");
        }
    }

    #[test]
    fn an_index_with_a_table_for_almost_every_package_agrees_as_well() {
        let index = PackageIndex::with_names_a_table(1);
        assert_eq!(explore(&scope(3), index), all(&scope(3)));
    }

    #[test]
    fn index_and_model_agree_in_every_state_of_four_packages() {
        assert_eq!(all(&scope(4)), Explored { states: 67_689, transitions: 4_873_608 });
        assert_eq!(explore(&scope(4), PackageIndex::new()), all(&scope(4)));
    }

    #[test]
    fn modulo_renaming_one_state_of_each_class_stands_for_the_rest() {
        for packages in 0..=3 {
            let scope = scope(packages);
            let machines = (PackageIndex::new(), Model::default());
            let canonical = |_: &PackageIndex, state| scope.canonical(state);
            let mut orbits = Vec::new();
            let found = |state: &_| orbits.push((*state, scope.orbit(*state)));
            let projections = (sound, SmallState::of_model);
            let explored = run_by_key(&scope.commands(), machines, projections, canonical, found)
                .unwrap_or_else(|divergence| panic!("\n{divergence}"));
            let states = scope.class_count();
            let transitions = states * scope.command_count();
            assert_eq!(explored, Explored { states, transitions }, "{packages}");
            let shown: BTreeSet<_> = orbits.iter().map(|(state, _)| state).collect();
            assert_eq!((shown.len(), orbits.len()), (states, states), "each is shown once");
            let named: usize = orbits.iter().map(|(_, orbit)| orbit).sum();
            assert_eq!(named, scope.state_count(), "{packages}");
        }
    }

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

    #[test]
    fn a_divergence_comes_with_a_shortest_trace_modulo_renaming_or_not() {
        let scope = scope(3);
        let machines = (PackageIndex::new(), LetsGo::default());
        let projections = (SmallState::of_index, |faulty: &LetsGo| SmallState::of_model(&faulty.0));
        let commands = scope.commands();
        let canonical = |_: &PackageIndex, state| scope.canonical(state);
        for divergence in [
            run(&commands, machines.clone(), projections),
            run_by_key(&commands, machines, projections, canonical, |_| ()),
        ] {
            let trace = divergence.unwrap_err().trace;
            assert_eq!(trace.len(), 4);
            assert!(matches!(trace[3], Command::Remove { .. }));
            let indexed: BTreeSet<_> = trace[..3].iter().map(Command::package).collect();
            assert_eq!(indexed.len(), 3);
        }
    }
}
