//! Floor 3: how changes outlive the process, or that they do not.
//!
//! A [`Store`] keeps the state itself, each package with its list, and not a log of commands: it is
//! told what [`changed`](Change), makes that durable at one go, and gives everything back at the next
//! start, when [`load`] makes an index of it and believes nothing. Which batches are made durable
//! together, and who waits for that, is the engine's business. An engine without a store keeps its
//! index in memory alone.
//!
//! # What is promised
//!
//! What [`Store::commit`] returned from survives the end of the process, of the system, and of the
//! power, as long as the disk keeps what it said to have kept when it was told to (`fdatasync`). What
//! it had not returned from is afterwards there as a whole or not at all, and nothing later without
//! it. What it failed to make durable is not there afterwards, as long as the disk can still note that it
//! failed. Not promised: to survive a disk that lies about that, or one that is lost. A backup is for those.
//!
//! # Why redb
//!
//! The engine behind the feature `store` is redb: every page is under a checksum that starts at the
//! root, so that damage is found instead of taken for the end of a log (a log that ends at its first bad
//! record loses what follows it, silently); its storage can be substituted, so that a test can cut it off
//! at every write; its file format is promised to stay readable; and it is one crate, where fjall would
//! bring twenty.
//!
//! It is not the fastest. A commit rewrites six to eight pages of 4 KiB that do not lie side by side, and
//! each of them takes a disk about as long as the next one. Measured by `benches/durable.rs`, without a
//! server, on a virtual disk of two cores: commits of 1, 64 and 1,024 changes of 10,000 packages take 0.25,
//! 0.26 and 0.53 milliseconds, which bare writes with fdatasync of the same bytes do in 0.68, 0.69 and 0.53 of
//! that. Each change as an entry of its own, in place of one value for a commit, took 0.4, 2.0 and 4.6
//! milliseconds for 1, 64 and 512 changes, fjall 3 in that way 0.17, 0.47 and 2.0.

#[cfg(feature = "store")]
mod disk;

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::command::Outcome;
use crate::index::{Change, LimitError, Limits, PackageIndex};
use crate::name::NameRef;
use crate::shown::{shown, shown_path};
use crate::wire::rows::RowBuffer;
use crate::wire::{Row, RowError};

#[cfg(feature = "store")]
pub use disk::Disk;

/// Keeps the state of an index.
pub trait Store: Send {
    /// Makes changes durable, all of them or none, and returns when they are. Of one package the last
    /// counts.
    ///
    /// # Errors
    /// [`StoreError`]: they are not kept, and the next start does not find them. Only after
    /// [`StoreError::Unnoted`], or if the process ends before this returns, it may find all of them or
    /// none. Nothing can be made durable any more until then.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;

    /// What is kept at this moment, however it goes on.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be read.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Leaves what is kept so that the next start finds it without repair.
    ///
    /// # Errors
    /// [`StoreError`]: what was committed is kept all the same.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a store kept at one moment. As long as it is there, the store cannot use the place again of what
/// it replaces.
pub trait Snapshot: Send {
    /// About how many packages there are: what was committed lately may not be counted.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be read.
    fn package_count(&self) -> Result<u64, StoreError>;

    /// Whether the store has grown so much beside this snapshot that it should be given up.
    fn is_outgrown(&self) -> bool {
        false
    }

    /// Hands every package over with its list, or what is kept in its place, in the same order each time,
    /// until `visit` has enough.
    ///
    /// # Errors
    /// [`StoreError`] if something cannot be read.
    fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// The same without the lists, which need not be read for that.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    fn visit_packages(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.visit(&mut |row| visit(row.map(Row::without_list)))
    }
}

/// Is given what is kept, row by row, and says whether it has enough.
pub type Visit<'v> = dyn FnMut(Result<Row<'_>, RowError>) -> ControlFlow<()> + 'v;

/// Why a store cannot keep something, or give it back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory cannot be used.
    #[error("cannot use {path}: {error}", path = shown_path(path))]
    Directory {
        /// The directory, or a file in it.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Somebody else has it open.
    #[error("{path} is in use by another process", path = shown_path(path))]
    InUse {
        /// The file that is locked.
        path: PathBuf,
    },
    /// It was written by a later version.
    #[error(
        "{path} was written by a later version: it has format {found}, and this version reads up to \
         {supported}",
        path = shown_path(path)
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The latest format that can be read.
        supported: u64,
    },
    /// It is in a file whose own format is of a later version of redb.
    #[error(
        "{path} was written by a later version: it has redb's format {found}, and this version reads up \
         to {supported}",
        path = shown_path(path)
    )]
    NewerContainer {
        /// The file.
        path: PathBuf,
        /// The format of redb's.
        found: u8,
        /// The latest that can be read.
        supported: u8,
    },
    /// It is not what it should be.
    #[error("{path} is damaged: {problem}", path = shown_path(path), problem = shown(problem))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It has been closed.
    #[error("the store is closed")]
    Closed,
    /// The store panicked, by a bug.
    #[error("the store panicked")]
    Panicked,
    /// A commit failed, and that could not be noted for the next start.
    #[error(
        "{error}; this could not be noted, so the next start may find the changes that failed: {unnoted}"
    )]
    Unnoted {
        /// Why the commit failed.
        error: Box<StoreError>,
        /// Why that could not be noted.
        unnoted: Box<StoreError>,
    },
    /// Reading or writing failed.
    #[error("cannot {action} {path}: {error}", path = shown_path(path), error = shown(error))]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: String,
    },
}

/// Why no index can be made of what is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept is no package with a list.
    #[error(transparent)]
    Malformed(#[from] RowError),
    /// A package needs what is not there.
    #[error(
        "package \"{}\" depends on \"{}\", which is not there",
        shown(package),
        shown(dependency)
    )]
    NotClosed {
        /// The package.
        package: String,
        /// What it needs.
        dependency: String,
    },
    /// More is kept than the index may hold.
    #[error("package \"{}\": {error}", shown(package))]
    Limit {
        /// The package that is one too many.
        package: String,
        /// The limit that it breaks.
        error: LimitError,
    },
}

/// Makes an index of all that is kept, as a stream, and checks every name and that nothing is missing.
/// `progress` is told of so many packages, twice of each: first as such, then with its list.
/// O(packages + dependencies).
///
/// # Errors
/// [`LoadError`], which names the package.
pub fn load(
    store: &dyn Store,
    limits: Limits,
    progress: impl FnMut(usize),
) -> Result<PackageIndex, LoadError> {
    load_snapshot(&*store.snapshot()?, limits, progress)
}

/// The same of a snapshot, whichever keeps it.
pub(crate) fn load_snapshot(
    snapshot: &dyn Snapshot,
    limits: Limits,
    mut progress: impl FnMut(usize),
) -> Result<PackageIndex, LoadError> {
    let mut loading =
        Loading { index: PackageIndex::with_limits(limits), next: RowBuffer::default() };
    for visit in [<dyn Snapshot>::visit_packages, <dyn Snapshot>::visit] {
        let mut taken = Ok(());
        visit(snapshot, &mut |row| {
            taken = row.map_err(LoadError::from).and_then(|row| loading.take(row));
            progress(1);
            if taken.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        taken?;
        loading.apply()?;
    }
    Ok(loading.index)
}

/// How many packages are looked up side by side: as many as a batch of a session has.
pub(crate) const TOGETHER: usize = 256;

/// An index on the way, and the packages that come next.
struct Loading {
    index: PackageIndex,
    next: RowBuffer,
}

impl Loading {
    fn take(&mut self, row: Row<'_>) -> Result<(), LoadError> {
        self.next.push(row);
        if self.next.len() < TOGETHER { Ok(()) } else { self.apply() }
    }

    /// Indexes those that were taken.
    fn apply(&mut self) -> Result<(), LoadError> {
        self.index.prefetch(self.next.iter().map(Row::command));
        for row in self.next.iter() {
            let package = || row.package.to_string();
            match self.index.apply(row.command()) {
                Ok(Outcome::Ok) => {}
                Ok(Outcome::Fail) => {
                    let is_missing = |name: &NameRef<'_>| !self.index.contains(name.as_str());
                    let missing = row.dependencies.iter().find(is_missing);
                    let dependency = missing.map(|name| name.to_string()).unwrap_or_default();
                    return Err(LoadError::NotClosed { package: package(), dependency });
                }
                Err(error) => return Err(LoadError::Limit { package: package(), error }),
            }
        }
        self.next.clear();
        Ok(())
    }
}
