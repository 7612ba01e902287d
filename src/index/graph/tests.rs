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
    assert_eq!(size_of::<Option<Vertex>>(), size_of::<Name>() + 8);
}

#[test]
fn a_relay_is_filled_before_the_next_is_made() {
    // The hub has two dependents itself, or one and a relay; a relay has two, or one and a relay.
    for (count, relays) in [(2, 0), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)] {
        let (graph, ..) = hub(count);
        assert!(graph.graph.node_count() - 1 - count <= relays, "{count}");
    }
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

/// What the check says of a hub with six dependents, two of them direct and two relays behind it,
/// after some damage.
fn check_after(
    damage: impl FnOnce(&mut DependencyGraph, PackageId, &[PackageId]),
) -> Option<String> {
    let (mut graph, hub, dependents) = hub(6);
    damage(&mut graph, hub, &dependents);
    graph.check().err().map(|fault| fault.to_string())
}

#[test]
fn the_check_notices_wrong_counts() {
    let noticed = [
        check_after(|graph, _, _| graph.packages += 1),
        check_after(|graph, _, _| graph.dependencies += 1),
        check_after(|graph, hub, _| _ = graph.insert_relay(hub, NodeIndex::end())),
    ];
    let [packages, dependencies, relay] = noticed.map(Option::unwrap);
    assert_eq!(packages, "8 packages are counted, 7 are there");
    assert_eq!(dependencies, "7 dependencies are counted, 6 are there");
    assert_eq!(relay, "a relay or its count is out of order at hub");
}

#[test]
fn the_check_notices_a_parallel_edge() {
    let noticed = check_after(|graph, hub, dependents| {
        graph.graph.add_edge(dependents[0].0, hub.0, ());
    });
    assert_eq!(noticed.unwrap(), "p0 has two edges to its dependency hub");
}

#[test]
fn the_check_notices_a_relay_out_of_order() {
    let fan_in = |graph: &mut DependencyGraph, vertex, change: i8| {
        let fan_in = graph.fan_in_mut(vertex);
        *fan_in = fan_in.checked_add_signed(change).unwrap();
    };
    for noticed in [
        check_after(|graph, hub, _| fan_in(graph, hub.0, 1)),
        check_after(|graph, hub, _| fan_in(graph, hub.0, -1)),
        check_after(|graph, hub, _| {
            let relay = *graph.open_relay_mut(hub);
            fan_in(graph, relay, 1);
        }),
        // A relay that nobody needs.
        check_after(|graph, hub, _| {
            let open = *graph.open_relay_mut(hub);
            graph.insert_relay(hub, open);
        }),
        // Two relays side by side, with a dependent each.
        check_after(|graph, hub, _| {
            let relay = graph.insert_relay(hub, NodeIndex::end());
            let mut sources = graph.graph.neighbors_directed(hub.0, Incoming);
            let dependent = sources.find(|&source| graph.as_package(source).is_some()).unwrap();
            let edge = graph.graph.find_edge(dependent, hub.0).unwrap();
            graph.graph.remove_edge(edge);
            graph.graph.add_edge(dependent, relay, ());
            fan_in(graph, hub.0, -1);
            fan_in(graph, relay, 1);
        }),
        // More edges than the bound allows.
        check_after(|graph, _, _| graph.max_fan_in = NonZeroU8::MIN),
        // A package that does not know the relay in front of it.
        check_after(|graph, hub, _| *graph.open_relay_mut(hub) = NodeIndex::end()),
        // A relay that leads to one package and says another.
        check_after(|graph, hub, dependents| {
            let relay = *graph.open_relay_mut(hub);
            graph.graph[relay] = Vertex::Relay { package: dependents[0], fan_in: 2 };
        }),
    ] {
        let noticed = noticed.unwrap();
        assert!(noticed.starts_with("a relay or its count is out of order at "), "{noticed}");
    }
}
