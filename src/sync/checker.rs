//! Runs a test on many schedules, or on all that it has, by the checker shuttle.
//!
//! The alternative is loom, which sees more of weak memory. But its mutex is never poisoned, and half of what
//! the engine promises is about poison. We use little of weak memory. One flag is sequentially consistent. Of
//! two versions, one is changed and read with the index in hand. The other, the durable one, may be seen
//! late.
//!
//! Time stands still on a schedule, so a wait with a time limit never times out. A lost wake-up is thus a
//! deadlock, which the checker reports. A wait that timed out would have done nothing, so a test that needs
//! one does nothing instead.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};

use crate::bug::{Bug, plant};

/// How many schedules are drawn at random, and how many by PCT.
const DRAWN: usize = 3_000;

/// The depth of a bug that PCT can find: how many times a certain thread has to lose its turn, and one
/// (Burckhardt et al. 2010).
const PCT_DEPTH: usize = 3;

/// The most schedules that a test which tries all may have.
const MAX_SCHEDULES: usize = 1_000_000;

/// The stack of a thread in bytes: as much as the server gives a connection.
const STACK_BYTES: usize = 256 * 1024;

/// The environment variable with a schedule, as a failing test prints it. Only that schedule is run.
const SCHEDULE: &str = "SCHEDULE";

/// Runs a test on every schedule that it has.
pub(crate) fn on_every_schedule(test: impl Fn() + Send + Sync + Clone + 'static) {
    if replayed(test.clone()) {
        return;
    }
    let tried = run(DfsScheduler::new(Some(MAX_SCHEDULES), false), test);
    assert!(tried < MAX_SCHEDULES, "more than {MAX_SCHEDULES} schedules: not all were tried");
    println!("{tried} schedules, all there are");
}

/// Runs a test on schedules drawn at random, where all threads are equally likely to run next, and by PCT,
/// which seldom takes the turn away.
pub(crate) fn on_many_schedules(test: impl Fn() + Send + Sync + Clone + 'static) {
    if replayed(test.clone()) {
        return;
    }
    let random = run(RandomScheduler::new(DRAWN), test.clone());
    let pct = run(PctScheduler::new(PCT_DEPTH, DRAWN), test);
    println!("{random} schedules at random and {pct} by PCT of depth {PCT_DEPTH}");
}

/// Expects a run on many schedules to fail with `report` while a bug is planted.
pub(crate) fn sees(bug: Bug, report: &str, run: impl FnOnce()) {
    // All threads of a schedule are one thread of the system, so all of them have the bug.
    let planted = plant(bug);
    reports(report, run);
    drop(planted);
}

/// Expects a run on many schedules of something wrong to fail with `report`.
pub(crate) fn reports(report: &str, run: impl FnOnce()) {
    let failure = catch_unwind(AssertUnwindSafe(run)).expect_err("something is wrong");
    let text = failure.downcast_ref::<String>().map(String::as_str);
    let text = text.or(failure.downcast_ref::<&str>().copied()).unwrap_or_default();
    assert!(text.contains(report), "it is reported as {text}");
}

/// Runs a test on the schedule that the environment names, if it names one.
fn replayed(test: impl Fn() + Send + Sync + 'static) -> bool {
    let Ok(schedule) = env::var(SCHEDULE) else { return false };
    run(ReplayScheduler::new_from_encoded(&schedule), test);
    true
}

/// Runs a test on the schedules of a scheduler, and returns how many those were.
fn run(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    Runner::new(scheduler, config).run(test)
}
