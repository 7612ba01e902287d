//! proptest-state-machine, with up to 19 transitions as in its examples, and all else by default.

use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use super::{Job, Machine, with_bug};

mod cache;
mod leases;
mod ledger;

pub fn run(job: Job) -> Option<usize> {
    match job.machine {
        Machine::Leases => with_bug!(job.bug, BUG => run_test::<leases::Test<BUG>>(job)),
        Machine::Ledger => with_bug!(job.bug, BUG => run_test::<ledger::Test<BUG>>(job)),
        Machine::Cache => with_bug!(job.bug, BUG => run_test::<cache::Test<BUG>>(job)),
    }
}

/// What `prop_state_machine!` does, with a seed.
fn run_test<T: StateMachineTest>(job: Job) -> Option<usize> {
    let config = Config {
        cases: u32::MAX,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(job.seed),
        ..Config::default()
    };
    let strategy = T::Reference::sequential_strategy(1..job.most.map_or(20, |most| most + 1));
    let result = TestRunner::new(config.clone()).run(&strategy, |(state, transitions, seen)| {
        T::test_sequential(config.clone(), state, transitions, seen);
        Ok(())
    });
    match result {
        Err(TestError::Fail(_, (_, transitions, _))) => Some(transitions.len()),
        Ok(()) | Err(TestError::Abort(_)) => None,
    }
}
