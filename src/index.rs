//! Floor 2: the machine itself, [`PackageIndex`]: which packages are indexed, and what each needs.
//!
//! It is deterministic and alone: no clock, no I/O, and no hashing order that shows. Commands
//! arrive typed; bytes, connections and durability belong to the floors above, and what the right
//! answers are is said once more, slowly, in `model`.

mod contents;
mod export;
mod graph;
mod invariants;
mod order;
#[cfg(feature = "serde")]
mod serialize;

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroU8;

use hashbrown::HashTable;

use crate::command::{Command, CommandRef, Dependencies, Outcome};
use crate::machine::StateMachine;
use crate::name::{Name, NameRef};

pub use contents::Names;
pub use export::{Digest, Dot};
use graph::{DependencyGraph, PackageId};
pub use invariants::InvariantViolation;
pub use order::Step;

/// Which packages are indexed and what each depends on.
///
/// Nothing is indexed before its dependencies, and nothing is removed while another package needs
/// it. Everything visible, orders and digests included, depends on the state alone, not on the
/// history that led to it, nor on hash seeds.
///
/// Memory: 72 to 82 bytes a package with a name of up to 24 bytes, 20 bytes a dependency, and
/// under one more for a dependency on a package with many dependents.
///
/// ```
/// use package_indexer::{Command, Outcome, PackageIndex};
///
/// let mut index = PackageIndex::new();
/// let vim = Command::index("vim", ["ncurses"])?;
/// assert_eq!(index.apply(&vim)?, Outcome::Fail);
/// assert_eq!(index.apply(&Command::index("ncurses", [])?)?, Outcome::Ok);
/// assert_eq!(index.apply(&vim)?, Outcome::Ok);
/// assert_eq!(index.apply(&Command::remove("ncurses")?)?, Outcome::Fail);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PackageIndex {
    graph: DependencyGraph,
    /// Finds a package by name; the names themselves are in the graph.
    by_name: HashTable<PackageId>,
    /// SipHash-1-3 with a random key: whoever chooses the names cannot choose the collisions.
    hasher: RandomState,
    config: Config,
    /// The list of the INDEX in hand, kept for its memory.
    list: Vec<PackageId>,
}

/// The bounds of a [`PackageIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The most packages. At most, and unless chosen, [`Config::CEILING`].
    pub max_packages: usize,
    /// The most dependencies of all packages together. At most, and unless chosen,
    /// [`Config::CEILING`].
    pub max_dependencies: usize,
    /// Of how many edges into one vertex of the graph a removal may have to walk; past it the
    /// graph spreads them. 64 unless chosen: a small one costs memory, a large one time.
    pub max_fan_in: NonZeroU8,
}

impl Config {
    /// As many packages, or dependencies, as 32-bit indices can hold: 2,147,483,647.
    pub const CEILING: usize = i32::MAX as usize;
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_packages: Self::CEILING,
            max_dependencies: Self::CEILING,
            max_fan_in: NonZeroU8::MIN.saturating_add(63),
        }
    }
}

/// The limit that a command would have broken. The index has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// One more package than may be indexed.
    #[error("the index is full: at most {limit} packages")]
    Packages {
        /// [`Config::max_packages`].
        limit: usize,
    },
    /// More dependencies than may be kept.
    #[error("the index is full: at most {limit} dependencies of all packages, {wanted} wanted")]
    Dependencies {
        /// [`Config::max_dependencies`].
        limit: usize,
        /// How many there would have been.
        wanted: usize,
    },
}

impl PackageIndex {
    /// An empty index without limits of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::default())
    }

    /// An empty index with the limits given, each capped at [`Config::CEILING`].
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        let config = Config {
            max_packages: config.max_packages.min(Config::CEILING),
            max_dependencies: config.max_dependencies.min(Config::CEILING),
            ..config
        };
        Self {
            graph: DependencyGraph::new(config.max_fan_in),
            by_name: HashTable::new(),
            hasher: RandomState::new(),
            config,
            list: Vec::new(),
        }
    }

    /// Applies one command and answers it.
    ///
    /// QUERY and REMOVE cost one look-up, and REMOVE the list that goes with the package; INDEX
    /// costs a look-up a dependency and O(n log n) in its old and its new list. None depends on
    /// how many packages there are, nor on how many depend on the one in question.
    ///
    /// # Errors
    /// [`LimitError`] when an INDEX that the rules allow would break a bound of the [`Config`];
    /// nothing has changed then.
    pub fn apply<'a>(&mut self, command: impl Into<CommandRef<'a>>) -> Result<Outcome, LimitError> {
        match command.into() {
            CommandRef::Index { package, dependencies } => self.index(package, dependencies),
            CommandRef::Remove { package } => Ok(self.remove(package)),
            CommandRef::Query { package } => Ok(Outcome::when(self.contains(package.as_str()))),
        }
    }

    /// INDEX (protocol rules I): decided by reading alone, then done.
    fn index(
        &mut self,
        package: NameRef<'_>,
        dependencies: Dependencies<'_>,
    ) -> Result<Outcome, LimitError> {
        if !self.resolve(dependencies) {
            return Ok(Outcome::Fail);
        }
        let indexed = self.find(package.as_str());
        self.check_limits(indexed)?;

        let package = indexed.unwrap_or_else(|| self.insert(package.to_owned()));
        self.graph.set_dependencies(package, &self.list);
        Ok(Outcome::Ok)
    }

    /// REMOVE (protocol rules X): decided by reading alone, then done.
    fn remove(&mut self, package: NameRef<'_>) -> Outcome {
        match self.find(package.as_str()) {
            None => Outcome::Ok,
            Some(id) if self.graph.has_other_dependent(id) => Outcome::Fail,
            Some(id) => {
                self.forget(id);
                Outcome::Ok
            }
        }
    }

    /// Puts the packages of a list into `self.list`, each once; false if one is not indexed.
    fn resolve(&mut self, dependencies: Dependencies<'_>) -> bool {
        let mut list = std::mem::take(&mut self.list);
        list.clear();
        let complete = dependencies.iter().all(|name| {
            let id = self.find(name.as_str());
            list.extend(id);
            id.is_some()
        });
        list.sort_unstable();
        list.dedup();
        self.list = list;
        complete
    }

    /// Whether the index may hold `self.list` as the list of a package, which is new if `None`.
    fn check_limits(&self, package: Option<PackageId>) -> Result<(), LimitError> {
        let Config { max_packages, max_dependencies, .. } = self.config;
        if package.is_none() && self.len() >= max_packages {
            return Err(LimitError::Packages { limit: max_packages });
        }
        let with_old_list = self.graph.dependency_count() + self.list.len();
        if with_old_list > max_dependencies {
            let old = package.map_or(0, |package| self.graph.dependencies(package).count());
            let wanted = with_old_list - old;
            if wanted > max_dependencies {
                return Err(LimitError::Dependencies { limit: max_dependencies, wanted });
            }
        }
        Ok(())
    }

    fn insert(&mut self, name: Name) -> PackageId {
        let hash = self.hash(name.as_str());
        let Self { graph, by_name, hasher, .. } = self;
        let id = graph.add_package(name);
        by_name.insert_unique(hash, id, |&id| hash_of(hasher, graph.name(id).as_str()));
        id
    }

    fn forget(&mut self, id: PackageId) {
        let hash = self.hash(self.graph.name(id).as_str());
        if let Ok(entry) = self.by_name.find_entry(hash, |&other| other == id) {
            entry.remove();
        }
        self.graph.remove_package(id);
    }

    fn find(&self, name: &str) -> Option<PackageId> {
        let is_it = |&id: &PackageId| self.graph.name(id).as_str() == name;
        self.by_name.find(self.hash(name), is_it).copied()
    }

    fn hash(&self, name: &str) -> u64 {
        hash_of(&self.hasher, name)
    }
}

/// The hash of a name's bytes alone: without the mark that `str` puts behind them, which would be
/// a second round for the hasher.
fn hash_of(hasher: &RandomState, name: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(name.as_bytes());
    hasher.finish()
}

impl StateMachine for PackageIndex {
    type Command = Command;
    type Reply = Outcome;
    type Error = LimitError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, LimitError> {
        self.apply(command)
    }
}

impl Default for PackageIndex {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal when the same packages depend on the same packages. O(n log n).
impl PartialEq for PackageIndex {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.dependency_count() == other.dependency_count()
            && self.entries().eq(other.entries())
    }
}

impl Eq for PackageIndex {}

impl fmt::Debug for PackageIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries()).finish()
    }
}

/// Applies the commands in order. Outcomes are dropped: a command that fails, or that breaks a
/// limit, changes nothing and the next one is applied. Use [`PackageIndex::apply`] to see them.
impl Extend<Command> for PackageIndex {
    fn extend<I: IntoIterator<Item = Command>>(&mut self, commands: I) {
        for command in commands {
            let _outcome_is_dropped = self.apply(&command);
        }
    }
}

/// As for [`Command`].
impl<'a> Extend<CommandRef<'a>> for PackageIndex {
    fn extend<I: IntoIterator<Item = CommandRef<'a>>>(&mut self, commands: I) {
        for command in commands {
            let _outcome_is_dropped = self.apply(command);
        }
    }
}

/// The index that the commands lead to from an empty one; see [`Extend`].
impl FromIterator<Command> for PackageIndex {
    fn from_iter<I: IntoIterator<Item = Command>>(commands: I) -> Self {
        let mut index = Self::new();
        index.extend(commands);
        index
    }
}

#[cfg(test)]
mod tests;
