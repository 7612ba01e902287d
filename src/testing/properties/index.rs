//! What the table claims about [`PackageIndex`] alone: what it shows beyond replies, and its limits.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::machine_refines_model;
use crate::command::{Command, Outcome};
use crate::index::{Bulk, BulkError, InstallationStep, LimitError, Limits, PackageIndex};
use crate::model::Model;
use crate::name::Name;
use crate::testing::algorithm::Algorithm;
use crate::testing::generators::Bounded;
use crate::testing::trace::Trace;
use crate::testing::{State, state_of_index, state_of_model};

fn index_of(trace: &Trace<Command>) -> PackageIndex {
    trace.0.iter().cloned().collect()
}

pub(super) fn index_shows_its_state_alone(trace: &Trace<Command>) -> Result<(), String> {
    let one = index_of(trace);
    // Another history, another hash seed, and vertices that were used before.
    let mut other = index_of(trace);
    let state = state_of_index(&one);
    for package in state.keys() {
        other.extend([Command::Index { package: package.clone(), dependencies: Vec::new() }]);
    }
    other.extend(state.keys().rev().map(|package| Command::Remove { package: package.clone() }));
    if !other.is_empty() {
        return Err(format!("{other:?} is left after all was removed"));
    }
    other.extend(one.to_commands());
    let shown = |index: &PackageIndex| {
        let order = format!("{:?}", index.installation_order());
        let text = format!("{index:?} {} {order} {:?}", index.dot(), index.to_commands());
        (text, index.digest(), index.len(), index.dependency_count())
    };
    let (shown_by_one, shown_by_other) = (shown(&one), shown(&other));
    if shown_by_one != shown_by_other {
        return Err(format!("one shows {shown_by_one:?}, the other {shown_by_other:?}"));
    }
    if one != other {
        return Err(format!("{one:?} is said to be another than {other:?}"));
    }
    let held = state.values().map(BTreeSet::len).sum::<usize>();
    if (one.len(), one.dependency_count()) != (state.len(), held) {
        return Err(format!("{one:?} counts {} and {}", one.len(), one.dependency_count()));
    }
    Ok(())
}

pub(super) fn splits_change_nothing(trace: &Trace<Command>) -> Result<(), String> {
    (1..=3).try_for_each(|names| {
        let split = || PackageIndex::with_names_a_table(names);
        machine_refines_model(&split, trace)?;
        let mut index = split();
        for command in &trace.0 {
            index.extend([command.clone()]);
            index.check_invariants().map_err(|violation| violation.to_string())?;
        }
        shows_what_it_holds(transitive_dependencies, &index)
    })
}

pub(super) fn cells_are_those_of_the_algorithm(trace: &Trace<Command>) -> Result<(), String> {
    let (mut index, mut algorithm) = (PackageIndex::new(), Algorithm::new());
    index.record_changes();
    for (position, command) in trace.0.iter().enumerate() {
        if position == trace.0.len() / 2 {
            // From here on all is taken back.
            index.take_changes();
            algorithm.take_changes();
        }
        let when = format!("at message {}", position + 1);
        let (actual, expected) = (index.apply(command), algorithm.apply(command));
        if actual != Ok(expected) {
            return Err(format!("{when}: {actual:?}, not {expected:?}"));
        }
        same_cells(&when, &index, &algorithm)?;
    }
    let changes = index.take_changes();
    index.undo(changes.into_iter());
    algorithm.undo();
    same_cells("after the second half was taken back", &index, &algorithm)
}

fn same_cells(when: &str, index: &PackageIndex, algorithm: &Algorithm) -> Result<(), String> {
    algorithm.check().map_err(|fault| format!("{when}: {fault}"))?;
    let (actual, expected) = (index.representation(), algorithm.representation());
    if actual == expected {
        return Ok(());
    }
    Err(format!("{when}: the index has {actual:?}, not {expected:?}"))
}

/// A package with its list.
type Row = (Name, Vec<Name>);

pub(super) fn rows_build_what_their_commands_do(trace: &Trace<Command>) -> Result<(), String> {
    rows_build(Bulk::finish, trace)
}

pub(super) fn rows_build(
    finish: fn(Bulk) -> Result<PackageIndex, BulkError>,
    trace: &Trace<Command>,
) -> Result<(), String> {
    let rows = trace.0.iter().filter_map(|command| match command {
        Command::Index { package, dependencies } => Some((package.clone(), dependencies.clone())),
        Command::Remove { .. } | Command::Query { .. } => None,
    });
    let rows: Vec<Row> = rows.collect();
    in_groups(finish, &rows)?;
    // Each package once, and then all that are named.
    let mut distinct: BTreeMap<Name, Vec<Name>> = rows.iter().cloned().collect();
    in_groups(finish, &distinct.clone().into_iter().collect::<Vec<_>>())?;
    for name in rows.iter().flat_map(|(_, list)| list) {
        distinct.entry(name.clone()).or_default();
    }
    in_groups(finish, &distinct.into_iter().rev().collect::<Vec<_>>())
}

fn in_groups(
    finish: fn(Bulk) -> Result<PackageIndex, BulkError>,
    rows: &[Row],
) -> Result<(), String> {
    let mut come = BTreeSet::new();
    let twice = rows.iter().map(|(package, _)| package).find(|name| !come.insert((*name).clone()));
    let lists = || rows.iter().flat_map(|(_, list)| list);
    let owed = lists().filter(|name| !come.contains(*name)).min();
    for together in [1, 3, rows.len().max(1)] {
        // Also with a table that expects other numbers.
        let mut bulk = Bulk::new(Limits::default(), rows.len() / together * 1_000);
        let mut algorithm = Algorithm::new();
        let added = rows.chunks(together).try_for_each(|some| {
            algorithm.add(some);
            bulk.add(some.iter().map(|(package, list)| (package.borrowed(), list.into())))
        });
        let when = format!("{rows:?}, {together} at once");
        match added.and_then(|()| finish(bulk)) {
            Ok(index) => {
                if twice.is_some() || owed.is_some() {
                    return Err(format!("{when}, make {index:?}"));
                }
                same_cells(&when, &index, &algorithm)?;
                index.check_invariants().map_err(|violation| format!("{when}: {violation}"))?;
                let expected: State = rows
                    .iter()
                    .map(|(name, list)| (name.clone(), list.iter().cloned().collect()))
                    .collect();
                if !algorithm.is_complete(&come) || state_of_index(&index) != expected {
                    return Err(format!("{when}, make {index:?}"));
                }
            }
            Err(BulkError::Twice { package }) if Some(&package) == twice => {}
            Err(BulkError::Owed { package, dependency })
                if twice.is_none()
                    && Some(&dependency) == owed
                    && !algorithm.is_complete(&come)
                    && rows
                        .iter()
                        .any(|(name, list)| *name == package && list.contains(&dependency)) => {}
            Err(error) => return Err(format!("{when}: {error:?}")),
        }
    }
    Ok(())
}

pub(super) fn export_rebuilds_the_index(trace: &Trace<Command>) -> Result<(), String> {
    rebuilds(PackageIndex::to_commands, trace)
}

pub(super) fn rebuilds(
    export: fn(&PackageIndex) -> Vec<Command>,
    trace: &Trace<Command>,
) -> Result<(), String> {
    let index = index_of(trace);
    let mut rebuilt = PackageIndex::new();
    for command in export(&index) {
        let outcome = rebuilt.apply(&command);
        if outcome != Ok(Outcome::Ok) {
            return Err(format!("{command} is answered {outcome:?}"));
        }
    }
    if (&rebuilt, rebuilt.digest()) != (&index, index.digest()) {
        return Err(format!("{index:?} is rebuilt as {rebuilt:?}"));
    }
    Ok(())
}

pub(super) fn order_respects_dependencies(trace: &Trace<Command>) -> Result<(), String> {
    respects_dependencies(PackageIndex::installation_order, trace)
}

pub(super) fn respects_dependencies(
    order: fn(&PackageIndex) -> Vec<InstallationStep>,
    trace: &Trace<Command>,
) -> Result<(), String> {
    let index = index_of(trace);
    let state = state_of_index(&index);
    let order = order(&index);
    let mut earlier: BTreeSet<Name> = BTreeSet::new();
    for step in &order {
        let together: BTreeSet<Name> = step.packages().iter().cloned().collect();
        for package in &together {
            let waiting = |name: &&Name| !earlier.contains(*name) && !together.contains(*name);
            if let Some(missing) = state[package].iter().find(waiting) {
                return Err(format!("{package} comes before its dependency {missing}: {order:?}"));
            }
            // In a cycle each member needs every other.
            if matches!(step, InstallationStep::Cycle(_))
                && !closure(&state, package).is_superset(&together)
            {
                return Err(format!("{package} does not need all of {together:?}"));
            }
        }
        let size = earlier.len() + together.len();
        earlier.extend(together);
        if earlier.len() != size {
            return Err(format!("a package comes twice: {order:?}"));
        }
    }
    if earlier.iter().ne(state.keys()) {
        return Err(format!("not every package is in the order {order:?}"));
    }
    Ok(())
}

pub(super) fn closures_agree_with_fixpoint(trace: &Trace<Command>) -> Result<(), String> {
    closures_agree(transitive_dependencies, trace)
}

/// What a package needs, in order, or `None` if it is not there.
pub(super) type Closure = fn(&PackageIndex, &str) -> Option<Vec<Name>>;

pub(super) fn transitive_dependencies(index: &PackageIndex, package: &str) -> Option<Vec<Name>> {
    index.transitive_dependencies(package).map(Iterator::collect)
}

pub(super) fn closures_agree(needs: Closure, trace: &Trace<Command>) -> Result<(), String> {
    shows_what_it_holds(needs, &index_of(trace))
}

/// Compares each way to look at an index with a plain one.
fn shows_what_it_holds(needs: Closure, index: &PackageIndex) -> Result<(), String> {
    let state = state_of_index(index);
    let mut reversed: State = state.keys().map(|name| (name.clone(), BTreeSet::new())).collect();
    for (package, list) in &state {
        for dependency in list {
            reversed.entry(dependency.clone()).or_default().insert(package.clone());
        }
    }
    for package in state.keys() {
        let name = package.as_str();
        for (what, shown, expected) in [
            (
                "dependencies",
                index.dependencies(name).map(Iterator::collect),
                state[package].clone(),
            ),
            (
                "dependents",
                index.dependents(name).map(Iterator::collect),
                reversed[package].clone(),
            ),
            ("closure", needs(index, name), closure(&state, package)),
            (
                "dependents' closure",
                index.transitive_dependents(name).map(Iterator::collect),
                closure(&reversed, package),
            ),
        ] {
            let shown: Option<Vec<Name>> = shown;
            if shown.as_ref().is_none_or(|shown| shown.iter().ne(&expected)) {
                return Err(format!("{what} of {package}: {shown:?}, not {expected:?}"));
            }
        }
    }
    Ok(())
}

/// All that can be reached from a package. It adds the dependencies of the members until nothing is new.
fn closure(state: &State, package: &Name) -> BTreeSet<Name> {
    let mut closure = state[package].clone();
    loop {
        let next: BTreeSet<Name> =
            closure.iter().flat_map(|member| state[member].clone()).collect();
        if next.is_subset(&closure) {
            return closure;
        }
        closure.extend(next);
    }
}

pub(super) fn limits_refuse_and_change_nothing(bounded: &Bounded) -> Result<(), String> {
    limits_refuse(PackageIndex::with_limits, bounded)
}

pub(super) fn limits_refuse(
    fresh: fn(Limits) -> PackageIndex,
    Bounded { limits, trace }: &Bounded,
) -> Result<(), String> {
    let mut index = fresh(*limits);
    let mut model = Model::default();
    for (position, command) in trace.0.iter().enumerate() {
        let mut unlimited = model.clone();
        let Ok(outcome) = unlimited.apply(command);
        let after = state_of_model(&unlimited);
        let expected = if let Err(refused) = within(limits, command, &after) {
            Err(refused)
        } else {
            model = unlimited;
            Ok(outcome)
        };
        let actual = index.apply(command);
        if (&actual, state_of_index(&index)) != (&expected, state_of_model(&model)) {
            return Err(format!(
                "at message {}: {actual:?}, not {expected:?}; {index:?} is held, not {model:?}",
                position + 1
            ));
        }
        index.check_invariants().map_err(|violation| violation.to_string())?;
    }
    Ok(())
}

/// Checks that a state after a command is within the limits.
fn within(limits: &Limits, command: &Command, state: &State) -> Result<(), LimitError> {
    let list = state.get(command.package()).map_or(0, BTreeSet::len);
    let dependencies: usize = state.values().map(BTreeSet::len).sum();
    let pieces = |name: &Name| name.as_str().len().saturating_sub(11).div_ceil(16);
    let cells = dependencies + state.keys().map(|name| 1 + pieces(name)).sum::<usize>();
    let bytes = 20 * cells + 28 * state.len();
    if list > limits.max_dependencies_per_package {
        let limit = limits.max_dependencies_per_package;
        Err(LimitError::DependenciesPerPackage { limit, wanted: list })
    } else if state.len() > limits.max_packages {
        Err(LimitError::Packages { limit: limits.max_packages })
    } else if dependencies > limits.max_dependencies {
        let limit = limits.max_dependencies;
        Err(LimitError::Dependencies { limit, wanted: dependencies })
    } else if bytes > limits.max_state_bytes {
        Err(LimitError::StateBytes { limit: limits.max_state_bytes, wanted: bytes })
    } else {
        Ok(())
    }
}
