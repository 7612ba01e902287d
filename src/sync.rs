//! Floor 0: the primitives from which everything that threads share is made.
//!
//! They are std's. Unit tests compiled with `--cfg shuttle` get those of the checker shuttle, which stops at
//! each of them and decides who runs next. Engine and registry have the same source for both. The module
//! `checker` runs such tests, and the files named `schedules.rs` have them.

#[cfg(all(feature = "server", not(all(test, shuttle))))]
pub(crate) use std::sync::atomic::AtomicBool;
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, atomic::AtomicU64};
#[cfg(all(feature = "server", not(all(test, shuttle))))]
pub(crate) use std::thread::yield_now;

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{
    Condvar, Mutex, MutexGuard, RwLock,
    atomic::{AtomicBool, AtomicU64},
};
#[cfg(all(test, shuttle))]
pub(crate) use shuttle::{hint::spin_loop as pause, thread::yield_now};

#[cfg(test)]
#[cfg(shuttle)]
pub(crate) mod checker;

/// Lets some microseconds pass without giving the processor away.
#[cfg(all(feature = "server", not(all(test, shuttle))))]
pub(crate) fn pause() {
    (0..64).for_each(|_| std::hint::spin_loop());
}
