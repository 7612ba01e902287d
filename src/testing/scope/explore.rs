//! Compares index and model side by side in every state of a few packages.

use std::collections::BTreeSet;

use super::{Scope, SmallState};
use crate::command::Command;
use crate::index::PackageIndex;
use crate::model::Model;
use crate::testing::explore::{Explored, run, run_by_key};
use crate::testing::faulty::LetsGo;

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
fn an_index_with_a_table_for_most_packages_agrees_as_well() {
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
fn a_divergence_has_a_shortest_trace_modulo_renaming_or_not() {
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
