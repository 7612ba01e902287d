//! The state in a directory: a file of redb's, and a lock.
//!
//! The file has two tables at least. `about` says which format the others have; `packages` has, under the name
//! of each package, the names of its dependencies with commas between them, as they would stand in a
//! message. What was committed lately is in a table of [`recent`] commits
//! until it is there too. A file comes into being under another name and is renamed when it is complete.

mod recent;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, TableError,
};

use super::{Kept, Snapshot, Store, StoreError};
use crate::index::Change;
use recent::Recent;

/// The format that is written, and the latest that can be read. Format 1 had no recent changes.
const FORMAT: u64 = 2;

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
    recent: Recent,
    path: PathBuf,
    /// Held as long as the directory is used.
    #[cfg_attr(not(test), expect(dead_code, reason = "held, not read"))]
    lock: Option<Lock>,
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
        make(directory)?;
        let lock = Lock::take(directory)?;
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
            begin(&database).map_err(|e| failed("write", &unfinished, e))?;
            drop(database);
            fs::rename(&unfinished, &path).map_err(|error| unusable(&path, error))?;
            sync(directory)?;
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
        Self::open_locked(path, Lock::take(directory)?)
    }

    fn open_locked(path: PathBuf, lock: Lock) -> Result<Self, StoreError> {
        let database = builder().open(&path).map_err(|error| failed("open", &path, error))?;
        Self::with_database(database, path, Some(lock), recent::FULL_BYTES)
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
        if format(&database).is_ok_and(|found| found.is_none()) {
            begin(&database).map_err(|error| failed("write", &path, error))?;
        }
        // So few that tests get there.
        Self::with_database(database, path, None, 128)
    }

    fn with_database(
        database: Database,
        path: PathBuf,
        lock: Option<Lock>,
        full_bytes: usize,
    ) -> Result<Self, StoreError> {
        let read = |error| failed("read", &path, error);
        let write = |error| failed("write", &path, error);
        match format(&database).map_err(read)? {
            Some(FORMAT) => {}
            Some(1) => begin(&database).map_err(write)?,
            None | Some(0) => {
                // Under its name a file is complete, if it is one of ours.
                let problem = "it does not say which format it has".into();
                return Err(StoreError::Damaged { path, problem });
            }
            Some(found) => return Err(StoreError::Newer { path, found, supported: FORMAT }),
        }
        // What a crash, or a server that stopped, left behind.
        let lately = recent::read(&database.begin_read().map_err(|e| read(e.into()))?, &path)?;
        recent::spread(&database, &lately).map_err(write)?;
        Ok(Self { database, recent: Recent::new(full_bytes), path, lock })
    }
}

impl Store for Disk {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let committed = self.recent.commit(&self.database, changes);
        committed.map_err(|error| failed("write", &self.path, error))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let transaction = self.database.begin_read();
        let transaction = transaction.map_err(|error| failed("read", &self.path, error))?;
        Ok(Box::new(State { transaction, path: self.path.clone() }))
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        let path = self.path.clone();
        let end = || -> Result<(), redb::Error> {
            // Of two phases, so that afterwards the file's older half has the same state.
            let mut transaction = self.database.begin_write()?;
            transaction.set_two_phase_commit(true);
            transaction.commit()?;
            Ok(self.database.close()?)
        };
        end().map_err(|error| failed("write", &path, error))
    }
}

/// What the file holds at one moment.
struct State {
    transaction: ReadTransaction,
    path: PathBuf,
}

impl Snapshot for State {
    fn package_count(&self) -> Result<u64, StoreError> {
        let count = || Ok::<_, redb::Error>(self.transaction.open_table(PACKAGES)?.len()?);
        count().map_err(|error| failed("read", &self.path, error))
    }

    fn visit(&self, visit: &mut dyn FnMut(Kept<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        let read = |error: redb::Error| failed("read", &self.path, error);
        let packages = self.transaction.open_table(PACKAGES).map_err(|e| read(e.into()))?;
        // Both by name: what has changed lately takes the place of what is in the table.
        let lately = recent::read(&self.transaction, &self.path)?;
        let mut lately =
            lately.iter().map(|(name, list)| (name.as_slice(), list.as_deref())).peekable();
        let mut kept = |package: &[u8], list: Option<&[u8]>| match list {
            Some(dependencies) => visit(Kept { package, dependencies }),
            None => ControlFlow::Continue(()),
        };
        for entry in packages.iter().map_err(|e| read(e.into()))? {
            let (package, list) = entry.map_err(|e| read(e.into()))?;
            let package = package.value();
            while let Some((name, list)) = lately.next_if(|(name, _)| *name < package) {
                if kept(name, list).is_break() {
                    return Ok(());
                }
            }
            let changed = lately.next_if(|(name, _)| *name == package);
            let list = changed.map_or(Some(list.value()), |(_, list)| list);
            if kept(package, list).is_break() {
                return Ok(());
            }
        }
        let _has_enough = lately.try_for_each(|(name, list)| kept(name, list));
        Ok(())
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Makes a directory with those above it, durably.
fn make(directory: &Path) -> Result<(), StoreError> {
    let missing: Vec<_> = directory.ancestors().take_while(|above| !above.exists()).collect();
    fs::create_dir_all(directory).map_err(|error| unusable(directory, error))?;
    for made in missing {
        // Of a relative path, the topmost lies where the program was started.
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        sync(above.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Makes durable which entries a directory has.
fn sync(directory: &Path) -> Result<(), StoreError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| unusable(directory, error))
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

/// Makes the tables that are missing, and says which format they have.
fn begin(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
    drop(transaction.open_table(PACKAGES)?);
    Ok(transaction.commit()?)
}

/// A directory that no other process uses.
struct Lock(File);

impl Lock {
    fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(LOCK);
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|error| unusable(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: directory.to_owned() }),
            Err(TryLockError::Error(error)) => Err(unusable(&path, error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do: a process that another thread starts just now has the file open too
        // until it runs its program. What cannot be unlocked is unlocked when that one closes it.
        let _ = self.0.unlock();
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
        error @ (redb::Error::TableDoesNotExist(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. }) => {
            StoreError::Damaged { path, problem: error.to_string() }
        }
        redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            StoreError::Damaged { path, problem: error.to_string() }
        }
        error => StoreError::Io { action, path, error: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
