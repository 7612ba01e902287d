//! Storage that forgets what a power cut would take: everything that was not synced, or any part of it.
//!
//! It stands under redb in place of a file. Each call counts; from a chosen one on the power is off and
//! every call fails. What a disk may hold then is what was durable, with any of the later writes on it,
//! in any order, each sector of 512 bytes whole or not at all.

use std::io;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use redb::StorageBackend;

/// What a disk writes as a whole or not at all, in bytes.
pub(super) const SECTOR: usize = 512;

/// Storage that can be looked at from outside while a database uses it.
#[derive(Debug, Clone, Default)]
pub(super) struct Storage(Arc<Mutex<State>>);

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
}

#[derive(Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Storage {
    /// Storage that holds these bytes.
    pub(super) fn holding(bytes: Vec<u8>) -> Self {
        let state = State { written: bytes.clone(), durable: bytes, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The same, for so many calls.
    pub(super) fn until(bytes: Vec<u8>, power_off: usize) -> Self {
        let storage = Self::holding(bytes);
        storage.0.lock().unwrap().power_off = Some(power_off);
        storage
    }

    /// How many calls have changed something or synced.
    pub(super) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// What reads see.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().written.clone()
    }

    /// What the disk may hold if the power goes now, another possibility each time.
    pub(super) fn after_power_cut(&self, rng: &mut Rng) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut bytes = state.durable.clone();
        let mut order: Vec<&Pending> = state.pending.iter().collect();
        // All, none, a part of the first, or any: what is likely to be hard is not what is likely.
        let kind = rng.u8(..4);
        match kind {
            0 => {}
            1 => order.clear(),
            2 => order.truncate(rng.usize(..=order.len())),
            _ => rng.shuffle(&mut order),
        }
        for pending in order {
            match pending {
                Pending::Length(length) => bytes.resize(*length, 0),
                Pending::Write(offset, data) => {
                    let sectors = data.chunks(SECTOR).enumerate();
                    for (number, sector) in sectors.filter(|_| kind < 3 || rng.bool()) {
                        put(&mut bytes, offset + number * SECTOR, sector);
                    }
                }
            }
        }
        bytes
    }

    /// Counts a call, and refuses it if the power is off.
    fn call(&self, act: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.power_off.is_some_and(|first| state.calls >= first) {
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

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

impl StorageBackend for Storage {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().written.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let end = size(offset).checked_add(out.len());
        match end.and_then(|end| state.written.get(size(offset)..end)) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.call(|state| {
            state.written.resize(size(length), 0);
            state.pending.push(Pending::Length(size(length)));
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(|state| {
            state.durable.clone_from(&state.written);
            state.pending.clear();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.call(|state| {
            put(&mut state.written, size(offset), data);
            state.pending.push(Pending::Write(size(offset), data.to_vec()));
        })
    }
}
