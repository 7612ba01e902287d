//! What is measured inside of a run: how many commands reach the machine, and which trace failed last.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// One thread writes, another reads it at the end: nothing is added at once, so that counting costs nothing.
static COMMANDS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static LAST_FAILED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Called by each method of a machine that is a command.
pub fn count_command() {
    COMMANDS.store(commands() + 1, Ordering::Relaxed);
}

/// How many commands machines were told so far.
pub fn commands() -> u64 {
    COMMANDS.load(Ordering::Relaxed)
}

/// Notes the length of a trace if the test of it panics. While a tool shrinks, the trace that fails last is what
/// it reports in the end.
pub fn noting<T>(length: usize, test: impl FnOnce() -> T) -> T {
    struct Note(usize);

    impl Drop for Note {
        fn drop(&mut self) {
            if std::thread::panicking() {
                LAST_FAILED.set(Some(self.0));
            }
        }
    }

    let _note = Note(length);
    test()
}

/// The length of the trace that failed last.
pub fn last_failed() -> Option<usize> {
    LAST_FAILED.get()
}
