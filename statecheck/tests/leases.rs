//! A lease manager, which hands out ids: commands refer to what was granted before.

use std::collections::BTreeMap;
use std::convert::Infallible;

use statecheck::StateMachine;
use statecheck::model::{Menu, Model, Ref};
use statecheck::property::{Property, Violation};

const TIME_TO_LIVE: u32 = 3;
const MOST: usize = 3;
const NAMES: [char; 4] = ['a', 'b', 'c', 'd'];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Acquire(char),
    Renew(Ref),
    Release(Ref),
    Tick,
}

/// The machine. Its ids are its own.
#[derive(Default)]
struct Leases<const BUG: u8> {
    held: Vec<Lease>,
    next_id: u64,
    granted: Vec<u64>,
}

struct Lease {
    id: u64,
    name: char,
    left: u32,
}

impl<const BUG: u8> Leases<BUG> {
    fn acquire(&mut self, name: char) -> Option<u64> {
        if self.held.len() == MOST || self.held.iter().any(|lease| lease.name == name) {
            return None;
        }
        self.next_id += 7;
        self.held.push(Lease { id: self.next_id, name, left: TIME_TO_LIVE });
        Some(self.next_id)
    }

    fn renew(&mut self, id: u64) -> bool {
        let last = self.held.len();
        let lease = self.held.iter_mut().enumerate().find(|(_, lease)| lease.id == id);
        // Bug 2: of a full table, the last cannot be renewed.
        let lease = lease.filter(|(place, _)| BUG != 2 || last < MOST || place + 1 < last);
        lease.map(|(_, lease)| lease.left = TIME_TO_LIVE).is_some()
    }

    fn release(&mut self, id: u64) -> bool {
        let Some(place) = self.held.iter().position(|lease| lease.id == id) else { return false };
        // Bug 1: the order changes, and the wrong one goes if it is the first of several.
        if BUG == 1 && place == 0 {
            self.held.pop()
        } else {
            Some(self.held.remove(place))
        };
        true
    }

    fn tick(&mut self) {
        for lease in &mut self.held {
            lease.left -= 1;
        }
        // Bug 3: one at a time.
        if BUG == 3 {
            if let Some(place) = self.held.iter().position(|lease| lease.left == 0) {
                self.held.remove(place);
            }
            self.held.iter_mut().for_each(|lease| lease.left = lease.left.max(1));
        } else {
            self.held.retain(|lease| lease.left > 0);
        }
    }
}

impl<const BUG: u8> StateMachine for Leases<BUG> {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        Ok(match command {
            Command::Acquire(name) => match self.acquire(*name) {
                Some(id) => {
                    self.granted.push(id);
                    true
                }
                None => false,
            },
            Command::Renew(lease) => {
                lease.of(&self.granted).copied().is_some_and(|id| self.renew(id))
            }
            Command::Release(lease) => {
                lease.of(&self.granted).copied().is_some_and(|id| self.release(id))
            }
            Command::Tick => {
                self.tick();
                true
            }
        })
    }
}

/// The model: what was granted, in order, and how long each is held.
#[derive(Clone, Default)]
struct Granted(Vec<(char, u32)>);

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
        Ok(match *command {
            Command::Acquire(name) => {
                let is_free = self.held().count() < MOST && self.held().all(|held| held.0 != name);
                self.0.extend(is_free.then_some((name, TIME_TO_LIVE)));
                is_free
            }
            Command::Renew(lease) | Command::Release(lease) => match lease.of_mut(&mut self.0) {
                Some((_, left @ 1..)) => {
                    *left = if matches!(command, Command::Renew(_)) { TIME_TO_LIVE } else { 0 };
                    true
                }
                _ => false,
            },
            Command::Tick => {
                self.0.iter_mut().for_each(|(_, left)| *left = left.saturating_sub(1));
                true
            }
        })
    }
}

impl Model for Granted {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(2, [Command::Tick]);
        menu.list(3, NAMES.map(Command::Acquire));
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

fn refines<const BUG: u8>() -> Property {
    let held = |leases: &Leases<BUG>| -> BTreeMap<char, u32> {
        leases.held.iter().map(|lease| (lease.name, lease.left)).collect()
    };
    let held_in_model = |granted: &Granted| granted.held().collect();
    Property::refines("leases", "They are held.", Leases::<BUG>::default, (held, held_in_model))
}

/// The violation that is found from a seed.
fn found<const BUG: u8>(seed: u64) -> Violation {
    refines::<BUG>().quickcheck(10_000, seed).unwrap_err()
}

/// How many commands the violations have that are found from twenty seeds.
fn lengths<const BUG: u8>() -> Vec<usize> {
    (0..20).map(|seed| found::<BUG>(seed).shown.lines().count()).collect()
}

#[test]
fn a_machine_that_hands_out_ids_refines_its_model() {
    refines::<0>().test();
}

/// It is shrunk to the fewest commands.
#[test]
fn each_bug_is_found_from_every_seed_and_shrunk() {
    assert_eq!(lengths::<1>(), [3; 20]);
    assert_eq!(lengths::<2>(), [4; 20]);
    assert_eq!(lengths::<3>(), [5; 20]);
}

#[test]
fn what_is_shrunk_refers_to_what_it_did() {
    assert_eq!(found::<1>(1).shown, "Acquire('a')\nAcquire('b')\nRelease(Ref(0))\n");
}
