//! The core of a replica. It decides what to append next, what an entry of the log means, when a snapshot is
//! due, and which clients get no answer.
//!
//! It is a state machine like any other here: without lock, clock, thread or log. [`Core::next_task`] says
//! what to ask of the log. The methods for events tell it what the log answers. Its driver holds the lock,
//! releases it to call the log, and wakes those who wait. Clients whom an event leaves without an answer are
//! [dismissed](Core::take_dismissed).

mod entries;

use std::sync::Arc;

use super::{ENTRY_BYTES, MOST_IN_FLIGHT, REQUEST_COST, Unanswered};
use crate::bug::{Bug, planted};
use crate::log::{EntryId, LogError, LogRefusal, Place, Writer};
use entries::changing;
pub(super) use entries::damaged;

/// A client's messages that wait to be applied.
#[derive(Debug, Clone)]
pub(super) struct Request<T> {
    /// Messages, QUERYs among them.
    pub(super) messages: Vec<u8>,
    /// The client.
    pub(super) client: T,
}

/// What to ask of the log next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Nothing. Nothing waits, what is in flight has to be applied first, or the replica has ended.
    Idle,
    /// To register this replica as a writer. The answer goes to [`Core::registered`].
    Register,
    /// Where the log ends. The answer goes to [`Core::end_found`].
    FindEnd,
    /// Nothing until this place is applied. What is in doubt stands before it or nowhere.
    Await(Place),
    /// To append these messages as the next entry of this writer. The answer goes to [`Core::appended`].
    Append { writer: Writer, messages: Arc<Vec<u8>> },
}

/// The state of a replica, which knows its clients by `T`.
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
    /// What all applied entries weigh in the log, in bytes.
    log_bytes: u64,
    /// After how many such bytes a snapshot is due.
    snapshot_every: u64,
    /// Why the log takes no changes, while it does not.
    refusal: Option<LogRefusal>,
    failure: Option<LogError>,
    closed: bool,
    dismissed: Vec<(T, Unanswered)>,
}

/// Requests that share an entry.
#[derive(Debug, Clone)]
struct Group<T> {
    number: GroupId,
    /// The id of the entry in the last attempt.
    id: Option<EntryId>,
    /// Where the entry stands, once that is known.
    place: Option<Place>,
    /// Whether the index has skipped entries, and this may be among them.
    skipped: bool,
    requests: Vec<Request<T>>,
}

/// The number of a group among all that this replica has had.
type GroupId = u64;

/// An entry that is being appended, until its fate is known.
#[derive(Debug, Clone)]
struct Attempt {
    group: GroupId,
    messages: Arc<Vec<u8>>,
}

/// Whether a writer that is forgotten may have appended the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    None,
    /// If it did, the entry stands before the end that the log has now.
    BeforeTheEnd,
    /// If it did, the entry is applied when this place is.
    Until(Place),
}

impl<T> Core<T> {
    /// A replica that has applied the log up to a place. Up to there the log weighs `log_bytes`.
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

    /// What the log up to there weighs, in bytes.
    pub(super) fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// Whether the replica has been closed or has failed, so that nothing is answered any more.
    pub(super) fn is_over(&self) -> bool {
        self.closed || self.failure.is_some()
    }

    /// Why the replica has failed.
    pub(super) fn failure(&self) -> Option<&LogError> {
        self.failure.as_ref()
    }

    /// Why the log takes no changes, or `None` while it does, as far as is known.
    pub(super) fn refusal(&self) -> Option<LogRefusal> {
        self.refusal
    }

    /// Whether no request is left.
    #[cfg(all(test, shuttle))]
    pub(super) fn is_at_rest(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// The clients that get no answer, each with the reason, since the last call.
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

    /// Takes a request of a client.
    pub(super) fn hand_in(&mut self, request: Request<T>) -> Result<(), Unanswered> {
        self.admits()?;
        self.waiting.push(request);
        Ok(())
    }

    /// Withdraws the request of a client that has no more patience. Returns whether that worked: then it has
    /// no effect, now or later.
    pub(super) fn withdraw(&mut self, is_theirs: impl Fn(&T) -> bool) -> bool {
        let found = self.waiting.iter().position(|request| is_theirs(&request.client));
        if let Some(found) = found
            && !planted(Bug::WithdrawnStays)
        {
            self.waiting.remove(found);
        }
        found.is_some()
    }

    /// Whether there is a step to take, even if it is only to wait for a place.
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

    /// What to ask of the log now. It stays the same until an event comes.
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
            // Registering shows whether the log takes changes again.
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

    /// Takes as much of what waits as makes a good entry.
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

    /// Whether there is room for one more group.
    fn has_room(&self) -> bool {
        let requests = self.in_flight.iter().flat_map(|group| &group.requests);
        let bytes = requests.map(|request| request.messages.len() + REQUEST_COST);
        bytes.sum::<usize>() < MOST_IN_FLIGHT
    }

    /// Whether the current attempt still has to be appended.
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

    /// Notes that this replica is now a writer, so the log takes changes. Returns whether it had refused them
    /// before.
    pub(super) fn registered(&mut self, writer: Writer) -> bool {
        self.writer = Some(writer);
        self.refusal.take().is_some()
    }

    /// Notes where the log ends. All that the writer before may have appended stands before that.
    pub(super) fn end_found(&mut self, end: Place) {
        if self.doubt == Doubt::BeforeTheEnd {
            self.doubt = Doubt::Until(end);
        }
    }

    /// Notes what the log said of an entry: its place, or that the log has forgotten its writer. Returns
    /// whether the log had refused changes before.
    pub(super) fn appended(&mut self, id: EntryId, place: Option<Place>) -> bool {
        let Some(writer) = self.writer.filter(|writer| writer.next() == id) else { return false };
        let Some(place) = place else {
            // Nothing of this writer can happen any more. What has happened stands before the end.
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

    /// Notes that the log refuses the last request. The core gives it up, with its writer. Unless it was only
    /// too large, the core also gives up all that waits.
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

    /// Notes that the log takes no changes from now on.
    pub(super) fn refuse(&mut self, refusal: LogRefusal) {
        self.refusal = Some(refusal);
        let waiting = std::mem::take(&mut self.waiting);
        self.dismiss(waiting, Unanswered::Refused(refusal));
    }

    /// Makes the replica fail: nothing is answered any more.
    pub(super) fn fail(&mut self, error: LogError) {
        let _first = self.failure.get_or_insert(error);
        self.dismiss_all();
    }

    /// Ends the replica: nothing is appended or followed any more.
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

    /// Takes groups out, and returns their requests.
    fn without(&mut self, those: impl Fn(&Group<T>) -> bool) -> Vec<Request<T>> {
        let taken = self.in_flight.extract_if(.., |group| those(group));
        taken.flat_map(|group| group.requests).collect()
    }
}

#[cfg(test)]
mod tests;
