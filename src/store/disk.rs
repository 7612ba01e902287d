//! A store in a directory: a file of redb's, a note of what is in doubt, and a lock.
//!
//! The file has at least two tables. `about` has the format of the others, and the session that wrote them.
//! `packages` has the [row](crate::wire::rows) of each package, in two parts. Recent commits stay in a table
//! of [`recent`] until they are in `packages` too. A new file has another name until it is complete. The next
//! start takes back what a failed commit may have left: see [`rollback`].

mod directory;
mod format;
mod recent;
mod rollback;
mod space;

use std::fmt;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, backends::FileBackend,
};

use super::{Snapshot, Store, StoreError, Visit};
use crate::index::Change;
use crate::wire::Row;
use directory::{Lock, unusable};
use format::{begin, begin_session, cannot_open};
use recent::Recent;
use rollback::{InDoubt, Rollback, write_anew};

/// The file in the directory.
const FILE: &str = "index.redb";

/// A file that is not complete yet. If a start finds one, an earlier start was cut short.
const UNFINISHED: &str = "index.redb.new";

const PACKAGES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("packages");

/// The most memory that caches pages of the file. The index itself is in memory anyway. What is read again
/// are the pages to which changes lead.
const CACHE_BYTES: usize = 64 << 20;

/// A store that keeps the state of one index in a directory.
pub struct Disk {
    database: Database,
    recent: Recent,
    rollback: Rollback,
    /// The number that tells the commits of this session from earlier ones.
    session: u64,
    /// Whether a commit has failed, so that there can be no other.
    has_failed: bool,
    path: PathBuf,
    /// Held as long as the directory is used.
    lock: Option<Lock>,
}

impl Disk {
    /// Opens a directory and the state in it. If there is none, it makes the directory, or an empty state.
    ///
    /// # Errors
    /// [`StoreError`] if the directory cannot be used, another process uses it, or its content is damaged or
    /// of a later version.
    pub fn create(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = directory.as_ref();
        directory::make(directory)?;
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
            let file = directory::open_private(&unfinished)
                .map_err(|error| unusable(&unfinished, error))?;
            let database = create(file).map_err(|e| failed("create", &unfinished, e))?;
            begin(&database).map_err(|e| failed("write", &unfinished, e))?;
            drop(database);
            fs::rename(&unfinished, &path).map_err(|error| unusable(&path, error))?;
            directory::sync(directory)?;
        }
        Self::open_locked(directory, path, lock)
    }

    /// Opens a directory that has a state.
    ///
    /// # Errors
    /// As [`create`](Self::create), and if there is no state.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = directory.as_ref();
        let path = directory.join(FILE);
        fs::metadata(&path).map_err(|error| unusable(&path, error))?;
        let lock = Lock::take(directory)?;
        Self::open_locked(directory, path, lock)
    }

    fn open_locked(directory: &Path, path: PathBuf, lock: Lock) -> Result<Self, StoreError> {
        directory::close_to_others(&path, 0o600);
        let rollback = Rollback::of(directory)?;
        let in_doubt = take_in_doubt(&rollback)?;
        if in_doubt.is_some() {
            let file = directory::open_private(&path).map_err(|error| unusable(&path, error))?;
            let file = FileBackend::new(file).map_err(|error| failed("open", &path, error))?;
            write_anew(&file).map_err(|e| failed("write", &path, redb::Error::Io(e)))?;
        }
        let length = fs::metadata(&path).map_err(|error| unusable(&path, error))?.len();
        let opened = builder().open(&path).map_err(|error| cannot_open(&path, error));
        let sizes = Sizes { length, worthwhile: space::WORTHWHILE, full_bytes: recent::FULL_BYTES };
        let opening = Opening { path, lock: Some(lock), sizes };
        Self::take_up(opened?, opening, rollback, in_doubt)
    }

    /// The file that has the state.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a state on other storage, and a second file beside it. Makes what is missing.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    #[cfg(feature = "testing")]
    pub(crate) fn on(
        storage: impl redb::StorageBackend,
        beside: impl redb::StorageBackend,
    ) -> Result<Self, StoreError> {
        let path = PathBuf::from("storage");
        let rollback = Rollback::on(Box::new(beside), "rollback".into())?;
        let in_doubt = take_in_doubt(&rollback)?;
        if in_doubt.is_some() {
            write_anew(&storage).map_err(|e| failed("write", &path, redb::Error::Io(e)))?;
        }
        // So few that tests get there.
        let length =
            storage.len().map_err(|error| failed("read", &path, redb::Error::Io(error)))?;
        let sizes = Sizes { length, worthwhile: 1 << 20, full_bytes: 128 };
        let database = builder().create_with_backend(storage);
        let database = database.map_err(|error| failed("open", &path, error))?;
        if format::format(&database).is_ok_and(|found| found.is_none()) {
            begin(&database).map_err(|error| failed("write", &path, error))?;
        }
        let opening = Opening { path, lock: None, sizes };
        Self::take_up(database, opening, rollback, in_doubt)
    }

    /// Continues with what is found.
    fn take_up(
        mut database: Database,
        opening: Opening,
        rollback: Rollback,
        in_doubt: Option<InDoubt>,
    ) -> Result<Self, StoreError> {
        let Opening { path, lock, sizes } = opening;
        let session = begin_session(&database, in_doubt, &path)?;
        space::give_back(&mut database, sizes.length, sizes.worthwhile)
            .map_err(|error| failed("shorten", &path, error))?;
        let recent = Recent::new(sizes.full_bytes);
        Ok(Self { database, recent, rollback, session, has_failed: false, path, lock })
    }
}

/// What is in doubt at a start, if anything is. From here on, until it is closed, the file of the state is in
/// doubt too.
fn take_in_doubt(rollback: &Rollback) -> Result<Option<InDoubt>, StoreError> {
    let in_doubt = rollback.read()?;
    // The note that was read may never have reached the disk.
    rollback.note(in_doubt.unwrap_or(InDoubt::file()))?;
    Ok(in_doubt)
}

/// A file that is being opened.
struct Opening {
    path: PathBuf,
    lock: Option<Lock>,
    sizes: Sizes,
}

/// Sizes of a file that is being opened, in bytes.
#[derive(Clone, Copy)]
struct Sizes {
    /// How long it is.
    length: u64,
    /// The least length at which it is shortened.
    worthwhile: u64,
    /// How many bytes a table of recent commits takes.
    full_bytes: usize,
}

impl Store for Disk {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if self.has_failed {
            let error = "a commit before this one failed".into();
            return Err(StoreError::Io { action: "write", path: self.path.clone(), error });
        }
        let number = self.recent.next_number();
        let commit = AssertUnwindSafe(|| self.recent.commit(&self.database, changes));
        let error = match catch_unwind(commit) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => failed("write", &self.path, error),
            Err(_panic) => StoreError::Panicked,
        };
        self.has_failed = true;
        match self.rollback.note(InDoubt::from(self.session, number)) {
            Ok(()) => Err(error),
            Err(unnoted) => {
                Err(StoreError::Unnoted { error: Box::new(error), unnoted: Box::new(unnoted) })
            }
        }
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let transaction = self.database.begin_read();
        let transaction = transaction.map_err(|error| failed("read", &self.path, error))?;
        let length = fs::metadata(&self.path).map_or(u64::MAX, |file| file.len());
        Ok(Box::new(FileView { transaction, length, path: self.path.clone() }))
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        let Self { database, rollback, has_failed, path, lock: _lock, .. } = *self;
        let end = || -> Result<(), redb::Error> {
            // In two phases, so that afterwards both halves of the file have the same state.
            let mut transaction = database.begin_write()?;
            transaction.set_two_phase_commit(true);
            transaction.commit()?;
            Ok(database.close()?)
        };
        end().map_err(|error| failed("write", &path, error))?;
        if has_failed { Ok(()) } else { rollback.clear() }
    }
}

/// A view of the file at one moment.
struct FileView {
    transaction: ReadTransaction,
    /// How long the file was, in bytes.
    length: u64,
    path: PathBuf,
}

impl Snapshot for FileView {
    fn package_count(&self) -> Result<u64, StoreError> {
        let count = || Ok::<_, redb::Error>(self.transaction.open_table(PACKAGES)?.len()?);
        count().map_err(|error| failed("read", &self.path, error))
    }

    fn is_outgrown(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| space::has_outgrown(self.length, file.len()))
    }

    fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.each(|package, list| visit(Row::read(package, list)))
    }
}

impl FileView {
    /// Passes the two parts of each row on.
    fn each(
        &self,
        mut take: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let read = |error: redb::Error| failed("read", &self.path, error);
        let packages = self.transaction.open_table(PACKAGES).map_err(|e| read(e.into()))?;
        // Both in the order of names. A recent change replaces what the table has.
        let lately = recent::read(&self.transaction, u64::MAX, &self.path)?;
        let mut lately =
            lately.iter().map(|(name, list)| (name.as_slice(), list.as_deref())).peekable();
        let mut kept = |package: &[u8], list: Option<&[u8]>| match list {
            Some(list) => take(package, list),
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

fn builder() -> Builder {
    let mut builder = Database::builder();
    // The start reads the whole file anyway, and checks what has changed since it was written.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// A database in a file, which is empty if it is new.
fn create(file: fs::File) -> Result<Database, redb::Error> {
    Ok(builder().create_with_backend(FileBackend::new(file)?)?)
}

fn failed(action: &'static str, path: &Path, error: impl Into<redb::Error>) -> StoreError {
    let path = path.to_owned();
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
        redb::Error::Corrupted(problem) => StoreError::Damaged { path, problem },
        redb::Error::UpgradeRequired(found) => {
            let problem = format!("redb's format {found} in it was never written");
            StoreError::Damaged { path, problem }
        }
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
mod forgetful;
#[cfg(test)]
mod tests;
