//! The format of a file, and how a session of commits begins in it.
//!
//! The table `about` has both: the format of the other tables, and the number of the session that wrote them
//! last. redb's file has a format of its own.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use redb::{Database, ReadableDatabase as _, TableDefinition, TableError};

use super::rollback::{self, InDoubt};
use super::{PACKAGES, failed, recent};
use crate::store::StoreError;

/// The format that is written, and the latest that can be read. Format 1 had no recent changes, and format 2
/// no sessions.
pub(super) const FORMAT: u64 = 3;

/// The latest format of redb's files that can be read.
const CONTAINER: u8 = 3;

/// The first bytes of redb's files.
const CONTAINER_MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";

/// Where these files have the format of each of their two halves.
const CONTAINER_AT: [usize; 2] = [64, 192];

pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

/// The format of a file, or `None` if it is new.
pub(super) fn format(database: &Database) -> Result<Option<u64>, redb::Error> {
    match database.begin_read()?.open_table(ABOUT) {
        Ok(about) => Ok(Some(about.get("format")?.map_or(0, |format| format.value()))),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The session that wrote a file last, or `None` if its format has no sessions.
fn session(database: &Database) -> Result<Option<u64>, redb::Error> {
    let about = database.begin_read()?.open_table(ABOUT)?;
    Ok(about.get("session")?.map(|session| session.value()))
}

/// Makes the tables that are missing, and writes their format.
pub(super) fn begin(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
    drop(transaction.open_table(PACKAGES)?);
    Ok(transaction.commit()?)
}

/// Repairs what a crash or a stopped server left, without the commits that failed, and begins a session. All
/// of it is one commit.
pub(super) fn begin_session(
    database: &Database,
    in_doubt: Option<InDoubt>,
    path: &Path,
) -> Result<u64, StoreError> {
    let read = |error| failed("read", path, error);
    match format(database).map_err(read)? {
        Some(1..=FORMAT) => {}
        None | Some(0) => {
            // Every file of ours under this name is complete.
            let problem = "it does not say which format it has".into();
            return Err(StoreError::Damaged { path: path.into(), problem });
        }
        Some(found) => {
            return Err(StoreError::Newer { path: path.into(), found, supported: FORMAT });
        }
    }
    let before = session(database).map_err(read)?;
    let first_failed = in_doubt.map_or(u64::MAX, |failed| failed.first_of(before));
    let transaction = database.begin_read().map_err(|error| read(error.into()))?;
    // The writes below would make the table in a file that is not ours.
    transaction.open_table(PACKAGES).map_err(|error| read(error.into()))?;
    let lately = recent::read(&transaction, first_failed, path)?;
    drop(transaction);
    let session = rollback::draw_session();
    let begin = || -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        {
            let mut about = transaction.open_table(ABOUT)?;
            about.insert("format", FORMAT)?;
            about.insert("session", session)?;
        }
        recent::spread(&transaction, &lately)?;
        Ok(transaction.commit()?)
    };
    begin().map_err(|error| failed("write", path, error))?;
    Ok(session)
}

/// Why a file cannot be opened. redb takes a later format of its own for damage; this tells them apart.
pub(super) fn cannot_open(path: &Path, error: impl Into<redb::Error>) -> StoreError {
    let error = failed("open", path, error);
    if let StoreError::Damaged { .. } = error
        && let Ok(Some(found)) = container(path)
        && found > CONTAINER
    {
        return StoreError::NewerContainer { path: path.into(), found, supported: CONTAINER };
    }
    error
}

/// The latest format of the two halves of redb's file, or `None` if it is no such file.
fn container(path: &Path) -> io::Result<Option<u8>> {
    let mut header = [0; CONTAINER_AT[1] + 1];
    File::open(path)?.read_exact(&mut header)?;
    let found = CONTAINER_AT.map(|place| header[place]);
    Ok(header.starts_with(CONTAINER_MAGIC).then_some(found[0].max(found[1])))
}
