//! The duty that appends. It asks the log what the core wants to know, and tells the core the answer.

use std::sync::PoisonError;
use std::time::Instant;

use super::core::{Core, Task};
use super::{MOMENT, Replica, Share};
use crate::log::{EntryId, LogError, LogRefusal, Place, not_before};

impl Replica {
    /// Makes one attempt to append what waits. Returns `false` if nothing waits, or the replica has been
    /// closed or has failed. Only one thread at a time may call it.
    ///
    /// # Errors
    /// [`LogError`]: call it again after a while.
    pub fn append(&self) -> Result<bool, LogError> {
        self.share.noting(self.share.append())
    }

    /// Does the same, as soon as there is something to append: a duty of a replica.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_when_due(&self) -> Result<bool, LogError> {
        self.share.wait_to_append();
        self.append()
    }
}

impl Share {
    /// Waits until there is something to append, or a doubt that may be settled.
    fn wait_to_append(&self) {
        let mut state = self.lock();
        if let Some(place) = state.core.awaited() {
            drop(state);
            let _later = self.wait_for(place, Instant::now() + MOMENT);
            return;
        }
        while !state.core.has_step() {
            state = self.submitted.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn append(&self) -> Result<bool, LogError> {
        let appended = self.try_to_append();
        if let Some(refusal) = appended.as_ref().err().and_then(LogError::refusal) {
            self.with(|core| core.refused(refusal));
        }
        appended
    }

    fn try_to_append(&self) -> Result<bool, LogError> {
        loop {
            let takes_again = match self.with(Core::next_task) {
                Task::Idle => return Ok(false),
                Task::Await(_) => return Ok(!self.is_over()),
                Task::Register => {
                    let writer = self.log.register()?;
                    self.with(|core| core.registered(writer))
                }
                Task::FindEnd => {
                    let end = not_before(self.applied(), self.log.head()?)?;
                    self.with(|core| core.end_found(end));
                    false
                }
                Task::Append { writer, messages } => {
                    let place = self.log.append(&writer, &messages)?;
                    self.note_reached();
                    self.note_appended(writer.next(), place);
                    return Ok(true);
                }
            };
            self.note_reached();
            if takes_again {
                self.note_taken();
                return Ok(!self.is_over());
            }
        }
    }

    fn note_appended(&self, id: EntryId, place: Option<Place>) {
        if self.with(|core| core.appended(id, place)) {
            self.note_taken();
        }
    }

    /// Notes that the log takes no changes from now on.
    pub(super) fn refuse(&self, refusal: LogRefusal) {
        self.with(|core| core.refuse(refusal));
        // Wake the duty: it finds out when that is over.
        self.submitted.notify_one();
    }

    /// Notes that the log takes changes again. A snapshot may wait for that.
    fn note_taken(&self) {
        self.copied.notify_one();
    }
}
