//! The file that an index is kept in, changed behind the back of the program.

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

/// Makes a directory that keeps these packages, each with its list, whatever they are.
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

fn open(directory: &Path) -> Database {
    Database::open(file(directory)).unwrap()
}
