//! Recent commits, and how they get into the table of packages.
//!
//! A commit is one value, so that it costs little more than the sync. The value has
//! [lines](crate::wire::rows), one for each package that has changed. Its key is the number of the commit.
//!
//! There are two such tables. One is written until it has grown to [`FULL_BYTES`]. It is then laid aside, and
//! the other is written. Later commits spread its changes over `packages`, each a few in the order of names:
//! twice as many bytes as the commit itself has. Of each package only the last change counts. Then the table
//! goes.
//!
//! So no commit waits for all of that, and the tables stay small. Pages of the file are used over and over,
//! and a sync is faster with these than with new ones. The commit that lays a table aside sorts it, which
//! takes tens of milliseconds if no name occurs twice.
//!
//! At any moment the state is the table of packages with the recent changes on top, in their order. A change
//! that has been spread is there twice, until all lines of its table go at once.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use hashbrown::HashTable;
use redb::{Database, ReadTransaction, Table, TableDefinition, TableError, WriteTransaction};

use super::{PACKAGES, failed};
use crate::command::CommandRef;
use crate::index::Change;
use crate::store::StoreError;
use crate::wire::Row;
use crate::wire::rows::{self, Line, Parts};

/// How many bytes of lines a table takes before the other is written.
pub(super) const FULL_BYTES: usize = 4 << 20;

/// How many bytes a commit spreads at most, unless the table that is written has more than twice its full
/// size.
const SPREAD_BYTES: usize = 256 << 10;

const TABLES: [TableDefinition<'_, u64, &[u8]>; 2] =
    [TableDefinition::new("recent even"), TableDefinition::new("recent odd")];

/// What has become of packages, by name: the list of each, or `None` if it is gone.
pub(super) type Lately = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The recent commits of a store that is open.
pub(super) struct Recent {
    /// How many bytes of lines a table takes.
    full_bytes: usize,
    /// The number of the next commit.
    next: u64,
    /// Which table is written.
    table: usize,
    written: Lines,
    /// The lines of the other table that are still to be spread: where each begins, last name first.
    aside: Vec<u8>,
    unspread: Vec<usize>,
    hasher: RandomState,
}

/// The lines of a table.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where the last line of each package begins.
    last: HashTable<usize>,
}

impl Recent {
    /// Empty tables, each of which takes so many bytes.
    pub(super) fn new(full_bytes: usize) -> Self {
        Self {
            full_bytes,
            next: 0,
            table: 0,
            written: Lines::default(),
            aside: Vec::new(),
            unspread: Vec::new(),
            hasher: RandomState::new(),
        }
    }

    /// The number of the next commit.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// Makes changes durable.
    pub(super) fn commit(
        &mut self,
        database: &Database,
        changes: &[Change],
    ) -> Result<(), redb::Error> {
        let begun = self.written.bytes.len();
        for change in changes {
            rows::write_message(&mut self.written.bytes, message(change));
        }
        let commit = &self.written.bytes[begun..];
        let transaction = database.begin_write()?;
        transaction.open_table(TABLES[self.table])?.insert(self.next, commit)?;
        if !self.unspread.is_empty() {
            let behind = begun > 2 * self.full_bytes;
            let room = (2 * commit.len()).min(if behind { usize::MAX } else { SPREAD_BYTES });
            self.spread_some(&transaction, room)?;
        }
        transaction.commit()?;
        self.next += 1;
        self.written.note(begun, &self.hasher);
        if self.written.bytes.len() >= self.full_bytes && self.unspread.is_empty() {
            self.lay_aside();
        }
        Ok(())
    }

    /// Spreads so many bytes of the table that was laid aside, and drops the table when that was all.
    fn spread_some(
        &mut self,
        transaction: &WriteTransaction,
        mut room: usize,
    ) -> Result<(), redb::Error> {
        let mut packages = transaction.open_table(PACKAGES)?;
        while room > 0
            && let Some(start) = self.unspread.pop()
        {
            let line = rows::first_line(&self.aside[start..]);
            room = room.saturating_sub(line.len());
            let Parts { package, list } = Parts::of(line).ok_or_else(|| {
                redb::Error::Corrupted(format!("\"{}\" in memory", line.escape_ascii()))
            })?;
            set(&mut packages, package, list)?;
        }
        drop(packages);
        if self.unspread.is_empty() {
            transaction.delete_table(TABLES[1 - self.table])?;
        }
        Ok(())
    }

    /// Whether the next commit has something to spread.
    #[cfg(test)]
    pub(super) fn is_spreading(&self) -> bool {
        !self.unspread.is_empty()
    }

    /// Switches to the other table, which is empty by now.
    fn lay_aside(&mut self) {
        let Lines { bytes, last } = std::mem::take(&mut self.written);
        self.written.last.reserve(last.len(), |_| 0);
        self.unspread = last.into_iter().collect();
        self.unspread
            .sort_unstable_by(|one, other| name_at(&bytes, *other).cmp(name_at(&bytes, *one)));
        self.aside = bytes;
        self.table = 1 - self.table;
    }
}

impl Lines {
    /// Notes the lines from `start` on as the last of their packages.
    fn note(&mut self, mut start: usize, hasher: &RandomState) {
        while start < self.bytes.len() {
            let bytes = &self.bytes;
            let hash = |start: &usize| hasher.hash_one(name_at(bytes, *start));
            let same = |other: &usize| name_at(bytes, *other) == name_at(bytes, start);
            *self.last.entry(hash(&start), same, hash).or_insert(start).get_mut() = start;
            start += rows::first_line(&bytes[start..]).len();
        }
    }
}

/// The changes of all commits before this number that may not be among the packages yet.
pub(super) fn read(
    transaction: &ReadTransaction,
    before: u64,
    path: &Path,
) -> Result<Lately, StoreError> {
    let read = |error: redb::Error| failed("read", path, error);
    let mut commits = BTreeMap::new();
    for table in TABLES {
        let table = match transaction.open_table(table) {
            Err(TableError::TableDoesNotExist(_)) => continue,
            other => other.map_err(|error| read(error.into()))?,
        };
        for entry in table.range(..before).map_err(|error| read(error.into()))? {
            let (number, lines) = entry.map_err(|error| read(error.into()))?;
            commits.insert(number.value(), lines.value().to_vec());
        }
    }
    let mut lately = Lately::new();
    for (number, lines) in commits {
        for line in rows::lines(&lines) {
            let read = Line::read(line).map_err(|_| StoreError::Damaged {
                path: path.to_owned(),
                problem: format!(
                    "commit {number} has \"{}\", which changes no package",
                    line.escape_ascii()
                ),
            })?;
            let (package, list) = match read {
                Line::Kept(Row { package, dependencies }) => {
                    let mut list = Vec::new();
                    rows::write_list(&mut list, dependencies);
                    (package, Some(list))
                }
                Line::Gone(package) => (package, None),
            };
            lately.insert(package.as_bytes().to_vec(), list);
        }
    }
    Ok(lately)
}

/// Spreads everything at once, and drops what is in the tables.
pub(super) fn spread(transaction: &WriteTransaction, lately: &Lately) -> Result<(), redb::Error> {
    let mut packages = transaction.open_table(PACKAGES)?;
    for (package, list) in lately {
        set(&mut packages, package, list.as_deref())?;
    }
    for table in TABLES {
        transaction.delete_table(table)?;
    }
    Ok(())
}

fn set(
    packages: &mut Table<'_, &[u8], &[u8]>,
    package: &[u8],
    list: Option<&[u8]>,
) -> Result<(), redb::Error> {
    match list {
        None => drop(packages.remove(package)?),
        Some(list) => drop(packages.insert(package, list)?),
    }
    Ok(())
}

/// The message that makes a change.
fn message(change: &Change) -> CommandRef<'_> {
    let package = change.package();
    match change.dependencies() {
        Some(list) => CommandRef::Index { package, dependencies: list.into() },
        None => CommandRef::Remove { package },
    }
}

/// The package of the line that begins here.
fn name_at(bytes: &[u8], start: usize) -> &[u8] {
    rows::first_package(&bytes[start..])
}
