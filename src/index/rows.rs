//! Rows of numbers: which packages each package depends on, where packages are numbered by name.
//!
//! What looks at every dependency of a whole index (orders, exports, plans for a list) does it here
//! rather than in the graph: a row lies in one piece, and a number is compared instead of a name.
//! The graph remains the one that changes; nothing here does once it is made.

use std::iter::Copied;
use std::ops::Range;
use std::slice::Iter;

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::Graph;
use petgraph::algo::kosaraju_scc;
use petgraph::visit::{
    GraphBase, GraphRef, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, Visitable,
};

/// Rows of numbers, in one piece of memory (compressed sparse rows).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Where each row begins, and behind that where the last one ends.
    bounds: Vec<usize>,
    numbers: Vec<u32>,
}

impl Rows {
    /// None yet, with room for so many rows, and numbers in all of them.
    pub(crate) fn with_capacity(rows: usize, numbers: usize) -> Self {
        let mut bounds = Vec::with_capacity(rows + 1);
        bounds.push(0);
        Self { bounds, numbers: Vec::with_capacity(numbers) }
    }

    /// How many rows there are. O(1).
    pub(crate) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// How many numbers all rows have together. O(1).
    pub(crate) fn number_count(&self) -> usize {
        self.numbers.len()
    }

    /// Adds a row: these numbers in ascending order, each once. O(n log n) in them.
    pub(crate) fn push(&mut self, numbers: impl IntoIterator<Item = u32>) {
        let start = self.numbers.len();
        self.numbers.extend(numbers);
        self.numbers[start..].sort_unstable();
        let mut kept = start;
        for at in start..self.numbers.len() {
            if at == start || self.numbers[at] != self.numbers[kept - 1] {
                self.numbers[kept] = self.numbers[at];
                kept += 1;
            }
        }
        self.numbers.truncate(kept);
        self.bounds.push(kept);
    }

    /// The numbers of a row. O(1).
    pub(crate) fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        &self.numbers[self.bounds[row]..self.bounds[row + 1]]
    }

    /// Each row in turn.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.bounds.windows(2).map(|bounds| &self.numbers[bounds[0]..bounds[1]])
    }

    /// For each number below the count of rows, the rows that have it. Linear.
    pub(super) fn transposed(&self) -> Self {
        let mut bounds = vec![0; self.bounds.len()];
        for &number in &self.numbers {
            bounds[number as usize + 1] += 1;
        }
        for row in 1..bounds.len() {
            bounds[row] += bounds[row - 1];
        }
        let mut numbers = vec![0; self.numbers.len()];
        let mut next = bounds.clone();
        for (row, targets) in (0..).zip(self.iter()) {
            for &target in targets {
                let place = &mut next[target as usize];
                numbers[*place] = row;
                *place += 1;
            }
        }
        Self { bounds, numbers }
    }

    /// The strongly connected components of the graph with an edge from each row to each of its
    /// numbers: which rows each has, ascending, in no particular order. `transposed` is what
    /// [`transposed`](Self::transposed) returns. Linear, and a sort of each component.
    pub(super) fn components(&self, transposed: &Self) -> Self {
        let mut components = Self::with_capacity(self.len(), self.len());
        for component in kosaraju_scc(Both { forward: self, backward: transposed }) {
            components.push(component);
        }
        components
    }
}

/// Rows as petgraph's algorithms see them.
#[derive(Clone, Copy)]
struct Both<'a> {
    forward: &'a Rows,
    backward: &'a Rows,
}

impl GraphBase for Both<'_> {
    type NodeId = u32;
    type EdgeId = ();
}

impl GraphRef for Both<'_> {}

impl IntoNodeIdentifiers for Both<'_> {
    type NodeIdentifiers = Range<u32>;

    fn node_identifiers(self) -> Range<u32> {
        0..u32::try_from(self.forward.len()).unwrap_or(u32::MAX)
    }
}

impl<'a> IntoNeighbors for Both<'a> {
    type Neighbors = Copied<Iter<'a, u32>>;

    fn neighbors(self, row: u32) -> Self::Neighbors {
        self.neighbors_directed(row, Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for Both<'a> {
    type NeighborsDirected = Copied<Iter<'a, u32>>;

    fn neighbors_directed(self, row: u32, direction: Direction) -> Self::NeighborsDirected {
        let rows = match direction {
            Outgoing => self.forward,
            Incoming => self.backward,
        };
        rows.row(row).iter().copied()
    }
}

impl Visitable for Both<'_> {
    /// A bit for each row: what petgraph's own graphs use.
    type Map = <Graph<(), ()> as Visitable>::Map;

    fn visit_map(&self) -> Self::Map {
        Self::Map::with_capacity(self.forward.len())
    }

    fn reset_map(&self, map: &mut Self::Map) {
        map.clear();
        map.grow(self.forward.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[u32]]) -> Rows {
        let mut made = Rows::with_capacity(0, 0);
        for row in rows {
            made.push(row.iter().copied());
        }
        made
    }

    #[test]
    fn a_row_is_sorted_and_has_each_number_once() {
        let rows = rows(&[&[], &[2, 0, 2, 0, 0], &[1, 1], &[]]);
        assert!(rows.iter().eq([[].as_slice(), &[0, 2], &[1], &[]]));
        assert_eq!((rows.row(1), rows.row(3)), ([0, 2].as_slice(), [].as_slice()));
        assert_eq!((rows.len(), rows.number_count()), (4, 3));
    }

    #[test]
    fn transposed_twice_they_are_as_before() {
        let rows = rows(&[&[1, 2], &[1], &[0, 1, 3], &[]]);
        let transposed = rows.transposed();
        assert!(transposed.iter().eq([[2].as_slice(), &[0, 1, 2], &[0], &[2]]));
        assert_eq!(transposed.transposed(), rows);
        assert_eq!(self::rows(&[]).transposed(), self::rows(&[]));
    }

    #[test]
    fn what_leads_to_each_other_is_one_component() {
        let rows = rows(&[&[3], &[2], &[1, 0], &[4], &[0, 4], &[0, 5]]);
        let components = rows.components(&rows.transposed());
        let mut found: Vec<_> = components.iter().collect();
        found.sort_unstable();
        assert_eq!(found, [[0, 3, 4].as_slice(), &[1, 2], &[5]]);
    }
}
