//! Limits how many slow requests run at once, so that there is always room for the health check.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The most requests at once that wait for the index or the disk. All others have the other places.
pub(super) const MAX_SLOW: usize = 32;

/// A place among the slow requests. Dropping it gives it back.
pub(super) struct Slow<'a>(&'a AtomicUsize);

impl<'a> Slow<'a> {
    /// Takes a place. `None` if all are taken.
    pub(super) fn begin(count: &'a AtomicUsize) -> Option<Self> {
        let more = |count: usize| (count < MAX_SLOW).then_some(count + 1);
        let begun = count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        begun.is_ok().then_some(Self(count))
    }
}

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_requests_have_a_limited_number_of_places() {
        let count = AtomicUsize::new(0);
        let mut begun: Vec<_> = (0..MAX_SLOW).map(|_| Slow::begin(&count).unwrap()).collect();
        assert!(Slow::begin(&count).is_none());
        begun.pop();
        assert!(Slow::begin(&count).is_some());
    }
}
