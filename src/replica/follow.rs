//! The duty that follows: it applies every entry of the log at its place, those of this replica and those of
//! others.

use std::ops::ControlFlow;

use super::core::{Request, damaged};
use super::snapshots::{IndexAt, RestoreError, restore};
use super::{Answer, Replica, Share};
use crate::bug::{Bug, planted};
use crate::command::CommandRef;
use crate::engine::UNKNOWN;
use crate::index::{FrozenIndex, PackageIndex};
use crate::log::{Entry, LogError, Place};
use crate::wire::{self, rows::lines};

/// How many commands are looked up together: as many as a batch of a session has.
const TOGETHER: usize = 256;

impl Replica {
    /// Applies entries after the last place that was applied, until nothing has come for a while: a duty of a
    /// replica.
    ///
    /// # Errors
    /// [`LogError`]: call it again after a while.
    pub fn follow(&self) -> Result<(), LogError> {
        self.follow_to(Place(u64::MAX))
    }

    /// Does the same, but only up to a place.
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

    /// Applies an entry at its place, and answers the clients whose commands it has.
    fn deliver(&self, entry: &Entry) -> Result<(), LogError> {
        let share = &self.share;
        let own = share.with(|core| core.shown(entry))?;
        let parts = match &own {
            Some(requests) => requests.iter().map(|request| &*request.messages).collect(),
            None => vec![&*entry.messages],
        };
        let parsed: Result<Vec<_>, _> = parts.into_iter().map(commands).collect();
        let parsed = parsed.map_err(|error| damaged(entry, error.to_string()))?;
        let names = parsed.iter().flatten().copied().map(CommandRef::name_count).sum();
        let answers = self.engine.batch_ahead(names, |index| {
            let answers: Vec<_> = parsed.iter().map(|part| apply(index, part)).collect();
            // With the index in hand, so that a thread that sees one change sees the other.
            let snapshot_is_due = share.with(|core| core.advanced(entry)) && own.is_some();
            (answers, snapshot_is_due.then(|| index.freeze()))
        });
        let (answers, frozen) = answers.map_err(|error| damaged(entry, error.to_string()))?.0;
        share.note_reached();
        if let Some(requests) = own {
            // A submission may have waited for room.
            share.submitted.notify_one();
            for (Request { client, .. }, answers) in requests.iter().zip(answers) {
                client.answer(Ok(answers));
            }
            // This thread alone applies entries, so the place is still the same.
            if let Some(frozen) = frozen {
                share.hand_copy(frozen);
            }
        }
        share.moved.notify_all();
        Ok(())
    }

    /// Replaces the index by the log's snapshot, because entries before that are gone.
    fn go_on_from_snapshot(&self, from: Place) -> Result<(), LogError> {
        let share = &self.share;
        // The log answers, however long this takes.
        let restored = restore(&*share.log, share.limits, |_| share.note_reached());
        let copy = restored.map_err(RestoreError::into_log_error)?;
        if copy.place <= from {
            let problem = format!("no entry and no snapshot follows {from}");
            return Err(LogError::Unreachable { problem });
        }
        let taken = self.engine.batch_ahead(UNKNOWN, |index| {
            *index = copy.index;
            share.with(|core| core.skipped_to(copy.place, copy.log_bytes));
        });
        taken.map_err(|error| LogError::Damaged {
            what: "the index".into(),
            problem: error.to_string(),
        })?;
        share.moved.notify_all();
        // There may be room again.
        share.submitted.notify_one();
        Ok(())
    }
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
    /// Hands the index over for a snapshot.
    fn hand_copy(&self, index: FrozenIndex) {
        let mut state = self.lock();
        let (place, log_bytes) = (state.core.applied(), state.core.log_bytes());
        let index = match state.copy.take() {
            Some(old) if planted(Bug::OldCopyStays) => old.index,
            _ => index,
        };
        state.copy = Some(IndexAt { index, place, log_bytes, begun: None });
        drop(state);
        self.copied.notify_one();
    }
}
