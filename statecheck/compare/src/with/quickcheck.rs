//! quickcheck, with its usual size of 100.

use quickcheck::{Gen, QuickCheck};

use super::{Job, Machine, with_bug};
use crate::measure;

mod cache;
mod leases;
mod ledger;

/// The test in each of the files, with a seed.
macro_rules! quickcheck {
    ($job:expr, $module:ident) => {{
        fn noting<const BUG: u8>(commands: Vec<$module::Command>) {
            measure::noting(commands.len(), || $module::refines::<BUG>(commands));
        }
        let test = with_bug!($job.bug, BUG => noting::<BUG> as fn(Vec<$module::Command>));
        let inputs = Gen::from_size_and_seed($job.most.unwrap_or(100), $job.seed);
        QuickCheck::new().rng(inputs).tests(u64::MAX).max_tests(u64::MAX).quicktest(test)
    }};
}

pub fn run(job: Job) -> Option<usize> {
    let result = match job.machine {
        Machine::Leases => quickcheck!(job, leases),
        Machine::Ledger => quickcheck!(job, ledger),
        Machine::Cache => quickcheck!(job, cache),
    };
    result.err().and_then(|_| measure::last_failed())
}
