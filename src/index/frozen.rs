//! An index as it was at one moment, for readers that take longer than others can wait.

use super::PackageIndex;
use super::export::Digest;
use super::graph::DependencyGraph;
use crate::name::Name;

/// What a [`PackageIndex`] held at one moment. Later changes of the index do not show.
///
/// It shares the memory of the index. While it exists, the index copies what it is about to change, 20 KiB at
/// a time.
#[derive(Debug, Clone)]
pub struct FrozenIndex(DependencyGraph);

impl PackageIndex {
    /// What the index holds at this moment. Copies only a pointer for each 20 KiB: less than two milliseconds
    /// for millions of packages.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let mut index = PackageIndex::from_iter([Command::index("a", [])?]);
    /// let frozen = index.freeze();
    /// index.extend([Command::index("b", ["a"])?]);
    /// assert_eq!((frozen.len(), index.len()), (1, 2));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn freeze(&mut self) -> FrozenIndex {
        FrozenIndex(self.graph.share())
    }
}

impl FrozenIndex {
    /// How many packages were indexed. O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.package_count()
    }

    /// Whether no package was indexed. O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The [digest](PackageIndex::digest) of what was indexed. Linear, and a sort of each list.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// Every package and what it depends on, by name. The packages have no particular order, but always the
    /// same. O(d log d) in each list.
    pub fn entries(&self) -> impl Iterator<Item = (Name, Vec<Name>)> {
        self.0.packages().map(|package| {
            let mut list: Vec<_> = self.0.dependencies(package).map(|id| self.0.name(id)).collect();
            list.sort_unstable();
            (self.0.name(package), list)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    fn index(lines: &[&str]) -> PackageIndex {
        lines.iter().map(|line| line.parse::<Command>().unwrap()).collect()
    }

    #[test]
    fn what_is_frozen_stays_while_the_index_goes_on() {
        let lines = ["INDEX|a|", "INDEX|b|a", "INDEX|c|b,a", "INDEX|a|c,a"];
        let mut going_on = index(&lines);
        let frozen = going_on.freeze();
        let before = index(&lines);
        for line in ["INDEX|a|", "REMOVE|c|", "INDEX|d|a", "INDEX|b|d", "REMOVE|nothing|"] {
            going_on.extend([line.parse::<Command>().unwrap()]);
            assert_eq!(going_on.check_invariants(), Ok(()));
        }
        assert_eq!((frozen.len(), frozen.is_empty()), (3, false));
        assert_eq!(frozen.digest(), before.digest());
        assert_ne!(frozen.digest(), going_on.digest());
        let mut entries: Vec<_> = frozen.entries().collect();
        entries.sort();
        assert!(
            entries.into_iter().eq(before.entries().map(|(name, list)| (name, list.collect())))
        );
        // The copy outlives the index, and the index the copy.
        let digest = going_on.digest();
        drop(frozen);
        assert_eq!((going_on.digest(), going_on.check_invariants()), (digest, Ok(())));
    }
}
