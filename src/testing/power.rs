//! Storage that forgets what a power cut would take: all that was not synced, or any part of that.
//!
//! It replaces a file under redb, and has a second file [`beside`](Storage::beside) it. Each call counts.
//! From a chosen call on the power is off, and every call fails. The disk may then hold what was durable,
//! with any of the later writes on it, in any order. It holds each sector of 512 bytes whole or not at all.
//!
//! Calls can also fail while the power is on. A write that fails does nothing. A sync that fails does what
//! Linux does. Some part of what was written reaches the disk, and the rest never will. But reads still see
//! all of it, and later syncs succeed.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quickcheck::{Arbitrary, Gen};
use redb::StorageBackend;

use crate::bug::{Bug, planted};

/// The bytes that a disk writes as a whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// Storage that a test can look at while a database uses it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Storage {
    disk: Arc<Mutex<Disk>>,
    /// The number of the file that this handle uses.
    file: usize,
}

#[derive(Debug, Default)]
struct Disk {
    files: [Kept; 2],
    calls: usize,
    fault: Option<Fault>,
    /// Whether a call has failed.
    refused: bool,
}

/// What will go wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The power is off from this call on.
    Power(usize),
    /// These calls fail. If one is a sync, this possibility is what reaches the disk.
    Calls { first: usize, count: usize, left: u64 },
}

/// A file.
#[derive(Debug, Clone, Default)]
struct Kept {
    /// What reads see.
    written: Vec<u8>,
    /// What is on the disk for sure.
    durable: Vec<u8>,
    /// What was done since the last sync.
    pending: Vec<Pending>,
}

#[derive(Debug, Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Storage {
    /// Storage that holds these bytes, and an empty file beside them.
    pub(crate) fn holding(bytes: Vec<u8>) -> Self {
        Self::of([Kept::holding(bytes), Kept::default()])
    }

    fn of(files: [Kept; 2]) -> Self {
        Self { disk: Arc::new(Mutex::new(Disk { files, ..Disk::default() })), file: 0 }
    }

    /// The other file of the same disk.
    pub(crate) fn beside(&self) -> Self {
        Self { disk: Arc::clone(&self.disk), file: 1 - self.file }
    }

    /// Storage like `holding`, with power for so many calls.
    #[cfg(test)]
    pub(crate) fn until(bytes: Vec<u8>, power_off: usize) -> Self {
        let storage = Self::holding(bytes);
        storage.power_off_after(power_off);
        storage
    }

    /// Cuts the power after so many more calls.
    pub(crate) fn power_off_after(&self, calls: usize) {
        let mut disk = self.disk();
        disk.fault = Some(Fault::Power(disk.calls + calls));
    }

    /// Makes `count` calls fail after so many more. If one is a sync, this possibility is left.
    pub(crate) fn fail_after(&self, calls: usize, count: usize, left: u64) {
        let mut disk = self.disk();
        disk.fault = Some(Fault::Calls { first: disk.calls + calls, count, left });
    }

    /// How many calls have changed something or synced.
    #[cfg(test)]
    pub(crate) fn calls(&self) -> usize {
        self.disk().calls
    }

    /// Whether a call has failed.
    pub(crate) fn has_refused(&self) -> bool {
        self.disk().refused
    }

    /// What reads see.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.disk().files[self.file].written.clone()
    }

    /// What the disk may hold if the power fails now. Of what was not synced, 0 keeps nothing, 1 all, and
    /// every other number another part.
    #[cfg(test)]
    pub(crate) fn after_power_cut(&self, possibility: u64) -> Vec<u8> {
        self.disk().files[self.file].after_power_cut(possibility)
    }

    /// A disk without faults, with both files as a power cut may leave them.
    pub(crate) fn powered_again(&self, possibility: u64) -> Self {
        let left = |file: &Kept| Kept::holding(file.after_power_cut(possibility));
        Self::of(self.disk().files.each_ref().map(left))
    }

    /// A disk without faults, with all as the end of the process leaves it.
    pub(crate) fn opened_again(&self) -> Self {
        Self::of(self.disk().files.clone())
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        // Each call is done or not begun, even if one of them panics.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and makes it. If it fails while the power is on, calls `fail` instead, with what is to
    /// be left.
    fn call(
        &self,
        act: impl FnOnce(&mut Kept),
        fail: impl FnOnce(&mut Kept, u64),
    ) -> io::Result<()> {
        let mut disk = self.disk();
        let (call, fault) = (disk.calls, disk.fault);
        let file = &mut disk.files[self.file];
        let error = match fault {
            Some(Fault::Power(first)) if call >= first => "the power is off",
            Some(Fault::Calls { first, count, left }) if (first..first + count).contains(&call) => {
                fail(file, left);
                disk.calls += 1;
                "the disk has failed"
            }
            _ => {
                act(file);
                disk.calls += 1;
                return Ok(());
            }
        };
        disk.refused = true;
        Err(io::Error::other(error))
    }
}

impl Kept {
    fn holding(bytes: Vec<u8>) -> Self {
        Self { written: bytes.clone(), durable: bytes, pending: Vec::new() }
    }

    /// A sync: all that was written is on the disk. It does not take what reads see, because a sync that
    /// failed may have lost a part of that.
    fn sync(&mut self) {
        for pending in self.pending.drain(..) {
            match pending {
                Pending::Length(length) => self.durable.resize(length, 0),
                Pending::Write(offset, data) => put(&mut self.durable, offset, &data),
            }
        }
    }

    fn after_power_cut(&self, possibility: u64) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let mut order: Vec<&Pending> = self.pending.iter().collect();
        let mut g = Gen::from_size_and_seed(1, possibility);
        // None, all, a part of the first write, or any: hard cases are not the likely ones.
        let kind = possibility % 4;
        match kind {
            0 => order.clear(),
            1 => {}
            2 => order.truncate(usize::arbitrary(&mut g) % (order.len() + 1)),
            _ => order.sort_by_cached_key(|_| u64::arbitrary(&mut g)),
        }
        for pending in order {
            match pending {
                Pending::Length(length) => bytes.resize(*length, 0),
                Pending::Write(offset, data) => {
                    let sectors = data.chunks(SECTOR).enumerate();
                    for (number, sector) in sectors.filter(|_| kind < 3 || bool::arbitrary(&mut g))
                    {
                        put(&mut bytes, offset + number * SECTOR, sector);
                    }
                }
            }
        }
        bytes
    }

    /// A sync that fails: only this much of what was written ever reaches the disk.
    fn fail_to_sync(&mut self, left: u64) {
        self.durable = self.after_power_cut(left);
        self.pending.clear();
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    if bytes.len() < offset + data.len() {
        bytes.resize(offset + data.len(), 0);
    }
    bytes[offset..offset + data.len()].copy_from_slice(data);
}

fn size(number: u64) -> io::Result<usize> {
    usize::try_from(number).map_err(io::Error::other)
}

impl StorageBackend for Storage {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk().files[self.file].written.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (disk, offset) = (self.disk(), size(offset)?);
        let end = offset.checked_add(out.len());
        match end.and_then(|end| disk.files[self.file].written.get(offset..end)) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = size(length)?;
        let act = |file: &mut Kept| {
            file.written.resize(length, 0);
            file.pending.push(Pending::Length(length));
        };
        self.call(act, |_, _| {})
    }

    fn sync_data(&self) -> io::Result<()> {
        let act = |file: &mut Kept| {
            if !planted(Bug::SyncsAreLost) {
                file.sync();
            }
        };
        self.call(act, Kept::fail_to_sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = size(offset)?;
        let act = |file: &mut Kept| {
            put(&mut file.written, offset, data);
            file.pending.push(Pending::Write(offset, data.to_vec()));
        };
        self.call(act, |_, _| {})
    }
}
