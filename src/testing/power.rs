//! Storage that forgets what a power cut would take: everything that was not synced, or any part of it.
//!
//! It stands under redb in place of a file. Each call counts; from a chosen one on the power is off and
//! every call fails. What a disk may hold then is what was durable, with any of the later writes on it,
//! in any order, each sector of 512 bytes whole or not at all.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quickcheck::{Arbitrary, Gen};
use redb::StorageBackend;

use crate::bug::{Bug, planted};

/// What a disk writes as a whole or not at all, in bytes.
pub(crate) const SECTOR: usize = 512;

/// Storage that can be looked at from outside while a database uses it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Storage(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What reads see.
    written: Vec<u8>,
    /// What was there at the last sync.
    durable: Vec<u8>,
    /// What was done since.
    pending: Vec<Pending>,
    calls: usize,
    /// The first call that fails.
    power_off: Option<usize>,
    /// Whether that call has come.
    refused: bool,
}

#[derive(Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Storage {
    /// Storage that holds these bytes.
    pub(crate) fn holding(bytes: Vec<u8>) -> Self {
        let state = State { written: bytes.clone(), durable: bytes, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The same, for so many calls.
    #[cfg(test)]
    pub(crate) fn until(bytes: Vec<u8>, power_off: usize) -> Self {
        let storage = Self::holding(bytes);
        storage.power_off_after(power_off);
        storage
    }

    /// Has the power go after so many calls more.
    pub(crate) fn power_off_after(&self, calls: usize) {
        let mut state = self.state();
        state.power_off = Some(state.calls + calls);
    }

    /// How many calls have changed something or synced.
    #[cfg(test)]
    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    /// Whether a call has come when the power was off.
    pub(crate) fn has_refused(&self) -> bool {
        self.state().refused
    }

    /// What reads see.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state().written.clone()
    }

    /// What the disk may hold if the power goes now: of what was not synced nothing for 0, all for 1,
    /// and another possibility for every other number.
    pub(crate) fn after_power_cut(&self, possibility: u64) -> Vec<u8> {
        let state = self.state();
        let mut bytes = state.durable.clone();
        let mut order: Vec<&Pending> = state.pending.iter().collect();
        let mut g = Gen::from_size_and_seed(1, possibility);
        // None, all, a part of the first, or any: what is likely to be hard is not what is likely.
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

    fn state(&self) -> MutexGuard<'_, State> {
        // Each call is done or not begun, even if one of them panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and refuses it if the power is off.
    fn call(&self, act: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.state();
        if state.power_off.is_some_and(|first| state.calls >= first) {
            state.refused = true;
            return Err(io::Error::other("the power is off"));
        }
        state.calls += 1;
        act(&mut state);
        Ok(())
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
        Ok(self.state().written.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, offset) = (self.state(), size(offset)?);
        let end = offset.checked_add(out.len());
        match end.and_then(|end| state.written.get(offset..end)) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = size(length)?;
        self.call(|state| {
            state.written.resize(length, 0);
            state.pending.push(Pending::Length(length));
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(|state| {
            if planted(Bug::SyncsAreLost) {
                return;
            }
            state.durable.clone_from(&state.written);
            state.pending.clear();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = size(offset)?;
        self.call(|state| {
            put(&mut state.written, offset, data);
            state.pending.push(Pending::Write(offset, data.to_vec()));
        })
    }
}
