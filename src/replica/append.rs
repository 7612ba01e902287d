//! How what waits gets into the log: one entry at a time, each once, whatever becomes of an attempt.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::{ENTRY_BYTES, Group, MOMENT, Replica, Share, Submission, Unanswered, answer, changing};
use crate::bug::{Bug, planted};
use crate::log::{EntryId, LogError, Place, Writer, not_before};

/// How far the duty that appends has come: one for each replica, kept from call to call.
#[derive(Debug, Default)]
pub struct Appender {
    writer: Option<Writer>,
    /// What is being appended, until it is known what became of it.
    entry: Option<(GroupId, Vec<u8>)>,
    doubt: Doubt,
}

impl Appender {
    /// Gives up what is being appended, and the writer of it: which group that was.
    pub(super) fn give_up(&mut self) -> Option<GroupId> {
        std::mem::take(self).entry.map(|(group, _)| group)
    }
}

/// Which group of this replica, of all that it had.
type GroupId = u64;

/// Whether what is being appended may have been, by a writer that is no more.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    #[default]
    None,
    /// It would stand before the end that the log has now.
    BeforeTheEnd,
    /// It would be applied when this place is.
    Until(Place),
}

impl Replica {
    /// Makes one attempt to append what waits. `false` if there is nothing, or the replica has been closed or
    /// has failed.
    ///
    /// # Errors
    /// [`LogError`]: to be called again with the same appender, after a while.
    pub fn append(&self, appender: &mut Appender) -> Result<bool, LogError> {
        self.share.noting(self.share.append(appender))
    }

    /// The same, as soon as there is something to append: a duty of a replica.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_when_due(&self, appender: &mut Appender) -> Result<bool, LogError> {
        self.share.wait_to_append(appender);
        self.append(appender)
    }
}

impl Share {
    /// Waits until there is something to append, or what is in doubt may be settled.
    fn wait_to_append(&self, appender: &Appender) {
        if let Doubt::Until(place) = appender.doubt {
            let _later = self.wait_for(place, Instant::now() + MOMENT);
        } else if appender.entry.is_none() {
            let mut state = self.lock();
            while !state.has_next() && state.refusal.is_none() && !state.is_over() {
                state = self.submitted.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn append(&self, appender: &mut Appender) -> Result<bool, LogError> {
        let appended = self.try_to_append(appender);
        if let Some(refusal) = appended.as_ref().err().and_then(LogError::refusal) {
            self.give_up(appender, refusal);
        }
        appended
    }

    fn try_to_append(&self, appender: &mut Appender) -> Result<bool, LogError> {
        if appender.entry.is_none() && self.refusal().is_some() {
            appender.writer = Some(self.log.register()?);
            self.note_reached();
            self.note_taken();
            return Ok(!self.is_over());
        }
        let (group, messages) = match &appender.entry {
            Some((group, messages)) => (*group, messages),
            None => match self.next_group() {
                Some(next) => {
                    let (group, messages) = appender.entry.insert(next);
                    (*group, &*messages)
                }
                None => return Ok(false),
            },
        };
        let writer = match appender.writer {
            Some(writer) => writer,
            None => *appender.writer.insert(self.log.register()?),
        };
        if appender.doubt == Doubt::BeforeTheEnd {
            let head = not_before(self.applied(), self.log.head()?)?;
            appender.doubt = Doubt::Until(head);
        }
        if let Doubt::Until(place) = appender.doubt {
            if self.wait_for(place, Instant::now()).is_err() {
                return Ok(!self.is_over());
            }
            appender.doubt = Doubt::None;
            if !self.is_still_to_append(group) {
                appender.entry = None;
                return Ok(true);
            }
        }
        self.name(group, writer.next());
        let appended = self.log.append(&writer, messages);
        if appended.is_err() && planted(Bug::RepeatsAreNew) {
            appender.writer = None;
        }
        let appended = appended?;
        self.note_reached();
        if let Some(place) = appended {
            self.note_taken();
            appender.writer = Some(writer.after(place));
            appender.entry = None;
            self.place(group, place);
        } else {
            // Nothing of this writer can happen any more. What has happened is before the end.
            appender.writer = None;
            if !planted(Bug::ForgottenIsNew) {
                appender.doubt = Doubt::BeforeTheEnd;
            }
        }
        Ok(true)
    }

    /// Takes what waits, as much as makes a good entry, and says what that entry holds.
    fn next_group(&self) -> Option<(GroupId, Vec<u8>)> {
        let mut state = self.lock();
        if !state.has_next() || state.is_over() {
            return None;
        }
        let mut bytes = 0;
        let fits = |submission: &&Arc<Submission>| {
            bytes += submission.messages.len();
            bytes <= ENTRY_BYTES
        };
        let count = state.waiting.iter().take_while(fits).count().max(1);
        let submissions: Vec<_> = state.waiting.drain(..count).collect();
        let mut messages = Vec::with_capacity(ENTRY_BYTES);
        changing(&submissions).for_each(|line| messages.extend(line));
        state.groups += 1;
        let number = state.groups;
        let group = Group { number, id: None, place: None, submissions, skipped: false };
        state.in_flight.push(group);
        Some((number, messages))
    }

    /// Notes what the entry of a group will be called.
    fn name(&self, group: GroupId, id: EntryId) {
        if let Some(group) = self.lock().group(group) {
            group.id = Some(id);
        }
    }

    /// Notes where the entry of a group stands.
    fn place(&self, number: GroupId, place: Place) {
        let mut state = self.lock();
        let is_passed = state.applied >= place;
        match state.group(number) {
            // It was delivered.
            None => {}
            Some(_) if is_passed => {
                let skipped = state.without(|group| group.number == number);
                drop(state);
                answer(&skipped, Unanswered::Skipped);
            }
            Some(group) => group.place = Some(place),
        }
    }

    /// Whether a group that has not been appended up to here still should be.
    fn is_still_to_append(&self, number: GroupId) -> bool {
        let mut state = self.lock();
        match state.group(number).map(|group| group.skipped) {
            None => false,
            Some(false) => true,
            Some(true) if planted(Bug::SkippedIsRepeated) => true,
            Some(true) => {
                let skipped = state.without(|group| group.number == number);
                drop(state);
                answer(&skipped, Unanswered::Skipped);
                false
            }
        }
    }
}
