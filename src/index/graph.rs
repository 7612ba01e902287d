//! The graph under the index: packages, and an edge from each package to each of its dependencies.
//!
//! Everything lies in cells of one pool. A package is a *head*, and further cells if its name is long. An
//! edge is a cell that stands in two lists. One has the edges out of its package, by the ids to which they
//! lead. The other has the edges into its dependency, the newest first. The second list is linked both ways,
//! so that an edge can be taken out at any place:
//!
//! ```text
//! head  first out | first in | length, 3 bytes | 4 bytes  | 4 bytes, or the next cell of the name
//! text  4 bytes   | 4 bytes  | 4 bytes         | 4 bytes  | 4 bytes, or the next cell of the name
//! edge  package   | its dependency | next out  | next in  | previous in
//! ```
//!
//! petgraph's searches run on it as on any graph. This file knows who depends on whom, and no rule: the
//! parent decides which commands are allowed.

mod check;
#[cfg(feature = "testing")]
pub(super) mod representation;
mod text;
mod visit;

use std::ops::{Index, IndexMut};

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::visit::{Dfs, Reversed};

use super::cells::{Cells, NONE};
use crate::bug::{Bug, planted};

pub(super) use check::GraphFault;
pub(super) use text::{Text, cells_of_name};

/// A package in a [`DependencyGraph`], valid until that package is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PackageId(u32);

impl PackageId {
    /// Its place in a map of bits: the word, and the bit in that word.
    pub(super) fn bit(self) -> (usize, u64) {
        ((self.0 / u64::BITS) as usize, 1 << (self.0 % u64::BITS))
    }
}

// The words of a head. Those of its name follow.
const FIRST_OUT: usize = 0;
const FIRST_IN: usize = 1;

// The words of an edge. The first two are its source and its target.
const NEXT_OUT: usize = 2;
const NEXT_IN: usize = 3;
const PREVIOUS_IN: usize = 4;

/// Packages and what each depends on.
#[derive(Debug, Clone)]
pub(super) struct DependencyGraph {
    cells: Cells,
    packages: usize,
    dependencies: usize,
}

impl DependencyGraph {
    /// An empty graph, which takes no memory yet.
    pub(super) const fn new() -> Self {
        Self { cells: Cells::new(), packages: 0, dependencies: 0 }
    }

    /// How many packages there are. O(1).
    pub(super) fn package_count(&self) -> usize {
        self.packages
    }

    /// How many dependencies all packages have together. O(1).
    pub(super) fn dependency_count(&self) -> usize {
        self.dependencies
    }

    /// How many cells are in use: one for each dependency, and one or more for each package. O(1).
    pub(super) fn cell_count(&self) -> usize {
        self.cells.used()
    }

    /// For how many cells there is room. O(1).
    pub(super) fn capacity(&self) -> usize {
        self.cells.bound()
    }

    /// The memory that the graph holds, in bytes, free parts included. O(pages).
    pub(super) fn held_bytes(&self) -> usize {
        self.cells.held_bytes()
    }

    /// Frees at most so many pages of a graph that is no longer used. Returns `false` if none was left.
    pub(super) fn give_back(&mut self, most: usize) -> bool {
        self.cells.give_back(most)
    }

    /// A copy of the graph in the same memory. A later change in one of the two copies the page first.
    /// O(pages).
    pub(super) fn share(&mut self) -> Self {
        Self { cells: self.cells.share(), ..*self }
    }

    /// All packages, in the order of their ids. O(1) each, and a bit for each cell.
    pub(super) fn packages(&self) -> impl Iterator<Item = PackageId> {
        self.cells.marked().map(PackageId)
    }

    /// A map that has this value for each package. Linear in the packages, and a bit for each cell.
    pub(super) fn per_package<T: Clone>(&self, value: T) -> PerPackage<T> {
        let mut before = 0;
        let words = self.cells.map().map(|word| {
            let ranks = (before, word);
            before += word.count_ones();
            ranks
        });
        PerPackage { words: words.collect(), values: vec![value; self.packages] }
    }

    /// What a package depends on, in the order of the ids, without duplicates. O(1) each.
    pub(super) fn dependencies(&self, package: PackageId) -> impl Iterator<Item = PackageId> {
        self.neighbors_of(package.0, Outgoing).map(PackageId)
    }

    /// The packages that depend on a package, itself included if it does, in no particular order. O(1) each.
    pub(super) fn dependents(&self, package: PackageId) -> impl Iterator<Item = PackageId> {
        self.neighbors_of(package.0, Incoming).map(PackageId)
    }

    /// Whether a package other than this one depends on it. O(1).
    pub(super) fn has_other_dependent(&self, package: PackageId) -> bool {
        self.dependents(package).any(|dependent| dependent != package)
    }

    /// All packages that can be reached from a package in one step or more, in no particular order. It
    /// includes the package itself if that is on a cycle. Linear in what is reached, and a bit for each cell.
    pub(super) fn reachable(&self, package: PackageId, direction: Direction) -> Vec<PackageId> {
        let mut search = Dfs::empty(self);
        search.stack.extend(self.neighbors_of(package.0, direction));
        let step = || match direction {
            Outgoing => search.next(self),
            Incoming => search.next(Reversed(self)),
        };
        std::iter::from_fn(step).map(PackageId).collect()
    }

    /// Adds a package that depends on nothing, with the bytes of its name. O(1), amortized.
    pub(super) fn add_package(&mut self, name: &[u8]) -> PackageId {
        self.packages += 1;
        let [first, second, rest] = self.insert_text(name);
        let head = self.cells.insert([NONE, NONE, first, second, rest]);
        self.cells.mark(head, true);
        PackageId(head)
    }

    /// Removes a package on which no other depends, and its list. O(its list).
    pub(super) fn remove_package(&mut self, package: PackageId) {
        self.set_dependencies(package, &[]);
        debug_assert_eq!(self.dependents(package).next(), None, "invariant: nothing dangles");
        self.cells.mark(package.0, false);
        self.remove_text(package);
        self.cells.remove(package.0);
        self.packages -= 1;
    }

    /// Makes a package depend on exactly these, given in the order of their ids and without duplicates. O(old
    /// list + new list) to compare the two. Only differences are touched.
    pub(super) fn set_dependencies(&mut self, package: PackageId, dependencies: &[PackageId]) {
        let kept = self.keep(package, dependencies);
        // Edges that go make room for edges that come. So there are never more cells in use than before or
        // after.
        if kept == 0 {
            self.begin(package, dependencies);
        } else if kept < dependencies.len() {
            self.complete(package, dependencies);
        }
    }

    /// Removes the edges out of a package, except those to one of these. Returns how many stay.
    fn keep(&mut self, package: PackageId, dependencies: &[PackageId]) -> usize {
        let mut wanted = dependencies;
        let (mut kept, mut removed) = (0, 0);
        // The last edge that stays, and whether an edge after it was removed.
        let (mut last, mut is_torn) = (None, false);
        let mut edge = self.cells.at(package.0)[FIRST_OUT];
        while edge != NONE {
            let &[_, target, next, ..] = self.cells.at(edge);
            while wanted.first().is_some_and(|id| id.0 < target) {
                wanted = &wanted[1..];
            }
            if wanted.first().is_some_and(|id| id.0 == target) {
                wanted = &wanted[1..];
                kept += 1;
                if is_torn {
                    *self.link_out(package, last) = edge;
                    is_torn = false;
                }
                last = Some(edge);
            } else {
                self.unlink_in(edge);
                self.cells.remove(edge);
                removed += 1;
                is_torn = true;
            }
            edge = next;
        }
        if is_torn {
            *self.link_out(package, last) = NONE;
        }
        self.dependencies -= removed;
        kept
    }

    /// Adds an edge to each of these to a package that has none. The last comes first: each edge knows the
    /// one after it.
    fn begin(&mut self, package: PackageId, dependencies: &[PackageId]) {
        if dependencies.is_empty() {
            return;
        }
        let mut next = NONE;
        for dependency in dependencies.iter().rev() {
            next = self.insert_edge(package, *dependency, next);
        }
        self.cells.at_mut(package.0)[FIRST_OUT] = next;
        self.dependencies += dependencies.len();
    }

    /// Adds an edge out of a package to each of these to which none leads yet.
    fn complete(&mut self, package: PackageId, dependencies: &[PackageId]) {
        let mut last = None;
        let mut next = self.cells.at(package.0)[FIRST_OUT];
        for dependency in dependencies {
            let mut is_there = false;
            while next != NONE && !is_there {
                let &[_, target, after, ..] = self.cells.at(next);
                if target > dependency.0 {
                    break;
                }
                is_there = target == dependency.0;
                (last, next) = (Some(next), after);
            }
            if is_there {
                continue;
            }
            let edge = self.insert_edge(package, *dependency, next);
            *self.link_out(package, last) = edge;
            last = Some(edge);
            self.dependencies += 1;
        }
    }

    /// Where the edge out of a package is noted that comes after `last`, or first.
    fn link_out(&mut self, package: PackageId, last: Option<u32>) -> &mut u32 {
        match last {
            Some(edge) => &mut self.cells.at_mut(edge)[NEXT_OUT],
            None => &mut self.cells.at_mut(package.0)[FIRST_OUT],
        }
    }

    /// Takes a cell for an edge, and puts it first among the edges into its target.
    fn insert_edge(&mut self, package: PackageId, dependency: PackageId, next_out: u32) -> u32 {
        let next_in = self.cells.at(dependency.0)[FIRST_IN];
        let edge = self.cells.insert([package.0, dependency.0, next_out, next_in, NONE]);
        self.cells.at_mut(dependency.0)[FIRST_IN] = edge;
        if next_in != NONE {
            self.cells.at_mut(next_in)[PREVIOUS_IN] = edge;
        }
        edge
    }

    /// Takes an edge out of the list of those into its target.
    fn unlink_in(&mut self, edge: u32) {
        let &[_, target, _, next, previous] = self.cells.at(edge);
        if previous == NONE || planted(Bug::EdgesGoAsIfFirst) {
            self.cells.at_mut(target)[FIRST_IN] = next;
        } else {
            self.cells.at_mut(previous)[NEXT_IN] = next;
        }
        if next != NONE {
            self.cells.at_mut(next)[PREVIOUS_IN] = previous;
        }
    }
}

/// A value for each package that existed when the map was made.
#[derive(Debug)]
pub(super) struct PerPackage<T> {
    /// For each word of the map of marks: how many packages come before it, and the word.
    words: Vec<(u32, u32)>,
    values: Vec<T>,
}

impl<T> PerPackage<T> {
    /// The place of a package among all, in the order of their ids.
    fn rank(&self, PackageId(id): PackageId) -> usize {
        let (before, word) = self.words[(id / u32::BITS) as usize];
        (before + (word & ((1 << (id % u32::BITS)) - 1)).count_ones()) as usize
    }
}

impl<T> Index<PackageId> for PerPackage<T> {
    type Output = T;

    fn index(&self, package: PackageId) -> &T {
        &self.values[self.rank(package)]
    }
}

impl<T> IndexMut<PackageId> for PerPackage<T> {
    fn index_mut(&mut self, package: PackageId) -> &mut T {
        let rank = self.rank(package);
        &mut self.values[rank]
    }
}

#[cfg(test)]
mod tests;
