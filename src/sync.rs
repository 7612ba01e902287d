//! Floor 0: the primitives that everything shared between threads is made of.
//!
//! They are std's. Unit tests compiled with `--cfg shuttle` get those of the checker shuttle, which
//! stops at each of them and decides who runs next; engine and registry are the same source for
//! both. What runs such a test is in `checker`, what it claims in the files named `schedules.rs`.

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

/// Passes some microseconds without giving the processor away.
#[cfg(all(feature = "server", not(all(test, shuttle))))]
pub(crate) fn pause() {
    (0..64).for_each(|_| std::hint::spin_loop());
}
