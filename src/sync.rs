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

/// How often in a row a lock may go to whoever happens to run while somebody waits for it.
pub(crate) const IN_A_ROW: u32 = 16;

/// What whoever wants a lock passes first, alone or together with others who only read: a lock of std
/// goes to whoever happens to run, which is whoever had it last, again and again. This one does so
/// too, because that is fast, but not more than 16 times: then it goes to whoever has waited longest.
/// Handed over in order every time, it would cost more than a third of the throughput of 16 clients
/// with 64 messages in flight.
///
/// With the feature `server` alone, for whose threads it is. Elsewhere there is no gate, nor under the
/// checker, which tries every order anyway: what is promised of replies rests on the lock behind it.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// How many have passed alone since it was handed over last.
    #[cfg(all(feature = "server", not(all(test, shuttle))))]
    passed: parking_lot::RwLock<u32>,
}

/// Whoever holds this has passed the gate alone, and all others wait.
pub(crate) struct Passed<'a> {
    #[cfg(all(feature = "server", not(all(test, shuttle))))]
    turn: Option<parking_lot::RwLockWriteGuard<'a, u32>>,
    _gate: &'a Gate,
}

/// Whoever holds this has passed the gate to read, and others may do so too.
pub(crate) struct PassedToRead<'a> {
    #[cfg(all(feature = "server", not(all(test, shuttle))))]
    _turn: parking_lot::RwLockReadGuard<'a, u32>,
    _gate: &'a Gate,
}

impl Gate {
    /// Waits for its turn, and for all who read to have done so.
    pub(crate) fn pass(&self) -> Passed<'_> {
        Passed {
            #[cfg(all(feature = "server", not(all(test, shuttle))))]
            turn: Some(self.passed.write()),
            _gate: self,
        }
    }

    /// Waits for whoever passed alone, and for who waits to.
    pub(crate) fn pass_to_read(&self) -> PassedToRead<'_> {
        PassedToRead {
            #[cfg(all(feature = "server", not(all(test, shuttle))))]
            _turn: self.passed.read(),
            _gate: self,
        }
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        #[cfg(all(feature = "server", not(all(test, shuttle))))]
        if let Some(mut passed) = self.turn.take() {
            *passed += 1;
            if *passed >= IN_A_ROW {
                *passed = 0;
                parking_lot::RwLockWriteGuard::unlock_fair(passed);
            }
        }
    }
}
