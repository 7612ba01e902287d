//! A disk that deliberately forgets which commits failed, for tests of what a start believes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;

use super::rollback::InDoubt;
use super::{Disk, StoreError};

impl Disk {
    /// A disk that does not note a failed commit for the next start.
    pub(crate) fn forgetful(
        storage: impl StorageBackend,
        beside: impl StorageBackend,
    ) -> Result<Self, StoreError> {
        Self::on(storage, Forgetful { file: beside, forgot: AtomicBool::new(false) })
    }
}

/// The file beside the state. It keeps that the state is in doubt at a start. It claims to have kept which
/// commits failed, and has not.
#[derive(Debug)]
struct Forgetful<B> {
    file: B,
    /// Whether the last write was forgotten. If so, its sync does not reach the disk either.
    forgot: AtomicBool,
}

impl<B: StorageBackend> StorageBackend for Forgetful<B> {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.forgot.swap(false, Ordering::Relaxed) { Ok(()) } else { self.file.sync_data() }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let forgot = InDoubt::names_commits(data);
        self.forgot.store(forgot, Ordering::Relaxed);
        if forgot { Ok(()) } else { self.file.write(offset, data) }
    }
}
