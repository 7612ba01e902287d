//! What a session tells of its batches to anyone who watches it, for logs and metrics.
//!
//! There is no clock here: anyone who wants to know how long something took looks at one when told.

use super::Refusal;
use crate::command::{Outcome, Reply, Verb};

/// Watches a session: told what happens, and when, by being called. Every method does nothing
/// unless written.
pub trait Observer {
    /// A message was answered `ERROR`, for this reason. The index is free.
    fn refused(&mut self, _refusal: &Refusal) {}

    /// A batch has commands, and now waits for the index.
    fn waiting(&mut self) {}

    /// It has the index. What is done here is done while everybody else waits.
    fn taken(&mut self) {}

    /// It has applied its commands, and the index is free again.
    fn released(&mut self) {}

    /// All messages of a batch have their replies, which are about to be sent.
    fn answered(&mut self, _tally: &Tally) {}
}

/// Told of refusals alone.
pub(super) struct Refusals<F>(pub(super) F);

impl<F: FnMut(&Refusal)> Observer for Refusals<F> {
    fn refused(&mut self, refusal: &Refusal) {
        self.0(refusal);
    }
}

/// How many messages of a batch were answered what: at most [`MAX_BATCH`](super::MAX_BATCH) in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// By verb, and then by outcome.
    answered: [[u32; 2]; Verb::ALL.len()],
    limited: u32,
    malformed: u32,
    not_durable: u32,
    unanswered: u32,
}

impl Tally {
    pub(super) fn count(&mut self, verb: Verb, outcome: Outcome) {
        self.answered[verb as usize][outcome as usize] += 1;
    }

    pub(super) fn count_refused(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::Limit(_) => self.limited += 1,
            Refusal::Malformed(_) | Refusal::TooLong { .. } | Refusal::Http => {
                self.malformed += 1;
            }
            Refusal::NotDurable(_) => self.not_durable += 1,
            Refusal::Unanswered(_) => self.unanswered += 1,
        }
    }

    /// How many messages with this verb got this reply. `ERROR` is a limit's doing here, and only
    /// an INDEX meets one.
    #[must_use]
    pub fn commands(&self, verb: Verb, reply: Reply) -> u32 {
        match (verb, reply) {
            (_, Reply::Ok) => self.answered[verb as usize][Outcome::Ok as usize],
            (_, Reply::Fail) => self.answered[verb as usize][Outcome::Fail as usize],
            (Verb::Index, Reply::Error) => self.limited,
            (Verb::Remove | Verb::Query, Reply::Error) => 0,
        }
    }

    /// How many lines were no message.
    #[must_use]
    pub fn malformed(&self) -> u32 {
        self.malformed
    }

    /// How many messages were answered `ERROR` because the store has failed, whatever they were.
    #[must_use]
    pub fn not_durable(&self) -> u32 {
        self.not_durable
    }

    /// How many messages were answered `ERROR` because the log that replicas share did not say in time what
    /// becomes of them, whatever they were.
    #[must_use]
    pub fn unanswered(&self) -> u32 {
        self.unanswered
    }

    /// How many messages there were.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.answered.as_flattened().iter().sum::<u32>()
            + self.limited
            + self.malformed
            + self.not_durable
            + self.unanswered
    }
}
