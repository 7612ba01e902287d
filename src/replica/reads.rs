//! The duty that reads where the log ends. One read serves all who ask at the same moment. They then wait
//! until the index has come that far.

use std::sync::PoisonError;
use std::time::Instant;

use super::{Reads, Replica, Share, Unanswered};
use crate::bug::{Bug, planted};
use crate::log::{LogError, Place, not_before};

/// Reads of the end of the log, one at a time. Each serves all who wait when it begins.
#[derive(Default)]
pub(super) struct Rounds {
    begun: u64,
    /// Whether a client waits for a read that has not begun.
    is_wanted: bool,
    /// Whether a thread has this duty. If so, no client waits for the log longer than its patience.
    pub(super) has_duty: bool,
    /// The last read that ended, and the end of the log that it found.
    done: (u64, Place),
}

impl Replica {
    /// Reads the end of the log for all QUERYs that wait.
    ///
    /// # Errors
    /// [`LogError`]: call it again after a while.
    pub fn read_head(&self) -> Result<(), LogError> {
        self.share.noting(self.share.read_head())
    }

    /// Does the same, as soon as a QUERY waits: a duty of a replica. Until its first call, each QUERY reads
    /// for itself.
    ///
    /// # Errors
    /// As [`read_head`](Self::read_head).
    pub fn read_head_when_due(&self) -> Result<(), LogError> {
        self.share.wait_to_read_head();
        self.read_head()
    }
}

impl Share {
    /// Waits until the index has all that any replica answered before this call.
    pub(super) fn catch_up(&self) -> Result<(), Unanswered> {
        if self.how.reads == Reads::Local {
            return if self.is_over() { Err(Unanswered::Failed) } else { Ok(()) };
        }
        self.expect_there()?;
        let until = Instant::now() + self.how.patience;
        let place = self.head(until)?;
        self.wait_for(place, until)
    }

    /// The end of the log, as it was read after this call began. The duty reads it, or this call if that duty
    /// has not begun.
    fn head(&self, until: Instant) -> Result<Place, Unanswered> {
        let mut state = self.lock();
        let Rounds { begun, done, .. } = state.reads;
        let mine = if planted(Bug::JoinsBegunRead) { done.0 } else { begun } + 1;
        if !state.reads.has_duty {
            drop(state);
            let _behind = self.noting(self.read_head());
            state = self.lock();
        }
        while state.reads.done.0 < mine {
            if state.core.is_over() {
                return Err(Unanswered::Failed);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Unanswered::Behind(self.how.patience));
            }
            if !state.reads.is_wanted {
                state.reads.is_wanted = true;
                self.wanted.notify_one();
            }
            let waited = self.moved.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state.reads.done.1)
    }

    /// Waits until somebody wants to know the end of the log. From here on nobody reads it for themselves.
    fn wait_to_read_head(&self) {
        let mut state = self.lock();
        state.reads.has_duty = true;
        while !state.reads.is_wanted && !state.core.is_over() {
            state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reads the end of the log once for all who want to know it.
    fn read_head(&self) -> Result<(), LogError> {
        let mut state = self.lock();
        if state.core.is_over() {
            return Ok(());
        }
        state.reads.is_wanted = false;
        state.reads.begun += 1;
        let (round, seen) = (state.reads.begun, state.core.applied());
        drop(state);
        let head = self.log.head().and_then(|head| not_before(seen, head));
        let mut state = self.lock();
        match head {
            // A client that reads for itself may be overtaken, and others may have waited for that round.
            Ok(head) => state.reads.done = state.reads.done.max((round, head)),
            // Those who wait still want to know.
            Err(_) => state.reads.is_wanted = true,
        }
        drop(state);
        self.moved.notify_all();
        if head.is_ok() {
            self.note_reached();
        }
        head.map(drop)
    }

    /// Waits until a place is applied.
    pub(super) fn wait_for(&self, place: Place, until: Instant) -> Result<(), Unanswered> {
        let mut state = self.lock();
        while state.core.applied() < place {
            if state.core.is_over() {
                return Err(Unanswered::Failed);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Unanswered::Behind(self.how.patience));
            }
            let waited = self.moved.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}
