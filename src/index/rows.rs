//! Rows of numbers: which packages each package depends on, with the packages numbered by name.
//!
//! Orders, exports and plans for a list look at every dependency of an index. They do so here rather than in
//! the graph: a row lies in one piece, and comparing numbers is faster than comparing names. Rows do not
//! change once they are made. The graph is what changes.

use std::iter::Copied;
use std::ops::Range;
use std::slice::Iter;

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::Graph;
use petgraph::algo::kosaraju_scc;
use petgraph::visit::{
    GraphBase, GraphRef, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, Visitable,
};

/// Rows of numbers in one piece of memory (compressed sparse rows).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Where each row begins, and last where the last row ends.
    bounds: Vec<usize>,
    numbers: Vec<u32>,
}

impl Rows {
    /// No rows yet, with room for so many rows, and so many numbers in all.
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
    #[cfg(any(test, feature = "tools"))]
    pub(crate) fn number_count(&self) -> usize {
        self.numbers.len()
    }

    /// Adds a row of these numbers, in ascending order and each once. O(n log n) in them.
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
    pub(crate) fn transposed(&self) -> Self {
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

    /// All row numbers, ascending.
    pub(crate) fn numbers(&self) -> Range<u32> {
        0..u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// The strongly connected components of two rows or more, where an edge leads from each row to each of
    /// its numbers. Each is ascending, and they are in the order of their first rows. `transposed` is what
    /// [`transposed`](Self::transposed) returns. `looked_at` is called for each row that is on no cycle, nor
    /// leads to one. Linear, and a sort of each component.
    pub(super) fn cycles(&self, transposed: &Self, mut looked_at: impl FnMut()) -> Self {
        // Most graphs have few cycles or none. A row that waits only for rows already taken out is on none,
        // and is taken out.
        let count = |row: u32| self.row(row).len() - usize::from(self.has(row, row));
        let mut waits: Vec<usize> = self.numbers().map(count).collect();
        let mut free: Vec<u32> = self.numbers().filter(|&row| waits[row as usize] == 0).collect();
        while let Some(row) = free.pop() {
            looked_at();
            for &dependent in transposed.row(row).iter().filter(|&&dependent| dependent != row) {
                waits[dependent as usize] -= 1;
                if waits[dependent as usize] == 0 {
                    free.push(dependent);
                }
            }
        }
        let left: Vec<u32> = self.numbers().filter(|&row| waits[row as usize] > 0).collect();
        let graph = Among { forward: self, backward: transposed, left: &left, waits: &waits };
        let mut components = if left.is_empty() { Vec::new() } else { kosaraju_scc(graph) };
        components.retain(|component| component.len() > 1);
        for component in &mut components {
            component.sort_unstable();
        }
        components.sort_unstable();
        let mut cycles = Self::with_capacity(components.len(), 0);
        for component in components {
            cycles.push(component);
        }
        cycles
    }

    /// The first row that does not meet a condition which all rows before it meet. O(log rows).
    pub(super) fn partition_point(&self, holds: impl Fn(&[u32]) -> bool) -> u32 {
        let (mut from, Range { end: mut to, .. }) = (0, self.numbers());
        while from < to {
            let middle = from + (to - from) / 2;
            if holds(self.row(middle)) { from = middle + 1 } else { to = middle }
        }
        from
    }

    /// Whether a row has a number. O(log n) in the row.
    pub(crate) fn has(&self, row: u32, number: u32) -> bool {
        self.row(row).binary_search(&number).is_ok()
    }
}

/// The rows that still wait, as petgraph's algorithms see them.
#[derive(Clone, Copy)]
struct Among<'a> {
    forward: &'a Rows,
    backward: &'a Rows,
    left: &'a [u32],
    waits: &'a [usize],
}

/// The numbers of a row that still wait.
struct Waiting<'a> {
    row: Iter<'a, u32>,
    waits: &'a [usize],
}

impl Iterator for Waiting<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.row.find(|number| self.waits[**number as usize] > 0).copied()
    }
}

impl GraphBase for Among<'_> {
    type NodeId = u32;
    type EdgeId = ();
}

impl GraphRef for Among<'_> {}

impl<'a> IntoNodeIdentifiers for Among<'a> {
    type NodeIdentifiers = Copied<Iter<'a, u32>>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        self.left.iter().copied()
    }
}

impl<'a> IntoNeighbors for Among<'a> {
    type Neighbors = Waiting<'a>;

    fn neighbors(self, row: u32) -> Waiting<'a> {
        self.neighbors_directed(row, Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for Among<'a> {
    type NeighborsDirected = Waiting<'a>;

    fn neighbors_directed(self, row: u32, direction: Direction) -> Waiting<'a> {
        let rows = match direction {
            Outgoing => self.forward,
            Incoming => self.backward,
        };
        Waiting { row: rows.row(row).iter(), waits: self.waits }
    }
}

impl Visitable for Among<'_> {
    /// A bit for each row, in the type that petgraph's own graphs use.
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
        let cycles = rows.cycles(&rows.transposed(), || ());
        assert!(cycles.iter().eq([[0, 3, 4].as_slice(), &[1, 2]]));
        // Row 2 is between the two cycles, row 5 before and row 7 after them: none of these is on one.
        let rows = self::rows(&[&[1], &[0], &[1], &[2, 4], &[3, 7], &[4], &[], &[]]);
        let cycles = rows.cycles(&rows.transposed(), || ());
        assert!(cycles.iter().eq([[0, 1].as_slice(), &[3, 4]]));
    }
}
