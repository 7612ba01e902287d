//! How much an index may hold, and the error of a command that would pass that.

use super::PackageIndex;
use super::cells::{CELL_BYTES, MAX_CELLS};
use super::graph::{PackageId, cells_of_name};
use crate::name::NameRef;

/// How much a [`PackageIndex`] may hold. A command that would pass a limit is answered with a
/// [`LimitError`].
///
/// ```
/// use package_indexer::{Command, PackageIndex, index::{LimitError, Limits}};
///
/// let limits = Limits { max_packages: 1, ..Limits::default() };
/// let mut index = PackageIndex::with_limits(limits);
/// index.apply(&Command::index("a", [])?)?;
/// assert_eq!(
///     index.apply(&Command::index("b", [])?),
///     Err(LimitError::Packages { limit: 1 }),
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most packages: by default, and at most, [`Limits::CEILING`].
    pub max_packages: usize,
    /// The most dependencies of all packages together: by default, and at most, [`Limits::CEILING`].
    pub max_dependencies: usize,
    /// The most dependencies of one package, each name counted once: by default, and at most,
    /// [`Limits::CEILING`].
    pub max_dependencies_per_package: usize,
    /// The most [`PackageIndex::state_bytes`]: by default, and at most, [`Limits::MOST_STATE_BYTES`].
    pub max_state_bytes: usize,
}

impl Limits {
    /// 2,147,483,647: half of what the 32-bit ids of the graph can tell apart. [`Limits::MOST_STATE_BYTES`]
    /// bounds packages and dependencies together.
    pub const CEILING: usize = i32::MAX as usize;

    /// 85,312,143,340: the bytes of as many cells as 32-bit ids can tell apart. It bounds the cells in use,
    /// because each of them counts with at least its bytes.
    pub const MOST_STATE_BYTES: usize = CELL_BYTES.saturating_mul(MAX_CELLS);

    pub(super) fn capped(self) -> Self {
        Self {
            max_packages: self.max_packages.min(Self::CEILING),
            max_dependencies: self.max_dependencies.min(Self::CEILING),
            max_state_bytes: self.max_state_bytes.min(Self::MOST_STATE_BYTES),
            ..self
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_packages: Self::CEILING,
            max_dependencies: Self::CEILING,
            max_dependencies_per_package: Self::CEILING,
            max_state_bytes: Self::MOST_STATE_BYTES,
        }
    }
}

/// What a package adds to [`PackageIndex::state_bytes`] beside its cells, for its place in the table.
///
/// A table of hashbrown's takes 5 bytes a bucket, and is at least 7/16 full after a split: 11.5 bytes a
/// package at most. To count just these would not do. Fill an index with dependencies alone, and then, in the
/// cells that they left free, with packages alone. It holds 1 + 11.5 / (20 + 11.5) = 1.37 times what it ever
/// counted. With 28 it holds 1 + 11.5 / (20 + 28) = 1.24 times that.
pub(super) const TABLE_BYTES: usize = 28;

/// The limit that a command would have passed. The index has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// More packages than may be indexed.
    #[error("the index is full: at most {limit} packages")]
    Packages {
        /// [`Limits::max_packages`].
        limit: usize,
    },
    /// More dependencies than may be kept.
    #[error("the index is full: at most {limit} dependencies of all packages, {wanted} wanted")]
    Dependencies {
        /// [`Limits::max_dependencies`].
        limit: usize,
        /// How many there would have been.
        wanted: usize,
    },
    /// More dependencies than one package may have.
    #[error("at most {limit} dependencies of one package, {wanted} wanted")]
    DependenciesPerPackage {
        /// [`Limits::max_dependencies_per_package`].
        limit: usize,
        /// How many different names the list has.
        wanted: usize,
    },
    /// More bytes than the state may have.
    #[error("the index is full: at most {limit} bytes of state, {wanted} wanted")]
    StateBytes {
        /// [`Limits::max_state_bytes`].
        limit: usize,
        /// How many there would have been.
        wanted: usize,
    },
}

impl PackageIndex {
    /// Whether the index may hold `self.list` as the list of a package. `indexed` is the id of that package,
    /// if it is not new.
    pub(super) fn check_limits(
        &self,
        package: NameRef<'_>,
        indexed: Option<PackageId>,
    ) -> Result<(), LimitError> {
        let limits = &self.limits;
        let (limit, wanted) = (limits.max_dependencies_per_package, self.list.len());
        if wanted > limit {
            return Err(LimitError::DependenciesPerPackage { limit, wanted });
        }
        if indexed.is_none() && self.len() >= limits.max_packages {
            return Err(LimitError::Packages { limit: limits.max_packages });
        }
        let package_bytes = match indexed {
            None => CELL_BYTES * cells_of_name(package.as_bytes().len()) + TABLE_BYTES,
            Some(_) => 0,
        };
        let dependencies = self.dependency_count() + self.list.len();
        let bytes = self.state_bytes() + package_bytes + CELL_BYTES * self.list.len();
        if dependencies <= limits.max_dependencies && bytes <= limits.max_state_bytes {
            return Ok(());
        }
        // Only now, because this walks the old list that is to be replaced.
        let old = indexed.map_or(0, |package| self.graph.dependencies(package).count());
        let (limit, wanted) = (limits.max_dependencies, dependencies - old);
        if wanted > limit {
            return Err(LimitError::Dependencies { limit, wanted });
        }
        let (limit, wanted) = (limits.max_state_bytes, bytes - CELL_BYTES * old);
        if wanted > limit {
            return Err(LimitError::StateBytes { limit, wanted });
        }
        Ok(())
    }
}
