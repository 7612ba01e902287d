//! When a load starts and ends: as planned, or when it is interrupted.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub(super) struct Span {
    pub(super) begun: Instant,
    planned: Instant,
    interrupted: OnceLock<Instant>,
}

impl Span {
    pub(super) fn new(begun: Instant, planned: Instant) -> Self {
        Self { begun, planned, interrupted: OnceLock::new() }
    }

    /// When sending ends, as known so far.
    pub(super) fn until(&self) -> Instant {
        self.interrupted.get().copied().unwrap_or(self.planned)
    }

    /// Ends it now, unless it has ended.
    pub(super) fn interrupt(&self) {
        let now = Instant::now();
        if now < self.planned {
            // Only the first call counts.
            let _interrupted_already = self.interrupted.set(now);
        }
    }

    /// When it was interrupted, if it was.
    pub(super) fn interrupted(&self) -> Option<Instant> {
        self.interrupted.get().copied()
    }

    /// How long messages were sent.
    pub(super) fn length(&self) -> Duration {
        self.until() - self.begun
    }
}
