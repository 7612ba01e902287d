//! Floor 3: stores, which make changes outlive the process.
//!
//! A [`Store`] keeps the state itself, each package with its list, and not a log of commands. It is told what
//! [`changed`](Change), and makes that durable in one step. At the next start it gives everything back.
//! [`load`] makes an index of that, and checks all of it. The engine decides which batches are made durable
//! together, and who waits for that. An engine without a store keeps its index in memory alone.
//!
//! # What is promised
//!
//! The promise has three cases:
//!
//! - If [`Store::commit`] returned `Ok`, its changes survive the end of the process, of the system, and of
//!   the power. The disk must have kept what it said it kept (`fdatasync`).
//! - If it had not returned, its changes are afterwards there as a whole or not at all, and nothing later
//!   without them.
//! - If it returned an error, its changes are not there afterwards, as long as the disk can still note the
//!   failure.
//!
//! A disk that lies, or one that is lost, is not covered. A backup is for those.
//!
//! # Why redb
//!
//! The engine for the feature `store` is redb, for four reasons. Every page is under a checksum that starts
//! at the root, so damage is found. (A log that ends at its first bad record silently loses what follows.) A
//! test can substitute its storage, and cut it off at every write. Its file format is promised to stay
//! readable. And it is one crate, where fjall would bring twenty.
//!
//! It is not the fastest. A commit rewrites six to eight pages of 4 KiB in different places, and each takes a
//! disk about as long as the next. `benches/durable.rs` measured the milliseconds of a commit to 10,000
//! packages, without a server, on a virtual disk of two cores:
//!
//! | changes in a commit | this store | bare writes and fdatasync of the same bytes | redb, an entry for each change | fjall 3, an entry for each change |
//! |---|---|---|---|---|
//! | 1 | 0.25 | 0.17 | 0.4 | 0.17 |
//! | 64 | 0.26 | 0.18 | 2.0 | 0.47 |
//! | 512 | | | 4.6 | 2.0 |
//! | 1,024 | 0.53 | 0.28 | | |
//!
//! So this store writes one value for a commit, and not an entry for each change.

#[cfg(feature = "store")]
mod disk;
mod loading;

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::index::Change;
use crate::shown::{shown, shown_path};
use crate::wire::{Row, RowError};

#[cfg(feature = "store")]
pub use disk::Disk;
pub(crate) use loading::load_snapshot;
pub use loading::{LoadError, load};

/// Keeps the state of an index.
pub trait Store: Send {
    /// Makes changes durable, all of them or none, and returns when they are. If a package occurs twice, its
    /// last change counts.
    ///
    /// # Errors
    /// [`StoreError`]: the changes are not kept, and the next start does not find them. There are two
    /// exceptions: after [`StoreError::Unnoted`], or if the process ends before this returns, it may find all
    /// of them or none. Until that start nothing can be made durable any more.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;

    /// A snapshot of what is kept at this moment. Later commits do not change it.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be read.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Closes the store, so that the next start needs no repair.
    ///
    /// # Errors
    /// [`StoreError`]: what was committed is kept all the same.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a store kept at one moment. While a snapshot lives, the store cannot reuse the space of what later
/// commits replace.
pub trait Snapshot: Send + Sync {
    /// About how many packages there are. Recent commits may not be counted.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be read.
    fn package_count(&self) -> Result<u64, StoreError>;

    /// Whether the store has grown so much since this snapshot that it should be given up.
    fn is_outgrown(&self) -> bool {
        false
    }

    /// Passes each package with its list to `visit`, until `visit` has enough. The order is the same each
    /// time. A row that cannot be understood is passed as an error.
    ///
    /// # Errors
    /// [`StoreError`] if something cannot be read.
    fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError>;
}

/// A function that gets what is kept, row by row, and returns whether it has enough.
pub type Visit<'v> = dyn FnMut(Result<Row<'_>, RowError>) -> ControlFlow<()> + 'v;

/// Why a store cannot keep or return something.
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
    /// Another process uses it.
    #[error("{path} is in use by another process", path = shown_path(path))]
    InUse {
        /// The file that is locked.
        path: PathBuf,
    },
    /// A later version wrote it.
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
    /// A later version of redb wrote the file.
    #[error(
        "{path} was written by a later version: it has redb's format {found}, and this version reads up \
         to {supported}",
        path = shown_path(path)
    )]
    NewerContainer {
        /// The file.
        path: PathBuf,
        /// The format of redb that it has.
        found: u8,
        /// The latest format that can be read.
        supported: u8,
    },
    /// The file is damaged.
    #[error("{path} is damaged: {problem}", path = shown_path(path), problem = shown(problem))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The store has been closed.
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
