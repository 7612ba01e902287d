//! A log that can be reached and takes no changes, for want of space for example: a state of its own.
//!
//! It begins when the log refuses an append, and all who wait with changes are answered at once. From then on no
//! change is handed in, and QUERYs go on. The duty that appends tries, again and again, to be registered as a
//! writer, and the state ends when it is.
//!
//! An entry that was refused is never tried again. An earlier attempt, of which nobody heard, may still take
//! effect. So the writer of that attempt is given up as well: its next entry would have the same number, and the
//! log could take the one for the other.

use super::append::Appender;
use super::{Share, Unanswered, answer};
use crate::log::LogRefusal;

impl Share {
    /// Why the log takes no changes; `None` while it does, as far as is known.
    pub(super) fn refusal(&self) -> Option<LogRefusal> {
        self.lock().refusal
    }

    /// Gives up what was refused, and, unless that was only too large, all that waits.
    pub(super) fn give_up(&self, appender: &mut Appender, refusal: LogRefusal) {
        if let Some(group) = appender.give_up() {
            let abandoned = self.lock().without(|other| other.number == group);
            answer(&abandoned, Unanswered::Abandoned(refusal));
        }
        if refusal != LogRefusal::TooLarge {
            self.refuse(refusal);
        }
    }

    /// Takes no changes from now on, and answers those that wait.
    pub(super) fn refuse(&self, refusal: LogRefusal) {
        let mut state = self.lock();
        state.refusal = Some(refusal);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        answer(&waiting, Unanswered::Refused(refusal));
        // To try whether that is still so.
        self.submitted.notify_one();
    }

    /// Takes changes again.
    pub(super) fn note_taken(&self) {
        if self.lock().refusal.take().is_some() {
            // A snapshot may wait for that.
            self.copied.notify_one();
        }
    }
}
