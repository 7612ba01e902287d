//! A costly value that is the same for all who ask at once: it is computed once and shared.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A value that is computed once for all who ask at the same time. At most one computation runs.
///
/// Each caller gets a value whose computation began after its call, because a running one may have seen an
/// earlier state. So a caller waits for one computation at most, and then for its own.
#[derive(Debug)]
pub(super) struct Shared<T> {
    state: Mutex<Computation<T>>,
    changed: Condvar,
    most_waiting: usize,
    patience: Duration,
}

#[derive(Debug)]
struct Computation<T> {
    /// How many computations have begun.
    begun: u64,
    is_running: bool,
    /// The number of the last complete computation, from 1, and its value.
    last: Option<(u64, T)>,
    waiting: usize,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotShared {
    #[error("{limit} others wait for this already")]
    TooMany { limit: usize },
    #[error("this took longer than {within:?}")]
    Late { within: Duration },
}

impl<T: Clone> Shared<T> {
    /// For at most this many waiting callers, each for `patience` at most.
    pub(super) fn new(most_waiting: usize, patience: Duration) -> Self {
        let state = Computation { begun: 0, is_running: false, last: None, waiting: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), most_waiting, patience }
    }

    /// The value as of now or later, computed here or by another caller.
    ///
    /// # Errors
    /// If too many wait, or the value takes too long. The caller's own computation has no limit.
    pub(super) fn get(&self, compute: impl FnOnce() -> T) -> Result<T, NotShared> {
        let mut state = self.lock();
        if state.waiting >= self.most_waiting {
            return Err(NotShared::TooMany { limit: self.most_waiting });
        }
        state.waiting += 1;
        let value = self.wait(state, compute);
        self.lock().waiting -= 1;
        value
    }

    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, Computation<T>>,
        compute: impl FnOnce() -> T,
    ) -> Result<T, NotShared> {
        let next = state.begun + 1;
        let end = Instant::now() + self.patience;
        loop {
            match &state.last {
                Some((number, value)) if *number >= next => return Ok(value.clone()),
                _ if !state.is_running => break,
                _ => {}
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(NotShared::Late { within: self.patience });
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.begun += 1;
        state.is_running = true;
        let number = state.begun;
        drop(state);
        // After a panic too, so that the others do not wait for ever.
        let running = Running(self);
        let value = compute();
        self.lock().last = Some((number, value.clone()));
        drop(running);
        Ok(value)
    }

    /// Locks the state. No code panics halfway through a change of it.
    fn lock(&self) -> MutexGuard<'_, Computation<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a computation when it is dropped.
struct Running<'a, T: Clone>(&'a Shared<T>);

impl<T: Clone> Drop for Running<'_, T> {
    fn drop(&mut self) {
        self.0.lock().is_running = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn wait_until(shared: &Shared<u32>, waiting: usize) {
        while shared.lock().waiting < waiting {
            thread::yield_now();
        }
    }

    #[test]
    fn all_who_ask_during_a_computation_share_the_next_one() {
        let shared = Shared::new(10, LONG);
        let computed = AtomicU32::new(0);
        let (go, gone) = mpsc::channel::<()>();
        let count = || computed.fetch_add(1, Ordering::SeqCst) + 1;
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                shared.get(move || {
                    gone.recv().unwrap();
                    count()
                })
            });
            wait_until(&shared, 1);
            let others: Vec<_> = (0..9).map(|_| scope.spawn(|| shared.get(count))).collect();
            wait_until(&shared, 10);
            let refused = shared.get(|| unreachable!("there are too many already"));
            assert_eq!(refused, Err(NotShared::TooMany { limit: 10 }));
            go.send(()).unwrap();
            assert_eq!(first.join().unwrap(), Ok(1));
            for other in others {
                assert_eq!(other.join().unwrap(), Ok(2));
            }
        });
        assert_eq!(shared.get(count), Ok(3), "an old value is not given again");
    }

    #[test]
    fn waiting_too_long_fails_and_a_panic_leaves_nobody_waiting() {
        let shared = Shared::new(10, Duration::ZERO);
        let (go, gone) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                shared.get(move || {
                    let _never_sent = gone.recv();
                    panic!("on purpose")
                })
            });
            while !shared.lock().is_running {
                thread::yield_now();
            }
            let late = shared.get(|| unreachable!("another computes"));
            assert_eq!(late, Err(NotShared::Late { within: Duration::ZERO }));
            drop(go);
            assert!(first.join().is_err());
        });
        assert_eq!(shared.get(|| 2), Ok(2));
    }
}
