//! Tests of what is left of the state after a power cut at any point, and after damage to any part of a file.

mod failures;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use super::format::{ABOUT, FORMAT, format};
use super::*;
use crate::bug::{Bug, plant};
use crate::command::Command;
use crate::index::{Limits, PackageIndex};
use crate::store::{LoadError, load};
use crate::testing::power::{SECTOR, Storage};
use crate::wire::RowError;

type Listed = BTreeMap<String, Vec<String>>;

fn state(index: &PackageIndex) -> Listed {
    let printed = |names: crate::index::Names| names.map(|name| name.to_string()).collect();
    index.entries().map(|(package, list)| (package.to_string(), printed(list))).collect()
}

/// Batches of random commands, many of which change something.
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

fn on(storage: &Storage) -> Result<Disk, StoreError> {
    Disk::on(storage.clone(), storage.beside())
}

/// The result of running batches on some storage.
struct Run {
    /// The state at first and after each batch. The last may not have been committed.
    states: Vec<Listed>,
    /// How many commits were reported durable.
    durable: usize,
}

/// Applies batches to an index with a store on this storage, until the power is off.
fn run(storage: &Storage, batches: &[Vec<Command>], close: bool) -> Run {
    let mut index = PackageIndex::new();
    index.record_changes();
    let mut run = Run { states: vec![Listed::new()], durable: 0 };
    let Ok(mut disk) = on(storage) else { return run };
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

/// A file at the moment when it gets its name: with tables, and nothing in them.
fn empty() -> Vec<u8> {
    let storage = Storage::default();
    drop(on(&storage).unwrap());
    storage.bytes()
}

/// What can be loaded from these bytes.
fn loaded(bytes: Vec<u8>) -> Result<Listed, LoadError> {
    let disk = on(&Storage::holding(bytes))?;
    Ok(state(&load(&disk, Limits::default(), |_| ())?))
}

#[test]
fn a_power_cut_at_any_call_loses_no_commit_and_leaves_no_half() {
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

// In any of the places where changes lie.
#[test]
fn a_snapshot_has_the_state_of_the_moment_it_was_taken() {
    let mut rng = Rng::with_seed(12);
    let mut index = PackageIndex::new();
    index.record_changes();
    let mut disk = on(&Storage::default()).unwrap();
    let mut moments = Vec::new();
    let mut spreading = 0;
    for batch in batches(&mut rng, 120) {
        index.extend(batch);
        disk.commit(&index.take_changes()).unwrap();
        spreading += usize::from(disk.recent.is_spreading());
        moments.push((disk.snapshot().unwrap(), state(&index)));
        if moments.len() > 5 {
            moments.remove(0);
        }
        for (snapshot, expected) in &moments {
            assert_eq!(visited(&**snapshot), *expected);
        }
    }
    println!("spreading at {spreading} of 120 moments");
    assert!(spreading > 10 && spreading < 110);
}

/// Every package of a snapshot with its list.
fn visited(snapshot: &dyn Snapshot) -> Listed {
    let mut found = Listed::new();
    let mut visit = |row: Result<Row<'_>, RowError>| {
        let Row { package, dependencies } = row.unwrap();
        let list = dependencies.iter().map(|name| name.to_string()).collect();
        let twice = found.insert(package.to_string(), list);
        assert_eq!(twice, None);
        ControlFlow::Continue(())
    };
    snapshot.visit(&mut visit).unwrap();
    found
}

#[test]
fn a_file_of_the_format_before_is_read_and_becomes_one_of_this() {
    let storage = Storage::default();
    let database = builder().create_with_backend(storage.clone()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(ABOUT).unwrap().insert("format", 1).unwrap();
    transaction.open_table(PACKAGES).unwrap().insert(&b"a"[..], &b"a"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(loaded(storage.bytes()).unwrap(), Listed::from([("a".into(), vec!["a".into()])]));
    drop(on(&storage).unwrap());
    let database = builder().create_with_backend(storage).unwrap();
    assert_eq!(format(&database).unwrap(), Some(FORMAT));
}

#[test]
fn a_recent_commit_that_says_nothing_is_refused() {
    for lines in ["INDEX|a|b", "QUERY|a|\n", "INDEX|a b|\n", "\n"] {
        let storage = Storage::holding(empty());
        let database = builder().create_with_backend(storage.clone()).unwrap();
        let transaction = database.begin_write().unwrap();
        let recent = redb::TableDefinition::<u64, &[u8]>::new("recent odd");
        transaction.open_table(recent).unwrap().insert(7, lines.as_bytes()).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let error = loaded(storage.bytes()).unwrap_err().to_string();
        assert!(error.contains("is damaged: commit 7 has"), "{error}");
    }
}

// Although another process still has its lock file open.
#[test]
fn a_directory_is_free_when_its_store_is_dropped() {
    let directory = std::env::temp_dir().join(format!("indexer-lock-{}", std::process::id()));
    let disk = Disk::create(&directory).unwrap();
    // As a child process has it that is just being started and does not run its program yet.
    let inherited = disk.lock.as_ref().unwrap().inherited();
    let in_use = Disk::open(&directory).unwrap_err();
    assert!(matches!(in_use, StoreError::InUse { .. }), "{in_use}");
    drop(disk);
    let again = Disk::open(&directory);
    fs::remove_dir_all(&directory).unwrap();
    again.unwrap();
    drop(inherited);
}

#[test]
fn a_store_that_is_killed_again_and_again_goes_on_where_it_was() {
    let mut rng = Rng::with_seed(13);
    let storage = Storage::default();
    let mut index = PackageIndex::new();
    index.record_changes();
    for _ in 0..12 {
        let mut disk = on(&storage).unwrap();
        let count = rng.usize(..9);
        for batch in batches(&mut rng, count) {
            index.extend(batch);
            disk.commit(&index.take_changes()).unwrap();
        }
        assert_eq!(loaded(storage.bytes()).unwrap(), state(&index));
    }
}

#[test]
fn a_recovery_that_is_cut_off_loses_nothing_either() {
    let mut rng = Rng::with_seed(9);
    let batches = batches(&mut rng, 6);
    let storage = Storage::until(empty(), 60);
    let run = run(&storage, &batches, false);
    let crashed = storage.after_power_cut(rng.u64(..));
    let whole = Storage::holding(crashed.clone());
    drop(on(&whole).unwrap());
    assert!(whole.calls() > 3, "there was something to recover");
    for power_off in 0..whole.calls() {
        let storage = Storage::until(crashed.clone(), power_off);
        drop(on(&storage));
        for _ in 0..8 {
            let found = loaded(storage.after_power_cut(rng.u64(..))).unwrap();
            assert!(run.states[run.durable..].contains(&found), "call {power_off}");
        }
    }
}

/// A file as a server leaves it that was stopped or killed, and the states that it may have.
fn left(stopped: bool) -> (Vec<u8>, Vec<Listed>) {
    let storage = Storage::default();
    let run = run(&storage, &batches(&mut Rng::with_seed(10), 12), stopped);
    // Nobody can tell whether the kill cut the last commit off, or later damage did.
    let last = if stopped { 1 } else { 2 };
    (storage.bytes(), run.states[run.states.len() - last..].to_vec())
}

/// Loads from damaged bytes. Returns whether that was refused; if not, everything must be there.
fn is_noticed(bytes: Vec<u8>, possible: &[Listed], damage: &str) -> bool {
    let found = catch_unwind(AssertUnwindSafe(|| loaded(bytes)));
    match found.unwrap_or_else(|_| panic!("{damage}: panicked")) {
        Ok(found) => {
            assert!(possible.contains(&found), "{damage}: something was lost silently");
            false
        }
        Err(_) => true,
    }
}

/// Damages a file in many ways, one at a time, and loads from each. Returns how many were refused.
fn refused(stopped: bool, damage: impl Fn(&[u8]) -> Vec<(String, Vec<u8>)>) -> usize {
    let (bytes, possible) = left(stopped);
    assert!(possible.contains(&loaded(bytes.clone()).unwrap()));
    let damaged = damage(&bytes);
    let all = damaged.len();
    let noticed =
        damaged.into_iter().filter(|(what, bytes)| is_noticed(bytes.clone(), &possible, what));
    let noticed = noticed.count();
    println!("{noticed} of {all} refused, {stopped:?}");
    noticed
}

/// Files with one bit flipped, in some places of each sector that is not empty.
fn flipped(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut rng = Rng::with_seed(11);
    let used = |place: &usize| bytes[*place..*place + SECTOR].iter().any(|byte| *byte != 0);
    let sectors = (0..bytes.len()).step_by(SECTOR).filter(used);
    let places = sectors.flat_map(|sector| [sector; 4]);
    let flip = places.map(|sector| {
        let place = sector + rng.usize(..SECTOR);
        let mut damaged = bytes.to_vec();
        damaged[place] ^= 1 << rng.u8(..8);
        (format!("byte {place}"), damaged)
    });
    flip.collect()
}

/// Files that are cut short at each sector.
fn cut_short(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lengths = (SECTOR..bytes.len()).step_by(SECTOR);
    lengths.map(|length| (format!("{length} bytes"), bytes[..length].to_vec())).collect()
}

#[test]
fn a_flipped_bit_anywhere_is_refused_or_does_no_harm() {
    assert!(refused(true, flipped) > 10);
}

#[test]
fn a_file_cut_short_anywhere_is_refused_or_does_no_harm() {
    // Half of the file has never been used, and it does not matter if the cut is there.
    assert!(refused(true, cut_short) > 10);
}

#[test]
fn damage_after_a_crash_loses_the_last_commit_at_most() {
    assert!(refused(false, flipped) > 10);
    assert!(refused(false, cut_short) > 10);
}

/// A disk whose file has grown: a snapshot of some packages was held during many commits. Returns the state,
/// and the length of the file before.
fn grown(storage: &Storage, rng: &mut Rng) -> (Listed, usize) {
    let mut index = PackageIndex::new();
    index.record_changes();
    let mut disk = on(storage).unwrap();
    let mut commit = |disk: &mut Disk, batch: Vec<Command>| {
        index.extend(batch);
        disk.commit(&index.take_changes()).unwrap();
    };
    for batch in batches(rng, 20) {
        commit(&mut disk, batch);
    }
    let length = storage.bytes().len();
    let snapshot = disk.snapshot().unwrap();
    for batch in batches(rng, 150) {
        commit(&mut disk, batch);
    }
    drop(snapshot);
    for batch in batches(rng, 10) {
        commit(&mut disk, batch);
    }
    Box::new(disk).close().unwrap();
    (state(&index), length)
}

#[test]
fn the_next_start_gives_back_what_a_snapshot_made_a_file_grow() {
    let storage = Storage::default();
    let (state, before) = grown(&storage, &mut Rng::with_seed(14));
    let grown = storage.bytes().len();
    assert!(grown > 2 << 20 && grown > 4 * before, "it grew from {before} to {grown} bytes");
    Box::new(on(&storage).unwrap()).close().unwrap();
    let after = storage.bytes().len();
    assert!(after < 2 * before, "{after} bytes are left of {grown}");
    assert_eq!(loaded(storage.bytes()).unwrap(), state);
}

#[test]
fn a_power_cut_while_a_file_is_shortened_loses_nothing() {
    let mut rng = Rng::with_seed(15);
    let storage = Storage::default();
    let (state, _) = grown(&storage, &mut rng);
    let grown = storage.bytes();
    let whole = Storage::holding(grown.clone());
    drop(on(&whole).unwrap());
    for power_off in (0..whole.calls()).step_by(1 + whole.calls() / 60) {
        let storage = Storage::until(grown.clone(), power_off);
        drop(on(&storage));
        let found = loaded(storage.after_power_cut(rng.u64(..)));
        let found = found.unwrap_or_else(|error| panic!("call {power_off}: {error}"));
        assert_eq!(found, state, "call {power_off}");
    }
}
