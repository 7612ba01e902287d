//! How long it is until a log is tried again that failed, and for how long it has failed: one clock for all who try
//! again, whether a replica starts or does its duties.

use std::time::{Duration, Instant};

/// How long it is until something is tried again that failed, at first and at most. It doubles between.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// Tries of one thing, one after the other.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Retry {
    failures: u32,
    since: Option<Instant>,
}

impl Retry {
    /// Notes that it failed, and says how long to wait until it is tried again.
    pub(crate) fn failed(&mut self) -> Duration {
        let pause = PAUSES[0].saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures += 1;
        self.since.get_or_insert_with(Instant::now);
        pause.min(PAUSES[1])
    }

    /// Notes that it was done, or got on.
    pub(crate) fn done(&mut self) {
        *self = Self::default();
    }

    /// For how long it has done nothing but fail.
    pub(crate) fn failing_for(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_begin_anew_once_it_is_done() {
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
