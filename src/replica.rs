//! Floor 5: an engine whose commands are ordered by a log that several processes share.
//!
//! A client that may change something hands in its commands as a submission, and sleeps. One duty appends all
//! that waits as one entry of the log. Another follows the log and applies every entry at its place, its own
//! as well as those of others. Only then are the clients answered whose commands are in the entry, so nothing
//! is ever undone. A client that only asks waits until the end of the log has been read, and until the index
//! has come that far. All that wait at the same moment share one read.
//!
//! A [`Replica`] is one of `spec/Replicated.tla`. The module `core` decides: it is a state machine without
//! lock, clock or log. The modules `append`, `follow`, `reads` and `snapshots` call the log and wake those
//! who wait. The duties are loops of threads that the server has. Each step of a duty is a call here, so that
//! tests can take the steps in any order.

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

/// How many bytes of messages are appended at once, unless a single submission has more. etcd takes entries
/// of this size at the best price.
const ENTRY_BYTES: usize = 64 * 1024;

/// What an entry counts beside its messages, in bytes, for keys and for what etcd keeps with each. So many
/// small entries weigh as much as a few large ones.
const ENTRY_COST: u64 = 512;

/// How many bytes of messages may be on their way to their places at once. A replica that can append but not
/// follow comes to a halt there.
const MOST_IN_FLIGHT: usize = 4 << 20;

/// The memory that a request takes beside its messages, with what its client waits on.
const REQUEST_COST: usize = size_of::<Request<Arc<Submission>>>() + size_of::<Submission>();

/// How long the log has to be unreachable before nobody waits for it any more. If the replica's patience is
/// longer, that counts.
const AWAY: Duration = Duration::from_secs(5);

/// What QUERYs see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reads {
    /// All that any replica answered before the QUERY.
    #[default]
    Linearizable,
    /// What this replica has applied, which may be older than what others have answered.
    Local,
}

/// How a replica works.
#[derive(Debug, Clone, Copy)]
pub struct ReplicaConfig {
    /// How long commands wait for the log before they are answered `ERROR`.
    pub patience: Duration,
    /// What QUERYs see.
    pub reads: Reads,
    /// After how many bytes in the log a snapshot is written. Messages count, and 512 bytes for each entry.
    pub snapshot_every: u64,
}

/// The patience of a replica, unless another is chosen.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// After how many bytes in the log a snapshot is written, unless another number is chosen.
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

/// The outcome of a command, which now has its place in the order of all replicas.
pub(crate) type Answer = Result<Outcome, LimitError>;

/// Where a client waits for the answers to its commands.
#[derive(Default)]
pub(crate) struct Submission {
    answers: Mutex<Option<Result<Vec<Answer>, Unanswered>>>,
    answered: Condvar,
}

impl Submission {
    /// The answers so far.
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
/// Four duties come with it. A thread of its own has to repeat each:
/// [`append_when_due`](Self::append_when_due), [`follow`](Self::follow),
/// [`read_head_when_due`](Self::read_head_when_due),
/// [`write_snapshot_when_due`](Self::write_snapshot_when_due).
pub struct Replica {
    /// What this replica has applied so far.
    engine: Engine,
    share: Share,
}

/// One replica's share of a log.
struct Share {
    log: Arc<dyn Log>,
    how: ReplicaConfig,
    limits: Limits,
    state: Mutex<Guarded>,
    /// When the log last did something.
    reached: Mutex<Instant>,
    /// Where the duty that appends waits for submissions.
    submitted: Condvar,
    /// Where threads wait that need to know how far the index has come, and duties that pause.
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
    /// What was published and what it replaced, until the log has forgotten what that makes dispensable.
    published: Option<Published>,
}

impl Share {
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        // Nothing that is done under this lock can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the core of an event, and informs the clients whom the event leaves without an answer.
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

    /// Notes that the log has done something.
    fn note_reached(&self) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago the log last did something.
    fn unreached(&self) -> Duration {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Fails if the log has been unreachable for too long.
    fn expect_there(&self) -> Result<(), Unanswered> {
        let away = self.unreached();
        if away > self.how.patience.max(AWAY) { Err(Unanswered::Away(away)) } else { Ok(()) }
    }

    /// Why the replica has failed.
    fn failure(&self) -> Option<LogError> {
        self.lock().core.failure().cloned()
    }

    /// Why the log takes no changes, or `None` while it does, as far as is known.
    fn refusal(&self) -> Option<LogRefusal> {
        self.lock().core.refusal()
    }

    /// Hands in messages of at most [`MAX_ENTRY_BYTES`].
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

    /// Waits for the answers to a submission, in the order of its messages.
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

    /// Withdraws a submission if nothing was done with it yet. Otherwise returns what is known of it.
    fn lose_patience(&self, submission: &Arc<Submission>) -> Result<Vec<Answer>, Unanswered> {
        let patience = self.how.patience;
        if self.lock().core.withdraw(|client| Arc::ptr_eq(client, submission)) {
            return Err(Unanswered::Withdrawn(patience));
        }
        // The answers may have come after all.
        let answers = submission.answers.lock().unwrap_or_else(PoisonError::into_inner).take();
        answers.unwrap_or(Err(Unanswered::Unknown(patience)))
    }

    /// Waits for a while, or until the replica is closed.
    fn pause(&self, length: Duration) {
        let is_on = |state: &mut Guarded| !state.core.is_over();
        drop(self.moved.wait_timeout_while(self.lock(), length, is_on));
    }

    /// Passes a duty's result on. The replica fails if it is an error and another try is of no use.
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

    /// Makes the replica fail: nothing is answered any more.
    fn fail(&self, error: LogError) {
        self.with(|core| core.fail(error));
        self.wake_all();
    }

    /// Closes the replica: nothing is appended or followed any more.
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

/// How long a duty waits until it tries something again.
const MOMENT: Duration = Duration::from_millis(20);

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;

#[cfg(test)]
mod tests;
