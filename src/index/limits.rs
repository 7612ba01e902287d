//! How much an index may hold, and what is said when a command would pass that.

use super::PackageIndex;
use super::graph::PackageId;
use crate::bug::{Bug, planted};
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
    /// The most packages. At most, and unless chosen, [`Limits::CEILING`].
    pub max_packages: usize,
    /// The most dependencies of all packages together. At most, and unless chosen,
    /// [`Limits::CEILING`].
    pub max_dependencies: usize,
    /// The most dependencies of one package, each name counted once. At most, and unless chosen,
    /// [`Limits::CEILING`].
    pub max_dependencies_per_package: usize,
    /// The most [`PackageIndex::state_bytes`]; `usize::MAX`, which is no limit, unless chosen.
    pub max_state_bytes: usize,
}

impl Limits {
    /// 2,147,483,647: half of what the graph's 32-bit indices can tell apart, because in the worst
    /// case each dependency needs a vertex of its own beside those of the packages.
    pub const CEILING: usize = i32::MAX as usize;

    pub(super) fn capped(self) -> Self {
        Self {
            max_packages: self.max_packages.min(Self::CEILING),
            max_dependencies: self.max_dependencies.min(Self::CEILING),
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
            max_state_bytes: usize::MAX,
        }
    }
}

/// What a package counts for in [`PackageIndex::state_bytes`], beside its name.
pub(super) const PACKAGE_BYTES: usize = 64;

/// What a dependency counts for in [`PackageIndex::state_bytes`].
pub(super) const DEPENDENCY_BYTES: usize = 20;

/// The limit that a command would have passed. The index has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// One more package than may be indexed.
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
    /// Whether the index may hold `self.list` as the list of a package; `indexed` is where that is,
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
        let full = self.len() >= limits.max_packages && !planted(Bug::LimitIsIgnored);
        if indexed.is_none() && full {
            return Err(LimitError::Packages { limit: limits.max_packages });
        }
        let package_bytes = match indexed {
            None => PACKAGE_BYTES + package.as_str().len(),
            Some(_) => 0,
        };
        let dependencies = self.dependency_count() + self.list.len();
        let bytes = self.state_bytes() + package_bytes + DEPENDENCY_BYTES * self.list.len();
        if dependencies <= limits.max_dependencies && bytes <= limits.max_state_bytes {
            return Ok(());
        }
        // Only now, because it is walked: what the list will replace.
        let old = indexed.map_or(0, |package| self.graph.dependencies(package).count());
        let (limit, wanted) = (limits.max_dependencies, dependencies - old);
        if wanted > limit {
            return Err(LimitError::Dependencies { limit, wanted });
        }
        let (limit, wanted) = (limits.max_state_bytes, bytes - DEPENDENCY_BYTES * old);
        if wanted > limit {
            return Err(LimitError::StateBytes { limit, wanted });
        }
        Ok(())
    }
}
