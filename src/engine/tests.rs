//! Tests of the engine, in memory and with a store that does as it is told.

use std::sync::Arc;
use std::sync::mpsc;

use statecheck::StateMachine;

use super::shelf::{Shared, Shelved};
use super::*;
use crate::command::Command;
use crate::index::Limits;
use crate::store::load;

fn command(line: &str) -> Command {
    crate::wire::parse(format!("{line}\n").as_bytes()).unwrap().to_command()
}

/// Does some work on a thread of its own, and returns whether it panicked.
fn panics<R: Send>(work: impl FnOnce() -> R + Send) -> bool {
    std::thread::scope(|scope| scope.spawn(work).join().is_err())
}

#[test]
fn after_a_panic_nobody_is_answered() {
    let engine = Engine::default();
    assert!(panics(|| engine.batch(|_| panic!("a bug, on purpose"))));
    assert_eq!(engine.batch(|index| index.len()), Err(Poisoned.into()));
    assert_eq!(engine.read(PackageIndex::len), Err(Poisoned.into()));
    let refused = engine.apply(&command("QUERY|a|"));
    assert_eq!(refused, Err(EngineError::Unavailable(Poisoned.into())));
    assert_eq!(format!("{engine:?}"), r#"Engine { state: "poisoned", .. }"#);
}

#[test]
fn a_shared_engine_is_a_state_machine() {
    fn ask(mut machine: impl StateMachine<Command = Command, Reply = Outcome>) -> Outcome {
        machine.apply(&command("INDEX|a|")).ok().unwrap()
    }
    let engine = Engine::default();
    assert_eq!(ask(&engine), Outcome::Ok);
    assert_eq!(engine.apply(&command("QUERY|b|")), Ok(Outcome::Fail));
    assert_eq!(engine.batch(|index| index.len()), Ok(1));
}

#[test]
fn a_reader_that_panics_harms_nobody() {
    let engine = Engine::default();
    assert!(panics(|| engine.read(|_| panic!("a bug, on purpose"))));
    assert_eq!(engine.apply(&command("INDEX|a|")), Ok(Outcome::Ok));
}

#[test]
fn readers_do_not_wait_for_readers() {
    let engine = Engine::default();
    let both = std::sync::Barrier::new(2);
    // Each waits inside until the other is inside too.
    let look = || engine.read(|index| (both.wait(), index.len()).1);
    let lengths = std::thread::scope(|scope| {
        let other = scope.spawn(look);
        [look(), other.join().unwrap()]
    });
    assert_eq!(lengths, [Ok(0), Ok(0)]);
}

#[test]
fn a_command_past_a_limit_is_refused_and_changes_nothing() {
    let limits = Limits { max_packages: 1, ..Limits::default() };
    let engine = Engine::new(PackageIndex::with_limits(limits));
    engine.apply(&command("INDEX|a|")).unwrap();
    let refused = engine.apply(&command("INDEX|b|"));
    assert_eq!(refused, Err(EngineError::Limit(LimitError::Packages { limit: 1 })));
    assert_eq!(engine.apply(&command("QUERY|b|")), Ok(Outcome::Fail));
}

#[test]
fn debug_counts_the_packages_and_names_none_and_never_waits() {
    let engine = Engine::default();
    engine.apply(&command("INDEX|vim|")).unwrap();
    assert_eq!(format!("{engine:?}"), "Engine { packages: 1, .. }");
    let busy = engine.batch(|_| format!("{engine:?}"));
    assert_eq!(busy.unwrap(), r#"Engine { state: "busy", .. }"#);
}

/// The answer to a command that cannot be made durable.
const REFUSED: Result<Outcome, EngineError> =
    Err(EngineError::Unavailable(Unavailable::NotDurable(NotDurable)));

/// An engine with a store that obeys at once, and what the store keeps.
fn durable() -> (Engine, Shared) {
    shelf::durable(|_, _| ())
}

/// Like [`durable`], but each commit announces itself and waits for permission.
fn paced() -> (Engine, Shared, mpsc::Receiver<usize>, mpsc::Sender<()>) {
    let ((begun, begins), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let (engine, shelf) = shelf::durable(move |_, changes| {
        begun.send(changes).unwrap();
        gone.recv().unwrap();
    });
    (engine, shelf, begins, go)
}

#[test]
fn what_changed_is_kept_when_a_batch_returns_and_comes_back() {
    let (engine, shelf) = durable();
    for line in ["INDEX|a|", "INDEX|b|a", "INDEX|c|b,a", "REMOVE|c|", "INDEX|b|"] {
        assert_eq!(engine.apply(&command(line)), Ok(Outcome::Ok));
    }
    let store = Shelved { shelf: Arc::clone(&shelf), before: Box::new(|_, _| ()) };
    let loaded = load(&store, Limits::default(), |_| ()).unwrap();
    assert_eq!(engine.read(PackageIndex::clone), Ok(loaded));
    assert_eq!(shelf.lock().unwrap().commits, 5);
}

#[test]
fn what_changes_nothing_is_not_committed() {
    let (engine, shelf) = durable();
    for line in ["INDEX|a|b", "REMOVE|a|", "QUERY|a|"] {
        engine.apply(&command(line)).unwrap();
    }
    engine.apply(&command("INDEX|a|")).unwrap();
    engine.apply(&command("INDEX|a|")).unwrap();
    assert_eq!(shelf.lock().unwrap().commits, 1);
}

#[test]
fn batches_that_wait_together_are_committed_together() {
    let (engine, shelf, begins, go) = paced();
    std::thread::scope(|scope| {
        scope.spawn(|| engine.apply(&command("INDEX|a|")));
        assert_eq!(begins.recv(), Ok(1));
        // While the first is being committed, ten more are applied.
        let names: Vec<String> = (0..10).map(|number| format!("INDEX|p{number}|")).collect();
        let versions: Vec<Version> = names
            .iter()
            .map(|line| {
                engine.batch_ahead(1, |index| index.apply(&command(line)).unwrap()).unwrap().1
            })
            .collect();
        for version in versions {
            let engine = &engine;
            scope.spawn(move || engine.wait(version));
        }
        go.send(()).unwrap();
        assert_eq!(begins.recv(), Ok(10));
        go.send(()).unwrap();
    });
    assert_eq!(shelf.lock().unwrap().commits, 2);
}

#[test]
fn a_batch_that_sees_what_is_not_durable_waits_until_it_is() {
    let (engine, shelf, begins, go) = paced();
    std::thread::scope(|scope| {
        scope.spawn(|| engine.apply(&command("INDEX|a|")));
        begins.recv().unwrap();
        let reader = scope.spawn(|| {
            let seen = engine.apply(&command("QUERY|a|"));
            (seen, shelf.lock().unwrap().kept.contains_key("a"))
        });
        go.send(()).unwrap();
        assert_eq!(reader.join().unwrap(), (Ok(Outcome::Ok), true));
    });
    // Nothing is pending, so nobody waits and nothing is committed.
    assert_eq!(engine.apply(&command("QUERY|a|")), Ok(Outcome::Ok));
    assert_eq!(shelf.lock().unwrap().commits, 1);
}

#[test]
fn when_the_store_fails_all_that_is_not_durable_is_taken_back() {
    let (engine, shelf, begins, go) = paced();
    std::thread::scope(|scope| {
        scope.spawn(|| engine.apply(&command("INDEX|a|")));
        begins.recv().unwrap();
        go.send(()).unwrap();
    });
    let before = engine.read(PackageIndex::clone).unwrap();
    shelf.lock().unwrap().fails = true;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| engine.apply(&command("INDEX|b|a")));
        begins.recv().unwrap();
        // Applied and seen while the commit that will fail is under way.
        let later = engine.batch_ahead(1, |index| index.apply(&command("INDEX|a|b"))).unwrap().1;
        let (seen, read) = engine.read_ahead(1, |index| index.contains("b")).unwrap();
        assert!(seen);
        go.send(()).unwrap();
        assert_eq!(first.join().unwrap(), REFUSED);
        assert_eq!(engine.wait(later), Err(NotDurable));
        assert_eq!(engine.wait(read), Err(NotDurable));
        assert_eq!(engine.apply(&command("REMOVE|a|")), REFUSED);
    });
    // What was durable can still be asked for.
    assert_eq!(engine.read(PackageIndex::clone), Ok(before));
    assert_eq!(engine.apply(&command("QUERY|b|")), Ok(Outcome::Fail));
    assert!(matches!(engine.store_failure(), Some(StoreError::Closed)));
    assert_eq!(shelf.lock().unwrap().commits, 2);
}

#[test]
fn a_store_that_panics_has_failed() {
    let (engine, shelf) = durable();
    shelf.lock().unwrap().panics = true;
    assert_eq!(engine.apply(&command("INDEX|a|")), REFUSED);
    assert_eq!(engine.apply(&command("QUERY|a|")), Ok(Outcome::Fail));
    assert!(matches!(engine.store_failure(), Some(StoreError::Panicked)));
}

#[test]
fn after_it_was_closed_nothing_can_be_changed() {
    let (engine, shelf) = durable();
    engine.apply(&command("INDEX|a|")).unwrap();
    engine.close().unwrap();
    assert!(shelf.lock().unwrap().closed);
    assert_eq!(engine.apply(&command("REMOVE|a|")), REFUSED);
    assert_eq!(engine.apply(&command("QUERY|a|")), Ok(Outcome::Ok));
}

#[test]
fn changes_do_not_pile_up_without_a_bound() {
    let (engine, _shelf, begins, go) = paced();
    let batch = |from: usize, count: usize| {
        engine.batch_ahead(1, |index| {
            for number in from..from + count {
                let line = format!("INDEX|p{number}|");
                index.apply(&command(&line)).unwrap();
            }
        })
    };
    std::thread::scope(|scope| {
        scope.spawn(|| batch(0, 1).map(|((), version)| engine.wait(version)));
        assert_eq!(begins.recv(), Ok(1));
        batch(1, durability::MAX_NAMES_WAITING).unwrap();
        // This one finds no room before the others are being committed.
        let one_more = scope.spawn(|| batch(durability::MAX_NAMES_WAITING + 1, 1).unwrap());
        go.send(()).unwrap();
        assert_eq!(begins.recv(), Ok(durability::MAX_NAMES_WAITING));
        go.send(()).unwrap();
        one_more.join().unwrap();
        let rest = scope.spawn(|| engine.read(PackageIndex::len));
        assert_eq!(begins.recv(), Ok(1));
        go.send(()).unwrap();
        assert_eq!(rest.join().unwrap(), Ok(durability::MAX_NAMES_WAITING + 2));
    });
}

#[cfg(feature = "metrics")]
#[test]
fn probes_wait_for_no_batch_no_reader_and_no_disk() {
    let (engine, _shelf, begins, go) = paced();
    let probe = || (engine.health(), engine.held().packages(), engine.held().dependencies());
    std::thread::scope(|scope| {
        scope.spawn(|| engine.apply(&command("INDEX|a|")));
        assert_eq!(begins.recv(), Ok(1));
        // The disk is busy, and the index is taken.
        assert_eq!(probe(), (Ok(()), 1, 0));
        assert_eq!(engine.batch_ahead(1, |_| probe()).unwrap().0, (Ok(()), 1, 0));
        assert_eq!(engine.read_ahead(1, |_| probe()).unwrap().0, (Ok(()), 1, 0));
        go.send(()).unwrap();
    });
}

#[cfg(feature = "metrics")]
#[test]
fn probes_say_that_the_store_has_failed_and_what_is_left() {
    let (engine, shelf) = durable();
    engine.apply(&command("INDEX|a|")).unwrap();
    shelf.lock().unwrap().fails = true;
    assert_eq!(engine.apply(&command("INDEX|b|a")), REFUSED);
    assert_eq!(engine.health(), Err(NotDurable.into()));
    let held = engine.held();
    let left = engine.read(PackageIndex::state_bytes).unwrap();
    assert_eq!((held.packages(), held.dependencies(), held.state_bytes()), (1, 0, left));
}
