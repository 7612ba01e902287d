//! What a session tells an observer about its batches, for logs and metrics.
//!
//! There is no clock here. An observer that measures times reads its own clock when it is called.

use super::Refusal;
use crate::command::{Outcome, Reply, Verb};

/// Watches a session: its methods are called when something happens. By default each does nothing.
pub trait Observer {
    /// A message got `ERROR`, for this reason. The index is free.
    fn refused(&mut self, _refusal: &Refusal) {}

    /// A batch has commands, and now waits for the index.
    fn waiting(&mut self) {}

    /// The batch has the index. Everybody else waits until this returns.
    fn taken(&mut self) {}

    /// The batch has applied its commands, and the index is free again.
    fn released(&mut self) {}

    /// All messages of a batch have their replies, which are about to be sent.
    fn answered(&mut self, _tally: &Tally) {}
}

/// An observer of refusals only.
pub(super) struct Refusals<F>(pub(super) F);

impl<F: FnMut(&Refusal)> Observer for Refusals<F> {
    fn refused(&mut self, refusal: &Refusal) {
        self.0(refusal);
    }
}

/// How many messages of a batch got which reply: at most [`MAX_BATCH`](super::MAX_BATCH) in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Per verb, and in it per outcome.
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

    /// How many messages with this verb got this reply. Here `ERROR` means a limit, and only an INDEX can
    /// reach one.
    #[must_use]
    pub fn commands(&self, verb: Verb, reply: Reply) -> u32 {
        match (verb, reply) {
            (_, Reply::Ok) => self.answered[verb as usize][Outcome::Ok as usize],
            (_, Reply::Fail) => self.answered[verb as usize][Outcome::Fail as usize],
            (Verb::Index, Reply::Error) => self.limited,
            (Verb::Remove | Verb::Query, Reply::Error) => 0,
        }
    }

    /// How many lines were not messages.
    #[must_use]
    pub fn malformed(&self) -> u32 {
        self.malformed
    }

    /// How many messages of any kind got `ERROR` because the store has failed.
    #[must_use]
    pub fn not_durable(&self) -> u32 {
        self.not_durable
    }

    /// How many messages of any kind got `ERROR` because the log of the replicas did not say in time what
    /// becomes of them.
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
