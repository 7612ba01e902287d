//! Makes an index of what a store keeps: the start of a server, and of a replica from a snapshot.
//!
//! The rows come one after the other, each once. Another thread reads them and checks every name,
//! while this one builds the index. If there are few rows, one thread does both.

use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::{mem, panic, thread};

use super::{Snapshot, Store, StoreError};
use crate::index::{Bulk, BulkError, LimitError, Limits, PackageIndex};
use crate::shown::shown;
use crate::wire::rows::RowBuffer;
use crate::wire::{Row, RowError};

/// From about how many packages on another thread reads them.
const WORTH_A_THREAD: usize = 16_384;

/// How many rows are handed over together, at most.
const ROWS: usize = 512;

/// How many bytes of rows are handed over together, at most, unless one row alone has more.
const BYTES: usize = 128 << 10;

/// How many such groups wait to be built in.
const WAITING: usize = 4;

/// Why what is kept makes no index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row is not a package with a list.
    #[error(transparent)]
    Malformed(#[from] RowError),
    /// A package depends on one that is not there.
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
    /// A package is there more than once.
    #[error("package \"{}\" is there twice", shown(package))]
    Twice {
        /// The package.
        package: String,
    },
    /// More is kept than the index may hold.
    #[error("package \"{}\": {error}", shown(package))]
    Limit {
        /// The package that is one too many.
        package: String,
        /// The limit that it breaks.
        error: LimitError,
    },
    /// The system gives no thread.
    #[error("cannot start a thread to read what is kept: {0}")]
    NoThread(#[source] std::io::Error),
}

/// Makes an index of all that is kept, as a stream. Checks every name, and that no dependency is missing.
/// `progress` gets numbers of packages as they are read, and counts each package once. O(packages +
/// dependencies).
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

/// Like [`load`], from a snapshot of any store.
pub(crate) fn load_snapshot(
    snapshot: &dyn Snapshot,
    limits: Limits,
    mut progress: impl FnMut(usize),
) -> Result<PackageIndex, LoadError> {
    let packages = usize::try_from(snapshot.package_count()?).unwrap_or(usize::MAX);
    let mut bulk = Bulk::new(limits, packages);
    let mut build = |rows: &RowBuffer| {
        progress(rows.len());
        bulk.add(rows.iter().map(|Row { package, dependencies }| (package, dependencies)))
    };
    if packages < WORTH_A_THREAD {
        let mut built = Ok(());
        let read = read(snapshot, |rows| {
            built = build(rows);
            rows.clear();
            built.is_ok()
        });
        built?;
        read?;
    } else {
        build_beside(snapshot, build)?;
    }
    Ok(bulk.finish()?)
}

/// Builds the index while another thread reads the rows.
fn build_beside(
    snapshot: &dyn Snapshot,
    mut build: impl FnMut(&RowBuffer) -> Result<(), BulkError>,
) -> Result<(), LoadError> {
    let (to_build, full) = sync_channel::<RowBuffer>(WAITING);
    let (to_fill, empty) = sync_channel(WAITING + 1);
    thread::scope(|scope| {
        let read_all = move || {
            read(snapshot, |rows| {
                let full = mem::replace(rows, empty.try_recv().unwrap_or_default());
                to_build.send(full).is_ok()
            })
        };
        let reader = thread::Builder::new().name("read".into());
        let reader = reader.spawn_scoped(scope, read_all).map_err(LoadError::NoThread)?;
        for mut rows in full {
            build(&rows)?;
            rows.clear();
            // Nobody takes it once all is read.
            let _unused = to_fill.try_send(rows);
        }
        reader.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    })
}

/// Reads all rows, and passes them on in groups while `pass` wants more. It takes the rows out.
fn read(
    snapshot: &dyn Snapshot,
    mut pass: impl FnMut(&mut RowBuffer) -> bool,
) -> Result<(), LoadError> {
    let mut rows = RowBuffer::default();
    let (mut wants_more, mut malformed) = (true, Ok(()));
    let visited = snapshot.visit(&mut |row| {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => malformed = Err(error),
        }
        if rows.len() >= ROWS || rows.byte_count() >= BYTES {
            wants_more = pass(&mut rows);
        }
        if wants_more && malformed.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if wants_more {
        pass(&mut rows);
    }
    visited?;
    Ok(malformed?)
}

impl From<BulkError> for LoadError {
    fn from(error: BulkError) -> Self {
        match error {
            BulkError::Limit { package, error } => {
                Self::Limit { package: package.to_string(), error }
            }
            BulkError::Twice { package } => Self::Twice { package: package.to_string() },
            BulkError::Owed { package, dependency } => {
                Self::NotClosed { package: package.to_string(), dependency: dependency.to_string() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages that depend on the next one and on the first.
    struct Kept {
        packages: usize,
        /// How many it says there are.
        said: u64,
        malformed: Option<usize>,
        closes: bool,
        fails: bool,
    }

    impl Kept {
        fn of(packages: usize) -> Self {
            Self { packages, said: packages as u64, malformed: None, closes: true, fails: false }
        }

        fn load(&self, limits: Limits) -> (Result<PackageIndex, LoadError>, usize) {
            let mut counted = 0;
            (load_snapshot(self, limits, |packages| counted += packages), counted)
        }
    }

    impl Snapshot for Kept {
        fn package_count(&self) -> Result<u64, StoreError> {
            Ok(self.said)
        }

        fn visit(&self, visit: &mut crate::store::Visit<'_>) -> Result<(), StoreError> {
            for number in 0..self.packages {
                let name = |number: usize| format!("p{number:06}");
                let last = self.closes && number + 1 == self.packages;
                let list = if last { name(0) } else { format!("{},{}", name(number + 1), name(0)) };
                let text =
                    if self.malformed == Some(number) { "no name".into() } else { name(number) };
                if visit(Row::read(text.as_bytes(), list.as_bytes())).is_break() {
                    return Ok(());
                }
            }
            if self.fails { Err(StoreError::Closed) } else { Ok(()) }
        }
    }

    /// Few rows are read and built by one thread, many by two.
    const SIZES: [usize; 3] = [1, WORTH_A_THREAD - 1, 2 * WORTH_A_THREAD + 1];

    #[test]
    fn all_that_is_kept_is_loaded_and_counted_once() {
        for packages in SIZES {
            for said in [0, 3, packages as u64, u64::MAX] {
                let (loaded, counted) = Kept { said, ..Kept::of(packages) }.load(Limits::default());
                let index = loaded.unwrap();
                assert_eq!((index.len(), counted), (packages, packages));
                let listed: usize = if packages == 1 { 1 } else { 2 * packages - 1 };
                // The first names the second alone beside itself.
                assert_eq!(index.dependency_count(), listed);
                assert_eq!(index.check_invariants(), Ok(()));
            }
        }
    }

    #[test]
    fn an_error_of_the_store_ends_a_load() {
        for packages in SIZES {
            let (loaded, counted) =
                Kept { fails: true, ..Kept::of(packages) }.load(Limits::default());
            assert!(matches!(loaded, Err(LoadError::Store(StoreError::Closed))), "{loaded:?}");
            assert_eq!(counted, packages);
        }
    }

    #[test]
    fn the_first_thing_wrong_is_told_and_nothing_hangs() {
        for packages in SIZES {
            let last = packages - 1;
            let (loaded, _) =
                Kept { malformed: Some(last), ..Kept::of(packages) }.load(Limits::default());
            assert!(matches!(loaded, Err(LoadError::Malformed(_))), "{loaded:?}");
            let (loaded, _) = Kept { closes: false, ..Kept::of(packages) }.load(Limits::default());
            assert!(matches!(loaded, Err(LoadError::NotClosed { .. })), "{loaded:?}");
            // Far more rows come after the one that is refused.
            let limits = Limits { max_packages: last.min(2), ..Limits::default() };
            let (loaded, _) = Kept { malformed: Some(last), ..Kept::of(packages) }.load(limits);
            let is_limit = matches!(loaded, Err(LoadError::Limit { .. }));
            assert!(is_limit || packages == 1, "{loaded:?}");
        }
    }
}
