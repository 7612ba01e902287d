//! Watches one connection's session: it logs refusals, and measures the time of batches.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;

use super::Shared;
use super::peer::Peer;
use crate::session::{Observer, Refusal, Tally};

/// How many lines a second the log gets of what one client was refused.
const LINES_OF_ONE: u32 = 10;

/// How many lines a second it gets of what all clients were refused.
const LINES_OF_ALL: u32 = 100;

/// Watches the session of one client.
pub(super) struct Watch<'a> {
    peer: Peer,
    shared: &'a Shared,
    quota: Quota,
    /// The most severe level at which a refusal of this client has been logged.
    said: Option<Level>,
    /// Since when a batch waits for the index or holds it.
    since: Option<Instant>,
    waited: Duration,
}

impl<'a> Watch<'a> {
    pub(super) fn new(peer: Peer, shared: &'a Shared) -> Self {
        let quota = Quota::new(LINES_OF_ONE);
        Self { peer, shared, quota, said: None, since: None, waited: Duration::ZERO }
    }

    /// Reports at the end how many refusals are not in the log.
    pub(super) fn say_what_was_left_out(&mut self) {
        let left_out = std::mem::take(&mut self.quota.left_out);
        if left_out == 0 || self.said.is_none() && !is_logged(Level::INFO) {
            return;
        }
        let Peer { address: peer, connection } = self.peer;
        if self.said.is_some() {
            tracing::debug!(
                event = "messages_refused",
                connection, %peer, left_out, "more messages got ERROR"
            );
        // Nothing is known of this client. One that comes and goes fast is still bounded by the quota of all.
        } else if let Some(unsaid_clients) = self.shared.refusals.lock_quota().take(Instant::now())
        {
            let unsaid_clients = (unsaid_clients > 0).then_some(unsaid_clients);
            tracing::info!(
                event = "messages_refused",
                connection, %peer, left_out, unsaid_clients, "messages got ERROR"
            );
        }
    }

    fn say(&self, level: Level, refusal: &Refusal, left_out: u64, unsaid_clients: u64) {
        let Peer { address: peer, connection } = self.peer;
        let unsaid_clients = (unsaid_clients > 0).then_some(unsaid_clients);
        let (mut rule, mut offset, mut reason) = (None, None, None);
        match refusal {
            Refusal::Malformed(error) => {
                rule = Some(tracing::field::display(error.rule));
                offset = Some(error.offset);
            }
            Refusal::NotDurable(_) => {
                reason =
                    self.shared.backend.engine().0.store_failure().map(tracing::field::display);
            }
            _ => {}
        }
        let and_ended =
            if matches!(refusal, Refusal::Http) { " and ended the connection" } else { "" };
        // A line's level must be a constant of the place where it is written.
        macro_rules! say {
            ($level:ident) => {
                tracing::$level!(
                    event = "message_refused",
                    connection, %peer, rule, offset, reason, left_out, unsaid_clients,
                    "answered ERROR{and_ended}: {refusal}"
                )
            };
        }
        match level {
            Level::ERROR => say!(error),
            Level::WARN => say!(warn),
            Level::INFO => say!(info),
            _ => say!(debug),
        }
    }

    /// The time since the last call, or `None` if nobody wants to know.
    fn lap(&mut self) -> Option<Duration> {
        let now = self.shared.monitor.is_there().then(Instant::now)?;
        let lap = self.since.map(|since| now - since);
        self.since = Some(now);
        lap
    }
}

impl Observer for Watch<'_> {
    /// Logs a refusal. One line per client says what kind of client it is, and one more that something is
    /// amiss here. All others have a level that few logs show.
    fn refused(&mut self, refusal: &Refusal) {
        let severity = severity(refusal);
        let is_news = self.said.is_none_or(|said| severity < said);
        let level = if is_news { severity } else { Level::DEBUG };
        // Asks for the level first: the clock costs more than the refusal.
        if !is_logged(level) {
            self.quota.left_out += 1;
            return;
        }
        let now = Instant::now();
        // Takes its own quota first, so that few refusals of a flood ask for the lock.
        let Some(left_out) = self.quota.take(now) else { return };
        let Some(unsaid_clients) = self.shared.refusals.lock_quota().take_if_room(now) else {
            self.quota.left_out = left_out + 1;
            return;
        };
        if is_news {
            self.said = Some(severity);
        }
        self.say(level, refusal, left_out, unsaid_clients);
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

/// Whether lines of this module are logged at a level.
fn is_logged(level: Level) -> bool {
    match level {
        Level::ERROR => tracing::enabled!(Level::ERROR),
        Level::WARN => tracing::enabled!(Level::WARN),
        Level::INFO => tracing::enabled!(Level::INFO),
        _ => tracing::enabled!(Level::DEBUG),
    }
}

/// How severe a refusal is to those who operate the server.
fn severity(refusal: &Refusal) -> Level {
    match refusal {
        Refusal::Malformed(_) | Refusal::TooLong { .. } | Refusal::Limit(_) => Level::INFO,
        Refusal::Http | Refusal::Unanswered(_) => Level::WARN,
        Refusal::NotDurable(_) => Level::ERROR,
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

    /// Like [`take`](Self::take), but a line that finds no room does not count as left out.
    fn take_if_room(&mut self, now: Instant) -> Option<u64> {
        if self.has_room(now) { self.take(now) } else { None }
    }

    /// Takes the room for a line, and returns how many were left out since the last one. Without room it
    /// returns `None`, and counts this line as left out.
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
    fn a_quota_reports_what_it_left_out_with_the_next_line() {
        let mut quota = Quota::new(2);
        let begun = Instant::now();
        let taken = [0, 999, 999, 999, 1_000, 1_000, 1_001, 2_500]
            .map(|ms| quota.take(begun + Duration::from_millis(ms)));
        assert_eq!(taken, [Some(0), Some(0), None, None, Some(2), Some(0), None, Some(1)]);
    }
}
