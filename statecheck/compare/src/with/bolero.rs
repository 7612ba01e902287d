//! bolero, as `cargo test` runs it: random inputs, up to 64 commands and a second of shrinking by default. It
//! takes a seed for one input only, so that each run is another.

use std::panic::catch_unwind;
use std::time::Duration;

use bolero::generator::*;

use super::{Job, Machine, with_bug};
use crate::measure;

mod cache;
mod leases;
mod ledger;

/// It has to go on for longer than the runner lets it, not for a second.
const TEST_TIME: Duration = Duration::from_secs(3_600);

/// The test in each of the files, for longer.
macro_rules! check {
    ($job:expr, $module:ident) => {
        with_bug!($job.bug, BUG => bolero::check!()
            .with_test_time(TEST_TIME)
            .with_generator(produce::<Vec<$module::Command>>().with().len(0..=$job.most.unwrap_or(64)))
            .for_each(|commands: &Vec<$module::Command>| {
                measure::noting(commands.len(), || $module::refines::<BUG>(commands));
            }))
    };
}

pub fn run(job: Job) -> Option<usize> {
    let check = || match job.machine {
        Machine::Leases => check!(job, leases),
        Machine::Ledger => check!(job, ledger),
        Machine::Cache => check!(job, cache),
    };
    catch_unwind(check).err().and_then(|_| measure::last_failed())
}
