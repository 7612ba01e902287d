//! A log in memory, for tests. Each call succeeds at once unless a test asks for a fault.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, PoisonError};

use super::{Entry, Log, LogError, LogRefusal, LogSnapshot, Place, Writer};
use crate::bug::{Bug, planted};
use crate::sync::{Mutex, MutexGuard};

/// The fate of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Luck {
    /// It happens, and the caller is told.
    #[default]
    Good,
    /// It never happens, and the caller does not know.
    LostRequest,
    /// It happens, and the caller does not know.
    LostReply,
    /// It happens when the log is told to deliver what is delayed. The caller does not know.
    Delayed,
    /// It is refused for lack of space, and so is the next registration.
    Full,
}

/// A log that its clones share.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    /// The place of the last change.
    now: u64,
    head: Place,
    setup: Option<String>,
    writers: BTreeMap<u64, Writer>,
    entries: BTreeMap<Place, Entry>,
    /// All entries that were ever appended.
    history: Vec<Entry>,
    /// Entries up to this place are gone.
    forgotten: Place,
    chunks: BTreeMap<(u64, u32), Vec<u8>>,
    snapshot: Option<LogSnapshot>,
    /// The fates of the next appends.
    luck: Luck,
    delayed: Vec<(Writer, Vec<u8>)>,
    /// How many calls there were since the test chose which calls fail.
    calls: u32,
    unreachable: Range<u32>,
    /// Why it refuses changes, while it does.
    refusal: Option<LogRefusal>,
}

impl Memory {
    /// Sets the fate of the next append, or of the next publication, whose reply may be lost. Later ones
    /// succeed again.
    pub(crate) fn set_luck(&self, luck: Luck) {
        self.lock().luck = luck;
    }

    /// Sets which of the next calls fail, from 0.
    #[cfg(test)]
    pub(crate) fn set_unreachable(&self, calls: Range<u32>) {
        let mut held = self.lock();
        (held.calls, held.unreachable) = (0, calls);
    }

    /// Makes it refuse changes from now on, or accept them again.
    #[cfg(test)]
    pub(crate) fn set_refusal(&self, refusal: Option<LogRefusal>) {
        self.lock().refusal = refusal;
    }

    /// Changes the messages of the last entry.
    #[cfg(test)]
    pub(crate) fn change_last(&self, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(mut last) = self.lock().entries.last_entry() {
            change(&mut last.get_mut().messages);
        }
    }

    /// Lets delayed appends happen, if they still can.
    pub(crate) fn deliver(&self) {
        let mut held = self.lock();
        for (writer, messages) in std::mem::take(&mut held.delayed) {
            let _nobody_hears = held.append(&writer, &messages);
        }
    }

    /// Deletes the chunks of its snapshot.
    #[cfg(test)]
    pub(crate) fn lose_chunks(&self) {
        self.lock().chunks.clear();
    }

    /// Deletes everything, like a log that was set up again.
    #[cfg(test)]
    pub(crate) fn restore_empty(&self) {
        *self.lock() = Held::default();
    }

    /// How many snapshots have chunks.
    #[cfg(test)]
    pub(crate) fn snapshots(&self) -> usize {
        let held = self.lock();
        let mut ids: Vec<u64> = held.chunks.keys().map(|(id, _)| *id).collect();
        ids.dedup();
        ids.len()
    }

    /// All entries that are not forgotten, in order.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().entries.values().cloned().collect()
    }

    /// All entries that were ever appended, in order.
    pub(crate) fn history(&self) -> Vec<Entry> {
        self.lock().history.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, Held>, LogError> {
        let mut held = self.lock();
        let call = held.calls;
        held.calls = call.saturating_add(1);
        if held.unreachable.contains(&call) { Err(silence()) } else { Ok(held) }
    }

    /// Locks the state to change something.
    fn reach_to_change(&self) -> Result<MutexGuard<'_, Held>, LogError> {
        let held = self.reach()?;
        match held.refusal {
            // A single entry may be too large.
            None | Some(LogRefusal::TooLarge) => Ok(held),
            Some(refusal) => Err(refused(refusal)),
        }
    }
}

fn refused(refusal: LogRefusal) -> LogError {
    LogError::Refused { refusal, problem: refusal.to_string() }
}

fn silence() -> LogError {
    LogError::Unreachable { problem: "it does not answer".into() }
}

impl Held {
    fn next(&mut self) -> Place {
        self.now += 1;
        Place(self.now)
    }

    fn append(&mut self, writer: &Writer, messages: &[u8]) -> Option<Place> {
        let known = *self.writers.get(&writer.id)?;
        if known != *writer {
            if known.entries == writer.entries + 1 && planted(Bug::RepeatsAreNew) {
                // A retry with the same id.
                let again = Writer { place: known.place, ..*writer };
                self.writers.insert(writer.id, again);
                return self.append(&again, messages);
            }
            // Here already, if it is the last entry of this writer.
            return (known.entries == writer.entries + 1).then_some(known.place);
        }
        let place = self.next();
        let entry = Entry { place, id: writer.next(), messages: messages.to_vec() };
        self.history.push(entry.clone());
        self.entries.insert(place, entry);
        self.writers.insert(writer.id, writer.after(place));
        self.head = place;
        Some(place)
    }
}

impl Log for Memory {
    fn agree(&self, setup: &str) -> Result<(), LogError> {
        let theirs = self.reach()?.setup.clone();
        match theirs {
            None => self.reach_to_change()?.setup = Some(setup.to_owned()),
            Some(theirs) if theirs != setup => {
                return Err(LogError::Disagrees { ours: setup.to_owned(), theirs });
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn register(&self) -> Result<Writer, LogError> {
        let mut held = self.reach_to_change()?;
        if held.luck == Luck::Full {
            held.luck = Luck::Good;
            return Err(refused(LogRefusal::Full));
        }
        let place = held.next();
        let writer = Writer { id: place.0, entries: 0, place };
        held.writers.insert(writer.id, writer);
        Ok(writer)
    }

    fn append(&self, writer: &Writer, messages: &[u8]) -> Result<Option<Place>, LogError> {
        let mut held = self.reach_to_change()?;
        if let Some(refusal) = held.refusal {
            return Err(refused(refusal));
        }
        match std::mem::take(&mut held.luck) {
            Luck::Full => Err(refused(LogRefusal::Full)),
            Luck::Good => Ok(held.append(writer, messages)),
            Luck::LostRequest => Err(silence()),
            Luck::LostReply => {
                let _nobody_hears = held.append(writer, messages);
                Err(silence())
            }
            Luck::Delayed => {
                held.delayed.push((*writer, messages.to_vec()));
                Err(silence())
            }
        }
    }

    fn head(&self) -> Result<Place, LogError> {
        Ok(self.reach()?.head)
    }

    fn follow(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let mut after = after;
        loop {
            let held = self.reach()?;
            if after < held.forgotten {
                return Err(LogError::Forgotten { after });
            }
            let next = held.entries.range(Place(after.0 + 1)..).next();
            let Some(entry) = next.map(|(_, entry)| entry.clone()) else { return Ok(()) };
            drop(held);
            after = entry.place;
            if take(entry).is_break() {
                return Ok(());
            }
        }
    }

    fn snapshot(&self) -> Result<Option<LogSnapshot>, LogError> {
        Ok(self.reach()?.snapshot)
    }

    fn chunk(&self, snapshot: &LogSnapshot, number: u32) -> Result<Option<Vec<u8>>, LogError> {
        Ok(self.reach()?.chunks.get(&(snapshot.id, number)).cloned())
    }

    fn begin_snapshot(&self) -> Result<u64, LogError> {
        Ok(self.reach_to_change()?.next().0)
    }

    fn write_chunk(&self, id: u64, number: u32, messages: &[u8]) -> Result<(), LogError> {
        self.reach_to_change()?.chunks.insert((id, number), messages.to_vec());
        Ok(())
    }

    fn publish(
        &self,
        snapshot: &LogSnapshot,
        before: Option<&LogSnapshot>,
    ) -> Result<bool, LogError> {
        let mut held = self.reach_to_change()?;
        if held.snapshot.as_ref() == before {
            held.snapshot = Some(*snapshot);
        }
        if std::mem::take(&mut held.luck) == Luck::LostReply {
            return Err(silence());
        }
        Ok(held.snapshot.as_ref() == Some(snapshot))
    }

    fn forget(&self, snapshot: &LogSnapshot, before: Option<&LogSnapshot>) -> Result<(), LogError> {
        let mut held = self.reach()?;
        held.entries.retain(|place, _| *place > snapshot.place);
        // A caller with a later snapshot may have been here first.
        held.forgotten = held.forgotten.max(snapshot.place);
        let oldest = before.map_or(snapshot.id, |before| before.id);
        held.chunks.retain(|(id, _), _| *id >= oldest);
        let since = before.map_or(Place(0), |before| before.place);
        held.writers.retain(|_, writer| writer.place >= since);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_that_is_repeated_happens_once_however_it_was_lost() {
        for luck in [Luck::Good, Luck::LostRequest, Luck::LostReply, Luck::Delayed, Luck::Full] {
            let log = Memory::default();
            let writer = log.register().unwrap();
            log.set_luck(luck);
            let first = log.append(&writer, b"INDEX|a|\n");
            assert_eq!(first.is_err(), luck != Luck::Good, "{luck:?}");
            let place = log.append(&writer, b"INDEX|a|\n").unwrap().unwrap();
            log.deliver();
            let writer = writer.after(place);
            log.append(&writer, b"INDEX|b|\n").unwrap().unwrap();
            let ids = log.entries().into_iter().map(|entry| entry.id.number);
            assert_eq!(ids.collect::<Vec<_>>(), [1, 2], "{luck:?}");
        }
    }

    #[test]
    fn a_writer_that_is_forgotten_appends_nothing_any_more() {
        let log = Memory::default();
        let idle = log.register().unwrap();
        log.set_luck(Luck::Delayed);
        log.append(&idle, b"INDEX|late|\n").unwrap_err();
        let busy = log.register().unwrap();
        let place = log.append(&busy, b"INDEX|a|\n").unwrap().unwrap();
        let first = LogSnapshot { id: 90, place, log_bytes: 9, chunks: 0, packages: 1 };
        assert_eq!(log.publish(&first, None), Ok(true));
        log.forget(&first, None).unwrap();
        let place = log.append(&busy.after(place), b"INDEX|b|\n").unwrap().unwrap();
        let second = LogSnapshot { id: 91, place, ..first };
        assert_eq!(log.publish(&second, Some(&first)), Ok(true));
        log.forget(&second, Some(&first)).unwrap();
        log.deliver();
        assert_eq!(log.append(&idle, b"INDEX|late|\n"), Ok(None));
        assert_eq!(log.entries(), []);
    }
}
