//! Floor 5: an engine that shares the order of its commands with those of other processes, by a log.
//!
//! Anyone who has commands that may change something hands them in as a submission and sleeps. One duty
//! appends whatever waits as one entry of the log, another follows the log and applies every entry at its
//! place, its own as well as those of others, and only then are those answered whose entry it was: nothing
//! is ever undone. Anyone who only asks has the end of the log read, together with all who wait for that at
//! the same moment, and looks when the index has come as far.
//!
//! A [`Replica`] is one of `spec/Replicated.tla`. What it decides is in `core`, a state machine without lock,
//! clock or log. What calls the log and wakes those who wait is in `append`, `follow`, `reads` and `snapshots`:
//! the duties are loops of threads that the server has, and each step of them is a call here, so that tests
//! can take the steps in any order.

mod append;
mod core;
mod error;
mod follow;
mod reads;
mod requests;
mod snapshots;
mod start;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::command::Outcome;
use crate::engine::Engine;
use crate::index::{LimitError, Limits};
use crate::log::{Log, LogError, LogRefusal, MAX_ENTRY_BYTES, Place};
use crate::sync::{Condvar, Mutex, MutexGuard};

use core::{Core, Request};
pub use error::{ReplicaError, Unanswered};
use reads::Rounds;
pub use snapshots::RestoreError;
use snapshots::{IndexAt, Published};

/// How much is appended at once, in bytes of messages, unless a single submission has more: what etcd takes
/// at the best price.
const ENTRY_BYTES: usize = 64 * 1024;

/// What an entry costs beside its messages, so that many small ones are no more than few large ones: keys,
/// and what etcd keeps with each.
const ENTRY_COST: u64 = 512;

/// How many bytes of messages may be on their way to their places at once, so that a replica which can
/// append and not follow comes to a halt.
const MOST_IN_FLIGHT: usize = 4 << 20;

/// What a request costs beside its messages, with what its client waits on.
const REQUEST_COST: usize = size_of::<Request<Arc<Submission>>>() + size_of::<Submission>();

/// For how long the log has to be away, and for the patience of the replica, until nobody waits for it any
/// more.
const AWAY: Duration = Duration::from_secs(5);

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
pub struct ReplicaConfig {
    /// How long commands wait for the log before they are answered `ERROR`.
    pub patience: Duration,
    /// What QUERYs see.
    pub reads: Reads,
    /// After how many bytes in the log a snapshot is written: its messages, and 512 bytes for each entry.
    pub snapshot_every: u64,
}

/// The patience of a replica, unless it is told otherwise.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// After how many bytes in the log a snapshot is written, unless a replica is told otherwise.
pub const DEFAULT_SNAPSHOT_EVERY: u64 = 64 << 20;

impl Default for ReplicaConfig {
    fn default() -> Self {
        Self {
            patience: DEFAULT_PATIENCE,
            reads: Reads::default(),
            snapshot_every: DEFAULT_SNAPSHOT_EVERY,
        }
    }
}

/// What became of a command: the order that all replicas share has it now.
pub(crate) type Answer = Result<Outcome, LimitError>;

/// Where a client waits for what comes of its commands.
#[derive(Default)]
pub(crate) struct Submission {
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

/// An engine whose commands are ordered by a log that it shares with other replicas.
///
/// Four duties come with it, each to be done again and again by a thread of its own:
/// [`append_when_due`](Self::append_when_due), [`follow`](Self::follow),
/// [`read_head_when_due`](Self::read_head_when_due),
/// [`write_snapshot_when_due`](Self::write_snapshot_when_due).
pub struct Replica {
    /// What it has applied so far.
    engine: Engine,
    share: Share,
}

/// One replica's share of a log.
struct Share {
    log: Arc<dyn Log>,
    how: ReplicaConfig,
    limits: Limits,
    state: Mutex<Guarded>,
    /// When the log did something for the last time.
    reached: Mutex<Instant>,
    /// Where the duty that appends waits for something to append.
    submitted: Condvar,
    /// Where those wait who need to know how far the index has come, and duties that pause.
    moved: Condvar,
    /// Where the duty that reads the end of the log waits.
    wanted: Condvar,
    /// Where the duty that writes snapshots waits.
    copied: Condvar,
}

struct Guarded {
    core: Core<Arc<Submission>>,
    reads: Rounds,
    /// What the next snapshot is to hold.
    copy: Option<IndexAt>,
    /// What was published, in the place of what, and has not made the log forget anything yet.
    published: Option<Published>,
}

impl Share {
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        // Nothing that is done with it in hand can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something happen to the core, and tells those whom that leaves without an answer.
    fn with<R>(&self, event: impl FnOnce(&mut Core<Arc<Submission>>) -> R) -> R {
        let mut state = self.lock();
        let result = event(&mut state.core);
        let dismissed = state.core.take_dismissed();
        drop(state);
        for (submission, reason) in dismissed {
            submission.answer(Err(reason));
        }
        result
    }

    /// How far the index has come.
    fn applied(&self) -> Place {
        self.lock().core.applied()
    }

    /// Notes that the log does something.
    fn note_reached(&self) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago the log did something.
    fn unreached(&self) -> Duration {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// That the log is there, as far as anybody knows.
    fn expect_there(&self) -> Result<(), Unanswered> {
        let away = self.unreached();
        if away > self.how.patience.max(AWAY) { Err(Unanswered::Away(away)) } else { Ok(()) }
    }

    /// Why the replica has failed.
    fn failure(&self) -> Option<LogError> {
        self.lock().core.failure().cloned()
    }

    /// Why the log takes no changes; `None` while it does, as far as is known.
    fn refusal(&self) -> Option<LogRefusal> {
        self.lock().core.refusal()
    }

    /// Hands in messages, at most [`MAX_ENTRY_BYTES`].
    fn hand_in(&self, messages: Vec<u8>) -> Result<Arc<Submission>, Unanswered> {
        debug_assert!(messages.len() <= MAX_ENTRY_BYTES && messages.ends_with(b"\n"));
        let submission = Arc::<Submission>::default();
        let mut state = self.lock();
        state.core.admits()?;
        self.expect_there()?;
        state.core.hand_in(Request { messages, client: Arc::clone(&submission) })?;
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
        if self.lock().core.withdraw(|client| Arc::ptr_eq(client, submission)) {
            return Err(Unanswered::Withdrawn(patience));
        }
        // It may have been answered after all.
        let answers = submission.answers.lock().unwrap_or_else(PoisonError::into_inner).take();
        answers.unwrap_or(Err(Unanswered::Unknown(patience)))
    }

    /// Waits for a while, less if the replica is closed meanwhile.
    fn pause(&self, length: Duration) {
        let is_on = |state: &mut Guarded| !state.core.is_over();
        drop(self.moved.wait_timeout_while(self.lock(), length, is_on));
    }

    /// Fails if a duty did, and trying again is of no use.
    fn noting<T>(&self, done: Result<T, LogError>) -> Result<T, LogError> {
        if let Err(error) = &done
            && error.is_lasting()
        {
            self.fail(error.clone());
        }
        done
    }

    fn is_over(&self) -> bool {
        self.lock().core.is_over()
    }

    /// Nothing is answered any more.
    fn fail(&self, error: LogError) {
        self.with(|core| core.fail(error));
        self.wake_all();
    }

    /// Nothing is appended or followed any more.
    fn close(&self) {
        self.with(Core::close);
        self.wake_all();
    }

    fn wake_all(&self) {
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
