//! The directory of a store: how it is made, locked, and closed to other users.
//!
//! What the store makes is for its own user alone under every umask: directories have mode 0700, files
//! 0600. Files of an earlier version are closed when they are opened. A directory that was there before
//! keeps its mode, because somebody else chose it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::store::StoreError;

/// The file that the process using the directory has locked.
const LOCK: &str = "lock";

/// Makes a directory and its parents, durably.
pub(super) fn make(directory: &Path) -> Result<(), StoreError> {
    let is_missing = |above: &&Path| !above.as_os_str().is_empty() && !above.exists();
    let missing: Vec<_> = directory.ancestors().take_while(is_missing).collect();
    for made in missing.into_iter().rev() {
        match private_directories().create(made) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && made.is_dir() => continue,
            created => created.map_err(|error| unusable(directory, error))?,
        }
        // Before the next is made in it: a umask may have closed it to its own user.
        close_to_others(made, 0o700);
        // The topmost parent of a relative path is the working directory.
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        sync(above.unwrap_or(Path::new(".")))?;
    }
    if directory.is_dir() {
        return Ok(());
    }
    Err(unusable(directory, io::ErrorKind::NotADirectory.into()))
}

/// Makes the entries of a directory durable.
pub(super) fn sync(directory: &Path) -> Result<(), StoreError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| unusable(directory, error))
}

/// Opens a file for reading and writing. Makes an empty one if there is none.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let file = private_files().read(true).write(true).create(true).truncate(false).open(path)?;
    close_to_others(path, 0o600);
    Ok(file)
}

/// Gives a file or directory this mode, or leaves its mode if that fails. The file may belong to somebody
/// else, or its file system may have no modes. Neither is a reason not to serve.
#[cfg(unix)]
pub(super) fn close_to_others(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    let _kept = fs::set_permissions(path, fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
pub(super) fn close_to_others(_: &Path, _: u32) {}

/// Options for files that are closed to other users from the first moment.
fn private_files() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_directories() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// A directory that no other process uses.
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(LOCK);
        let file = open_private(&path).map_err(|error| unusable(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: directory.to_owned() }),
            Err(TryLockError::Error(error)) => Err(unusable(&path, error)),
        }
    }

    /// The same lock, as a child process inherits it.
    #[cfg(test)]
    pub(super) fn inherited(&self) -> File {
        self.0.try_clone().unwrap()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started has the file open too, until it
        // runs its program. If unlocking fails, the lock ends when the child closes the file.
        let _ = self.0.unlock();
    }
}

pub(super) fn unusable(path: &Path, error: io::Error) -> StoreError {
    StoreError::Directory { path: path.to_owned(), error }
}
