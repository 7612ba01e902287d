//! Decides who gets the index next. Turns are fair by work, counted in names.
//!
//! A lock of std goes to the thread that happens to run, and that is the one that had it last. That is fast,
//! but one waiter among many busy threads then waits for seconds. Strict hand-over was tried: it costs 16
//! clients with 64 messages in flight more than a third of their throughput. This gate lets a thread that
//! runs go first for a bounded number of names (`MAX_NAMES_AHEAD`). After that the next waiter has its turn.
//!
//! Waiters stand in queues by the size of their batches, one queue for each power of two. The queues take
//! turns by deficit round robin (Shreedhar and Varghese 1995). Each queue may apply `QUANTUM` names a round.
//! While it has waiters, it saves what it does not use. So long lists delay other long lists first. A batch
//! that is first in its queue waits for at most:
//!
//! - the batch that has the index now;
//! - in each round, `QUANTUM` names of each other queue, and what these had saved, which is less than one
//!   batch of their size;
//! - before each of these batches, `MAX_NAMES_AHEAD` names.
//!
//! A batch of no more than `QUANTUM` names waits for one round, and one of `n` names for `n / QUANTUM + 1`.
//! Before a batch joins its queue, it tries a few times to go out of turn.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::MAX_NAMES_AHEAD;
use crate::bug::{Bug, planted};
use crate::sync::{AtomicBool, Condvar, Mutex, MutexGuard, pause, yield_now};

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

/// How many names one queue may apply before the next has its turn.
const QUANTUM: usize = 4_096;

/// The least number of names that a batch counts as: taking the index has a cost of its own.
const LEAST: usize = 64;

/// The number of queues: one for batches of 64 to 127 names, one for each power of two above, and the last
/// for all from 65,536.
const QUEUES: usize = 11;

/// How often a batch looks again before it sleeps. The gate is mostly held for less time than it takes to
/// sleep and to wake up. One look shows a checker of schedules everything.
const TRIES: usize = if cfg!(all(test, shuttle)) { 1 } else { 4 };

/// The gate that all pass before they take the index.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<Admission>,
}

/// A passage through the gate. The thread leaves when this is dropped.
pub(crate) struct Passed<'a> {
    gate: &'a Gate,
    access: Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// With nobody else inside.
    Alone,
    /// Beside others who share it too.
    Shared,
}

#[derive(Debug, Default)]
struct Admission {
    /// Whether somebody is inside alone.
    alone: bool,
    /// How many are inside that share it.
    sharing: usize,
    queues: [VecDeque<Waiter>; QUEUES],
    /// How many more names each queue may apply in its turn.
    credit: [usize; QUEUES],
    /// The queues that are not empty, in the order of their turns. The first waiter of the first queue is
    /// next, and the queue has enough credit for it.
    turns: VecDeque<usize>,
    /// How many names went out of turn since a waiter was last admitted.
    out_of_turn: usize,
    /// Whether the next waiter has been woken because the gate is free, and has not looked yet.
    woken: bool,
}

#[derive(Debug)]
struct Waiter {
    names: usize,
    access: Access,
    ticket: Arc<Ticket>,
}

/// What a waiter sleeps on.
#[derive(Debug, Default)]
struct Ticket {
    /// Written under the lock of the state.
    admitted: AtomicBool,
    wake: Condvar,
}

impl Gate {
    /// Waits until nobody else is inside and a batch of so many names has its turn.
    pub(crate) fn pass(&self, names: usize) -> Passed<'_> {
        self.enter(Access::Alone, names)
    }

    /// Like [`pass`](Self::pass), beside others who only read.
    pub(crate) fn pass_to_read(&self, names: usize) -> Passed<'_> {
        self.enter(Access::Shared, names)
    }

    fn enter(&self, access: Access, names: usize) -> Passed<'_> {
        let names = names.max(LEAST);
        let mut tries = TRIES;
        let mut state = self.lock();
        while !state.enter_at_once(access, names) {
            if tries == 0 || !state.may_go_first(names) {
                Self::wait(state, access, names);
                break;
            }
            tries -= 1;
            drop(state);
            let_others_run(names);
            state = self.lock();
        }
        Passed { gate: self, access }
    }

    fn wait(mut state: MutexGuard<'_, Admission>, access: Access, names: usize) {
        let ticket = Arc::<Ticket>::default();
        state.join(Waiter { names, access, ticket: Arc::clone(&ticket) });
        loop {
            state = ticket.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            if ticket.is_admitted() {
                return;
            }
            let woken = state.look(&ticket);
            if ticket.is_admitted() {
                drop(state);
                wake(&woken);
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Admission> {
        // Nothing that is done under this lock can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        let woken = self.gate.lock().leave(self.access);
        wake(&woken);
    }
}

/// Lets time pass in which the gate may become free. A thread that yields beside many busy threads waits for
/// all of them. So one with a short batch keeps the processor, and then sleeps in its queue.
fn let_others_run(names: usize) {
    if names > LEAST {
        yield_now();
    } else {
        pause();
    }
}

/// Wakes waiters after the state is unlocked, so that they find it free.
fn wake(woken: &[Arc<Ticket>]) {
    for ticket in woken {
        ticket.wake.notify_one();
    }
}

impl Ticket {
    fn is_admitted(&self) -> bool {
        // The state's lock orders it.
        self.admitted.load(Ordering::Relaxed)
    }
}

impl Admission {
    /// Whether the gate is free for this access.
    fn is_free_for(&self, access: Access) -> bool {
        !self.alone && (access == Access::Shared || self.sharing == 0)
    }

    /// Whether a batch of so many names may go before all that wait.
    fn may_go_first(&self, names: usize) -> bool {
        self.turns.is_empty() || self.out_of_turn + names <= MAX_NAMES_AHEAD
    }

    /// Admits a thread that comes now, if the gate is free and the batch may go before all that wait. Returns
    /// whether it is in.
    fn enter_at_once(&mut self, access: Access, names: usize) -> bool {
        let may_enter = self.is_free_for(access) && self.may_go_first(names);
        if may_enter {
            if !self.turns.is_empty() {
                self.out_of_turn += names;
            }
            self.enter(access);
        }
        may_enter
    }

    fn enter(&mut self, access: Access) {
        match access {
            Access::Alone => self.alone = true,
            Access::Shared => self.sharing += 1,
        }
    }

    /// Takes out a thread that leaves, and returns the waiters to wake.
    fn leave(&mut self, access: Access) -> Vec<Arc<Ticket>> {
        match access {
            Access::Alone => self.alone = false,
            Access::Shared => self.sharing -= 1,
        }
        let next = match self.next() {
            Some(next) if self.is_free_for(next.access) => next,
            _ => return Vec::new(),
        };
        if self.out_of_turn + LEAST > MAX_NAMES_AHEAD {
            return self.admit_next();
        }
        if self.woken || planted(Bug::GateWakesNobody) {
            return Vec::new();
        }
        // Until this waiter has woken up, others may go first.
        let ticket = Arc::clone(&next.ticket);
        self.woken = true;
        vec![ticket]
    }

    /// Called by a waiter that has woken up. It is admitted if it is next and the gate is free. Returns the
    /// waiters to wake.
    fn look(&mut self, ticket: &Arc<Ticket>) -> Vec<Arc<Ticket>> {
        match self.next() {
            Some(next) if Arc::ptr_eq(&next.ticket, ticket) => {
                let is_free = self.is_free_for(next.access);
                self.woken = false;
                if is_free { self.admit_next() } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    /// The waiter that has the next turn.
    fn next(&self) -> Option<&Waiter> {
        self.queues[*self.turns.front()?].front()
    }

    fn join(&mut self, waiter: Waiter) {
        let number = queue_of(waiter.names);
        let queue = &mut self.queues[number];
        queue.push_back(waiter);
        if queue.len() == 1 {
            self.turns.push_back(number);
            if self.turns.len() == 1 {
                self.give_turn(None);
            }
        }
    }

    /// Admits the next waiter. If it reads, others that read too and are first in their queues go with it, up
    /// to [`QUANTUM`] names together. Returns all of them.
    fn admit_next(&mut self) -> Vec<Arc<Ticket>> {
        let mut admitted = Vec::new();
        let Some(&first) = self.turns.front() else { return admitted };
        let Some(Waiter { names, access, ticket }) = self.queues[first].pop_front() else {
            return admitted;
        };
        (self.out_of_turn, self.woken) = (0, false);
        self.credit[first] -= names;
        admitted.push(ticket);
        let mut together = names;
        for (queue, credit) in self.queues.iter_mut().zip(&mut self.credit) {
            while access == Access::Shared
                && let Some(waiter) = queue.front()
                && waiter.access == Access::Shared
                && together + waiter.names <= QUANTUM
                && let Some(waiter) = queue.pop_front()
            {
                together += waiter.names;
                *credit = credit.saturating_sub(waiter.names);
                admitted.push(waiter.ticket);
            }
        }
        for ticket in &admitted {
            self.enter(access);
            ticket.admitted.store(true, Ordering::Relaxed);
        }
        self.give_turn(Some(first));
        admitted
    }

    /// Gives the turn to the next queue with credit for its first batch. `current` is the queue that has
    /// the turn, and keeps it as long as it has waiters and credit.
    fn give_turn(&mut self, mut current: Option<usize>) {
        let Self { turns, queues, credit, .. } = self;
        turns.retain(|&number| !queues[number].is_empty());
        for (credit, queue) in credit.iter_mut().zip(&*queues) {
            if queue.is_empty() {
                *credit = 0;
            }
        }
        while let Some(&number) = turns.front()
            && let Some(first) = queues[number].front()
        {
            if current.take() != Some(number) {
                credit[number] += QUANTUM;
            }
            if first.names <= credit[number] {
                return;
            }
            turns.rotate_left(1);
        }
    }
}

/// The queue for batches of so many names.
fn queue_of(names: usize) -> usize {
    let number = (names / LEAST).checked_ilog2().unwrap_or(0);
    (number as usize).min(QUEUES - 1)
}
