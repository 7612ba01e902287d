//! A few packages: all that can be said about them, and every state that they can have, as bits.
//!
//! Names do not matter where only the dependencies count. So one state stands for all that differ from it by
//! names alone: [`Scope::canonical`] returns it. The module `count` calculates separately how many there
//! should be.

mod count;
#[cfg(test)]
mod explore;

use std::fmt;

use crate::command::Command;
use crate::index::PackageIndex;
use crate::model::Model;

/// The most packages of a [`Scope`].
pub const MAX_PACKAGES: usize = 5;

/// The names of the packages of a scope, from the first on.
const NAMES: [&str; MAX_PACKAGES] = ["a", "b", "c", "d", "e"];

/// The rows of a state: a list for each package, and the packages that are indexed.
const ROWS: usize = MAX_PACKAGES + 1;

/// How many sets of packages there are. Each is a row of a state.
const SETS: usize = 1 << MAX_PACKAGES;

/// Which of the packages of a [`Scope`] are indexed, and what each depends on.
///
/// ```
/// use package_indexer::testing::scope::SmallState;
/// use package_indexer::{Command, PackageIndex};
///
/// let index = PackageIndex::from_iter([Command::index("b", [])?, Command::index("a", ["b"])?]);
/// assert_eq!(format!("{:?}", SmallState::of_index(&index)), "{a: [b], b: []}");
/// # Ok::<(), package_indexer::NameError>(())
/// ```
// Six rows of five bits, the lowest bit for `a`: the list of `a`, of `b`, and so on, and what is indexed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SmallState(u32);

impl SmallState {
    /// What an index holds.
    ///
    /// # Panics
    /// If it holds a package that no scope has.
    #[must_use]
    pub fn of_index(index: &PackageIndex) -> Self {
        let entries = index.entries();
        Self::of(entries)
    }

    /// What a model holds.
    ///
    /// # Panics
    /// If it holds a package that no scope has.
    #[must_use]
    pub fn of_model(model: &Model) -> Self {
        let entries = model.packages().iter();
        Self::of(entries.map(|(package, list)| (package, list.iter())))
    }

    fn of<N: AsRef<str>>(entries: impl Iterator<Item = (N, impl Iterator<Item = N>)>) -> Self {
        let number = |name: N| match name.as_ref().as_bytes() {
            [letter @ b'a'..=b'e'] => usize::from(letter - b'a'),
            _ => panic!("{} is none of {NAMES:?}", name.as_ref()),
        };
        let mut bits = 0;
        for (package, list) in entries {
            let package = number(package);
            bits |= placed(MAX_PACKAGES, 1 << package);
            for dependency in list {
                bits |= placed(package, 1 << number(dependency));
            }
        }
        Self(bits)
    }

    fn row(self, row: usize) -> usize {
        (self.0 >> (row * MAX_PACKAGES)) as usize % SETS
    }
}

/// The bits of a set at the place of a row.
fn placed(row: usize, set: u32) -> u32 {
    set << (row * MAX_PACKAGES)
}

/// The packages of a set, by number.
fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..MAX_PACKAGES).filter(move |package| set >> package & 1 == 1)
}

impl fmt::Debug for SmallState {
    /// As a map from names to lists.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |package| {
            let names: Vec<_> = members(self.row(package)).map(|number| NAMES[number]).collect();
            format!("[{}]", names.join(", "))
        };
        let entries =
            members(self.row(MAX_PACKAGES)).map(|package| (NAMES[package], list(package)));
        f.write_str("{")?;
        for (position, (package, list)) in entries.enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}{package}: {list}")?;
        }
        f.write_str("}")
    }
}

/// The first few packages of the alphabet.
#[derive(Debug, Clone)]
pub struct Scope {
    packages: usize,
    /// For each row, and each set of packages in it, its bits under each renaming.
    renamed: Vec<Vec<u32>>,
}

impl Scope {
    /// A scope of that many packages, or `None` if they are more than [`MAX_PACKAGES`].
    #[must_use]
    pub fn new(packages: usize) -> Option<Self> {
        if packages > MAX_PACKAGES {
            return None;
        }
        let renamings = renamings(packages);
        let rename = |set, to: &Vec<usize>| {
            members(set).filter_map(|from| to.get(from)).fold(0, |set, to| set | 1 << to)
        };
        let renamed = (0..ROWS).flat_map(|row| (0..SETS).map(move |set| (row, set)));
        let renamed = renamed.map(|(row, set)| {
            let to_row = |to: &Vec<usize>| to.get(row).copied().unwrap_or(row);
            renamings.iter().map(|to| placed(to_row(to), rename(set, to))).collect()
        });
        Some(Self { packages, renamed: renamed.collect() })
    }

    /// Every command: for each package INDEX with each set of dependencies, REMOVE and QUERY.
    ///
    /// # Panics
    /// If a letter were not a name, which would be a bug.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        let named = |number: usize| NAMES[number].parse().unwrap_or_else(|error| panic!("{error}"));
        let about = |package| {
            let index = (0..1 << self.packages).map(move |set| Command::Index {
                package: named(package),
                dependencies: members(set).map(named).collect(),
            });
            let (remove, query) = (named(package), named(package));
            index.chain([Command::Remove { package: remove }, Command::Query { package: query }])
        };
        (0..self.packages).flat_map(about).collect()
    }

    /// The least state that renaming can make of a state. Two states have the same one exactly if they differ
    /// by names alone. Takes a few dozen nanoseconds.
    ///
    /// ```
    /// use package_indexer::testing::{explore, scope::{Scope, SmallState}};
    /// use package_indexer::{Model, PackageIndex};
    ///
    /// let scope = Scope::new(2).unwrap();
    /// let projections = (SmallState::of_index, SmallState::of_model);
    /// let modulo_renaming = |_: &PackageIndex, state| scope.canonical(state);
    /// let mut states = 0;
    /// let explored = explore::run_by_key(
    ///     &scope.commands(),
    ///     (PackageIndex::new(), Model::default()),
    ///     projections,
    ///     modulo_renaming,
    ///     |state| states += scope.orbit(*state),
    /// )?;
    /// assert_eq!((explored.states, states), (13, 21));
    /// # Ok::<(), package_indexer::testing::lockstep::Divergence<package_indexer::Command>>(())
    /// ```
    #[must_use]
    pub fn canonical(&self, state: SmallState) -> SmallState {
        self.renamings_of(state).min().unwrap_or(state)
    }

    /// How many states renaming can make of a state, itself included.
    #[must_use]
    pub fn orbit(&self, state: SmallState) -> usize {
        // Each of them occurs equally often, by the orbit-stabilizer theorem.
        let (all, same) = (self.renamings_of(state), self.renamings_of(state));
        all.count() / same.filter(|renamed| *renamed == state).count()
    }

    /// What each renaming makes of a state.
    fn renamings_of(&self, state: SmallState) -> impl Iterator<Item = SmallState> {
        let rows: [&[u32]; ROWS] =
            std::array::from_fn(|row| self.renamed[row * SETS + state.row(row)].as_slice());
        let under = move |renaming| rows.iter().fold(0, |bits, row| bits | row[renaming]);
        (0..rows[0].len()).map(move |renaming| SmallState(under(renaming)))
    }
}

/// All ways to rename some packages among themselves, each as the new place of every package.
fn renamings(packages: usize) -> Vec<Vec<usize>> {
    (0..packages).fold(vec![Vec::new()], |shorter, next| {
        let insert = |renaming: &Vec<usize>, at| {
            let mut longer = renaming.clone();
            longer.insert(at, next);
            longer
        };
        let longer = shorter.iter();
        longer.flat_map(|renaming| (0..=next).map(move |at| insert(renaming, at))).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn state(lines: &[&str]) -> SmallState {
        SmallState::of_index(&lines.iter().map(|line| line.parse::<Command>().unwrap()).collect())
    }

    #[test]
    fn a_state_prints_as_what_it_says() {
        assert_eq!(format!("{:?}", state(&[])), "{}");
        let full = state(&["INDEX|e|", "INDEX|b|e", "INDEX|e|b,e"]);
        assert_eq!(format!("{full:?}"), "{b: [e], e: [b, e]}");
    }

    #[test]
    #[should_panic(expected = "vim is none of")]
    fn a_state_of_other_packages_is_refused() {
        state(&["INDEX|vim|"]);
    }

    #[test]
    fn states_have_the_same_canonical_form_if_only_the_names_differ() {
        let scope = Scope::new(4).unwrap();
        let fork = ["INDEX|a|", "INDEX|b|a", "INDEX|c|a"];
        let renamed = ["INDEX|d|", "INDEX|a|d", "INDEX|b|d"];
        let chain = ["INDEX|a|", "INDEX|b|a", "INDEX|c|b"];
        let canonical = |lines: &[&str]| scope.canonical(state(lines));
        assert_eq!(canonical(&fork), canonical(&renamed));
        assert_ne!(canonical(&fork), canonical(&chain));
        // Four ways to choose what is needed, three to choose what is absent; or four times six.
        assert_eq!((scope.orbit(state(&fork)), scope.orbit(state(&chain))), (12, 24));
    }

    // For all states of three packages.
    #[test]
    fn the_canonical_form_of_a_state_is_the_least_of_its_orbit() {
        let scope = Scope::new(3).unwrap();
        let is_state = |state: &SmallState| {
            let indexed = state.row(MAX_PACKAGES);
            (0..3).map(|package| (package, state.row(package))).all(|(package, list)| {
                list == 0 || (indexed >> package & 1 == 1 && list & !indexed == 0)
            })
        };
        let all = (0..1_u32 << 12).map(|bits| {
            let row = |row: usize| bits >> (row * 3) & 7;
            SmallState((0..3).fold(placed(MAX_PACKAGES, row(3)), |bits, package| {
                bits | placed(package, row(package))
            }))
        });
        let mut orbits: BTreeMap<SmallState, BTreeSet<SmallState>> = BTreeMap::new();
        for state in all.filter(is_state) {
            orbits.entry(scope.canonical(state)).or_default().insert(state);
        }
        assert_eq!(orbits.len(), scope.class_count());
        assert_eq!(orbits.values().map(BTreeSet::len).sum::<usize>(), scope.state_count());
        for (canonical, orbit) in orbits {
            assert_eq!((orbit.first(), orbit.len()), (Some(&canonical), scope.orbit(canonical)));
        }
    }
}
