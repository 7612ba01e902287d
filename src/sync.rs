//! Floor 0: the primitives that everything shared between threads is made of.
//!
//! They are std's. Unit tests compiled with `--cfg shuttle` get those of the checker shuttle, which
//! stops at each of them and decides who runs next; engine and registry are the same source for
//! both. What runs such a test is in `checker`, what it claims in the files named `schedules.rs`.

#[cfg(all(feature = "server", not(all(test, shuttle))))]
pub(crate) use std::sync::atomic::AtomicBool;
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, atomic::AtomicU64};

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{
    Condvar, Mutex, MutexGuard, RwLock,
    atomic::{AtomicBool, AtomicU64},
};

#[cfg(test)]
#[cfg(shuttle)]
pub(crate) mod checker;

/// How many names may be applied out of turn before the next waiter has its turn.
pub(crate) const NAMES_AHEAD: usize = 4_096;

/// In which order those get the index who wait for it, with the feature `server`, for whose threads it is.
#[cfg(feature = "server")]
mod gate;
#[cfg(all(feature = "server", not(all(test, shuttle))))]
pub(crate) use gate::Gate;
#[cfg(any(not(feature = "server"), all(test, shuttle)))]
pub(crate) use open::Gate;

#[cfg(any(not(feature = "server"), all(test, shuttle)))]
mod open {
    //! No gate at all. What is promised of replies rests on the lock after it. The checker tries every
    //! order of that anyway, and the gate's own schedules separately.

    /// Lets everybody pass at once.
    #[derive(Debug, Default)]
    pub(crate) struct Gate;

    /// Has passed.
    pub(crate) struct Passed<'a> {
        _gate: &'a Gate,
    }

    impl Gate {
        pub(crate) fn pass(&self, _names: usize) -> Passed<'_> {
            Passed { _gate: self }
        }

        pub(crate) fn pass_to_read(&self, names: usize) -> Passed<'_> {
            self.pass(names)
        }
    }
}
