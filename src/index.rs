//! Floor 2: the machine itself, [`PackageIndex`]: which packages are indexed, and what each needs.
//!
//! It is deterministic and alone: no clock, no I/O, and no hashing order that shows. Commands arrive typed.
//! Bytes, connections and durability belong to the floors above. `model` says once more, slowly, what the
//! right answers are.

mod bulk;
mod cells;
mod changes;
mod contents;
mod emptied;
mod export;
mod frozen;
mod graph;
mod hash;
mod invariants;
mod limits;
mod order;
mod prefetch;
mod rows;
#[cfg(feature = "serde")]
mod serialize;
mod sought;
mod table;

use std::fmt;

use crate::bug::{Bug, planted};
use crate::command::{Command, CommandRef, Dependencies, Outcome};
use crate::name::NameRef;

pub(crate) use bulk::{Bulk, BulkError};
pub use changes::Change;
pub use contents::Names;
use emptied::Emptied;
#[cfg(feature = "tools")]
pub(crate) use export::commands_of;
pub use export::{Digest, Dot};
pub use frozen::FrozenIndex;
#[cfg(feature = "testing")]
pub(crate) use graph::representation::{CellUse, Representation};
use graph::{DependencyGraph, PackageId, Text};
use hash::NameHash;
pub use invariants::InvariantViolation;
pub use limits::{LimitError, Limits};
pub use order::InstallationStep;
#[cfg(feature = "tools")]
pub(crate) use order::Steps;
#[cfg(feature = "tools")]
pub(crate) use rows::Rows;
use sought::Sought;
use table::Table;

/// Which packages are indexed and what each depends on.
///
/// Nothing is indexed before its dependencies, and nothing is removed while another package needs it. All
/// that is visible, orders and digests included, depends on the state alone. Neither the history nor a hash
/// seed shows.
///
/// In memory, a dependency takes a cell of 20 bytes. So does a package with a name of up to 11 bytes, and one
/// more cell for each further 16 bytes. To find a package by name takes 6 to 12 bytes. Cells come in pages of
/// 20 KiB. They are kept for use again until nothing is indexed any more. So where a method below is linear
/// in the packages, the fullest state since then counts.
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
    /// Finds a package by name. The names themselves are in the graph.
    by_name: Table,
    /// The hash of names. Its key is random, so that a client cannot choose names that collide.
    hasher: NameHash,
    limits: Limits,
    /// The list of the current INDEX, kept for its memory.
    list: Vec<PackageId>,
    /// What has changed since the last take, if anybody wants to know.
    changes: Option<Vec<Change>>,
    emptied: Emptied,
}

/// The most cells that an empty index keeps for the next packages. So an index that small numbers fill and
/// empty again and again does not ask for memory each time.
const KEPT_CELLS: usize = 16_384;

impl PackageIndex {
    /// An empty index that may hold as much as [`Limits::CEILING`] allows.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty index with the limits given, each capped at its ceiling.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            graph: DependencyGraph::new(),
            by_name: Table::new(),
            hasher: NameHash::random(),
            limits: limits.capped(),
            list: Vec::new(),
            changes: None,
            emptied: Emptied::default(),
        }
    }

    /// An empty index whose tables are split at so few names that small tests reach it.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    #[must_use]
    pub fn with_names_a_table(names: usize) -> Self {
        Self { by_name: Table::with_max_names(names), ..Self::new() }
    }

    /// The cells that the index is made of.
    #[cfg(feature = "testing")]
    pub(crate) fn representation(&self) -> Representation {
        self.graph.representation()
    }

    /// Applies one command, and returns its outcome.
    ///
    /// QUERY and REMOVE cost one look-up, and REMOVE also the list of the package. INDEX costs a look-up for
    /// each dependency, a sort of the new list, and a pass over it and the old one. None of them depends on
    /// the number of packages, or on how many depend on the package. After an index has been emptied, each
    /// INDEX and REMOVE frees a bounded part of its memory.
    ///
    /// # Errors
    /// [`LimitError`] when an INDEX that the rules allow would pass one of the [`Limits`]. It has changed
    /// nothing then.
    ///
    /// ```
    /// # use package_indexer::{Command, Outcome, PackageIndex, wire};
    /// let mut index = PackageIndex::new();
    /// assert_eq!(index.apply(&Command::query("vim")?)?, Outcome::Fail);
    /// assert_eq!(index.apply(wire::parse(b"INDEX|vim|\n")?)?, Outcome::Ok);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply<'a>(&mut self, command: impl Into<CommandRef<'a>>) -> Result<Outcome, LimitError> {
        match command.into() {
            CommandRef::Index { package, dependencies } => self.index(package, dependencies),
            CommandRef::Remove { package } => Ok(self.remove(package)),
            CommandRef::Query { package } => Ok(self.look_up(package)),
        }
    }

    /// INDEX (protocol rules I). It decides by reading alone, and changes something only then.
    fn index(
        &mut self,
        package: NameRef<'_>,
        dependencies: Dependencies<'_>,
    ) -> Result<Outcome, LimitError> {
        self.emptied.give_some_back();
        if !self.resolve(dependencies) {
            return Ok(Outcome::Fail);
        }
        let name = Sought::new(package);
        let hash = self.hasher.of(&name);
        let indexed = self.find_hashed(hash, &name);
        self.check_limits(package, indexed)?;

        let package = indexed.unwrap_or_else(|| self.insert(hash, package));
        if self.changes.is_some() {
            self.note_list(package, indexed.is_none());
        }
        self.graph.set_dependencies(package, &self.list);
        Ok(Outcome::Ok)
    }

    /// REMOVE (protocol rules X). It decides by reading alone, and changes something only then.
    fn remove(&mut self, package: NameRef<'_>) -> Outcome {
        self.emptied.give_some_back();
        let name = Sought::new(package);
        let hash = self.hasher.of(&name);
        match self.find_hashed(hash, &name) {
            None => Outcome::Ok,
            Some(id) if self.graph.has_other_dependent(id) => Outcome::Fail,
            Some(id) => {
                if self.changes.is_some() {
                    self.note_removal(id);
                }
                self.forget(hash, id);
                Outcome::Ok
            }
        }
    }

    /// QUERY (protocol rules Q).
    pub(crate) fn look_up(&self, package: NameRef<'_>) -> Outcome {
        Outcome::when(self.find(package).is_some())
    }

    /// Puts the packages of a list into `self.list`, each once. Returns `false` if one is not indexed.
    fn resolve(&mut self, dependencies: Dependencies<'_>) -> bool {
        self.list.clear();
        for name in dependencies.iter() {
            let Some(id) = self.find(name) else { return false };
            self.list.push(id);
        }
        if self.list.len() > 1 {
            self.list.sort_unstable();
            if !planted(Bug::DuplicatesStay) {
                self.list.dedup();
            }
        }
        true
    }

    fn insert(&mut self, hash: u64, name: NameRef<'_>) -> PackageId {
        let Self { graph, by_name, hasher, .. } = self;
        let id = graph.add_package(name.as_bytes());
        by_name.insert(hash, id, hash_of_package(graph, hasher));
        id
    }

    fn forget(&mut self, hash: u64, id: PackageId) {
        let Self { graph, by_name, hasher, .. } = self;
        let was_there = by_name.remove(hash, id, hash_of_package(graph, hasher));
        debug_assert!(was_there, "invariant: every package is found by its name");
        graph.remove_package(id);
        if self.is_empty() && self.graph.capacity() > KEPT_CELLS {
            let graph = std::mem::replace(&mut self.graph, DependencyGraph::new());
            self.emptied.push(graph, self.by_name.take());
            self.list = Vec::new();
        }
    }

    /// Like `find`, for any text. A text that is no name is the name of no package.
    fn find_text(&self, text: &str) -> Option<PackageId> {
        self.find(NameRef::new(text).ok()?)
    }

    fn find(&self, name: NameRef<'_>) -> Option<PackageId> {
        let sought = Sought::new(name);
        if sought.is_short() {
            // Most names are short, and are found without a call.
            let hash = self.hasher.of_short(&sought);
            return self.by_name.find(hash, |id| self.graph.has_short_name(id, &sought));
        }
        self.find_long(name)
    }

    #[inline(never)]
    fn find_long(&self, name: NameRef<'_>) -> Option<PackageId> {
        let sought = Sought::new(name);
        self.find_hashed(self.hasher.of(&sought), &sought)
    }

    #[inline(never)]
    fn find_hashed(&self, hash: u64, name: &Sought<'_>) -> Option<PackageId> {
        self.by_name.find(hash, |id| self.graph.is_named(id, name))
    }
}

/// The hash of the name of any package of a graph.
fn hash_of_package(graph: &DependencyGraph, hasher: &NameHash) -> impl Fn(PackageId) -> u64 + Copy {
    |id| hasher.of(&Sought::new(graph.read_name(id, &mut Text::new())))
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

/// Applies the commands in order, and drops the outcomes. A command that fails or would pass a limit changes
/// nothing, and the next one is applied. Use [`PackageIndex::apply`] to see outcomes. Costs what the commands
/// cost.
///
/// ```
/// # use package_indexer::{Command, PackageIndex};
/// let mut index = PackageIndex::new();
/// index.extend([Command::index("a", [])?, Command::index("b", ["missing"])?]);
/// assert_eq!(index.len(), 1);
/// # Ok::<(), package_indexer::NameError>(())
/// ```
impl Extend<Command> for PackageIndex {
    fn extend<I: IntoIterator<Item = Command>>(&mut self, commands: I) {
        for command in commands {
            let _outcome_is_dropped = self.apply(&command);
        }
    }
}

/// Like the one for [`Command`].
///
/// ```
/// # use package_indexer::{PackageIndex, wire};
/// let mut index = PackageIndex::new();
/// index.extend([wire::parse(b"INDEX|a|\n")?, wire::parse(b"INDEX|b|a\n")?]);
/// assert_eq!(index.len(), 2);
/// # Ok::<(), wire::ParseError>(())
/// ```
impl<'a> Extend<CommandRef<'a>> for PackageIndex {
    fn extend<I: IntoIterator<Item = CommandRef<'a>>>(&mut self, commands: I) {
        for command in commands {
            let _outcome_is_dropped = self.apply(command);
        }
    }
}

/// The index to which the commands lead from an empty one. See [`Extend`].
///
/// ```
/// # use package_indexer::{Command, PackageIndex};
/// let index = PackageIndex::from_iter([Command::index("a", [])?, Command::index("b", ["a"])?]);
/// assert_eq!(index.dependency_count(), 1);
/// # Ok::<(), package_indexer::NameError>(())
/// ```
impl FromIterator<Command> for PackageIndex {
    fn from_iter<I: IntoIterator<Item = Command>>(commands: I) -> Self {
        let mut index = Self::new();
        index.extend(commands);
        index
    }
}

#[cfg(test)]
mod tests;
