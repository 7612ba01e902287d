//! Tests of what is left of the state after failed calls and a start that reads what they did not write.

use super::*;

/// A function that opens the disk on some storage.
type On = fn(&Storage) -> Result<Disk, StoreError>;

/// Whether exactly what was durable is left after three events. A call fails during commits and writes
/// nothing; the disk is opened; and the power fails, which takes what that start did not sync. `None` if
/// there are fewer calls.
fn outlasts_a_failure_at(call: usize, batches: &[Vec<Command>], on: On) -> Option<bool> {
    let storage = Storage::holding(empty());
    let mut index = PackageIndex::new();
    index.record_changes();
    let mut disk = on(&storage).unwrap();
    storage.fail_after(call, 1, 0);
    let mut durable = Listed::new();
    for batch in batches {
        index.extend(batch.iter().cloned());
        if disk.commit(&index.take_changes()).is_err() {
            break;
        }
        durable = state(&index);
    }
    storage.has_refused().then_some(())?;
    assert!(disk.commit(&[]).is_err(), "a later commit would be taken back");
    drop(disk);
    let storage = storage.opened_again();
    Box::new(on(&storage).unwrap()).close().unwrap();
    let storage = storage.powered_again(0);
    let loaded = on(&storage).map(|disk| state(&load(&disk, Limits::default(), |_| ()).unwrap()));
    Some(loaded.is_ok_and(|found| found == durable))
}

/// Whether all that was durable is left after three events. The power fails; `count` calls fail from `call`
/// on during a start, and the process ends; and after another start the power fails again. `None` if there
/// are fewer calls.
fn outlasts_a_start_that_fails_at(call: usize, count: usize, before: &[u8]) -> Option<bool> {
    let durable = loaded(before.to_vec()).unwrap();
    let storage = Storage::holding(before.to_vec());
    storage.fail_after(call, count, 0);
    drop(on(&storage));
    storage.has_refused().then_some(())?;
    let storage = storage.opened_again();
    drop(on(&storage).unwrap());
    Some(loaded(storage.powered_again(0).bytes()).is_ok_and(|found| found == durable))
}

#[test]
fn a_start_that_could_not_note_its_failure_is_not_believed() {
    let mut rng = Rng::with_seed(17);
    let storage = Storage::until(empty(), 90);
    run(&storage, &batches(&mut rng, 12), false);
    let crashed = storage.after_power_cut(rng.u64(..));
    let mut starts = 0;
    for count in 1..8 {
        let outlasted =
            (0..).map_while(|call| outlasts_a_start_that_fails_at(call, count, &crashed));
        for (call, outlasted) in outlasted.enumerate() {
            assert!(outlasted, "{count} calls from {call} on");
            starts += 1;
        }
    }
    assert!(starts > 100, "{starts}");
}

#[test]
fn a_start_after_a_failed_sync_writes_what_only_reads_had() {
    let batches = batches(&mut Rng::with_seed(16), 8);
    // How many failures are survived, and how many are not.
    let outlasted = |on: On| {
        let outlasted = (0..).map_while(|call| outlasts_a_failure_at(call, &batches, on));
        outlasted.partition::<Vec<bool>, _>(|outlasted| *outlasted)
    };
    let (outlasts, does_not) = outlasted(on);
    assert!(outlasts.len() > 40 && does_not.is_empty(), "{} {}", outlasts.len(), does_not.len());
    let planted = plant(Bug::ReadsAreBelieved);
    let (_, believed) = outlasted(on);
    drop(planted);
    assert!(!believed.is_empty(), "reads that are believed were not noticed");
    let (_, forgotten) = outlasted(|storage| Disk::forgetful(storage.clone(), storage.beside()));
    assert!(!forgotten.is_empty(), "failures that are not noted were not noticed");
}
