//! The core of a replica: what it appends next, what an entry of the log means to it, when a snapshot is due,
//! and whom it answers that it cannot serve.
//!
//! It is a state machine like any other here: without lock, clock, thread or log. [`Core::next_task`] says what
//! is to be asked of the log; what the log answers is told by the methods for events. Anyone who drives it holds
//! the lock, calls the log without that, and wakes those who wait. Whom an event leaves without an answer is
//! [dismissed](Core::take_dismissed).

mod entries;

use std::sync::Arc;

use super::{ENTRY_BYTES, MOST_IN_FLIGHT, REQUEST_COST, Unanswered};
use crate::bug::{Bug, planted};
use crate::log::{EntryId, LogError, LogRefusal, Place, Writer};
use entries::changing;
pub(super) use entries::damaged;

/// What a client waits for.
#[derive(Debug, Clone)]
pub(super) struct Request<T> {
    /// Messages, QUERYs among them.
    pub(super) messages: Vec<u8>,
    /// Whose they are.
    pub(super) client: T,
}

/// What is to be asked of the log next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Nothing: nothing waits, what is in flight has to come down first, or the replica is over.
    Idle,
    /// To be a writer: [`Core::registered`].
    Register,
    /// Where it ends: [`Core::end_found`].
    FindEnd,
    /// Nothing until this place is applied: what is in doubt stands before it or nowhere.
    Await(Place),
    /// To append these messages as the next entry of this writer: [`Core::appended`].
    Append { writer: Writer, messages: Arc<Vec<u8>> },
}

/// The state of a replica, whose clients are known by `T`.
#[derive(Debug, Clone)]
pub(super) struct Core<T> {
    waiting: Vec<Request<T>>,
    in_flight: Vec<Group<T>>,
    /// How many groups there have been.
    groups: u64,
    attempt: Option<Attempt>,
    writer: Option<Writer>,
    doubt: Doubt,
    applied: Place,
    /// What all entries that are applied cost the log.
    log_bytes: u64,
    /// After how many such bytes a snapshot is due.
    snapshot_every: u64,
    /// Why the log takes no changes, as long as it does not.
    refusal: Option<LogRefusal>,
    failure: Option<LogError>,
    closed: bool,
    dismissed: Vec<(T, Unanswered)>,
}

/// Requests that share an entry.
#[derive(Debug, Clone)]
struct Group<T> {
    number: GroupId,
    /// What the entry is called, in the attempt that was made last.
    id: Option<EntryId>,
    /// Where the entry stands, once that is known.
    place: Option<Place>,
    /// Whether entries were skipped, of which it may be one.
    skipped: bool,
    requests: Vec<Request<T>>,
}

/// Which group of this replica, of all that it had.
type GroupId = u64;

/// What is being appended, until it is known what became of it.
#[derive(Debug, Clone)]
struct Attempt {
    group: GroupId,
    messages: Arc<Vec<u8>>,
}

/// Whether what is being appended may have been, by a writer that is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    None,
    /// It would stand before the end that the log has now.
    BeforeTheEnd,
    /// It would be applied when this place is.
    Until(Place),
}

impl<T> Core<T> {
    /// A replica that has applied the log up to a place, where it held so many bytes.
    pub(super) fn new(applied: Place, log_bytes: u64, snapshot_every: u64) -> Self {
        Self {
            waiting: Vec::new(),
            in_flight: Vec::new(),
            groups: 0,
            attempt: None,
            writer: None,
            doubt: Doubt::None,
            applied,
            log_bytes,
            snapshot_every: snapshot_every.max(1),
            refusal: None,
            failure: None,
            closed: false,
            dismissed: Vec::new(),
        }
    }

    /// How far the log is applied.
    pub(super) fn applied(&self) -> Place {
        self.applied
    }

    /// What the log held up to there, in bytes.
    pub(super) fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// Whether it has been closed or has failed, so that nothing comes of anything any more.
    pub(super) fn is_over(&self) -> bool {
        self.closed || self.failure.is_some()
    }

    /// Why it has failed.
    pub(super) fn failure(&self) -> Option<&LogError> {
        self.failure.as_ref()
    }

    /// Why the log takes no changes; `None` while it does, as far as is known.
    pub(super) fn refusal(&self) -> Option<LogRefusal> {
        self.refusal
    }

    /// Whether no request is left.
    #[cfg(all(test, shuttle))]
    pub(super) fn is_at_rest(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// Those who get no answer, each with the reason, since this was called last.
    pub(super) fn take_dismissed(&mut self) -> Vec<(T, Unanswered)> {
        std::mem::take(&mut self.dismissed)
    }

    fn dismiss(&mut self, requests: Vec<Request<T>>, reason: Unanswered) {
        self.dismissed.extend(requests.into_iter().map(|request| (request.client, reason)));
    }

    /// Whether a request may be handed in.
    pub(super) fn admits(&self) -> Result<(), Unanswered> {
        match self.refusal {
            _ if self.is_over() => Err(Unanswered::Failed),
            Some(refusal) => Err(Unanswered::Refused(refusal)),
            None => Ok(()),
        }
    }

    /// A client hands in a request.
    pub(super) fn hand_in(&mut self, request: Request<T>) -> Result<(), Unanswered> {
        self.admits()?;
        self.waiting.push(request);
        Ok(())
    }

    /// A client has no more patience. Whether its request is withdrawn: it has no effect, now or later.
    pub(super) fn withdraw(&mut self, is_theirs: impl Fn(&T) -> bool) -> bool {
        let found = self.waiting.iter().position(|request| is_theirs(&request.client));
        if let Some(found) = found
            && !planted(Bug::WithdrawnStays)
        {
            self.waiting.remove(found);
        }
        found.is_some()
    }

    /// Whether there is a step to take, were it only to wait for a place.
    pub(super) fn has_step(&self) -> bool {
        self.is_over() || self.attempt.is_some() || self.refusal.is_some() || self.has_next()
    }

    /// The place that has to be applied before the next step.
    pub(super) fn awaited(&self) -> Option<Place> {
        match self.doubt {
            Doubt::Until(place) if place > self.applied && !self.is_over() => Some(place),
            _ => None,
        }
    }

    /// What is to be asked of the log now. It stays the same until an event comes.
    pub(super) fn next_task(&mut self) -> Task {
        if self.is_over() {
            return Task::Idle;
        }
        if let Some(place) = self.awaited() {
            return Task::Await(place);
        }
        if let Doubt::Until(_) = self.doubt {
            self.doubt = Doubt::None;
            if !self.is_still_to_append() {
                self.attempt = None;
            }
        }
        if self.attempt.is_none() {
            // Anyone who would be a writer finds out whether the log takes changes again.
            if self.refusal.is_some() {
                return Task::Register;
            }
            self.attempt = self.next_attempt();
        }
        let Some(Attempt { group, messages }) = &self.attempt else { return Task::Idle };
        let (group, messages) = (*group, Arc::clone(messages));
        let Some(writer) = self.writer else { return Task::Register };
        if self.doubt == Doubt::BeforeTheEnd {
            return Task::FindEnd;
        }
        if let Some(group) = self.group(group) {
            group.id = Some(writer.next());
        }
        Task::Append { writer, messages }
    }

    /// Takes what waits, as much as makes a good entry.
    fn next_attempt(&mut self) -> Option<Attempt> {
        if !self.has_next() {
            return None;
        }
        let mut bytes = 0;
        let fits = |request: &&Request<T>| {
            bytes += request.messages.len();
            bytes <= ENTRY_BYTES
        };
        let count = self.waiting.iter().take_while(fits).count().max(1);
        let requests: Vec<_> = self.waiting.drain(..count).collect();
        let mut messages = Vec::with_capacity(ENTRY_BYTES);
        changing(&requests).for_each(|line| messages.extend(line));
        self.groups += 1;
        let number = self.groups;
        self.in_flight.push(Group { number, id: None, place: None, skipped: false, requests });
        Some(Attempt { group: number, messages: Arc::new(messages) })
    }

    /// Whether there is something to append, and room for it.
    fn has_next(&self) -> bool {
        !self.waiting.is_empty() && self.has_room()
    }

    /// Whether one more group may be appended.
    fn has_room(&self) -> bool {
        let requests = self.in_flight.iter().flat_map(|group| &group.requests);
        let bytes = requests.map(|request| request.messages.len() + REQUEST_COST);
        bytes.sum::<usize>() < MOST_IN_FLIGHT
    }

    /// Whether what has not been appended up to here still should be.
    fn is_still_to_append(&mut self) -> bool {
        let Some(number) = self.attempt.as_ref().map(|attempt| attempt.group) else { return false };
        match self.group(number).map(|group| group.skipped) {
            None => false,
            Some(false) => true,
            Some(true) if planted(Bug::SkippedIsRepeated) => true,
            Some(true) => {
                let skipped = self.without(|group| group.number == number);
                self.dismiss(skipped, Unanswered::Skipped);
                false
            }
        }
    }

    /// The log has made this replica a writer: it takes changes. Whether it had refused them before.
    pub(super) fn registered(&mut self, writer: Writer) -> bool {
        self.writer = Some(writer);
        self.refusal.take().is_some()
    }

    /// The log ends there, after all that the writer before may have appended.
    pub(super) fn end_found(&mut self, end: Place) {
        if self.doubt == Doubt::BeforeTheEnd {
            self.doubt = Doubt::Until(end);
        }
    }

    /// The log has said what became of an entry: where it stands, or that it has forgotten its writer. Whether
    /// changes had been refused before.
    pub(super) fn appended(&mut self, id: EntryId, place: Option<Place>) -> bool {
        let Some(writer) = self.writer.filter(|writer| writer.next() == id) else { return false };
        let Some(place) = place else {
            // Nothing of this writer can happen any more. What has happened is before the end.
            self.writer = None;
            if !planted(Bug::ForgottenIsNew) {
                self.doubt = Doubt::BeforeTheEnd;
            }
            return false;
        };
        self.writer = Some(writer.after(place));
        let is_passed = self.applied >= place;
        if let Some(Attempt { group: number, .. }) = self.attempt.take() {
            match self.group(number) {
                // It was delivered.
                None => {}
                Some(_) if is_passed => {
                    let skipped = self.without(|group| group.number == number);
                    self.dismiss(skipped, Unanswered::Skipped);
                }
                Some(group) => group.place = Some(place),
            }
        }
        self.refusal.take().is_some()
    }

    /// The log refuses what it was asked last. That is given up, with its writer, and, unless it was only too
    /// large, all that waits.
    pub(super) fn refused(&mut self, refusal: LogRefusal) {
        (self.writer, self.doubt) = (None, Doubt::None);
        if let Some(Attempt { group, .. }) = self.attempt.take() {
            let abandoned = self.without(|other| other.number == group);
            self.dismiss(abandoned, Unanswered::Abandoned(refusal));
        }
        if refusal != LogRefusal::TooLarge {
            self.refuse(refusal);
        }
    }

    /// The log takes no changes from now on.
    pub(super) fn refuse(&mut self, refusal: LogRefusal) {
        self.refusal = Some(refusal);
        let waiting = std::mem::take(&mut self.waiting);
        self.dismiss(waiting, Unanswered::Refused(refusal));
    }

    /// The replica fails: nothing is answered any more.
    pub(super) fn fail(&mut self, error: LogError) {
        let _first = self.failure.get_or_insert(error);
        self.dismiss_all();
    }

    /// The replica ends: nothing is appended or followed any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.dismiss_all();
    }

    fn dismiss_all(&mut self) {
        let in_flight = self.without(|_| true);
        self.dismiss(in_flight, Unanswered::Failed);
        let waiting = std::mem::take(&mut self.waiting);
        self.dismiss(waiting, Unanswered::Failed);
    }

    fn group(&mut self, number: GroupId) -> Option<&mut Group<T>> {
        self.in_flight.iter_mut().find(|group| group.number == number)
    }

    /// Takes groups out, and returns what they had.
    fn without(&mut self, those: impl Fn(&Group<T>) -> bool) -> Vec<Request<T>> {
        let taken = self.in_flight.extract_if(.., |group| those(group));
        taken.flat_map(|group| group.requests).collect()
    }
}

#[cfg(test)]
mod tests;
