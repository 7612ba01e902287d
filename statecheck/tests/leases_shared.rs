//! A lease manager that many threads use at once. Each client releases what it was granted itself.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use statecheck::StateMachine;
use statecheck::history::Concurrent;
use statecheck::history::clients::{Said, Unexplained};
use statecheck::model::{Menu, Model, Ref};

const MOST: usize = 2;
const NAMES: [char; 3] = ['a', 'b', 'c'];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Acquire(char),
    Release(Ref),
}

/// Holds a check and what follows from it in one lock.
const RIGHT: u8 = 0;
/// Looks whether a name is free in one lock, and takes it in another.
const TAKES_LATER: u8 = 1;
/// Looks for the place of a lease in one lock, and removes what is there in another.
const REMOVES_LATER: u8 = 2;
/// Looks for the place of a lease in one lock, and panics in another if it is not there any more.
const PANICS_LATER: u8 = 3;
/// Panics when it is full, without any race.
const PANICS_WHEN_FULL: u8 = 4;

/// The machine. Its ids are its own.
#[derive(Default)]
struct Leases<const BUG: u8>(Mutex<Table>);

#[derive(Default)]
struct Table {
    held: Vec<(u64, char)>,
    last_id: u64,
}

impl Table {
    fn has_room_for(&self, name: char) -> bool {
        self.held.len() < MOST && self.held.iter().all(|(_, held)| *held != name)
    }

    fn take(&mut self, name: char) -> u64 {
        self.last_id += 7;
        self.held.push((self.last_id, name));
        self.last_id
    }

    fn place_of(&self, id: u64) -> Option<usize> {
        self.held.iter().position(|(held, _)| *held == id)
    }
}

impl<const BUG: u8> Leases<BUG> {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The table again, after others had it if `BUG` says so.
    fn later<'a>(&'a self, table: MutexGuard<'a, Table>, bugs: &[u8]) -> MutexGuard<'a, Table> {
        if !bugs.contains(&BUG) {
            return table;
        }
        drop(table);
        thread::yield_now();
        self.table()
    }

    fn acquire(&self, name: char) -> Option<u64> {
        let table = self.table();
        assert!(BUG != PANICS_WHEN_FULL || table.held.len() < MOST, "no room");
        if !table.has_room_for(name) {
            return None;
        }
        Some(self.later(table, &[TAKES_LATER]).take(name))
    }

    fn release(&self, id: u64) -> bool {
        let table = self.table();
        let Some(place) = table.place_of(id) else { return false };
        let mut table = self.later(table, &[REMOVES_LATER, PANICS_LATER]);
        assert!(BUG != PANICS_LATER || table.place_of(id) == Some(place), "it has moved");
        if BUG != REMOVES_LATER || place < table.held.len() {
            table.held.remove(place);
        }
        true
    }
}

/// The model: what was granted, in order, and whether it is held.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Granted(Vec<(char, bool)>);

impl StateMachine for Granted {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        Ok(match command {
            Command::Acquire(name) => {
                let held = || self.0.iter().filter(|(_, is_held)| *is_held);
                let is_free = held().count() < MOST && held().all(|(held, _)| held != name);
                self.0.extend(is_free.then_some((*name, true)));
                is_free
            }
            Command::Release(lease) => lease
                .of_mut(&mut self.0)
                .is_some_and(|(_, is_held)| std::mem::replace(is_held, false)),
        })
    }
}

impl Model for Granted {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(1, NAMES.map(Command::Acquire));
        menu.list(1, Ref::all(self.0.len()).map(Command::Release));
    }

    fn granted(&self) -> usize {
        self.0.len()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Acquire(_) => vec![],
            Command::Release(lease) => vec![lease],
        }
    }
}

fn concurrent<const BUG: u8>() -> Concurrent<Granted, Leases<BUG>, u64> {
    let apply = |leases: &Leases<BUG>, granted: &mut Vec<u64>, command: &Command| match command {
        Command::Acquire(name) => {
            let id = leases.acquire(*name);
            granted.extend(id);
            id.is_some()
        }
        Command::Release(lease) => lease.of(granted).is_some_and(|id| leases.release(*id)),
    };
    Concurrent::new(Leases::default, apply)
}

/// Each of these bugs was found in at most 12 rounds from 300 seeds, on two cores with much else to do.
const ROUNDS: u64 = 50 * 12;

/// From so many seeds something is found at most, until it shows in a certain way.
const SEEDS: u64 = 50;

fn found<const BUG: u8>(seed: u64) -> Box<Unexplained<Command, bool>> {
    concurrent::<BUG>().check(ROUNDS, seed).unwrap_err()
}

#[test]
fn a_lease_manager_that_checks_and_acts_at_once_passes() {
    concurrent::<RIGHT>().rounds(300).test();
}

#[test]
fn a_race_for_a_name_is_found_and_shortened() {
    for seed in 0..3 {
        let unexplained = found::<TAKES_LATER>(seed * ROUNDS);
        assert!(unexplained.history.operations().len() <= 6, "{unexplained}");
    }
}

/// How often what a client released was granted to it before: each time, or that is wrong.
fn releases(unexplained: &Unexplained<Command, bool>) -> usize {
    let (mut granted, mut releases) = (Vec::new(), 0);
    for operation in unexplained.history.operations() {
        let client = operation.client;
        if let Command::Release(lease) = operation.command.command {
            assert!(granted.contains(&(client, lease)), "{unexplained}");
            releases += 1;
        }
        granted.extend(operation.command.granted.clone().map(|it| (client, Ref(it))));
    }
    releases
}

/// Each client releases what it was granted.
#[test]
fn a_race_of_releases_is_found_and_shortened() {
    // Sometimes two grants of one name show it in fewer commands than a release does.
    let shows_a_release = (0..SEEDS).any(|seed| {
        let unexplained = found::<REMOVES_LATER>(seed * ROUNDS);
        assert!(unexplained.history.operations().len() <= 6, "{unexplained}");
        releases(&unexplained) > 0
    });
    assert!(shows_a_release);
}

#[test]
fn a_panic_is_reported_with_what_leads_to_it() {
    let unexplained = found::<PANICS_WHEN_FULL>(1);
    let operations = unexplained.history.operations();
    assert!(operations.len() <= 4, "{unexplained}");
    let last = unexplained.fault().and_then(|fault| operations[fault].answer.as_ref());
    let panicked = Said::Panicked("panicked: no room".to_owned());
    assert_eq!(last.map(|answer| &answer.reply), Some(&panicked), "{unexplained}");
}

#[test]
fn a_panic_that_takes_a_race_is_reported_too() {
    let unexplained = found::<PANICS_LATER>(1);
    let operations = unexplained.history.operations();
    assert!(releases(&unexplained) >= 2, "{unexplained}");
    let last = unexplained.fault().and_then(|fault| operations[fault].answer.as_ref());
    assert!(last.is_some_and(|it| matches!(it.reply, Said::Panicked(_))), "{unexplained}");
}
