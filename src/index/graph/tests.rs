//! Tests of the graph alone, with relays from the third dependent on.

use super::*;

/// A graph whose vertices take two edges, with a hub that `count` packages depend on.
fn hub(count: usize) -> (DependencyGraph, PackageId, Vec<PackageId>) {
    let mut graph = DependencyGraph::new(NonZeroU8::new(2).unwrap());
    let hub = graph.add_package(Name::new("hub").unwrap());
    let dependents: Vec<_> = (0..count)
        .map(|number| graph.add_package(Name::new(format!("p{number}")).unwrap()))
        .collect();
    for &dependent in &dependents {
        graph.set_dependencies(dependent, &[hub]);
    }
    (graph, hub, dependents)
}

#[test]
fn a_relay_costs_a_package_no_memory() {
    assert_eq!(size_of::<Option<Vertex>>(), 24);
}

#[test]
fn dependents_past_the_bound_are_found_behind_relays() {
    let (graph, hub, mut dependents) = hub(9);
    assert_eq!(graph.check(), Ok(()));
    let mut found: Vec<_> = graph.dependents(hub).collect();
    found.sort_unstable();
    dependents.sort_unstable();
    assert_eq!(found, dependents);
    let mut reached = graph.reachable(hub, Incoming);
    reached.sort_unstable();
    assert_eq!(reached, dependents);
}

#[test]
fn relays_go_with_their_last_dependent_in_every_order_of_removal() {
    // Every permutation of six dependents: a chain of two relays behind the hub.
    let mut orders = vec![vec![]];
    for length in 0..6 {
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
    assert_eq!(orders.len(), 720);
    for order in orders {
        let (mut graph, hub, dependents) = hub(6);
        for &position in &order {
            graph.set_dependencies(dependents[position], &[]);
            assert_eq!(graph.check(), Ok(()), "after {position} of {order:?}");
        }
        assert_eq!(graph.graph.node_count(), 7, "{order:?}");
        assert_eq!(graph.graph.edge_count(), 0, "{order:?}");
        assert!(!graph.has_other_dependent(hub));
    }
}

#[test]
fn a_self_loop_behind_a_relay_is_no_other_dependent() {
    let (mut graph, hub, dependents) = hub(4);
    graph.set_dependencies(hub, &[hub]);
    assert!(graph.has_other_dependent(hub));
    for dependent in dependents {
        graph.remove_package(dependent);
    }
    assert_eq!(graph.check(), Ok(()));
    assert!(!graph.has_other_dependent(hub));
    graph.remove_package(hub);
    assert_eq!((graph.graph.node_count(), graph.graph.edge_count()), (0, 0));
}

#[test]
fn components_see_through_relays() {
    let (mut graph, hub, dependents) = hub(5);
    graph.set_dependencies(hub, &[dependents[4]]);
    let mut sizes: Vec<_> = graph.components().iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 1, 1, 2]);
}

#[test]
fn the_check_notices_a_wrong_count_and_a_parallel_edge() {
    let (mut graph, hub, dependents) = hub(3);
    graph.dependencies += 1;
    assert!(matches!(graph.check(), Err(GraphFault::Count { what: "dependencies", .. })));
    graph.graph.add_edge(dependents[0].0, hub.0, ());
    assert!(matches!(graph.check(), Err(GraphFault::ParallelEdges { .. })));
}
