//! The requests that may take long are few, so that the health check always has a place.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The most requests at once that wait for the index or the disk. All others have the rest of the places.
pub(super) const MAX_SLOW: usize = 32;

/// A place among the requests that may take long, given back when it is dropped.
pub(super) struct Slow<'a>(&'a AtomicUsize);

impl<'a> Slow<'a> {
    /// One more, unless there are as many as may be.
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
    fn requests_that_may_take_long_have_so_many_places_and_no_more() {
        let count = AtomicUsize::new(0);
        let mut begun: Vec<_> = (0..MAX_SLOW).map(|_| Slow::begin(&count).unwrap()).collect();
        assert!(Slow::begin(&count).is_none());
        begun.pop();
        assert!(Slow::begin(&count).is_some());
    }
}
