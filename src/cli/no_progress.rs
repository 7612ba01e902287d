//! Stand-in for progress bars in a build without them.

/// The progress of some work, which is not shown.
pub(super) struct Progress;

impl Progress {
    pub(super) fn of_steps(_: &str, _: usize) -> Self {
        Self
    }

    pub(super) fn of_bytes(_: &str, _: Option<u64>) -> Self {
        Self
    }

    #[allow(clippy::unused_self, reason = "as the bar that is compiled otherwise")]
    pub(super) fn advance(&self, _: usize) {}

    #[allow(clippy::unused_self, reason = "as the bar that is compiled otherwise")]
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        print()
    }

    #[allow(clippy::unused_self, reason = "as the bar that is compiled otherwise")]
    pub(super) fn finish(&self) {}
}
