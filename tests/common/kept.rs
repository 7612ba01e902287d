//! The file that an index is kept in, changed without the program's knowledge.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use package_indexer::store::{Disk, Store as _};
use redb::{Database, ReadableDatabase as _, TableDefinition, TableHandle as _};

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const PACKAGES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("packages");

/// The file in a directory.
pub(crate) fn file(directory: &Path) -> PathBuf {
    directory.join("index.redb")
}

/// Makes a directory that keeps an empty index, as a server does and leaves it.
pub(crate) fn empty(directory: &Path) {
    Box::new(Disk::create(directory).unwrap()).close().unwrap();
}

/// Makes a directory that keeps these packages, each with its list, also where they break the rules.
pub(crate) fn with_packages(directory: &Path, packages: &[(&[u8], &[u8])]) {
    empty(directory);
    let database = open(directory);
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(PACKAGES).unwrap();
    for (package, list) in packages {
        table.insert(*package, *list).unwrap();
    }
    drop(table);
    transaction.commit().unwrap();
}

/// The format that a file says it has.
pub(crate) fn format(directory: &Path) -> u64 {
    let database = open(directory);
    let transaction = database.begin_read().unwrap();
    transaction.open_table(ABOUT).unwrap().get("format").unwrap().unwrap().value()
}

/// Has a file say that it has another format.
pub(crate) fn set_format(directory: &Path, format: u64) {
    let database = open(directory);
    let transaction = database.begin_write().unwrap();
    transaction.open_table(ABOUT).unwrap().insert("format", format).unwrap();
    transaction.commit().unwrap();
}

/// Makes the file one of redb's that is not ours, but may say that it has a format of ours.
pub(crate) fn without_tables(directory: &Path, with_format: bool) {
    fs::remove_file(file(directory)).unwrap();
    empty(directory);
    let format = format(directory);
    fs::remove_file(file(directory)).unwrap();
    let database = Database::create(file(directory)).unwrap();
    let transaction = database.begin_write().unwrap();
    if with_format {
        transaction.open_table(ABOUT).unwrap().insert("format", format).unwrap();
    }
    transaction.commit().unwrap();
}

/// The tables of a file, by name.
pub(crate) fn tables(directory: &Path) -> Vec<String> {
    let database = open(directory);
    let transaction = database.begin_read().unwrap();
    let tables = transaction.list_tables().unwrap();
    tables.map(|table| table.name().to_owned()).collect()
}

/// What a file holds, as it lies there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// The packages, each with its list.
    pub(crate) packages: Vec<(String, String)>,
    /// The lines of the commits that are not among the packages yet, in their order.
    pub(crate) recent: String,
}

/// What lies in a file, which is left as it is: it may be one whose server was killed.
pub(crate) fn rows(directory: &Path) -> Rows {
    let copy = directory.with_extension("copy");
    fs::copy(file(directory), &copy).unwrap();
    let database = Database::open(&copy).unwrap();
    let transaction = database.begin_read().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let packages = transaction.open_table(PACKAGES).unwrap().range::<&[u8]>(..).unwrap();
    let packages = packages.map(|row| {
        let (package, list) = row.unwrap();
        (text(package.value()), text(list.value()))
    });
    let mut commits = BTreeMap::new();
    for table in ["recent even", "recent odd"].map(TableDefinition::<u64, &[u8]>::new) {
        let Ok(table) = transaction.open_table(table) else { continue };
        for commit in table.range(0..).unwrap() {
            let (number, lines) = commit.unwrap();
            commits.insert(number.value(), text(lines.value()));
        }
    }
    Rows { packages: packages.collect(), recent: commits.into_values().collect() }
}

fn open(directory: &Path) -> Database {
    Database::open(file(directory)).unwrap()
}
