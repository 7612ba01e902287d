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
//! it. Not promised: to survive a disk that lies about that, or one that is lost. A backup is for those.
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
use crate::wire::{self, ParseError};

#[cfg(feature = "store")]
pub use disk::Disk;

/// Keeps the state of an index.
pub trait Store: Send {
    /// Makes changes durable, all of them or none, and returns when they are. Of one package the last
    /// counts.
    ///
    /// # Errors
    /// [`StoreError`]: whether they are kept is known at the next start. Nothing can be made durable
    /// any more until then.
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

    /// Hands every package over, in the same order each time, until `visit` has enough.
    ///
    /// # Errors
    /// [`StoreError`] if something cannot be read.
    fn visit(&self, visit: &mut dyn FnMut(Kept<'_>) -> ControlFlow<()>) -> Result<(), StoreError>;
}

/// A package as it is kept, not yet believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its name.
    pub package: &'a [u8],
    /// The names of its dependencies, with commas between them.
    pub dependencies: &'a [u8],
}

/// Why a store cannot keep something, or give it back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory cannot be used.
    #[error("cannot use {path}: {error}", path = path.display())]
    Directory {
        /// The directory, or a file in it.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Somebody else has it open.
    #[error("{path} is in use by another process", path = path.display())]
    InUse {
        /// The file that is locked.
        path: PathBuf,
    },
    /// It was written by a later version.
    #[error("{path} has format {found}, and this version reads up to {supported}", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The latest format that can be read.
        supported: u64,
    },
    /// It is not what it should be.
    #[error("{path} is damaged: {problem}", path = path.display())]
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
    /// Reading or writing failed.
    #[error("cannot {action} {path}: {error}", path = path.display())]
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
    #[error("package \"{package}\" with the list \"{dependencies}\": {error}")]
    Malformed {
        /// What stands for the name.
        package: String,
        /// What stands for the list.
        dependencies: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// A package needs what is not there.
    #[error("package \"{package}\" depends on \"{dependency}\", which is not there")]
    NotClosed {
        /// The package.
        package: String,
        /// What it needs.
        dependency: String,
    },
    /// More is kept than the index may hold.
    #[error("package \"{package}\": {error}")]
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
    mut progress: impl FnMut(usize),
) -> Result<PackageIndex, LoadError> {
    let mut index = PackageIndex::with_limits(limits);
    let snapshot = store.snapshot()?;
    let mut line = Vec::new();
    for with_lists in [false, true] {
        let mut applied = Ok(());
        snapshot.visit(&mut |kept| {
            applied = apply(&mut index, kept, with_lists, &mut line);
            progress(1);
            if applied.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        applied?;
    }
    Ok(index)
}

/// Indexes a package as if a client had sent it, with its list or, at first, without.
fn apply(
    index: &mut PackageIndex,
    kept: Kept<'_>,
    with_list: bool,
    line: &mut Vec<u8>,
) -> Result<(), LoadError> {
    let Kept { package, dependencies } = kept;
    line.clear();
    let list = if with_list { dependencies } else { &[] };
    for part in [b"INDEX|".as_slice(), package, b"|", list, b"\n"] {
        line.extend_from_slice(part);
    }
    let printed = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let command = wire::parse(line).map_err(|error| LoadError::Malformed {
        package: printed(package),
        dependencies: printed(dependencies),
        error,
    })?;
    match index.apply(command) {
        Ok(Outcome::Ok) => Ok(()),
        Ok(Outcome::Fail) => {
            let missing = command.names().skip(1).find(|name| !index.contains(name.as_str()));
            let dependency = missing.map(|name| name.to_string()).unwrap_or_default();
            Err(LoadError::NotClosed { package: printed(package), dependency })
        }
        Err(error) => Err(LoadError::Limit { package: printed(package), error }),
    }
}
