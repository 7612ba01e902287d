//! Snapshots of a replica's index: how they get into the log, and how they become an index again.

use std::sync::{Mutex, PoisonError};

use super::{Guarded, Replica, Share};
use crate::index::{FrozenIndex, Limits, PackageIndex};
use crate::log::{Log, LogError, LogRefusal, LogSnapshot, MAX_ENTRY_BYTES, Place};
use crate::store::{LoadError, Snapshot, StoreError, Visit, load_snapshot};
use crate::wire::{Row, rows};

/// How many bytes of messages a chunk has, unless a single message has more.
const CHUNK_BYTES: usize = 512 * 1024;

/// The index as it was at some place.
pub(super) struct IndexAt<I = FrozenIndex> {
    pub(super) index: I,
    pub(super) place: Place,
    pub(super) log_bytes: u64,
    /// How far it has been written to the log.
    pub(super) begun: Option<Begun>,
}

/// A snapshot that is being written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    id: u64,
    /// The snapshot that it is to replace.
    before: Option<LogSnapshot>,
    /// How many of its chunks are written.
    chunks: u32,
}

/// A snapshot that was published, and the one that it replaced.
pub(super) type Published = (LogSnapshot, Option<LogSnapshot>);

/// Why what a log holds makes no index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What the log holds is no index, or one beyond the limits.
    #[error("the snapshot at {place}: {error}")]
    Snapshot {
        /// The place of the snapshot.
        place: Place,
        /// What is wrong with it.
        error: LoadError,
    },
}

impl RestoreError {
    /// The same as an error of the log, to which the snapshot belongs.
    pub(super) fn into_log_error(self) -> LogError {
        match self {
            Self::Log(error) => error,
            Self::Snapshot { place, error } => LogError::Damaged {
                what: format!("the snapshot at {place}"),
                problem: error.to_string(),
            },
        }
    }
}

/// Makes an index of a log's snapshot, or an empty index if there is none.
pub(super) fn restore(
    log: &dyn Log,
    limits: Limits,
    mut progress: impl FnMut(usize),
) -> Result<IndexAt<PackageIndex>, RestoreError> {
    let mut gone = None;
    loop {
        let Some(snapshot) = log.snapshot()? else {
            let index = PackageIndex::with_limits(limits);
            return Ok(IndexAt { index, place: Place::default(), log_bytes: 0, begun: None });
        };
        let chunks = Chunks { log, snapshot, failure: Mutex::default() };
        let loaded = load_snapshot(&chunks, limits, &mut progress);
        match (loaded, chunks.failure.into_inner().unwrap_or_else(PoisonError::into_inner)) {
            (Ok(index), None) => {
                let LogSnapshot { place, log_bytes, .. } = snapshot;
                return Ok(IndexAt { index, place, log_bytes, begun: None });
            }
            // No chunk disappears before a newer snapshot has replaced this one.
            (_, Some(Failure::Gone)) if gone == Some(snapshot.id) => {
                let what = format!("the snapshot at {}", snapshot.place);
                let problem = "a chunk is missing".into();
                return Err(LogError::Damaged { what, problem }.into());
            }
            (_, Some(Failure::Gone)) => gone = Some(snapshot.id),
            (_, Some(Failure::Log(error))) => return Err(error.into()),
            (Err(error), None) => {
                return Err(RestoreError::Snapshot { place: snapshot.place, error });
            }
        }
    }
}

impl Guarded {
    fn can_write_snapshot(&self) -> bool {
        self.copy.is_some() && self.core.refusal().is_none()
    }
}

/// A snapshot in the form in which it lies in the log.
struct Chunks<'a> {
    log: &'a dyn Log,
    snapshot: LogSnapshot,
    failure: Mutex<Option<Failure>>,
}

enum Failure {
    Gone,
    Log(LogError),
}

impl Snapshot for Chunks<'_> {
    fn package_count(&self) -> Result<u64, StoreError> {
        Ok(self.snapshot.packages)
    }

    fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        for number in 0..self.snapshot.chunks {
            let failure = match self.log.chunk(&self.snapshot, number) {
                Ok(Some(messages)) => {
                    let mut rows = rows::lines(&messages).map(Row::read_line);
                    if rows.try_for_each(&mut *visit).is_break() {
                        return Ok(());
                    }
                    continue;
                }
                Ok(None) => Failure::Gone,
                Err(error) => Failure::Log(error),
            };
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            return Err(StoreError::Closed);
        }
        Ok(())
    }
}

impl Snapshot for FrozenIndex {
    fn package_count(&self) -> Result<u64, StoreError> {
        Ok(self.len() as u64)
    }

    fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let _has_enough = self.entries().try_for_each(|(package, list)| {
            visit(Ok(Row { package: package.borrowed(), dependencies: (&list).into() }))
        });
        Ok(())
    }
}

impl IndexAt {
    /// Writes the index as the snapshot to start from, unless there is a later one. After an error, another
    /// call goes on from there.
    fn write(&mut self, log: &dyn Log) -> Result<Option<Published>, LogError> {
        let now = log.snapshot()?;
        let begun = match self.begun {
            // Either it was published and the reply was lost, or somebody else published one.
            Some(Begun { id, before, .. }) if now != before => {
                return Ok(now.filter(|now| now.id == id).map(|own| (own, before)));
            }
            Some(begun) => begun,
            None if now.is_some_and(|now| now.place >= self.place) => return Ok(None),
            None => Begun { id: log.begin_snapshot()?, before: now, chunks: 0 },
        };
        let Begun { id, before, .. } = begun;
        let begun = self.begun.insert(begun);
        let (mut chunks, mut chunk) = (0, Vec::new());
        let mut flush = |chunk: &mut Vec<u8>| {
            let messages = std::mem::take(chunk);
            if chunks == begun.chunks {
                log.write_chunk(id, chunks, &messages)?;
                begun.chunks += 1;
            }
            chunks += 1;
            Ok(())
        };
        let mut line = Vec::new();
        for (package, list) in self.index.entries() {
            line.clear();
            Row { package: package.borrowed(), dependencies: (&list).into() }.write_line(&mut line);
            if !chunk.is_empty() && chunk.len() + line.len() > CHUNK_BYTES {
                flush(&mut chunk)?;
            }
            chunk.extend_from_slice(&line);
            debug_assert!(chunk.len() <= CHUNK_BYTES.max(MAX_ENTRY_BYTES));
        }
        if !chunk.is_empty() {
            flush(&mut chunk)?;
        }
        let packages = self.index.len() as u64;
        let snapshot =
            LogSnapshot { id, place: self.place, log_bytes: self.log_bytes, chunks, packages };
        Ok(log.publish(&snapshot, before.as_ref())?.then_some((snapshot, before)))
    }
}

impl Share {
    /// Waits until a snapshot is due, or until the last one leaves something to forget.
    fn wait_to_write_snapshot(&self) {
        let mut state = self.lock();
        while !state.can_write_snapshot() && state.published.is_none() && !state.core.is_over() {
            state = self.copied.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Writes the next snapshot that is due. Returns `None` if none is due, others were first, or the log
    /// takes nothing now. To forget what is dispensable takes no space, so it is done even then.
    fn write_snapshot(&self) -> Result<Option<LogSnapshot>, LogError> {
        let mut state = self.lock();
        let copy = if state.can_write_snapshot() { state.copy.take() } else { None };
        drop(state);
        if let Some(mut copy) = copy {
            let written = copy.write(&*self.log);
            let mut state = self.lock();
            match written {
                // The log then forgets what the one before would have made it forget, too.
                Ok(written) => state.published = written.or(state.published),
                Err(error) => {
                    // Unless a newer one waits to be written.
                    let _kept = state.copy.get_or_insert(copy);
                    drop(state);
                    if error.refusal() != Some(LogRefusal::Full) {
                        return Err(error);
                    }
                    // The duty that appends reports this, and finds out when it is over.
                    self.refuse(LogRefusal::Full);
                }
            }
        }
        self.forget()
    }

    /// Makes the log forget what the last snapshot makes dispensable.
    fn forget(&self) -> Result<Option<LogSnapshot>, LogError> {
        let Some((snapshot, before)) = self.lock().published else { return Ok(None) };
        self.log.forget(&snapshot, before.as_ref())?;
        self.lock().published = None;
        Ok(Some(snapshot))
    }
}

impl Replica {
    /// Writes a snapshot of the index into the log if one is due, and returns it.
    ///
    /// # Errors
    /// [`LogError`]: the snapshot was not written, or what it replaces is still there. Call it again after a
    /// while.
    pub fn write_snapshot(&self) -> Result<Option<LogSnapshot>, LogError> {
        self.share.noting(self.share.write_snapshot())
    }

    /// Does the same, as soon as one is due: a duty of a replica.
    ///
    /// # Errors
    /// As [`write_snapshot`](Self::write_snapshot).
    pub fn write_snapshot_when_due(&self) -> Result<Option<LogSnapshot>, LogError> {
        self.share.wait_to_write_snapshot();
        self.write_snapshot()
    }
}
