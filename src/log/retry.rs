//! When to retry a log that failed, and for how long it has failed. Starts and duties of a replica share this
//! clock.

use std::time::{Duration, Instant};

/// The first and the longest pause before a retry. Pauses double in between.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// Attempts at one thing, one after the other.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Retry {
    failures: u32,
    since: Option<Instant>,
}

impl Retry {
    /// Notes a failure, and returns how long to wait before the retry.
    pub(crate) fn failed(&mut self) -> Duration {
        let pause = PAUSES[0].saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures += 1;
        self.since.get_or_insert_with(Instant::now);
        pause.min(PAUSES[1])
    }

    /// Notes a success, or progress.
    pub(crate) fn done(&mut self) {
        *self = Self::default();
    }

    /// For how long it has failed without a success.
    pub(crate) fn failing_for(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_start_over_on_success() {
        let mut retry = Retry::default();
        assert_eq!(retry.failing_for(), Duration::ZERO);
        let mut pauses = || (0..40).map(|_| retry.failed().as_millis()).collect::<Vec<_>>();
        let first = pauses();
        assert_eq!(first[..7], [20, 40, 80, 160, 320, 500, 500]);
        assert_eq!(first[39], 500);
        let since = retry.since.unwrap();
        retry.failed();
        assert_eq!(retry.since, Some(since));
        retry.done();
        assert_eq!((retry.failed().as_millis(), retry.failures), (20, 1));
    }
}
