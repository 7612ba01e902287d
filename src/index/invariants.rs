//! What must hold after every command, checked in full. It is for tests, fuzzing and doubt, not for every
//! day.

use super::PackageIndex;
use super::graph::GraphFault;
use crate::name::Name;

/// How a [`PackageIndex`] contradicts itself. That is a bug in this crate, never a client's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvariantViolation {
    /// The graph is out of order.
    #[error("the graph is out of order: {0}")]
    Graph(String),
    /// A package is in the graph, but is not found by its name.
    #[error("{package} is in the graph and cannot be found by its name")]
    NotFound {
        /// The package.
        package: Name,
    },
    /// The table of names and the graph hold different numbers of packages.
    #[error("{in_table} names are in the table, {in_graph} packages in the graph")]
    NotOneToOne {
        /// Entries of the table of names.
        in_table: usize,
        /// Packages in the graph.
        in_graph: usize,
    },
    /// The index holds more than the limits allow.
    #[error("{held} {what} are held, past the limit of {limit}")]
    PastLimit {
        /// Packages, dependencies, or something else that is limited.
        what: &'static str,
        /// How many the index holds.
        held: usize,
        /// How many it may hold.
        limit: usize,
    },
}

impl From<GraphFault> for InvariantViolation {
    fn from(fault: GraphFault) -> Self {
        Self::Graph(fault.to_string())
    }
}

impl PackageIndex {
    /// Checks that the index is sound. Linear in the index. These must hold:
    ///
    /// - every dependency of an indexed package is indexed;
    /// - names and packages match one to one;
    /// - no dependency is held twice;
    /// - nothing is left of removed packages;
    /// - the counts are right, and the limits are kept.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let mut index = PackageIndex::new();
    /// index.apply(&Command::index("a", [])?)?;
    /// index.check_invariants()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first [`InvariantViolation`] found.
    pub fn check_invariants(&self) -> Result<(), InvariantViolation> {
        self.graph.check()?;
        let (in_table, in_graph) = (self.by_name.len(), self.len());
        if in_table != in_graph {
            return Err(InvariantViolation::NotOneToOne { in_table, in_graph });
        }
        let mut longest_list = 0;
        for id in self.graph.packages() {
            let name = self.graph.name(id);
            longest_list = longest_list.max(self.graph.dependencies(id).count());
            if self.find(name.borrowed()) != Some(id) {
                return Err(InvariantViolation::NotFound { package: name });
            }
        }
        let limits = &self.limits;
        for (what, held, limit) in [
            ("packages", self.len(), limits.max_packages),
            ("dependencies", self.dependency_count(), limits.max_dependencies),
            ("dependencies of one package", longest_list, limits.max_dependencies_per_package),
            ("bytes of state", self.state_bytes(), limits.max_state_bytes),
        ] {
            if held > limit {
                return Err(InvariantViolation::PastLimit { what, held, limit });
            }
        }
        Ok(())
    }
}
