//! Every state that two machines can reach with a handful of commands, and every command in each of
//! them: small before random.
//!
//! Knows nothing of packages: any two machines that can be cloned, with the same commands and
//! replies, will do. [`lockstep`] goes along one trace, this goes along all.

use std::collections::{HashSet, VecDeque};
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
/// Time and memory are linear in the transitions and in the states.
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
    (project_left, project_right): (impl Fn(&A) -> S, impl Fn(&B) -> S),
) -> Result<Explored, Divergence<A::Command>>
where
    A: StateMachine<Command: Clone, Reply: Debug + PartialEq, Error: Display> + Clone,
    B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display> + Clone,
    S: Debug + Eq + Hash,
{
    // The command that first led to each state, and from which state.
    let mut paths: Vec<Option<(usize, &A::Command)>> = vec![None];
    let mut seen = HashSet::from([project_left(&machines.0)]);
    let mut ahead = VecDeque::from([(0, machines)]);
    let mut transitions = 0;
    while let Some((state, machines)) = ahead.pop_front() {
        for command in commands {
            let (mut left, mut right) = machines.clone();
            let step =
                lockstep::step(command, (&mut left, &project_left), (&mut right, &project_right));
            let reached = step.map_err(|difference| {
                let trace = trace_to(&paths, state, command);
                Divergence { trace, difference }
            })?;
            transitions += 1;
            if seen.insert(reached) {
                ahead.push_back((paths.len(), (left, right)));
                paths.push(Some((state, command)));
            }
        }
    }
    Ok(Explored { states: seen.len(), transitions })
}

/// The commands that lead to a state, and one more.
fn trace_to<C: Clone>(paths: &[Option<(usize, &C)>], mut state: usize, last: &C) -> Vec<C> {
    let mut trace = vec![last.clone()];
    while let Some((before, command)) = paths[state] {
        trace.push(command.clone());
        state = before;
    }
    trace.reverse();
    trace
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    use super::*;
    use crate::testing::{state_of_index, state_of_model};
    use crate::{Command, Model, Outcome, PackageIndex};

    /// Every command over these packages: INDEX with every set of dependencies, REMOVE, QUERY.
    fn commands(packages: &[&str]) -> Vec<Command> {
        let mut commands = Vec::new();
        for package in packages {
            for set in 0..1 << packages.len() {
                let chosen = packages.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
                commands.push(Command::index(package, chosen.map(|(_, name)| *name)).unwrap());
            }
            commands.push(Command::remove(package).unwrap());
            commands.push(Command::query(package).unwrap());
        }
        commands
    }

    fn explore(packages: &[&str]) -> Explored {
        let checked = |index: &PackageIndex| {
            assert_eq!(index.check_invariants(), Ok(()));
            state_of_index(index)
        };
        let machines = (PackageIndex::new(), Model::default());
        run(&commands(packages), machines, (checked, state_of_model))
            .unwrap_or_else(|divergence| panic!("\n{divergence}"))
    }

    /// The states of `n` packages: for each k of them, any relation among those k. And in each
    /// state, INDEX with each of 2^n sets for each of n packages, REMOVE and QUERY of each.
    fn closed_form(n: u32) -> Explored {
        let choose = |k| (0..k).fold(1, |product, i| product * (n - i) as usize / (i as usize + 1));
        let states = (0..=n).map(|k| choose(k) << (k * k)).sum();
        let n = n as usize;
        Explored { states, transitions: states * (n * (1 << n) + 2 * n) }
    }

    #[test]
    fn index_and_model_agree_in_every_state_of_up_to_three_packages() {
        assert_eq!(closed_form(3), Explored { states: 567, transitions: 17_010 });
        for (n, packages) in [["a", "b", "c"].as_slice(); 4].iter().enumerate() {
            assert_eq!(explore(&packages[..n]), closed_form(u32::try_from(n).unwrap()), "{n}");
        }
    }

    #[test]
    fn index_and_model_agree_in_every_state_of_four_packages() {
        assert_eq!(closed_form(4), Explored { states: 67_689, transitions: 4_873_608 });
        assert_eq!(explore(&["a", "b", "c", "d"]), closed_form(4));
    }

    /// A model that answers OK to a REMOVE of what two others need.
    #[derive(Clone, Default)]
    struct Wrong(Model);

    impl StateMachine for Wrong {
        type Command = Command;
        type Reply = Outcome;
        type Error = Infallible;

        fn apply(&mut self, command: &Command) -> Result<Outcome, Infallible> {
            let held_twice = |package| {
                let lists = self.0.packages().iter();
                lists.filter(|(name, list)| *name != package && list.contains(package)).count() > 1
            };
            match command {
                Command::Remove { package } if held_twice(package) => Ok(Outcome::Ok),
                _ => self.0.apply(command),
            }
        }
    }

    #[test]
    fn a_divergence_comes_with_a_shortest_trace() {
        let machines = (PackageIndex::new(), Wrong::default());
        let project = (state_of_index, |wrong: &Wrong| state_of_model(&wrong.0));
        let divergence = run(&commands(&["a", "b", "c"]), machines, project).unwrap_err();
        assert_eq!(divergence.trace.len(), 4);
        assert_eq!(divergence.trace[3].to_string(), "REMOVE|a|");
        let indexed: BTreeSet<_> = divergence.trace[..3].iter().map(Command::package).collect();
        assert_eq!(indexed.len(), 3);
    }
}
