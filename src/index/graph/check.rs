//! What must hold in the graph after every change, checked in full.

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::stable_graph::NodeIndex;

use super::{DependencyGraph, Vertex};
use crate::name::Name;

/// How a [`DependencyGraph`] contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::index) enum GraphFault {
    #[error("{package} has two edges to its dependency {dependency}")]
    ParallelEdges { package: Name, dependency: Name },
    #[error("{counted} {what} are counted, {found} are there")]
    Count { what: &'static str, counted: usize, found: usize },
    #[error("a relay or its count is out of order at {package}")]
    Relay { package: Name },
}

impl DependencyGraph {
    /// Checks what the methods of the graph rely on. Linear in the graph, apart from a sort of each list.
    pub(in crate::index) fn check(&self) -> Result<(), GraphFault> {
        let mut dependencies = 0;
        for package in self.packages() {
            let mut list: Vec<_> = self.dependencies(package).collect();
            dependencies += list.len();
            list.sort_unstable();
            if let Some(pair) = list.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(GraphFault::ParallelEdges {
                    package: self.name(package).to_name(),
                    dependency: self.name(pair[0]).to_name(),
                });
            }
        }
        let relays = self.graph.node_indices().filter(|&v| self.as_package(v).is_none()).count();
        for (what, counted, found) in [
            ("packages", self.packages, self.packages().count()),
            ("dependencies", self.dependencies, dependencies),
            ("edges", self.graph.edge_count(), dependencies + relays),
            ("vertices", self.graph.node_count(), self.packages + relays),
        ] {
            if counted != found {
                return Err(GraphFault::Count { what, counted, found });
            }
        }
        match self.graph.node_indices().find(|&vertex| !self.is_in_order(vertex)) {
            Some(vertex) => {
                Err(GraphFault::Relay { package: self.name(self.leads_to(vertex)).to_name() })
            }
            None => Ok(()),
        }
    }

    /// Whether a vertex counts its dependents right, keeps the bound, and hangs in its chain as
    /// the head of this file says.
    fn is_in_order(&self, vertex: NodeIndex) -> bool {
        let sources = || self.graph.neighbors_directed(vertex, Incoming);
        let relays: Vec<_> = sources().filter(|&v| self.as_package(v).is_none()).collect();
        let dependents = sources().count() - relays.len();
        let package = self.leads_to(vertex);
        let in_chain = relays.len() <= 1 && relays.iter().all(|&v| self.leads_to(v) == package);
        let counted = dependents <= usize::from(self.max_fan_in.get());
        counted
            && in_chain
            && match &self.graph[vertex] {
                Vertex::Package { fan_in, open_relay, .. } => {
                    usize::from(*fan_in) == dependents
                        && relays.first().copied().unwrap_or(NodeIndex::end()) == *open_relay
                }
                Vertex::Relay { fan_in, .. } => {
                    // No second edge out: there are only so many edges as relays and dependencies.
                    let next = self.graph.neighbors_directed(vertex, Outgoing).next();
                    usize::from(*fan_in) == dependents
                        && dependents > 0
                        && next.is_some_and(|target| self.leads_to(target) == package)
                }
            }
    }
}
