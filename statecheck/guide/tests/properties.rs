//! What leases promise.

use std::collections::BTreeMap;
use std::convert::Infallible;

use leases::{Leases, MOST, TIME};
use statecheck::StateMachine;
use statecheck::classes::label;
use statecheck::model::{Menu, Model, Ref};
use statecheck::walk::Walk;

/// What one can do with leases. A reference is to the nth that was granted.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Acquire(char),
    Renew(Ref),
    Release(Ref),
    Tick,
}

/// The machine, and the ids that it granted.
#[derive(Default)]
struct Machine {
    leases: Leases,
    ids: Vec<u64>,
    /// What is wrong with it for a canary: no time passes.
    is_stuck: bool,
}

impl StateMachine for Machine {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        Ok(match command {
            Command::Acquire(name) => {
                let id = self.leases.acquire(*name);
                self.ids.extend(id);
                id.is_some()
            }
            Command::Renew(lease) => lease.of(&self.ids).is_some_and(|id| self.leases.renew(*id)),
            Command::Release(lease) => {
                lease.of(&self.ids).is_some_and(|id| self.leases.release(*id))
            }
            Command::Tick if self.is_stuck => true,
            Command::Tick => {
                self.leases.tick();
                true
            }
        })
    }
}

/// The model: each lease that was ever granted, with the ticks that are left.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Granted(Vec<(char, u32)>);

impl Granted {
    fn held(&self) -> impl Iterator<Item = (char, u32)> {
        self.0.iter().copied().filter(|(_, left)| *left > 0)
    }
}

impl StateMachine for Granted {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        Ok(match command {
            Command::Acquire(name) => {
                let grants = self.held().count() < MOST && self.held().all(|held| held.0 != *name);
                self.0.extend(grants.then_some((*name, TIME)));
                grants
            }
            Command::Renew(lease) => self.set(*lease, TIME),
            Command::Release(lease) => self.set(*lease, 0),
            Command::Tick => {
                self.0.iter_mut().for_each(|(_, left)| *left = left.saturating_sub(1));
                true
            }
        })
    }
}

impl Granted {
    /// Sets how long a lease lasts, if it is held.
    fn set(&mut self, lease: Ref, ticks: u32) -> bool {
        let held = lease.of_mut(&mut self.0).filter(|(_, left)| *left > 0);
        held.map(|(_, left)| *left = ticks).is_some()
    }
}

impl Model for Granted {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(2, [Command::Tick]);
        menu.list(3, ['a', 'b', 'c', 'd'].map(Command::Acquire));
        menu.list(2, Ref::all(self.0.len()).map(Command::Release));
        menu.list(2, Ref::all(self.0.len()).map(Command::Renew));
    }

    fn granted(&self) -> usize {
        self.0.len()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Renew(lease) | Command::Release(lease) => vec![lease],
            Command::Acquire(_) | Command::Tick => vec![],
        }
    }
}

statecheck::properties! {
    /// A lease is held until it is released, or was not renewed in time.
    leases_are_held(Walk<Granted>) * 1_000 where "full" >= 10 %, "expired" >= 10 % =
        |walk| walk.compare(&mut Machine::default(), (held, held_in_model));
}

fn held(machine: &Machine) -> BTreeMap<char, u32> {
    machine.leases.held().collect()
}

fn held_in_model(model: &Granted) -> BTreeMap<char, u32> {
    let held: BTreeMap<_, _> = model.held().collect();
    if held.len() == MOST {
        label("full");
    }
    if held.len() < model.0.len() {
        label("expired");
    }
    held
}

#[cfg(test)]
mod canaries {
    use statecheck::property::Property;

    use super::*;

    fn stuck() -> Property {
        let machine = || Machine { is_stuck: true, ..Machine::default() };
        Property::refines("stuck", "No time passes.", machine, (held, held_in_model))
    }

    statecheck::canaries! {
        for roster();
        leases_are_held sees stuck(), in "Acquire('a'); Tick";
    }
}

#[cfg(test)]
mod everywhere {
    use statecheck::explore::{self, Scope};

    use super::*;

    #[test]
    fn leases_are_held_in_every_state() {
        let states = (held, held_in_model);
        let coverage =
            explore::test(&leases_are_held(), Machine::default, states, &Scope::of_states());
        assert_eq!(
            coverage.to_string(),
            "175 states, 1763 transitions, 5 commands deep: all there are"
        );
    }

    #[test]
    fn it_does_not_matter_which_names_are_taken() {
        let times = |held: &BTreeMap<char, u32>| {
            let mut times: Vec<_> = held.values().copied().collect();
            times.sort();
            times
        };
        let scope = Scope::by_key(times);
        let coverage = explore::walks(Machine::default, (held, held_in_model), &scope).unwrap();
        assert_eq!((coverage.states, coverage.unseen), (20, None));
    }
}

#[cfg(test)]
mod at_once {
    use std::sync::Mutex;

    use statecheck::history::Concurrent;

    use super::*;

    #[test]
    fn clients_at_once_are_answered_as_if_one_came_after_the_other() {
        let apply = |shared: &Mutex<Machine>, ids: &mut Vec<u64>, command: &Command| {
            let mut machine = shared.lock().unwrap();
            // A client refers to what it was granted itself.
            std::mem::swap(&mut machine.ids, ids);
            let Ok(reply) = machine.apply(command);
            std::mem::swap(&mut machine.ids, ids);
            reply
        };
        Concurrent::<Granted, _, u64>::new(Mutex::default, apply).test();
    }
}

#[cfg(test)]
mod fuzzing {
    use statecheck::fuzz::{FuzzError, FuzzFolder};

    fn folder() -> FuzzFolder {
        let package = env!("CARGO_MANIFEST_DIR");
        FuzzFolder::of_file(package, "tests/properties.rs", super::roster())
    }

    #[test]
    fn the_fuzz_targets_are_those_of_the_table() -> Result<(), FuzzError> {
        folder().keep()
    }
}
