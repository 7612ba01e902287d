//! What one connection's session is watched for: the log of refusals, and the time of batches.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use crate::session::{Observer, Refusal, Tally};

/// How many lines a second the log takes of what one client was refused.
const LINES_OF_ONE: u32 = 10;

/// How many it takes of what all clients were refused.
const LINES_OF_ALL: u32 = 100;

/// Watches the session of one client.
pub(super) struct Watch<'a> {
    peer: SocketAddr,
    shared: &'a Shared,
    quota: Quota,
    /// Since when a batch waits, or since when it has the index.
    since: Option<Instant>,
    waited: Duration,
}

impl<'a> Watch<'a> {
    pub(super) fn new(peer: SocketAddr, shared: &'a Shared) -> Self {
        let quota = Quota::new(LINES_OF_ONE);
        Self { peer, shared, quota, since: None, waited: Duration::ZERO }
    }

    /// At the end: how many refusals are not in the log.
    pub(super) fn say_what_was_left_out(&mut self) {
        let left_out = std::mem::take(&mut self.quota.left_out);
        if left_out > 0 {
            tracing::info!(peer = %self.peer, left_out, "more messages answered ERROR");
        }
    }

    /// The time since the last call; none when nobody wants to know.
    fn lap(&mut self) -> Option<Duration> {
        let now = self.shared.monitor.is_there().then(Instant::now)?;
        let lap = self.since.map(|since| now - since);
        self.since = Some(now);
        lap
    }
}

impl Observer for Watch<'_> {
    fn refused(&mut self, refusal: &Refusal) {
        // Asked for the level first: the clock costs more than the refusal.
        if !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        let now = Instant::now();
        let room =
            self.quota.has_room(now) && self.shared.refusals.lock_quota().take(now).is_some();
        if !room {
            self.quota.left_out += 1;
            return;
        }
        let left_out = self.quota.take(now).unwrap_or_default();
        let peer = self.peer;
        match refusal {
            Refusal::Malformed(error) => {
                let (rule, offset) = (error.rule, error.offset);
                tracing::info!(%peer, %rule, offset, left_out, "answered ERROR: {refusal}");
            }
            Refusal::NotDurable(_) => {
                let reason =
                    self.shared.backend.engine().0.store_failure().map(tracing::field::display);
                tracing::error!(%peer, reason, left_out, "answered ERROR: {refusal}");
            }
            Refusal::Http => {
                tracing::warn!(%peer, left_out, "answered ERROR and ended the connection: {refusal}");
            }
            Refusal::Unanswered(_) => {
                tracing::warn!(%peer, left_out, "answered ERROR: {refusal}");
            }
            Refusal::TooLong { .. } | Refusal::Limit(_) => {
                tracing::info!(%peer, left_out, "answered ERROR: {refusal}");
            }
        }
    }

    fn waiting(&mut self) {
        self.since = None;
        self.lap();
    }

    fn taken(&mut self) {
        self.waited = self.lap().unwrap_or_default();
    }

    fn released(&mut self) {
        if let Some(held) = self.lap() {
            self.shared.monitor.batch(self.waited, held);
        }
    }

    fn answered(&mut self, tally: &Tally) {
        self.shared.monitor.answered(tally);
    }
}

/// How many lines of one kind may still go to the log in this second.
#[derive(Debug)]
pub(super) struct Quota {
    a_second: u32,
    used: u32,
    begun: Option<Instant>,
    left_out: u64,
}

impl Quota {
    pub(super) fn new(a_second: u32) -> Self {
        Self { a_second, used: 0, begun: None, left_out: 0 }
    }

    /// Whether one more line may be written now.
    fn has_room(&mut self, now: Instant) -> bool {
        let over = |begun: Instant| now.saturating_duration_since(begun) >= Duration::from_secs(1);
        if self.begun.is_none_or(over) {
            self.begun = Some(now);
            self.used = 0;
        }
        self.used < self.a_second
    }

    /// Takes the room for a line, and says how many were left out since the last one; none if
    /// there is no room, and then this one is left out too.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        if self.has_room(now) {
            self.used += 1;
            Some(std::mem::take(&mut self.left_out))
        } else {
            self.left_out += 1;
            None
        }
    }
}

/// The quota that all connections share.
#[derive(Debug)]
pub(super) struct Refusals(Mutex<Quota>);

impl Refusals {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Quota::new(LINES_OF_ALL)))
    }

    fn lock_quota(&self) -> std::sync::MutexGuard<'_, Quota> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_counts_what_it_leaves_out_and_says_so_with_the_next_line() {
        let mut quota = Quota::new(2);
        let begun = Instant::now();
        let taken = [0, 999, 999, 999, 1_000, 1_000, 1_001, 2_500]
            .map(|ms| quota.take(begun + Duration::from_millis(ms)));
        assert_eq!(taken, [Some(0), Some(0), None, None, Some(2), Some(0), None, Some(1)]);
    }
}
