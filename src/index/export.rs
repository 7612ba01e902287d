//! What an index looks like from outside: entries, commands that rebuild it, a picture, a digest. All of it
//! depends on the state alone.

use std::fmt;

use super::graph::{DependencyGraph, Text};
use super::rows::Rows;
use super::{Names, PackageIndex};
use crate::bug::{Bug, planted};
use crate::command::Command;
use crate::name::Name;

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
    pub fn entries(&self) -> impl Iterator<Item = (Name, Names)> {
        let packages = if planted(Bug::HistoryShows) {
            self.graph.packages().collect()
        } else {
            self.by_name()
        };
        let entry = |id| (self.graph.name(id), self.names(self.graph.dependencies(id)));
        packages.into_iter().map(entry)
    }

    /// INDEX commands that turn an empty index into one equal to this. Each is answered OK.
    ///
    /// There is one command for each package, in installation order. A package that needs itself, and the
    /// members of a cycle, come twice: first without what closes the cycle, then in full. Costs as much as
    /// [`installation_order`](Self::installation_order).
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
        let name = |number: u32| self.graph.name(packages[number as usize]);
        let mut steps = rows.steps();
        let mut commands = Vec::with_capacity(rows.len());
        while let Some(step) = steps.take_step() {
            commands_of(&rows, step, |package, list| {
                let dependencies = list.map(name).collect();
                commands.push(Command::Index { package: name(package), dependencies });
            });
        }
        commands
    }

    /// The index as a Graphviz graph, with an arrow from each package to each of its dependencies. O(n log
    /// n).
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

    /// A digest of the state: equal for equal indices, on every run and platform. Linear, and a sort of
    /// each list.
    ///
    /// It is a sum over all packages, modulo 2^128. Every package adds the digest of its line:
    /// `package|dependency,dependency` and an LF, dependencies by name. That digest is FNV-1a with 128 bits,
    /// and then mixed.
    ///
    /// FNV alone would not do. There the last bytes of a line are almost added, so that the differences of
    /// two lines could cancel in the sum. The mix is, in this order:
    ///
    /// 1. `x ^= x >> 64`;
    /// 2. a product with the first 128 bits of the golden ratio's fraction;
    /// 3. the same two steps, with the first 128 bits of pi's fraction plus 1;
    /// 4. `x ^= x >> 64`.
    ///
    /// A sum needs no order, so nobody has to sort all packages for it. It notices accidents, not malice: a
    /// client that chooses the names can find two indices with one digest.
    ///
    /// ```
    /// # use package_indexer::{Command, PackageIndex};
    /// let [a, b] = [Command::index("a", [])?, Command::index("b", [])?];
    /// let one = PackageIndex::from_iter([a.clone(), b.clone()]);
    /// let other = PackageIndex::from_iter([b, a.clone()]);
    /// assert_eq!(one.digest(), other.digest());
    /// assert_eq!(
    ///     PackageIndex::from_iter([a]).digest().to_string(),
    ///     "4ac5fb81c83b5bd09ec5a8dc2846af88",
    /// );
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.graph)
    }
}

/// Passes the commands of a step on, each as a package and its list, for packages that are known by number.
pub(crate) fn commands_of(
    rows: &Rows,
    step: &[u32],
    mut command: impl FnMut(u32, &mut dyn Iterator<Item = u32>),
) {
    let together = |dependency: &u32| step.binary_search(dependency).is_ok();
    for &package in step {
        let list = rows.row(package).iter().copied();
        command(package, &mut list.filter(|dependency| !together(dependency)));
    }
    for &package in step {
        let list = rows.row(package);
        if list.iter().any(together) {
            command(package, &mut list.iter().copied());
        }
    }
}

/// A [`PackageIndex`] printed in Graphviz's language; see [`PackageIndex::dot`].
#[derive(Debug)]
pub struct Dot<'a>(&'a PackageIndex);

impl fmt::Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No name needs escaping: none has a quote or a backslash.
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
    /// The digest of what a graph holds.
    pub(super) fn of(graph: &DependencyGraph) -> Self {
        let mut sum = 0_u128;
        let mut text = Text::new();
        let mut names = Vec::new();
        for package in graph.packages() {
            let mut line = Line::EMPTY;
            line.add(graph.read_name(package, &mut text).as_bytes());
            line.add(b"|");
            names.extend(graph.dependencies(package).map(|dependency| graph.name(dependency)));
            names.sort_unstable();
            for (position, name) in names.drain(..).enumerate() {
                line.add(if position > 0 { b"," } else { b"" });
                line.add(name.borrowed().as_bytes());
            }
            line.add(b"\n");
            sum = sum.wrapping_add(line.mixed());
        }
        Self(sum)
    }
}

/// FNV-1a with 128 bits of a line, as far as it has been read.
struct Line(u128);

impl Line {
    /// FNV's offset basis for 128 bits (draft-eastlake-fnv, section 5).
    const EMPTY: Self = Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    /// FNV's prime for 128 bits, 2^88 + 2^8 + 0x3b.
    const PRIME: u128 = (1 << 88) + (1 << 8) + 0x3b;
    /// The first 128 bits of the golden ratio's fraction.
    const PHI: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    /// Those of pi's fraction, made odd.
    const PI: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7345;

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }

    /// The same number for the same line. Every bit depends on every byte.
    fn mixed(&self) -> u128 {
        let round = |x: u128, factor| (x ^ x >> 64).wrapping_mul(factor);
        let x = round(round(self.0, Self::PHI), Self::PI);
        x ^ x >> 64
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
    fn a_line_is_digested_by_fnv_1a_with_128_bits() {
        // The vectors for "" and "a" on FNV's reference page.
        let mut line = Line::EMPTY;
        line.add(b"a");
        assert_eq!(line.0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn the_digest_is_of_the_text_that_its_documentation_says() {
        let with_list = |list: [&str; 2]| {
            let alone = ["a", "ab", "bc", "c"].map(|name| Command::index(name, []).unwrap());
            let index = alone.into_iter().chain([Command::index("p", list).unwrap()]);
            index.collect::<PackageIndex>().digest()
        };
        // Calculated by another program from the lines "a|", "ab|", "bc|", "c|" and "p|a,bc".
        assert_eq!(with_list(["bc", "a"]).to_string(), "676f55704a797c376c3fde66f09a8cd4");
        assert_ne!(with_list(["ab", "c"]), with_list(["a", "bc"]));
        assert_eq!(PackageIndex::new().digest().to_string(), "0".repeat(32));
        let two = ["INDEX|a|", "INDEX|b|a"].map(|line| line.parse::<Command>().unwrap());
        let two = PackageIndex::from_iter(two);
        assert_eq!(two.digest().to_string(), "b440343ff199d4a99eda1d1b25cfb213");
    }

    #[test]
    fn lists_that_are_exchanged_change_the_digest() {
        // With FNV alone the sums would be equal: its last step is a product, and so almost a sum.
        let names: Vec<String> =
            (b'a'..=b'h').map(|letter| char::from(letter).to_string()).collect();
        let mut digests = std::collections::BTreeSet::new();
        for p in &names {
            for q in &names {
                let mut index = PackageIndex::new();
                index.extend(names.iter().map(|name| Command::index(name, []).unwrap()));
                index.extend([Command::index("p", [p.as_str()]).unwrap()]);
                index.extend([Command::index("q", [q.as_str()]).unwrap()]);
                digests.insert(index.digest());
            }
        }
        assert_eq!(digests.len(), names.len() * names.len());
    }
}
