//! How an engine shares the order of its commands with the engines of other processes: by a log.
//!
//! Whoever has commands that may change something hands them in as a [`Submission`] and sleeps. One duty
//! appends whatever waits as one entry of the log, another follows the log and applies every entry at its
//! place, its own as well as those of others, and only then are those answered whose entry it was: nothing
//! is ever undone. Whoever only asks has the end of the log read, together with all who wait for that at
//! the same moment, and looks when the index has come as far.
//!
//! It is one replica of `spec/Replicated.tla`. The duties are loops of threads that the server has; each
//! step of them is a call here, so that tests can take the steps in any order. They are in `duties`,
//! snapshots in `snapshots`.

mod duties;
mod requests;
mod snapshots;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::bug::{Bug, planted};
use crate::command::Outcome;
use crate::index::{LimitError, Limits};
use crate::log::{EntryId, Log, LogError, MAX_ENTRY_BYTES, Place, not_before};
use crate::sync::{Condvar, Mutex, MutexGuard};

pub use duties::Appender;
use snapshots::Copy;
pub use snapshots::RestoreError;

/// How much is appended at once, in bytes of messages, unless a single submission has more: what etcd takes
/// at the best price.
const ENTRY_BYTES: usize = 64 * 1024;

/// What QUERYs see that no change comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reads {
    /// All that was answered before they were asked, by whichever replica.
    #[default]
    Linearizable,
    /// What this replica has come to, which may be older than what others have answered.
    Local,
}

/// How a replica works.
#[derive(Debug, Clone, Copy)]
pub struct Replica {
    /// How long commands wait for the log before they are answered `ERROR`.
    pub patience: Duration,
    /// What QUERYs see.
    pub reads: Reads,
    /// After how many bytes of messages in the log a snapshot is written.
    pub snapshot_every: u64,
}

/// The patience of a replica, unless it is told otherwise.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// After how many bytes of messages a snapshot is written, unless a replica is told otherwise.
pub const DEFAULT_SNAPSHOT_EVERY: u64 = 64 << 20;

impl Default for Replica {
    fn default() -> Self {
        Self {
            patience: DEFAULT_PATIENCE,
            reads: Reads::default(),
            snapshot_every: DEFAULT_SNAPSHOT_EVERY,
        }
    }
}

/// Why a replica has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswered {
    /// It was not appended in time, and will not be: it has no effect.
    #[error("the log did not take it within {} ms, so it was withdrawn", .0.as_millis())]
    Withdrawn(Duration),
    /// Nobody knows whether it has been, or will be, applied.
    #[error("the log did not say within {} ms what became of it: it may have an effect", .0.as_millis())]
    Unknown(Duration),
    /// It only asked, and the end of the log could not be reached in time.
    #[error("the end of the log was not reached within {} ms", .0.as_millis())]
    Behind(Duration),
    /// It was applied, but this replica was so far behind that it has only seen what came of it later.
    #[error("this replica went on from a snapshot: it may have an effect")]
    Skipped,
    /// The replica has stopped, for a reason that the log of the server tells.
    #[error("the replica has failed; the log says how")]
    Failed,
    /// Only commands can be replicated, and this was something else.
    #[error("a replica's index is changed by commands alone")]
    NoCommand,
}

/// What became of a command: the order that all replicas share has it now.
pub(crate) type Answer = Result<Outcome, LimitError>;

/// Commands of one client, on their way to their place.
pub(crate) struct Submission {
    /// Messages, QUERYs among them.
    messages: Vec<u8>,
    answers: Mutex<Option<Result<Vec<Answer>, Unanswered>>>,
    answered: Condvar,
}

impl Submission {
    /// What came of it so far.
    #[cfg(feature = "testing")]
    pub(crate) fn answers(&self) -> Option<Result<Vec<Answer>, Unanswered>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, answers: Result<Vec<Answer>, Unanswered>) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = Some(answers);
        self.answered.notify_all();
    }
}

/// Submissions that share an entry.
struct Group {
    /// Which one it is, of all that this replica had.
    number: u64,
    /// What the entry is called, in the attempt that was made last.
    id: Option<EntryId>,
    /// Where the entry stands, once that is known.
    place: Option<Place>,
    submissions: Vec<Arc<Submission>>,
    /// Whether entries were skipped, of which it may be one.
    skipped: bool,
}

/// One replica's share of a log.
pub(super) struct Replication {
    log: Box<dyn Log>,
    how: Replica,
    limits: Limits,
    state: Mutex<State>,
    /// Where the duty that appends waits for something to append.
    submitted: Condvar,
    /// Where those wait who need to know how far the index has come, and duties that pause.
    moved: Condvar,
    /// Where the duty that reads the end of the log waits.
    wanted: Condvar,
    /// Where the duty that writes snapshots waits.
    copied: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Arc<Submission>>,
    in_flight: Vec<Group>,
    /// How many groups there have been.
    groups: u64,
    applied: Place,
    /// How many bytes of messages all entries held that are applied.
    log_bytes: u64,
    reads: Rounds,
    /// What the next snapshot is to hold.
    copy: Option<Copy>,
    failure: Option<LogError>,
    closed: bool,
}

/// Reads of the end of the log, one at a time, each for all who wait when it begins.
#[derive(Default)]
struct Rounds {
    begun: u64,
    /// Whether somebody waits for one that has not begun.
    is_wanted: bool,
    /// Whether there is a thread for them, so that nobody has to wait for the log longer than they like.
    has_duty: bool,
    /// The last that came to an end, and the end of the log that it found.
    done: (u64, Place),
}

impl State {
    fn is_over(&self) -> bool {
        self.closed || self.failure.is_some()
    }

    fn group(&mut self, number: u64) -> Option<&mut Group> {
        self.in_flight.iter_mut().find(|group| group.number == number)
    }

    /// Takes groups out, and returns what they had.
    fn without(&mut self, those: impl Fn(&Group) -> bool) -> Vec<Arc<Submission>> {
        let (taken, left) = std::mem::take(&mut self.in_flight).into_iter().partition(those);
        self.in_flight = left;
        let taken: Vec<Group> = taken;
        taken.into_iter().flat_map(|group| group.submissions).collect()
    }
}

impl Replication {
    fn new(log: Box<dyn Log>, how: Replica, limits: Limits, from: (Place, u64)) -> Self {
        let state = State { applied: from.0, log_bytes: from.1, ..State::default() };
        Self {
            log,
            how,
            limits,
            state: Mutex::new(state),
            submitted: Condvar::new(),
            moved: Condvar::new(),
            wanted: Condvar::new(),
            copied: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done with it in hand can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the index has come.
    fn applied(&self) -> Place {
        self.lock().applied
    }

    /// Why the replica has failed.
    fn failure(&self) -> Option<LogError> {
        self.lock().failure.clone()
    }

    /// Hands in messages, at most [`MAX_ENTRY_BYTES`].
    fn hand_in(&self, messages: Vec<u8>) -> Result<Arc<Submission>, Unanswered> {
        debug_assert!(messages.len() <= MAX_ENTRY_BYTES && messages.ends_with(b"\n"));
        let (answers, answered) = (Mutex::new(None), Condvar::new());
        let submission = Arc::new(Submission { messages, answers, answered });
        let mut state = self.lock();
        if state.is_over() {
            return Err(Unanswered::Failed);
        }
        state.waiting.push(Arc::clone(&submission));
        drop(state);
        self.submitted.notify_one();
        Ok(submission)
    }

    /// Waits for the answers to what was handed in, in the order of its messages.
    fn wait(&self, submission: &Arc<Submission>) -> Result<Vec<Answer>, Unanswered> {
        let answers = submission.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let waited =
            submission.answered.wait_timeout_while(answers, self.how.patience, |a| a.is_none());
        let (mut answers, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(answers) = answers.take() {
            return answers;
        }
        drop(answers);
        self.lose_patience(submission)
    }

    /// Takes back what was handed in if nothing was done with it yet, and says what is known of it if not.
    fn lose_patience(&self, submission: &Arc<Submission>) -> Result<Vec<Answer>, Unanswered> {
        let patience = self.how.patience;
        let mut state = self.lock();
        let waiting = state.waiting.len();
        state.waiting.retain(|other| !Arc::ptr_eq(other, submission));
        if state.waiting.len() < waiting {
            if planted(Bug::WithdrawnStays) {
                state.waiting.push(Arc::clone(submission));
            }
            return Err(Unanswered::Withdrawn(patience));
        }
        drop(state);
        // It may have been answered after all.
        let answers = submission.answers.lock().unwrap_or_else(PoisonError::into_inner).take();
        answers.unwrap_or(Err(Unanswered::Unknown(patience)))
    }

    /// Waits until the index has all that was answered before this was called, by any replica.
    fn catch_up(&self) -> Result<(), Unanswered> {
        if self.how.reads == Reads::Local || planted(Bug::ReadsDoNotCatchUp) {
            return if self.lock().is_over() { Err(Unanswered::Failed) } else { Ok(()) };
        }
        let until = Instant::now() + self.how.patience;
        let place = self.head(until)?;
        self.wait_for(place, until)
    }

    /// The end of the log, as it was read after this was called: by the duty that reads it, or, before
    /// that has begun, by this call.
    fn head(&self, until: Instant) -> Result<Place, Unanswered> {
        let mut state = self.lock();
        let Rounds { begun, done, .. } = state.reads;
        let mine = if planted(Bug::JoinsBegunRead) { done.0 } else { begun } + 1;
        if !state.reads.has_duty {
            drop(state);
            let _behind = self.noting_failure(self.read_head(false));
            state = self.lock();
        }
        while state.reads.done.0 < mine {
            if state.is_over() {
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

    /// Reads the end of the log once for all who want to know it, waiting for somebody if `wait`.
    fn read_head(&self, wait: bool) -> Result<(), LogError> {
        let mut state = self.lock();
        state.reads.has_duty |= wait;
        while wait && !state.reads.is_wanted && !state.is_over() {
            state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over() {
            return Ok(());
        }
        state.reads.is_wanted = false;
        state.reads.begun += 1;
        let (round, seen) = (state.reads.begun, state.applied);
        drop(state);
        let head = self.log.head().and_then(|head| not_before(seen, head));
        let mut state = self.lock();
        match head {
            // Whoever reads for themselves may be overtaken, and others may have waited for that round.
            Ok(head) => state.reads.done = state.reads.done.max((round, head)),
            // Whoever waits still wants to know.
            Err(_) => state.reads.is_wanted = true,
        }
        drop(state);
        self.moved.notify_all();
        head.map(drop)
    }

    /// Waits until a place is applied.
    fn wait_for(&self, place: Place, until: Instant) -> Result<(), Unanswered> {
        let mut state = self.lock();
        while state.applied < place {
            if state.is_over() {
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

    /// Waits for a while, less if the replica is closed meanwhile.
    #[cfg(feature = "server")]
    fn pause(&self, length: Duration) {
        let is_on = |state: &mut State| !state.is_over();
        drop(self.moved.wait_timeout_while(self.lock(), length, is_on));
    }

    /// Nothing is answered any more.
    fn fail(&self, error: LogError) {
        let mut state = self.lock();
        let _first = state.failure.get_or_insert(error);
        self.end(state);
    }

    /// Nothing is appended or followed any more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.end(state);
    }

    /// Wakes all who wait.
    fn end(&self, mut state: MutexGuard<'_, State>) {
        let in_flight = std::mem::take(&mut state.in_flight);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for submission in in_flight.iter().flat_map(|group| &group.submissions).chain(&waiting) {
            submission.answer(Err(Unanswered::Failed));
        }
        for condvar in [&self.submitted, &self.moved, &self.wanted, &self.copied] {
            condvar.notify_all();
        }
    }
}

/// How long it is until something is tried again.
const MOMENT: Duration = Duration::from_millis(20);

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;

#[cfg(test)]
mod tests;
