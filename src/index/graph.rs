//! The graph under the index: packages, and an edge from each package to each of its dependencies.
//!
//! It is petgraph's stable graph, in which removing an edge walks the list of edges into its
//! target. For a package with 100,000 dependents that walk would be the whole cost of re-indexing
//! one of them, so the edges into one vertex are kept to a bound. Past it, dependents point to
//! *relays*, vertices without a name that lead on to the package:
//!
//! ```text
//! dependents ──▶ package
//! dependents ──▶ relay ──▶ package              the open relay, the newest
//! dependents ──▶ relay ──▶ relay ──▶ package    older ones behind it
//! ```
//!
//! A relay has one edge out, at most one edge in from another relay, and between one and the bound
//! from dependents. A path through relays is a dependency all the same, so petgraph's searches
//! run on the graph as it is, and the relays are left out of what they find. Which commands are
//! allowed is the parent's business: this file knows who depends on whom, and no rule.

mod check;

use std::num::NonZeroU8;
use std::ops::{Index, IndexMut};

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::stable_graph::{EdgeIndex, Neighbors, NodeIndex, StableDiGraph};
use petgraph::visit::{Dfs, NodeIndexable, Reversed};

use crate::bug::{Bug, planted};
use crate::name::{Name, NameRef};

pub(super) use check::GraphFault;

/// A package in a [`DependencyGraph`], valid until that package is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PackageId(NodeIndex);

/// A value for each package that there was when it was made.
#[derive(Debug)]
pub(super) struct PerPackage<T>(Vec<T>);

impl<T> Index<PackageId> for PerPackage<T> {
    type Output = T;

    fn index(&self, package: PackageId) -> &T {
        &self.0[package.0.index()]
    }
}

impl<T> IndexMut<PackageId> for PerPackage<T> {
    fn index_mut(&mut self, package: PackageId) -> &mut T {
        &mut self.0[package.0.index()]
    }
}

/// Packages and what each depends on.
#[derive(Debug, Clone)]
pub(super) struct DependencyGraph {
    graph: StableDiGraph<Vertex, ()>,
    packages: usize,
    dependencies: usize,
    max_fan_in: NonZeroU8,
}

/// A package or a relay. Its `fan_in` counts the dependents that point to it directly.
#[derive(Debug, Clone)]
enum Vertex {
    Package {
        name: Name,
        fan_in: u8,
        /// The relay that points to this package and takes new dependents; `end()` if none does.
        open_relay: NodeIndex,
    },
    Relay {
        /// The package at the end of the chain.
        package: PackageId,
        fan_in: u8,
    },
}

impl DependencyGraph {
    /// An empty graph in which no removal walks more than about `max_fan_in` edges.
    pub(super) fn new(max_fan_in: NonZeroU8) -> Self {
        Self { graph: StableDiGraph::default(), packages: 0, dependencies: 0, max_fan_in }
    }

    /// How many packages there are. O(1).
    pub(super) fn package_count(&self) -> usize {
        self.packages
    }

    /// For how many vertices there is room. O(1).
    pub(super) fn capacity(&self) -> usize {
        self.graph.capacity().0
    }

    /// Gives the memory of a graph without packages back. Linear in the most that there were.
    pub(super) fn give_back(&mut self) {
        debug_assert_eq!(self.packages, 0, "invariant: what is given back is not in use");
        self.graph = StableDiGraph::default();
    }

    /// How many dependencies all packages have together. O(1).
    pub(super) fn dependency_count(&self) -> usize {
        self.dependencies
    }

    /// The name of a package. O(1).
    ///
    /// # Panics
    /// If the package was removed: an id outlives its package only by a bug in the parent.
    pub(super) fn name(&self, package: PackageId) -> NameRef<'_> {
        match &self.graph[package.0] {
            Vertex::Package { name, .. } => name.borrowed(),
            Vertex::Relay { .. } => unreachable!("invariant: a package's id leads to its name"),
        }
    }

    /// All packages, in no particular order. O(1) each.
    pub(super) fn packages(&self) -> impl Iterator<Item = PackageId> {
        self.graph.node_indices().filter_map(|vertex| self.as_package(vertex))
    }

    /// A value for each package, at first this one. Linear in the vertices.
    pub(super) fn per_package<T: Clone>(&self, value: T) -> PerPackage<T> {
        PerPackage(vec![value; self.graph.node_bound()])
    }

    /// What a package depends on, in no particular order, none twice. O(1) each.
    pub(super) fn dependencies(&self, package: PackageId) -> impl Iterator<Item = PackageId> {
        self.graph.neighbors_directed(package.0, Outgoing).map(|target| self.leads_to(target))
    }

    /// Who depends on a package, itself included if it does, in no particular order. O(1) each.
    pub(super) fn dependents(&self, package: PackageId) -> impl Iterator<Item = PackageId> {
        Dependents {
            graph: self,
            into: self.graph.neighbors_directed(package.0, Incoming),
            next: None,
        }
    }

    /// Whether a package other than this one depends on it. O(1).
    pub(super) fn has_other_dependent(&self, package: PackageId) -> bool {
        self.dependents(package)
            .any(|dependent| dependent != package || planted(Bug::SelfIsADependent))
    }

    /// All packages that can be reached from a package in one step or more, in no particular
    /// order; itself among them if it is on a cycle. Linear in what is reached, and a bit for each
    /// vertex.
    pub(super) fn reachable(&self, package: PackageId, direction: Direction) -> Vec<PackageId> {
        let mut search = Dfs::empty(&self.graph);
        search.stack.extend(self.graph.neighbors_directed(package.0, direction));
        search.stack.extend(planted(Bug::ClosureHoldsItsStart).then_some(package.0));
        let step = || match direction {
            Outgoing => search.next(&self.graph),
            Incoming => search.next(Reversed(&self.graph)),
        };
        std::iter::from_fn(step).filter_map(|vertex| self.as_package(vertex)).collect()
    }

    /// Adds a package that depends on nothing. O(1), amortized.
    pub(super) fn add_package(&mut self, name: Name) -> PackageId {
        self.packages += 1;
        let vertex = Vertex::Package { name, fan_in: 0, open_relay: NodeIndex::end() };
        PackageId(self.graph.add_node(vertex))
    }

    /// Removes a package that nobody else depends on, and its list. O(its list).
    pub(super) fn remove_package(&mut self, package: PackageId) {
        self.clear_dependencies(package);
        debug_assert_eq!(self.dependents(package).next(), None, "invariant: nothing dangles");
        self.graph.remove_node(package.0);
        self.packages -= 1;
    }

    /// Makes a package depend on exactly these, none of them given twice. O(old list + new list).
    pub(super) fn set_dependencies(&mut self, package: PackageId, dependencies: &[PackageId]) {
        if !planted(Bug::OldListStays) {
            self.clear_dependencies(package);
        }
        if let (Some(&dependency), true) =
            (dependencies.first(), planted(Bug::IndexClearsADependency))
        {
            self.clear_dependencies(dependency);
        }
        for &dependency in dependencies {
            let target = self.vertex_with_room(dependency);
            *self.fan_in_mut(target) += 1;
            self.graph.add_edge(package.0, target, ());
        }
        self.dependencies += dependencies.len();
    }

    /// The package that a vertex is, unless it is a relay.
    fn as_package(&self, vertex: NodeIndex) -> Option<PackageId> {
        match self.graph[vertex] {
            Vertex::Package { .. } => Some(PackageId(vertex)),
            Vertex::Relay { .. } => None,
        }
    }

    /// The package that whoever points to a vertex depends on.
    fn leads_to(&self, vertex: NodeIndex) -> PackageId {
        match self.graph[vertex] {
            Vertex::Package { .. } => PackageId(vertex),
            Vertex::Relay { package, .. } => package,
        }
    }

    fn fan_in_mut(&mut self, vertex: NodeIndex) -> &mut u8 {
        match &mut self.graph[vertex] {
            Vertex::Package { fan_in, .. } | Vertex::Relay { fan_in, .. } => fan_in,
        }
    }

    fn open_relay_mut(&mut self, package: PackageId) -> &mut NodeIndex {
        match &mut self.graph[package.0] {
            Vertex::Package { open_relay, .. } => open_relay,
            Vertex::Relay { .. } => unreachable!("invariant: a package's id leads to a package"),
        }
    }

    /// The package itself or its open relay, whichever has room; failing both, a new relay.
    fn vertex_with_room(&mut self, package: PackageId) -> NodeIndex {
        let bound = self.max_fan_in.get();
        let open = *self.open_relay_mut(package);
        if *self.fan_in_mut(package.0) < bound {
            package.0
        } else if open != NodeIndex::end() && *self.fan_in_mut(open) < bound {
            open
        } else {
            self.insert_relay(package, open)
        }
    }

    /// Puts a new relay between a package and its open one (`end()` if it has none).
    fn insert_relay(&mut self, package: PackageId, open: NodeIndex) -> NodeIndex {
        let relay = self.graph.add_node(Vertex::Relay { package, fan_in: 0 });
        if let Some(edge) = self.first_edge(open) {
            self.graph.remove_edge(edge);
            self.graph.add_edge(open, relay, ());
        }
        self.graph.add_edge(relay, package.0, ());
        *self.open_relay_mut(package) = relay;
        relay
    }

    /// Takes out a relay that no dependent points to any more, and closes the chain behind it.
    fn remove_relay(&mut self, relay: NodeIndex, package: PackageId) {
        let before = self.graph.neighbors_directed(relay, Incoming).next();
        let after = self.graph.neighbors_directed(relay, Outgoing).next();
        self.graph.remove_node(relay);
        match (before, after) {
            (Some(before), Some(after)) => drop(self.graph.add_edge(before, after, ())),
            (None, Some(_package_or_relay)) => {}
            (_, None) => unreachable!("invariant: a relay leads on"),
        }
        if *self.open_relay_mut(package) == relay {
            *self.open_relay_mut(package) = before.unwrap_or(NodeIndex::end());
        }
    }

    /// Removes the edges out of a package, always the first: petgraph finds that one at once.
    fn clear_dependencies(&mut self, package: PackageId) {
        while let Some(edge) = self.first_edge(package.0) {
            let Some((_, target)) = self.graph.edge_endpoints(edge) else {
                unreachable!("invariant: an edge in a list is in the graph")
            };
            self.graph.remove_edge(edge);
            self.dependencies -= 1;
            *self.fan_in_mut(target) -= 1;
            if let Vertex::Relay { fan_in: 0, package } = self.graph[target] {
                self.remove_relay(target, package);
            }
        }
    }

    fn first_edge(&self, vertex: NodeIndex) -> Option<EdgeIndex> {
        let mut edges = self.graph.neighbors_directed(vertex, Outgoing).detach();
        edges.next_edge(&self.graph)
    }
}

/// The packages that point to a vertex, then those that point to the relay that does, and so on.
struct Dependents<'a> {
    graph: &'a DependencyGraph,
    into: Neighbors<'a, ()>,
    next: Option<NodeIndex>,
}

impl Iterator for Dependents<'_> {
    type Item = PackageId;

    fn next(&mut self) -> Option<PackageId> {
        loop {
            for source in self.into.by_ref() {
                match self.graph.as_package(source) {
                    Some(package) => return Some(package),
                    None if planted(Bug::RelaysAreForgotten) => {}
                    None => self.next = Some(source),
                }
            }
            self.into = self.graph.graph.neighbors_directed(self.next.take()?, Incoming);
        }
    }
}

#[cfg(test)]
mod tests;
