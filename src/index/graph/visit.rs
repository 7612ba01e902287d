//! The graph as petgraph's algorithms see it.

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::Graph;
use petgraph::visit::{GraphBase, IntoNeighbors, IntoNeighborsDirected, Visitable};

use super::{DependencyGraph, FIRST_IN, FIRST_OUT, NEXT_IN, NEXT_OUT};
use crate::index::cells::{Cells, NONE};

impl DependencyGraph {
    pub(super) fn neighbors_of(&self, package: u32, direction: Direction) -> Neighbors<'_> {
        let first = match direction {
            Outgoing => FIRST_OUT,
            Incoming => FIRST_IN,
        };
        Neighbors { cells: &self.cells, next: self.cells.at(package)[first], direction }
    }
}

/// The packages at the other ends of a list of edges.
pub(in crate::index) struct Neighbors<'a> {
    cells: &'a Cells,
    next: u32,
    direction: Direction,
}

impl Iterator for Neighbors<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.next == NONE {
            return None;
        }
        let edge = self.cells.at(self.next);
        let (next, other_end) = match self.direction {
            Outgoing => (NEXT_OUT, 1),
            Incoming => (NEXT_IN, 0),
        };
        self.next = edge[next];
        Some(edge[other_end])
    }
}

impl GraphBase for DependencyGraph {
    type NodeId = u32;
    type EdgeId = ();
}

impl<'a> IntoNeighbors for &'a DependencyGraph {
    type Neighbors = Neighbors<'a>;

    fn neighbors(self, package: u32) -> Neighbors<'a> {
        self.neighbors_of(package, Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for &'a DependencyGraph {
    type NeighborsDirected = Neighbors<'a>;

    fn neighbors_directed(self, package: u32, direction: Direction) -> Neighbors<'a> {
        self.neighbors_of(package, direction)
    }
}

impl Visitable for DependencyGraph {
    /// A bit for each cell, in the type that petgraph's own graphs use.
    type Map = <Graph<(), ()> as Visitable>::Map;

    fn visit_map(&self) -> Self::Map {
        Self::Map::with_capacity(self.cells.bound())
    }

    fn reset_map(&self, map: &mut Self::Map) {
        map.clear();
        map.grow(self.cells.bound());
    }
}
