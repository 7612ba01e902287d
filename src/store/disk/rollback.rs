//! A note of what is in doubt, so that the next start does not believe it.
//!
//! After a sync has failed, nobody can know how much of the commit is on disk. Reading does not tell: the
//! system keeps what it could not write, and shows all of it. So a small file beside the state says what not
//! to believe:
//!
//! - *The file of the state.* A start notes that before it opens the file, and only a successful close clears
//!   it. A start that finds the note follows one that was killed, lost its power or failed. It writes the
//!   whole file again, byte by byte, because what it reads may otherwise never reach the disk. A note only
//!   after a failed sync would not do: the note may fail too, and the process end.
//! - *Commits that failed.* They are noted before anybody gets `ERROR`, and the next start leaves them out.
//!
//! The file has its full length from the first start on, and stays open. So a full disk, or a process without
//! file descriptors, can still write it. It is one sector, which a disk writes as a whole or not at all.
//! Zeros say that nothing is in doubt. A note is one line, written twice, so that damage shows.
//!
//! A note names the *session* of its commits, a number that each start draws and keeps with the state. A
//! start takes back what is noted and begins its own session in one commit. If a note outlives that, its
//! commits are already gone.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::directory::{self, open_private, unusable};
use crate::bug::{Bug, planted};
use crate::store::StoreError;

/// The file in the directory.
const FILE: &str = "rollback";

/// The length of the file: a sector, in bytes.
const LENGTH: usize = 512;

/// How many bytes of the state are written again at a time.
const CHUNK: usize = 1 << 20;

/// The state's file is in doubt, and the commits that failed, if any did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InDoubt {
    session: u64,
    /// The number of the first failed commit.
    from: u64,
}

/// The file, open.
pub(super) struct Rollback {
    file: Box<dyn StorageBackend>,
    path: PathBuf,
}

/// Draws a number for a session that no other has.
pub(super) fn draw_session() -> u64 {
    // The keys come from the system.
    RandomState::new().hash_one(FILE)
}

/// Writes a file again as it reads, so that all of it is on the disk.
///
/// Leaves out long stretches of zeros. They are space that was never used, and the disk stores nothing for
/// them until they are written. What is kept is text, and redb's own empty pages are shorter.
///
/// # Errors
/// If it cannot be read, written or synced. A file that is partly written again reads as before.
pub(super) fn write_anew(file: &dyn StorageBackend) -> io::Result<()> {
    if planted(Bug::ReadsAreBelieved) {
        return Ok(());
    }
    let length = file.len()?;
    let mut bytes = vec![0; CHUNK];
    let mut place = 0;
    while place < length {
        let count = usize::try_from(length - place).map_or(CHUNK, |left| left.min(CHUNK));
        file.read(place, &mut bytes[..count])?;
        if bytes[..count].iter().any(|byte| *byte != 0) {
            file.write(place, &bytes[..count])?;
        }
        place += count as u64;
    }
    file.sync_data()
}

impl InDoubt {
    /// Commits of a session from this number on.
    pub(super) fn from(session: u64, number: u64) -> Self {
        Self { session, from: number }
    }

    /// The state's file alone, and no commit in it.
    pub(super) fn file() -> Self {
        Self::from(0, u64::MAX)
    }

    /// Whether these bytes are a note of commits that failed.
    #[cfg(test)]
    pub(super) fn names_commits(bytes: &[u8]) -> bool {
        Self::from_bytes(bytes).is_some_and(|noted| noted != Self::file())
    }

    /// The first number of this session that must not be believed.
    pub(super) fn first_of(self, session: Option<u64>) -> u64 {
        if session == Some(self.session) { self.from } else { u64::MAX }
    }

    fn to_bytes(self) -> [u8; LENGTH] {
        let Self { session, from } = self;
        let line = format!("failed: session {session:016x} from commit {from:016x}\n");
        let mut bytes = [0; LENGTH];
        let twice = line.bytes().chain(line.bytes());
        bytes.iter_mut().zip(twice).for_each(|(to, from)| *to = from);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let number = |place: usize| {
            let digits = std::str::from_utf8(bytes.get(place..place + 16)?).ok()?;
            u64::from_str_radix(digits, 16).ok()
        };
        let in_doubt = Self::from(number(16)?, number(45)?);
        (in_doubt.to_bytes() == bytes).then_some(in_doubt)
    }
}

impl Rollback {
    /// The file in a directory. It is made if it is not there.
    pub(super) fn of(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let opened = open_private(&path).map_err(|error| unusable(&path, error))?;
        let file = FileBackend::new(opened).map_err(|error| super::failed("open", &path, error))?;
        let rollback = Self::on(Box::new(file), path)?;
        directory::sync(directory)?;
        Ok(rollback)
    }

    /// The file on some storage. One that is too short, because its making was cut short, gets its full
    /// length.
    pub(super) fn on(file: Box<dyn StorageBackend>, path: PathBuf) -> Result<Self, StoreError> {
        let rollback = Self { file, path };
        let length = rollback.file.len().map_err(|error| unusable(&rollback.path, error))?;
        if length < LENGTH as u64 {
            rollback.put(&[0; LENGTH])?;
        }
        Ok(rollback)
    }

    /// What is noted.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the note cannot be understood.
    pub(super) fn read(&self) -> Result<Option<InDoubt>, StoreError> {
        let mut bytes = [0; LENGTH];
        self.file.read(0, &mut bytes).map_err(|error| unusable(&self.path, error))?;
        if bytes == [0; LENGTH] {
            return Ok(None);
        }
        let damaged = || {
            StoreError::Damaged {
            path: self.path.clone(),
            problem: "its record of the changes that failed cannot be read; without it, changes that got \
                      ERROR may be served"
                .into(),
        }
        };
        InDoubt::from_bytes(&bytes).map(Some).ok_or_else(damaged)
    }

    /// Notes what is in doubt, durably.
    ///
    /// # Errors
    /// [`StoreError`] if the note cannot be written.
    pub(super) fn note(&self, in_doubt: InDoubt) -> Result<(), StoreError> {
        self.put(&in_doubt.to_bytes())
    }

    /// Notes that nothing is in doubt.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be written. A note that stays does no harm.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        self.put(&[0; LENGTH])
    }

    fn put(&self, bytes: &[u8; LENGTH]) -> Result<(), StoreError> {
        let put = self.file.write(0, bytes).and_then(|()| self.file.sync_data());
        put.map_err(|error| super::failed("write", &self.path, redb::Error::Io(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::power::Storage;

    fn rollback(storage: &Storage) -> Rollback {
        Rollback::on(Box::new(storage.clone()), "rollback".into()).unwrap()
    }

    #[test]
    fn what_was_noted_is_read_until_it_is_cleared() {
        let storage = Storage::default();
        assert_eq!(rollback(&storage).read().unwrap(), None);
        for in_doubt in [InDoubt::from(0, 0), InDoubt::from(u64::MAX, 7), InDoubt::file()] {
            rollback(&storage).note(in_doubt).unwrap();
            // What is durable for sure: all that a power cut leaves.
            let kept = Storage::holding(storage.after_power_cut(0));
            assert_eq!(rollback(&kept).read().unwrap(), Some(in_doubt));
        }
        rollback(&storage).clear().unwrap();
        assert_eq!(rollback(&storage).read().unwrap(), None);
    }

    #[test]
    fn a_note_is_about_the_commits_of_its_session_alone() {
        let failed = InDoubt::from(3, 7);
        assert_eq!(failed.first_of(Some(3)), 7);
        assert_eq!(failed.first_of(Some(4)), u64::MAX);
        assert_eq!(failed.first_of(None), u64::MAX);
        assert_ne!(draw_session(), draw_session());
    }

    #[test]
    fn a_flipped_bit_anywhere_in_a_note_is_refused() {
        let bytes = InDoubt::from(u64::MAX / 3, 7).to_bytes();
        for bit in 0..8 * LENGTH {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = rollback(&Storage::holding(damaged.to_vec())).read().unwrap_err();
            assert!(error.to_string().starts_with("rollback is damaged: "), "{error}");
        }
    }

    #[test]
    fn a_file_whose_making_was_cut_short_says_nothing() {
        for length in [0, 1, LENGTH - 1] {
            let storage = Storage::holding(vec![0; length]);
            assert_eq!(rollback(&storage).read().unwrap(), None);
            assert_eq!(storage.after_power_cut(0), [0; LENGTH]);
        }
    }

    #[test]
    fn a_file_that_is_written_again_is_on_the_disk() {
        let bytes: Vec<u8> = (0..CHUNK + 100).map(|place| place.to_le_bytes()[0]).collect();
        let storage = Storage::default();
        storage.write(0, &bytes).unwrap();
        // None of it reaches the disk, and a later sync does not change that.
        storage.fail_after(0, 1, 0);
        storage.sync_data().unwrap_err();
        storage.sync_data().unwrap();
        assert!(storage.after_power_cut(1).is_empty());
        write_anew(&storage).unwrap();
        assert_eq!(storage.after_power_cut(0), bytes);
    }

    #[test]
    fn room_that_was_never_used_is_not_written() {
        let storage = Storage::default();
        storage.set_len(8 * CHUNK as u64).unwrap();
        storage.write(3 * CHUNK as u64, b"used").unwrap();
        let before = storage.calls();
        write_anew(&storage).unwrap();
        assert_eq!(storage.calls() - before, 2, "a write and a sync");
    }
}
