//! The state in a directory: a file of redb's, and a lock.
//!
//! The file has two tables. `about` says which format the other has; `packages` has, under the name of
//! each package, the names of its dependencies with commas between them, as they would stand in a
//! message. A file comes into being under another name and is renamed when it is complete.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    TableError,
};

use super::{Kept, LoadError, Store, StoreError};
use crate::index::Change;

/// The format that is written, and the latest that can be read.
const FORMAT: u64 = 1;

/// The file in the directory.
const FILE: &str = "index.redb";

/// A file that is not complete yet; one that is found is of a start that was cut short.
const UNFINISHED: &str = "index.redb.new";

/// Locked by whoever uses the directory.
const LOCK: &str = "lock";

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const PACKAGES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("packages");

/// The most memory that pages of the file are kept in. The index itself is in memory anyway; what is
/// read again are the pages that changes lead to.
const CACHE_BYTES: usize = 64 << 20;

/// A directory that keeps the state of one index.
pub struct Disk {
    database: Database,
    path: PathBuf,
    /// Open as long as the directory is used.
    _lock: Option<File>,
}

impl Disk {
    /// Uses a directory, which is made if it does not exist, and the state in it, which is empty if
    /// there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the directory cannot be used, another process uses it, or what is there is
    /// damaged or of a later version.
    pub fn create(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = directory.as_ref();
        fs::create_dir_all(directory).map_err(|error| unusable(directory, error))?;
        let lock = lock(directory)?;
        let path = directory.join(FILE);
        if !path.try_exists().map_err(|error| unusable(&path, error))? {
            let unfinished = directory.join(UNFINISHED);
            match fs::remove_file(&unfinished) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(unusable(&unfinished, error));
                }
                _ => {}
            }
            let database =
                builder().create(&unfinished).map_err(|e| failed("create", &unfinished, e))?;
            drop(Self::with_database(database, unfinished.clone(), None)?);
            fs::rename(&unfinished, &path).map_err(|error| unusable(&path, error))?;
            let synced = File::open(directory).and_then(|directory| directory.sync_all());
            synced.map_err(|error| unusable(directory, error))?;
        }
        Self::open_locked(path, lock)
    }

    /// Uses a directory with the state that is in it.
    ///
    /// # Errors
    /// As [`create`](Self::create), and if there is none.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = directory.as_ref();
        let path = directory.join(FILE);
        fs::metadata(&path).map_err(|error| unusable(&path, error))?;
        Self::open_locked(path, lock(directory)?)
    }

    fn open_locked(path: PathBuf, lock: File) -> Result<Self, StoreError> {
        let database = builder().open(&path).map_err(|error| failed("open", &path, error))?;
        Self::with_database(database, path, Some(lock))
    }

    /// Uses storage of another kind, in which whatever is missing is made.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    #[cfg(feature = "testing")]
    pub(crate) fn on(storage: impl redb::StorageBackend) -> Result<Self, StoreError> {
        let path = PathBuf::from("storage");
        let database =
            builder().create_with_backend(storage).map_err(|error| failed("open", &path, error))?;
        Self::with_database(database, path, None)
    }

    fn with_database(
        database: Database,
        path: PathBuf,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        let found = match format(&database) {
            Ok(Some(found)) => found,
            Ok(None) => {
                begin(&database).map_err(|error| failed("write", &path, error))?;
                FORMAT
            }
            Err(error) => return Err(failed("read", &path, error)),
        };
        match found {
            FORMAT => Ok(Self { database, path, _lock: lock }),
            0 => Err(StoreError::Damaged { path, problem: "it has format 0".into() }),
            _ => Err(StoreError::Newer { path, found, supported: FORMAT }),
        }
    }

    fn write(&self, changes: &[Change]) -> Result<(), redb::Error> {
        // By name, so that each page is come by once; of one package, the last change stays last.
        let mut changes: Vec<&Change> = changes.iter().collect();
        changes.sort_by_key(|change| change.package());
        let transaction = self.database.begin_write()?;
        {
            let mut packages = transaction.open_table(PACKAGES)?;
            let mut list = Vec::new();
            for same in changes.chunk_by(|one, other| one.package() == other.package()) {
                let Some(change) = same.last() else { continue };
                let package = change.package().as_bytes();
                match change.dependencies() {
                    None => drop(packages.remove(package)?),
                    Some(names) => {
                        list.clear();
                        for name in names {
                            list.extend_from_slice(if list.is_empty() { b"" } else { b"," });
                            list.extend_from_slice(name.borrowed().as_bytes());
                        }
                        packages.insert(package, list.as_slice())?;
                    }
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn count(&self) -> Result<u64, redb::Error> {
        Ok(self.database.begin_read()?.open_table(PACKAGES)?.len()?)
    }
}

impl Store for Disk {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.write(changes).map_err(|error| failed("write", &self.path, error))
    }

    fn package_count(&self) -> Result<u64, StoreError> {
        self.count().map_err(|error| failed("read", &self.path, error))
    }

    fn visit(
        &self,
        visit: &mut dyn FnMut(Kept<'_>) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        let read = |error: redb::Error| failed("read", &self.path, error);
        let transaction = self.database.begin_read().map_err(|error| read(error.into()))?;
        let packages = transaction.open_table(PACKAGES).map_err(|error| read(error.into()))?;
        for entry in packages.iter().map_err(|error| read(error.into()))? {
            let (package, dependencies) = entry.map_err(|error| read(error.into()))?;
            visit(Kept { package: package.value(), dependencies: dependencies.value() })?;
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        let end = || -> Result<(), redb::Error> {
            // Of two phases, so that afterwards the file's older half has the same state.
            let mut transaction = self.database.begin_write()?;
            transaction.set_two_phase_commit(true);
            Ok(transaction.commit()?)
        };
        end().map_err(|error| failed("write", &self.path, error))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("path", &self.path).finish_non_exhaustive()
    }
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    // All of it is read at the start anyway, and nothing is believed that has changed since it was
    // written.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// The format that a file says it has; none if it is new.
fn format(database: &Database) -> Result<Option<u64>, redb::Error> {
    match database.begin_read()?.open_table(ABOUT) {
        Ok(about) => Ok(Some(about.get("format")?.map_or(0, |format| format.value()))),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes the tables of a new file.
fn begin(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
    drop(transaction.open_table(PACKAGES)?);
    Ok(transaction.commit()?)
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join(LOCK);
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|error| unusable(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unusable(&path, error)),
    }
}

fn unusable(path: &Path, error: io::Error) -> StoreError {
    StoreError::Directory { path: path.to_owned(), error }
}

fn failed(action: &'static str, path: &Path, error: impl Into<redb::Error>) -> StoreError {
    let path = path.to_owned();
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
        redb::Error::Corrupted(problem) => StoreError::Damaged { path, problem },
        redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            StoreError::Damaged { path, problem: error.to_string() }
        }
        error => StoreError::Io { action, path, error: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
