//! statecheck, with the settings of `Property::refines`: up to 200 commands.

use statecheck::model::Ref;
use statecheck::property::Property;

use super::{Job, Machine, with_bug};
use crate::least;
use crate::machines::cache::{Cache, Entries};
use crate::machines::leases::{Granted, NAMES};
use crate::machines::ledger::Transfers;

mod cache;
#[cfg(test)]
mod gives;
mod leases;
mod ledger;

pub fn run(job: Job) -> Option<usize> {
    let property: Property = match job.machine {
        Machine::Leases => with_bug!(job.bug, BUG => leases::refines::<BUG>()),
        Machine::Ledger => with_bug!(job.bug, BUG => ledger::refines::<BUG>()),
        Machine::Cache => with_bug!(job.bug, BUG => cache::refines::<BUG>()),
    };
    let violation = property.quickcheck(u64::MAX, job.seed).err()?;
    Some(violation.shown.lines().count())
}

/// How many commands show a bug at least, by this tool's search of all.
pub fn least(machine: Machine, bug: u8) -> Option<usize> {
    match machine {
        Machine::Leases => {
            use leases::{Command, Machine};
            // Three ticks after three are granted, three more are.
            let acquire = NAMES[..3].iter().copied().map(Command::Acquire);
            let ticks = std::iter::repeat_n(Command::Tick, 3);
            let before: Vec<_> = acquire.clone().chain(ticks).chain(acquire).collect();
            with_bug!(bug, BUG => {
                let held = |machine: &Machine<BUG>| machine.leases.held();
                least::length(&before, (held as fn(&_) -> _, Granted::held as fn(&_) -> _))
            })
        }
        Machine::Ledger => {
            use ledger::{Command, Machine};
            // Each is aborted at once, so that there is room for the next.
            let before: Vec<_> = (0..6)
                .flat_map(|nth| [Command::Prepare(0, 1, 1), Command::Abort(Ref(nth))])
                .collect();
            with_bug!(bug, BUG => {
                let accounts = |machine: &Machine<BUG>| machine.ledger.accounts();
                least::length(&before, (accounts as fn(&_) -> _, Transfers::accounts as fn(&_) -> _))
            })
        }
        Machine::Cache => with_bug!(bug, BUG => {
            let views = (Cache::<BUG>::entries as fn(&_) -> _, Entries::entries as fn(&_) -> _);
            least::length(&[], views)
        }),
    }
}
