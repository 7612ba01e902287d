//! How what the log has gets into the index: every entry at its place, those of this replica and those of
//! others.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::snapshots::{IndexAt, RestoreError, restore};
use super::{Answer, ENTRY_COST, Group, Replica, Share, Submission, Unanswered, answer, changing};
use crate::bug::{Bug, planted};
use crate::command::CommandRef;
use crate::engine::UNKNOWN;
use crate::index::{FrozenIndex, PackageIndex};
use crate::log::{Entry, LogError, Place};
use crate::store::TOGETHER;
use crate::wire::{self, rows::lines};

impl Replica {
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
        answer(&skipped, Unanswered::Skipped);
        share.moved.notify_all();
        // There may be room again.
        share.submitted.notify_one();
        Ok(())
    }
}

fn damaged(entry: &Entry, problem: String) -> LogError {
    LogError::Damaged { what: format!("entry {} at {}", entry.id, entry.place), problem }
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
}
