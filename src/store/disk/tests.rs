//! What is left of the state after a power cut at any point, and after damage to any part of a file.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use super::*;
use crate::command::Command;
use crate::index::{Limits, PackageIndex};
use crate::store::load;
use crate::testing::power::{SECTOR, Storage};

type State = BTreeMap<String, Vec<String>>;

fn state(index: &PackageIndex) -> State {
    let printed = |names: crate::index::Names<'_>| names.map(|name| name.to_string()).collect();
    index.entries().map(|(package, list)| (package.to_string(), printed(list))).collect()
}

/// Some batches of commands, of which many change something.
fn batches(rng: &mut Rng, count: usize) -> Vec<Vec<Command>> {
    let name = |rng: &mut Rng| format!("package-{:02}", rng.u8(..40));
    let mut command = || {
        if rng.u8(..10) < 2 {
            return Command::remove(&name(rng)).unwrap();
        }
        let list: Vec<String> = (0..rng.usize(..4)).map(|_| name(rng)).collect();
        Command::index(&name(rng), list.iter().map(String::as_str)).unwrap()
    };
    (0..count).map(|_| (0..12).map(|_| command()).collect()).collect()
}

/// What became of some batches on some storage.
struct Run {
    /// The state at first and after each batch, the last of which may not have been committed.
    states: Vec<State>,
    /// How many commits were said to be durable.
    durable: usize,
}

/// Applies batches to an index whose store is on this storage, until the power is off.
fn run(storage: &Storage, batches: &[Vec<Command>], close: bool) -> Run {
    let mut index = PackageIndex::new();
    index.record_changes();
    let mut run = Run { states: vec![State::new()], durable: 0 };
    let Ok(mut disk) = Disk::on(storage.clone()) else { return run };
    for batch in batches {
        index.extend(batch.iter().cloned());
        run.states.push(state(&index));
        if disk.commit(&index.take_changes()).is_err() {
            return run;
        }
        run.durable += 1;
    }
    if close {
        Box::new(disk).close().unwrap();
    }
    run
}

/// A file as it is renamed to its name: with tables, and nothing in them.
fn empty() -> Vec<u8> {
    let storage = Storage::default();
    drop(Disk::on(storage.clone()).unwrap());
    storage.bytes()
}

/// What can be loaded from these bytes.
fn loaded(bytes: Vec<u8>) -> Result<State, LoadError> {
    let disk = Disk::on(Storage::holding(bytes))?;
    Ok(state(&load(&disk, Limits::default(), |_| ())?))
}

#[test]
fn after_a_power_cut_at_any_call_what_was_committed_is_there_and_nothing_by_half() {
    let mut rng = Rng::with_seed(8);
    let batches = batches(&mut rng, 12);
    let empty = empty();
    let whole = Storage::holding(empty.clone());
    run(&whole, &batches, true);
    let (mut cuts, mut later) = (0, 0);
    for power_off in 0..whole.calls() {
        let storage = Storage::until(empty.clone(), power_off);
        let run = run(&storage, &batches, false);
        for _ in 0..8 {
            let found = loaded(storage.after_power_cut(rng.u64(..)));
            let found = found.unwrap_or_else(|error| panic!("call {power_off}: {error}"));
            let possible = &run.states[run.durable..];
            assert!(possible.contains(&found), "call {power_off}, {} durable", run.durable);
            cuts += 1;
            later += usize::from(found != possible[0]);
        }
    }
    println!(
        "{} calls, {cuts} power cuts, of which {later} kept what nobody was told of",
        whole.calls()
    );
    assert!(cuts > 500 && later > 0);
}

#[test]
fn a_recovery_that_is_cut_off_loses_nothing_either() {
    let mut rng = Rng::with_seed(9);
    let batches = batches(&mut rng, 6);
    let storage = Storage::until(empty(), 60);
    let run = run(&storage, &batches, false);
    let crashed = storage.after_power_cut(rng.u64(..));
    let whole = Storage::holding(crashed.clone());
    drop(Disk::on(whole.clone()).unwrap());
    assert!(whole.calls() > 3, "there was something to recover");
    for power_off in 0..whole.calls() {
        let storage = Storage::until(crashed.clone(), power_off);
        drop(Disk::on(storage.clone()));
        for _ in 0..8 {
            let found = loaded(storage.after_power_cut(rng.u64(..))).unwrap();
            assert!(run.states[run.durable..].contains(&found), "call {power_off}");
        }
    }
}

/// A file as a server leaves it, and the state in it.
fn closed() -> (Vec<u8>, State) {
    let storage = Storage::default();
    let run = run(&storage, &batches(&mut Rng::with_seed(10), 12), true);
    (storage.bytes(), run.states.last().unwrap().clone())
}

/// Loads from damaged bytes: either everything is there, or it is refused.
fn is_noticed(bytes: Vec<u8>, expected: &State, damage: &str) -> bool {
    let found = catch_unwind(AssertUnwindSafe(|| loaded(bytes)));
    match found.unwrap_or_else(|_| panic!("{damage}: panicked")) {
        Ok(found) => {
            assert!(found == *expected, "{damage}: something was lost silently");
            false
        }
        Err(_) => true,
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_or_does_no_harm() {
    let (bytes, expected) = closed();
    let mut rng = Rng::with_seed(11);
    let mut noticed = 0;
    let places: Vec<usize> = (0..bytes.len()).step_by(SECTOR).collect();
    let used = |place: &&usize| bytes[**place..**place + SECTOR].iter().any(|byte| *byte != 0);
    for &sector in places.iter().filter(used) {
        for _ in 0..4 {
            let place = sector + rng.usize(..SECTOR);
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << rng.u8(..8);
            noticed += usize::from(is_noticed(damaged, &expected, &format!("byte {place}")));
        }
    }
    println!("{noticed} flipped bits refused in {} bytes", bytes.len());
    assert!(noticed > 10);
}

#[test]
fn a_file_cut_short_anywhere_is_refused_or_does_no_harm() {
    let (bytes, expected) = closed();
    // Half of the file has never been used; where it ends does not matter there.
    let lengths = (SECTOR..bytes.len()).step_by(SECTOR);
    let noticed = lengths
        .filter(|length| {
            is_noticed(bytes[..*length].to_vec(), &expected, &format!("{length} bytes"))
        })
        .count();
    println!("{noticed} of {} lengths refused", bytes.len() / SECTOR);
    assert!(noticed > 10);
}
