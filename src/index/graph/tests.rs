//! Tests of the graph alone.

use super::*;
use crate::index::cells::CELL_BYTES;
use crate::index::sought::Sought;
use crate::name::NameRef;

/// A graph with a hub that `count` packages depend on.
fn hub(count: usize) -> (DependencyGraph, PackageId, Vec<PackageId>) {
    let mut graph = DependencyGraph::new();
    let hub = graph.add_package(b"hub");
    let dependents: Vec<_> =
        (0..count).map(|number| graph.add_package(format!("p{number}").as_bytes())).collect();
    for &dependent in &dependents {
        graph.set_dependencies(dependent, &[hub]);
    }
    (graph, hub, dependents)
}

fn sorted(packages: impl Iterator<Item = PackageId>) -> Vec<PackageId> {
    let mut packages: Vec<_> = packages.collect();
    packages.sort_unstable();
    packages
}

#[test]
fn a_name_of_every_length_is_found_in_its_cells() {
    let text: Vec<u8> = (b'a'..=b'z').cycle().take(256).collect();
    let is_named = |graph: &DependencyGraph, package, name: &[u8]| {
        NameRef::check(name).is_ok_and(|name| graph.is_named(package, &Sought::new(name)))
    };
    let mut graph = DependencyGraph::new();
    let packages: Vec<_> = (1..=255).map(|length| graph.add_package(&text[..length])).collect();
    assert_eq!(graph.check(), Ok(()));
    let mut cells = 0;
    for (length, &package) in (1..).zip(&packages) {
        cells += cells_of_name(length);
        assert_eq!(graph.name(package).borrowed().as_bytes(), &text[..length]);
        assert!(is_named(&graph, package, &text[..length]));
        // No shorter one, no longer one, and none with another byte anywhere.
        assert!(!is_named(&graph, package, &text[..length - 1]));
        assert!(!is_named(&graph, package, &text[..=length]));
        for at in 0..length {
            let mut other = text[..length].to_vec();
            other[at] = b'0';
            assert!(!is_named(&graph, package, &other), "{length} {at}");
        }
    }
    assert_eq!(graph.cell_count(), cells);
    assert_eq!([1, 11, 12, 27, 28, 43, 44, 255].map(cells_of_name), [1, 1, 2, 2, 3, 3, 4, 17]);
    for package in packages {
        graph.remove_package(package);
    }
    assert_eq!((graph.check(), graph.cell_count()), (Ok(()), 0));
}

#[test]
fn dependents_go_in_every_order() {
    let mut orders = vec![vec![]];
    for length in 0..5 {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=length).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, length);
                    longer
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        let (mut graph, hub, mut left) = hub(5);
        let dependents = left.clone();
        for position in order {
            graph.set_dependencies(dependents[position], &[]);
            left.retain(|&id| id != dependents[position]);
            assert_eq!(graph.check(), Ok(()));
            assert_eq!(sorted(graph.dependents(hub)), left);
        }
        assert!(!graph.has_other_dependent(hub));
    }
}

#[test]
fn every_list_takes_the_place_of_every_other() {
    let (mut graph, hub, others) = hub(4);
    let lists: Vec<Vec<PackageId>> = (0..16)
        .map(|set| (0..4).filter(|at| set >> at & 1 == 1).map(|at| others[at]).collect())
        .collect();
    let cells = graph.cell_count();
    for old in &lists {
        for new in &lists {
            graph.set_dependencies(hub, old);
            graph.set_dependencies(hub, new);
            assert_eq!(graph.check(), Ok(()));
            assert!(graph.dependencies(hub).eq(new.iter().copied()), "{old:?} {new:?}");
            assert_eq!(graph.cell_count(), cells + new.len());
        }
    }
}

#[test]
fn what_stays_in_a_list_is_not_touched() {
    let (mut graph, hub, others) = hub(5_000);
    graph.set_dependencies(hub, &others);
    let held = graph.held_bytes();
    let before = graph.share();
    graph.set_dependencies(hub, &others);
    assert_eq!(graph.held_bytes(), held);
    let differs = |graph: &DependencyGraph| {
        graph.cells.ids().filter(|&id| graph.cells.at(id) != before.cells.at(id)).count()
    };
    assert_eq!(differs(&graph), 0);
    graph.set_dependencies(hub, &[&others[..2_000], &others[2_001..]].concat());
    // The edge itself, the one before it, and the head of its target.
    assert_eq!(differs(&graph), 3);
}

#[test]
fn a_list_that_is_replaced_takes_no_more_cells_in_between() {
    let (mut graph, hub, others) = hub(20_000);
    let (some, rest) = others.split_at(10_000);
    graph.set_dependencies(hub, some);
    let held = graph.held_bytes();
    graph.set_dependencies(hub, rest);
    assert_eq!((graph.check(), graph.held_bytes()), (Ok(()), held));
}

#[test]
fn a_self_loop_is_no_other_dependent() {
    let (mut graph, hub, dependents) = hub(4);
    graph.set_dependencies(hub, &[hub]);
    assert!(graph.has_other_dependent(hub));
    for dependent in dependents {
        graph.remove_package(dependent);
    }
    assert_eq!(graph.check(), Ok(()));
    assert!(!graph.has_other_dependent(hub));
    graph.remove_package(hub);
    assert_eq!(graph.cell_count(), 0);
}

#[test]
fn a_shared_graph_stays_as_it_was() {
    let (mut graph, hub, dependents) = hub(3_000);
    let shared = graph.share();
    for &dependent in &dependents[..2_000] {
        graph.remove_package(dependent);
    }
    graph.set_dependencies(hub, &[hub]);
    assert_eq!((graph.check(), shared.check()), (Ok(()), Ok(())));
    assert_eq!((shared.package_count(), shared.dependency_count()), (3_001, 3_000));
    assert_eq!(sorted(shared.dependents(hub)), dependents);
    assert_eq!(shared.name(dependents[1_999]), "p1999");
    assert_eq!(graph.package_count(), 1_001);
}

#[test]
fn every_package_has_a_value_of_its_own() {
    let (mut graph, hub, dependents) = hub(3_000);
    for &dependent in &dependents[..1_500] {
        graph.remove_package(dependent);
    }
    let mut values = graph.per_package(0);
    for (number, package) in (1..).zip(graph.packages()) {
        values[package] = number;
    }
    assert_eq!((values[hub], values[dependents[1_500]], values[dependents[2_999]]), (1, 2, 1_501));
    assert!(graph.packages().map(|package| values[package]).eq(1..=1_501));
}

/// What the check says of a hub with six dependents after some damage.
fn check_after(damage: impl FnOnce(&mut DependencyGraph, PackageId, &[PackageId])) -> String {
    let (mut graph, hub, dependents) = hub(6);
    damage(&mut graph, hub, &dependents);
    graph.check().unwrap_err().to_string()
}

#[test]
fn the_check_notices_wrong_counts() {
    let noticed = [
        check_after(|graph, _, _| graph.packages += 1),
        check_after(|graph, _, _| graph.dependencies += 1),
        // Cells that belong to nothing.
        check_after(|graph, _, _| _ = graph.cells.insert([0; CELL_BYTES / 4])),
        check_after(|graph, hub, _| graph.cells.mark(hub.0, false)),
    ];
    let [packages, dependencies, cells, hub] = noticed;
    assert_eq!(packages, "8 packages are counted, 7 are there");
    assert_eq!(dependencies, "7 dependencies are counted, 6 are there");
    assert_eq!(cells, "14 cells in use are counted, 13 are there");
    assert_eq!(hub, "an edge of p0 comes from elsewhere, or leads to no package");
}

#[test]
fn the_check_notices_edges_out_of_order() {
    let first_out = |graph: &DependencyGraph, id: PackageId| graph.cells.at(id.0)[FIRST_OUT];
    let noticed = check_after(|graph, hub, all| graph.complete(all[0], &[hub, hub]));
    assert!(noticed.starts_with("the dependencies of p0 are not in order"), "{noticed}");
    let noticed = check_after(|graph, _, all| {
        let edge = first_out(graph, all[0]);
        graph.cells.at_mut(edge)[0] = all[1].0;
    });
    assert_eq!(noticed, "an edge of p0 comes from elsewhere, or leads to no package");
    let noticed = check_after(|graph, _, all| {
        let edge = first_out(graph, all[0]);
        graph.cells.at_mut(all[1].0)[FIRST_OUT] = edge;
    });
    assert!(noticed.ends_with("is used twice"), "{noticed}");
    let noticed = check_after(|graph, _, all| {
        let edge = first_out(graph, all[0]);
        graph.cells.remove(edge);
        graph.cells.at_mut(edge)[0] = all[0].0;
    });
    assert!(noticed.ends_with("is used twice"), "{noticed}");
}

#[test]
fn the_check_notices_dependents_that_are_linked_wrong() {
    let links = "the edges into hub are not linked both ways, or lead elsewhere";
    for (word, value) in [(PREVIOUS_IN, NONE), (1, u32::MAX - 1), (PREVIOUS_IN, 8)] {
        let noticed = check_after(|graph, _, all| {
            let edge = graph.cells.at(all[2].0)[FIRST_OUT];
            graph.cells.at_mut(edge)[word] = value;
        });
        let expected = if word == 1 {
            "an edge of p2 comes from elsewhere, or leads to no package"
        } else {
            links
        };
        assert_eq!(noticed, expected);
    }
    // A dependent is left out.
    let noticed = check_after(|graph, hub, all| {
        let edge = graph.cells.at(all[4].0)[FIRST_OUT];
        graph.cells.at_mut(hub.0)[FIRST_IN] = edge;
        graph.cells.at_mut(edge)[PREVIOUS_IN] = NONE;
    });
    assert_eq!(noticed, "6 edges into packages are counted, 5 are there");
}
