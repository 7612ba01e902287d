//! Floor 0: the primitives that everything shared between threads is made of.
//!
//! They are std's. Unit tests compiled with `--cfg shuttle` get those of the checker shuttle, which
//! stops at each of them and decides who runs next; engine and registry are the same source for
//! both. What runs such a test is in `checker`, what it claims in the files named `schedules.rs`.

#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::Mutex;
#[cfg(all(feature = "server", not(all(test, shuttle))))]
pub(crate) use std::sync::{Condvar, MutexGuard, atomic::AtomicBool};

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};

#[cfg(test)]
#[cfg(shuttle)]
pub(crate) mod checker;

/// What whoever wants a lock passes first, one at a time: a lock of std goes to whoever happens to
/// run, which is whoever had it last, again and again. This one does so too, because that is fast,
/// but not for longer than a millisecond: then it goes to whoever has waited longest (`parking_lot`
/// calls that eventual fairness). Handed over in order every time, it would cost more than a third of
/// the throughput of 16 clients with 64 messages in flight each.
///
/// With the feature `server` alone, for whose threads it is. Elsewhere, and under the checker, which
/// tries every order anyway, there is no gate.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    #[cfg(all(feature = "server", not(all(test, shuttle))))]
    queue: parking_lot::Mutex<()>,
}

/// Whoever holds this has passed the gate, and all others wait.
pub(crate) struct Passed<'a> {
    #[cfg(all(feature = "server", not(all(test, shuttle))))]
    _turn: parking_lot::MutexGuard<'a, ()>,
    _gate: &'a Gate,
}

impl Gate {
    /// Waits for its turn.
    pub(crate) fn pass(&self) -> Passed<'_> {
        Passed {
            #[cfg(all(feature = "server", not(all(test, shuttle))))]
            _turn: self.queue.lock(),
            _gate: self,
        }
    }
}
