//! What an index holds: packages, what each needs, who needs it, directly or not.

use std::{fmt, vec};

use petgraph::Direction::{self, Incoming, Outgoing};

use super::PackageIndex;
use super::cells::CELL_BYTES;
use super::graph::PackageId;
use super::limits::TABLE_BYTES;
use crate::name::Name;

impl PackageIndex {
    /// How many packages are indexed. O(1).
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let index: PackageIndex = [Command::index("a", [])?].into_iter().collect();
    /// assert_eq!(index.len(), 1);
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.package_count()
    }

    /// Whether no package is indexed. O(1).
    ///
    /// ```
    /// assert!(package_indexer::PackageIndex::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many dependencies all packages have together. O(1).
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("a", [])?, Command::index("b", ["a", "a"])?];
    /// assert_eq!(PackageIndex::from_iter(commands).dependency_count(), 1);
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn dependency_count(&self) -> usize {
        self.graph.dependency_count()
    }

    /// The size of the state, in bytes: a function of the state alone. A package counts 48, and 20 more for
    /// each 16 bytes (or part of them) of its name past 11. A dependency counts 20. O(1).
    ///
    /// A cell counts as the 20 bytes that it takes. The table takes 6 to 12 bytes a package, but 28 are
    /// counted. It needs room even beside cells that other packages or dependencies left free. So the index
    /// never [holds](Self::held_bytes) more than a quarter beyond the most that was ever counted, and a few
    /// KiB.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("a", [])?, Command::index("gir1.2-gtk-3.0", ["a"])?];
    /// assert_eq!(PackageIndex::from_iter(commands).state_bytes(), 48 + (48 + 20) + 20);
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        CELL_BYTES * self.graph.cell_count() + TABLE_BYTES * self.len()
    }

    /// The memory that it holds for packages and dependencies, in bytes, free parts included. Linear in it,
    /// 20 KiB at a time.
    ///
    /// ```
    /// # use package_indexer::PackageIndex;
    /// assert!(PackageIndex::new().held_bytes() < 1_000);
    /// ```
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.graph.held_bytes() + self.by_name.held_bytes() + self.emptied.held_bytes()
    }

    /// Whether a package is indexed. O(1).
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let index: PackageIndex = [Command::index("a", [])?].into_iter().collect();
    /// assert!(index.contains("a") && !index.contains("b"));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn contains(&self, package: &str) -> bool {
        self.find_text(package).is_some()
    }

    /// All packages by name. Linear in the packages, and a sort.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("b", [])?, Command::index("a", [])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.packages().eq(["a", "b"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn packages(&self) -> Names {
        let names: Vec<_> = self.by_name().into_iter().map(|id| self.graph.name(id)).collect();
        Names(names.into_iter())
    }

    /// What a package depends on, by name, or `None` if it is not indexed. O(d log d) in the list.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("b", [])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.dependencies("a").unwrap().eq(["b"]));
    /// assert!(index.dependencies("c").is_none());
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn dependencies(&self, package: &str) -> Option<Names> {
        Some(self.names(self.graph.dependencies(self.find_text(package)?)))
    }

    /// The packages that depend on a package, by name, itself included if it does. `None` if it is not
    /// indexed. O(d log d) in the answer.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("b", [])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.dependents("b").unwrap().eq(["a"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn dependents(&self, package: &str) -> Option<Names> {
        Some(self.names(self.graph.dependents(self.find_text(package)?)))
    }

    /// All that a package needs, directly or not, by name. It includes the package itself only if that is on
    /// a cycle. `None` if it is not indexed. Linear in what is reached, a sort of it, and one bit for each
    /// cell.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands =
    ///     [Command::index("c", [])?, Command::index("b", ["c"])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.transitive_dependencies("a").unwrap().eq(["b", "c"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn transitive_dependencies(&self, package: &str) -> Option<Names> {
        self.reachable(package, Outgoing)
    }

    /// All that needs a package, directly or not, by name. It includes the package itself only if that is on
    /// a cycle. `None` if it is not indexed. Linear in what is reached, a sort of it, and one bit for each
    /// cell.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands =
    ///     [Command::index("c", [])?, Command::index("b", ["c"])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.transitive_dependents("c").unwrap().eq(["a", "b"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn transitive_dependents(&self, package: &str) -> Option<Names> {
        self.reachable(package, Incoming)
    }

    fn reachable(&self, package: &str, direction: Direction) -> Option<Names> {
        Some(self.names(self.graph.reachable(self.find_text(package)?, direction).into_iter()))
    }

    pub(super) fn names(&self, packages: impl Iterator<Item = PackageId>) -> Names {
        let mut names: Vec<_> = packages.map(|package| self.graph.name(package)).collect();
        names.sort_unstable();
        Names(names.into_iter())
    }
}

/// Names in ascending order of their bytes, each once.
#[derive(Clone)]
pub struct Names(vec::IntoIter<Name>);

impl Names {
    /// The names that have not been taken yet.
    #[must_use]
    pub fn as_slice(&self) -> &[Name] {
        self.0.as_slice()
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice() == other.0.as_slice()
    }
}

impl Eq for Names {}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.as_slice()).finish()
    }
}

impl Iterator for Names {
    type Item = Name;

    fn next(&mut self) -> Option<Name> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Names {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl ExactSizeIterator for Names {}
