//! What a replica has to do all the time: append what waits, and apply what the log has.

use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::snapshots::{IndexAt, RestoreError, restore};
use super::{
    Answer, ENTRY_BYTES, ENTRY_COST, Group, MOMENT, Replica, Share, Submission, Unanswered,
};
use crate::bug::{Bug, planted};
use crate::command::CommandRef;
use crate::engine::UNKNOWN;
use crate::index::{FrozenIndex, PackageIndex};
use crate::log::{Entry, EntryId, LogError, Place, Writer, not_before};
use crate::store::TOGETHER;
use crate::wire;

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

    /// Reads the end of the log for all QUERYs that wait.
    ///
    /// # Errors
    /// [`LogError`]: to be called again, after a while.
    pub fn read_head(&self) -> Result<(), LogError> {
        self.share.noting(self.share.read_head())
    }

    /// The same, as soon as a QUERY waits: a duty of a replica. Before it is done for the first time, whoever
    /// asks reads for themselves.
    ///
    /// # Errors
    /// As [`read_head`](Self::read_head).
    pub fn read_head_when_due(&self) -> Result<(), LogError> {
        self.share.wait_to_read_head();
        self.read_head()
    }

    /// Applies what the log has behind the place that was applied last, until nothing has come for a while:
    /// a duty of a replica.
    ///
    /// # Errors
    /// [`LogError`]: to be called again, after a while.
    pub fn follow(&self) -> Result<(), LogError> {
        self.follow_to(Place(u64::MAX))
    }

    /// The same, but only up to a place.
    pub(super) fn follow_to(&self, end: Place) -> Result<(), LogError> {
        let share = &self.share;
        let after = share.applied();
        let mut delivered = Ok(());
        let followed = share.log.follow(after, &mut |entry| {
            delivered = self.deliver(&entry);
            if delivered.is_ok() && entry.place < end && !share.is_over() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        let followed = match delivered.and(followed) {
            Err(LogError::Forgotten { after }) => self.go_on_from_snapshot(after),
            other => other,
        };
        if followed.is_ok() {
            share.note_reached();
        }
        share.noting(followed)
    }

    /// Applies an entry at its place, and answers those whose it is.
    fn deliver(&self, entry: &Entry) -> Result<(), LogError> {
        let share = &self.share;
        let own = share.take_group(entry)?;
        let parts = match &own {
            Some(group) => group.submissions.iter().map(|part| &*part.messages).collect(),
            None => vec![&*entry.messages],
        };
        let parsed: Result<Vec<_>, _> = parts.into_iter().map(commands).collect();
        let parsed = parsed.map_err(|error| damaged(entry, error.to_string()))?;
        let names = parsed.iter().flatten().copied().map(CommandRef::name_count).sum();
        let answers = self.engine.batch_ahead(names, |index| {
            let answers: Vec<_> = parsed.iter().map(|part| apply(index, part)).collect();
            // With the index in hand, so that whoever sees the one sees the other.
            let snapshot_is_due = share.advance(entry) && own.is_some();
            (answers, snapshot_is_due.then(|| index.freeze()))
        });
        let (answers, frozen) = answers.map_err(|error| damaged(entry, error.to_string()))?.0;
        share.note_reached();
        if let Some(Group { submissions, .. }) = own {
            // It may have waited for room.
            share.submitted.notify_one();
            for (submission, answers) in submissions.iter().zip(answers) {
                submission.answer(Ok(answers));
            }
            // This thread alone applies entries, so that the place is still the same.
            if let Some(frozen) = frozen {
                share.hand_copy(frozen);
            }
        }
        share.moved.notify_all();
        Ok(())
    }

    /// Takes the snapshot of the log for the index, because entries are gone that come before it.
    fn go_on_from_snapshot(&self, from: Place) -> Result<(), LogError> {
        let share = &self.share;
        // However long it takes, the log is there.
        let restored = restore(&*share.log, share.limits, |_| share.note_reached());
        let copy = restored.map_err(RestoreError::into_log_error)?;
        if copy.place <= from {
            let problem = format!("nothing leads on from {from}");
            return Err(LogError::Unreachable { problem });
        }
        let skipped = self.engine.batch_ahead(UNKNOWN, |index| {
            *index = copy.index;
            share.skip_to(copy.place, copy.log_bytes)
        });
        let (skipped, _) = skipped.map_err(|error| LogError::Damaged {
            what: "the index".into(),
            problem: error.to_string(),
        })?;
        answer_skipped(&skipped);
        share.moved.notify_all();
        // There may be room again.
        share.submitted.notify_one();
        Ok(())
    }
}

fn damaged(entry: &Entry, problem: String) -> LogError {
    LogError::Damaged { what: format!("entry {} at {}", entry.id, entry.place), problem }
}

/// Messages one by one, each with its LF.
fn lines(messages: &[u8]) -> impl Iterator<Item = &[u8]> {
    messages.split_inclusive(|byte| *byte == b'\n')
}

/// The commands that messages stand for.
fn commands(messages: &[u8]) -> Result<Vec<CommandRef<'_>>, wire::ParseError> {
    lines(messages).map(wire::parse).collect()
}

fn apply(index: &mut PackageIndex, commands: &[CommandRef<'_>]) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(commands.len());
    for together in commands.chunks(TOGETHER) {
        index.prefetch(together.iter().copied());
        answers.extend(together.iter().map(|command| index.apply(*command)));
    }
    answers
}

impl Share {
    /// Fails if a duty did, and trying again is of no use.
    pub(super) fn noting<T>(&self, done: Result<T, LogError>) -> Result<T, LogError> {
        if let Err(error) = &done
            && error.is_lasting()
        {
            self.fail(error.clone());
        }
        done
    }

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
                answer_skipped(&skipped);
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
                answer_skipped(&skipped);
                false
            }
        }
    }

    /// The group whose entry this is, if it is one of this replica. Its commands are applied from memory, so
    /// that they have to be those that all others read.
    fn take_group(&self, entry: &Entry) -> Result<Option<Group>, LogError> {
        let mut state = self.lock();
        if entry.place <= state.applied {
            return Err(damaged(entry, format!("it comes after that at {}", state.applied)));
        }
        let own = state.in_flight.iter().position(|group| group.id == Some(entry.id));
        let Some(own) = own else { return Ok(None) };
        if !changing(&state.in_flight[own].submissions).eq(lines(&entry.messages)) {
            return Err(damaged(entry, "it does not hold what was appended here".into()));
        }
        Ok(Some(state.in_flight.remove(own)))
    }

    /// Notes that an entry has been applied, and says whether a snapshot is due.
    fn advance(&self, entry: &Entry) -> bool {
        let mut state = self.lock();
        let every = self.how.snapshot_every.max(1);
        let before = state.log_bytes / every;
        state.applied = entry.place;
        state.log_bytes += entry.messages.len() as u64 + ENTRY_COST;
        state.log_bytes / every > before
    }

    /// Notes that the index has come to a snapshot without the entries before it; whose entries may have
    /// been among them.
    fn skip_to(&self, place: Place, log_bytes: u64) -> Vec<Arc<Submission>> {
        let mut state = self.lock();
        (state.applied, state.log_bytes) = (place, log_bytes);
        for group in &mut state.in_flight {
            group.skipped = true;
        }
        state.without(|group| group.place.is_some_and(|at| at <= place))
    }

    /// Hands the index over for a snapshot.
    fn hand_copy(&self, index: FrozenIndex) {
        let mut state = self.lock();
        let (place, log_bytes) = (state.applied, state.log_bytes);
        let index = match state.copy.take() {
            Some(old) if planted(Bug::OldCopyStays) => old.index,
            _ => index,
        };
        state.copy = Some(IndexAt { index, place, log_bytes, begun: None });
        drop(state);
        self.copied.notify_one();
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over()
    }
}

fn answer_skipped(skipped: &[Arc<Submission>]) {
    for submission in skipped {
        submission.answer(Err(Unanswered::Skipped));
    }
}

/// The messages among these that may change something.
fn changing(submissions: &[Arc<Submission>]) -> impl Iterator<Item = &[u8]> {
    let lines = submissions.iter().flat_map(|submission| lines(&submission.messages));
    lines.filter(|line| !line.starts_with(b"QUERY"))
}
