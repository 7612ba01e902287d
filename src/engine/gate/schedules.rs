//! Threads at the gate, on schedules that a checker chooses. Nobody is inside with a thread that is alone,
//! and nobody waits for ever.

use std::sync::RwLock;

use shuttle::thread::{self, yield_now};

use super::*;
use crate::sync::checker::{on_every_schedule, on_many_schedules, sees};

/// One step of a thread: to pass alone or to read, with so many names.
#[derive(Clone, Copy)]
enum Passage {
    Alone(usize),
    Read(usize),
}
use Passage::{Alone, Read};

/// Runs a thread for each list of steps. The lock is of std, and never waited for.
fn threads(threads: &[&[Passage]]) {
    let (gate, inside) = (Gate::default(), RwLock::new(()));
    thread::scope(|scope| {
        for steps in threads {
            scope.spawn(|| {
                for step in *steps {
                    match *step {
                        Alone(names) => {
                            let _passed = gate.pass(names);
                            let _inside = inside.try_write().expect("nobody else is inside");
                            yield_now();
                        }
                        Read(names) => {
                            let _passed = gate.pass_to_read(names);
                            let _inside = inside.try_read().expect("nobody is inside alone");
                            yield_now();
                        }
                    }
                }
            });
        }
    });
    let state = gate.lock();
    assert!(!state.alone && state.sharing == 0 && state.turns.is_empty(), "{state:?}");
}

/// More names than may go out of turn.
const LONG: usize = MAX_NAMES_AHEAD + 1;

const MANY: &[&[Passage]] = &[
    &[Alone(1), Read(1), Alone(LONG)],
    &[Alone(LONG), Alone(MAX_NAMES_AHEAD)],
    &[Read(100), Read(LONG), Alone(1)],
    &[Read(1), Alone(MAX_NAMES_AHEAD), Read(1)],
];

#[test]
fn four_threads_pass_the_gate_and_nobody_waits_for_ever() {
    on_many_schedules(|| threads(MANY));
}

#[test]
fn two_threads_pass_the_gate_on_every_schedule() {
    on_every_schedule(|| threads(&[&[Alone(1), Alone(1)], &[Alone(1)]]));
    on_every_schedule(|| threads(&[&[Alone(LONG)], &[Alone(LONG), Read(1)]]));
    on_every_schedule(|| threads(&[&[Read(1)], &[Alone(1)]]));
}

#[test]
fn three_threads_pass_the_gate_and_nobody_waits_for_ever() {
    on_many_schedules(|| threads(&[&[Alone(1)], &[Alone(LONG)], &[Read(1)]]));
}

#[test]
fn a_wake_up_that_is_lost_is_noticed() {
    sees(Bug::GateWakesNobody, "deadlock", || on_many_schedules(|| threads(MANY)));
    sees(Bug::GateWakesNobody, "deadlock", || {
        on_every_schedule(|| threads(&[&[Alone(1)], &[Alone(1)]]));
    });
}
