//! What an index looks like from outside: its entries, commands that rebuild it, a picture, a
//! digest. All of it depends on the state alone.

use std::fmt;

use super::rows::Rows;
use super::{Names, PackageIndex};
use crate::bug::{Bug, planted};
use crate::command::Command;
use crate::name::{Name, NameRef};

impl PackageIndex {
    /// Every package by name, with what it depends on. O(n log n).
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let index = PackageIndex::from_iter([Command::index("a", [])?, Command::index("b", ["a"])?]);
    /// let lists: Vec<usize> = index.entries().map(|(_, dependencies)| dependencies.len()).collect();
    /// assert_eq!(lists, [0, 1]);
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    pub fn entries(&self) -> impl Iterator<Item = (NameRef<'_>, Names<'_>)> {
        let packages = if planted(Bug::HistoryShows) {
            self.graph.packages().collect()
        } else {
            self.by_name()
        };
        let entry = |id| (self.graph.name(id), self.names(self.graph.dependencies(id)));
        packages.into_iter().map(entry)
    }

    /// INDEX commands that turn an empty index into one equal to this, each answered OK.
    ///
    /// One command a package, in installation order; a package that needs itself, and the members
    /// of a cycle, are first indexed without what closes the cycle and then in full. The cost is
    /// that of [`installation_order`](Self::installation_order).
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let index = PackageIndex::from_iter([
    ///     Command::index("hen", [])?,
    ///     Command::index("egg", ["hen"])?,
    ///     Command::index("hen", ["egg"])?,
    /// ]);
    /// let commands = index.to_commands();
    /// let printed: Vec<String> = commands.iter().map(ToString::to_string).collect();
    /// assert_eq!(printed, ["INDEX|egg|", "INDEX|hen|", "INDEX|egg|hen", "INDEX|hen|egg"]);
    /// assert_eq!(PackageIndex::from_iter(commands), index);
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn to_commands(&self) -> Vec<Command> {
        let (packages, rows) = self.numbered();
        commands(&rows, &rows.steps(), |number| {
            self.graph.name(packages[number as usize]).to_name()
        })
    }

    /// The index as a Graphviz graph, an arrow from each package to each of its dependencies.
    /// O(n log n).
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let index = PackageIndex::from_iter([Command::index("a", [])?, Command::index("b", ["a"])?]);
    /// assert_eq!(
    ///     index.dot().to_string(),
    ///     "digraph packages {\n  \"a\";\n  \"b\";\n  \"b\" -> \"a\";\n}\n",
    /// );
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn dot(&self) -> Dot<'_> {
        Dot(self)
    }

    /// A digest of the state: equal for equal indices, on every run and platform. O(n log n).
    ///
    /// It is FNV-1a with 128 bits over the text that lists every package by name as
    /// `package|dependency,dependency`, dependencies by name, or as `package` if it has none, with
    /// an LF after each. It notices accidents, not malice: whoever chooses the names can find two
    /// indices with one digest.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let [a, b] = [Command::index("a", [])?, Command::index("b", [])?];
    /// let one = PackageIndex::from_iter([a.clone(), b.clone()]);
    /// let other = PackageIndex::from_iter([b, a]);
    /// assert_eq!(one.digest(), other.digest());
    /// assert_eq!(
    ///     PackageIndex::new().digest().to_string(),
    ///     "6c62272e07bb014262b821756295c58d",
    /// );
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = Digest::EMPTY;
        for (package, dependencies) in self.entries() {
            digest.add(package.as_str());
            let mut separator = "|";
            for dependency in dependencies {
                digest.add(separator);
                digest.add(dependency.as_str());
                separator = ",";
            }
            digest.add("\n");
        }
        digest
    }
}

/// The commands of [`PackageIndex::to_commands`] for packages that are known by number: what each
/// depends on, the [steps](Rows::steps) of that, and their names.
pub(crate) fn commands(rows: &Rows, steps: &Rows, name: impl Fn(u32) -> Name) -> Vec<Command> {
    let index = |package: u32, list: &mut dyn Iterator<Item = u32>| Command::Index {
        package: name(package),
        dependencies: list.map(&name).collect(),
    };
    let mut commands = Vec::with_capacity(steps.number_count());
    let mut in_full = Vec::new();
    for step in steps.iter() {
        let together = |dependency: &u32| step.binary_search(dependency).is_ok();
        for &package in step {
            let list = rows.row(package);
            if list.iter().any(together) {
                in_full.push(index(package, &mut list.iter().copied()));
            }
            let before = &mut list.iter().copied().filter(|dependency| !together(dependency));
            commands.push(index(package, before));
        }
        if !planted(Bug::CyclesStayOpen) {
            commands.append(&mut in_full);
        }
    }
    commands
}

/// A [`PackageIndex`] printed in Graphviz's language; see [`PackageIndex::dot`].
#[derive(Debug)]
pub struct Dot<'a>(&'a PackageIndex);

impl fmt::Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No name needs escaping: neither a quote nor a backslash may stand in one.
        writeln!(f, "digraph packages {{")?;
        for (package, dependencies) in self.0.entries() {
            writeln!(f, "  \"{package}\";")?;
            for dependency in dependencies {
                writeln!(f, "  \"{package}\" -> \"{dependency}\";")?;
            }
        }
        f.write_str("}\n")
    }
}

/// A digest of an index, printed as 32 hexadecimal digits; see [`PackageIndex::digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u128);

impl Digest {
    /// FNV's offset basis for 128 bits (draft-eastlake-fnv, section 5).
    const EMPTY: Self = Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    /// FNV's prime for 128 bits, 2^88 + 2^8 + 0x3b.
    const PRIME: u128 = (1 << 88) + (1 << 8) + 0x3b;

    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_fnv_1a_with_128_bits() {
        // The vectors of FNV's reference page for "" and "a".
        let mut digest = Digest::EMPTY;
        digest.add("a");
        assert_eq!(digest.to_string(), "d228cb696f1a8caf78912b704e4a8964");
    }

    #[test]
    fn the_digest_is_of_the_text_that_its_documentation_says() {
        let with_list = |list: [&str; 2]| {
            let alone = ["a", "ab", "bc", "c"].map(|name| Command::index(name, []).unwrap());
            let index = alone.into_iter().chain([Command::index("p", list).unwrap()]);
            index.collect::<PackageIndex>().digest()
        };
        // FNV-1a of "a\nab\nbc\nc\np|a,bc\n", by another program.
        assert_eq!(with_list(["bc", "a"]).to_string(), "27d804e14d7f0f40944eabd974241a2b");
        assert_ne!(with_list(["ab", "c"]), with_list(["a", "bc"]));
    }
}
