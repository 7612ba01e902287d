//! What an index holds: packages, what each needs, who needs it, directly or not.

use std::{fmt, vec};

use petgraph::Direction::{self, Incoming, Outgoing};

use super::PackageIndex;
use super::graph::PackageId;
use super::limits::{DEPENDENCY_BYTES, PACKAGE_BYTES};
use crate::name::NameRef;

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

    /// How much the state is, in bytes: 64 for each package, the bytes of its name, and 20 for each
    /// dependency. That is what it takes in memory, or somewhat more, when every vector and table is
    /// full; as those double when they grow, the memory in use may be up to twice as much. A function of
    /// the state alone. O(1).
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("a", [])?, Command::index("bc", ["a"])?];
    /// assert_eq!(PackageIndex::from_iter(commands).state_bytes(), (64 + 1) + (64 + 2) + 20);
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        PACKAGE_BYTES * self.len() + self.name_bytes + DEPENDENCY_BYTES * self.dependency_count()
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
        self.find(package.as_bytes()).is_some()
    }

    /// All packages by name. Linear in the packages, and a sort.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("b", [])?, Command::index("a", [])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.packages().map(|name| name.as_str()).eq(["a", "b"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn packages(&self) -> Names<'_> {
        let names: Vec<_> = self.by_name().into_iter().map(|id| self.graph.name(id)).collect();
        Names(names.into_iter())
    }

    /// What a package depends on, by name; `None` if it is not indexed. O(d log d) in the list.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("b", [])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.dependencies("a").unwrap().map(|name| name.as_str()).eq(["b"]));
    /// assert!(index.dependencies("c").is_none());
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn dependencies(&self, package: &str) -> Option<Names<'_>> {
        Some(self.names(self.graph.dependencies(self.find(package.as_bytes())?)))
    }

    /// Who depends on a package, by name, itself included if it does; `None` if it is not indexed.
    /// O(d log d) in the answer.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands = [Command::index("b", [])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.dependents("b").unwrap().map(|name| name.as_str()).eq(["a"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn dependents(&self, package: &str) -> Option<Names<'_>> {
        Some(self.names(self.graph.dependents(self.find(package.as_bytes())?)))
    }

    /// Everything that a package needs, directly or not, by name; itself among it only if it is on
    /// a cycle. `None` if it is not indexed. Linear in what is reached and a sort of it, and one bit
    /// for each of the packages to be cleared.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands =
    ///     [Command::index("c", [])?, Command::index("b", ["c"])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.transitive_dependencies("a").unwrap().map(|name| name.as_str()).eq(["b", "c"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn transitive_dependencies(&self, package: &str) -> Option<Names<'_>> {
        self.reachable(package, Outgoing)
    }

    /// Everything that needs a package, directly or not, by name; itself among it only if it is on
    /// a cycle. `None` if it is not indexed. Linear in what is reached and a sort of it, and one bit
    /// for each of the packages to be cleared.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let commands =
    ///     [Command::index("c", [])?, Command::index("b", ["c"])?, Command::index("a", ["b"])?];
    /// let index: PackageIndex = commands.into_iter().collect();
    /// assert!(index.transitive_dependents("c").unwrap().map(|name| name.as_str()).eq(["a", "b"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn transitive_dependents(&self, package: &str) -> Option<Names<'_>> {
        self.reachable(package, Incoming)
    }

    fn reachable(&self, package: &str, direction: Direction) -> Option<Names<'_>> {
        Some(
            self.names(self.graph.reachable(self.find(package.as_bytes())?, direction).into_iter()),
        )
    }

    pub(super) fn names(&self, packages: impl Iterator<Item = PackageId>) -> Names<'_> {
        let mut names: Vec<_> = packages.map(|package| self.graph.name(package)).collect();
        names.sort_unstable();
        Names(names.into_iter())
    }
}

/// Names in ascending order of their bytes, each once.
#[derive(Clone)]
pub struct Names<'a>(vec::IntoIter<NameRef<'a>>);

impl PartialEq for Names<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice() == other.0.as_slice()
    }
}

impl Eq for Names<'_> {}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.as_slice()).finish()
    }
}

impl<'a> Iterator for Names<'a> {
    type Item = NameRef<'a>;

    fn next(&mut self) -> Option<NameRef<'a>> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Names<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl ExactSizeIterator for Names<'_> {}
