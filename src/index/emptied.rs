//! The memory of an index that has been emptied, which is given back a bounded part at a time.
//!
//! To free all of it at once would hold the index for a tenth of a second after millions of packages.
//! Instead, each later change frees a part. That part is more than the change can take, so memory never grows
//! past what was held.

use super::graph::DependencyGraph;
use super::table::Table;

/// How many pages of the graph, or tables, one change gives back. Each has 20 KiB at most.
const AT_ONCE: usize = 64;

/// What has been emptied and not given back yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Emptied(Vec<(DependencyGraph, Table)>);

impl Emptied {
    /// Takes a graph and a table that are no longer used.
    pub(super) fn push(&mut self, graph: DependencyGraph, by_name: Table) {
        self.0.push((graph, by_name));
    }

    /// Gives a part back, if there is any. O([`AT_ONCE`]).
    #[inline]
    pub(super) fn give_some_back(&mut self) {
        if !self.0.is_empty() {
            self.give_back();
        }
    }

    #[cold]
    fn give_back(&mut self) {
        if let Some((graph, by_name)) = self.0.last_mut()
            && !graph.give_back(AT_ONCE)
            && !by_name.give_back(AT_ONCE)
        {
            self.0.pop();
        }
    }

    /// The memory that is still held, in bytes. Linear in the pages and tables.
    pub(super) fn held_bytes(&self) -> usize {
        self.0.iter().map(|(graph, by_name)| graph.held_bytes() + by_name.held_bytes()).sum()
    }
}

/// A copy of an index has nothing to give back.
impl Clone for Emptied {
    fn clone(&self) -> Self {
        Self::default()
    }
}
