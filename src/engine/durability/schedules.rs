//! Sessions share an engine with a store, on schedules that a checker chooses. No reply shows what is not
//! durable, and nobody waits for ever. When the store fails, only what it keeps is left.
//!
//! The messages are such that each reply can be compared with what is kept at that moment. `z` is there at
//! first, and may go once. All others may come, and never go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shuttle::thread::{self, yield_now};

use crate::bug::Bug;
use crate::command::{Command, Outcome};
use crate::engine::Engine;
use crate::engine::schedules::{Clients, Done, Shared, seen};
use crate::engine::shelf::{self, Shelf, Shelved};
use crate::index::{Change, PackageIndex};
use crate::name::Name;
use crate::session::Session;
use crate::store::{Snapshot, Store, StoreError};
use crate::sync::checker::{on_every_schedule, on_many_schedules, reports, sees};
use crate::testing::state_of_index;

type Kept = BTreeMap<String, Vec<String>>;

/// So many commits succeed: all there are.
const ALL: usize = usize::MAX;

/// An engine with a store, and what the store keeps. So many of its commits succeed before all fail.
fn engine(commits: usize) -> (Engine, shelf::Shared) {
    shelf::durable(move |shelf, _| {
        // Lets others do something while the disk is busy.
        yield_now();
        let mut shelf = shelf.lock().unwrap();
        shelf.fails = shelf.commits >= commits;
    })
}

/// A store that keeps each commit only when the next one comes, and so never keeps the last.
struct Late(Shelved, Vec<Change>);

impl Store for Late {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.0.commit(&std::mem::replace(&mut self.1, changes.to_vec()))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.0.snapshot()
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Box::new(self.0).close()
    }
}

/// An engine with such a store, and what that keeps.
fn late() -> (Engine, shelf::Shared) {
    let shelf = shelf::Shared::default();
    let store = Shelved { shelf: Arc::clone(&shelf), before: Box::new(|_, _| ()) };
    (Engine::durable(PackageIndex::new(), Box::new(Late(store, Vec::new()))), shelf)
}

/// Runs a thread for each client. Its session answers the client's texts.
fn sessions(clients: Clients, commits: usize) {
    sessions_with(engine(commits), clients, Shared::answer_or_refuse);
}

/// Answers a client's text, and returns how many messages were refused.
type Answering = fn(&Shared, &mut Session, &str) -> (Done, usize);

/// Answers by a session, but batches of QUERYs alone from what may not be durable.
fn reads_do_not_wait(shared: &Shared, session: &mut Session, text: &str) -> (Done, usize) {
    if text.split("; ").all(|message| message.starts_with("QUERY|")) {
        (shared.look_ahead(text), 0)
    } else {
        shared.answer_or_refuse(session, text)
    }
}

fn sessions_with((engine, shelf): (Engine, shelf::Shared), clients: Clients, by: Answering) {
    let shared = Shared::new(engine);
    let first = shared.batch("INDEX|z|", false);
    let act = |session: &mut Session, text: &str| {
        if text == CLOSE {
            shared.engine.close().unwrap();
        }
        hold(&shelf, by(&shared, session, text), text)
    };
    let mut seen = seen(clients, || Session::new(64), act);
    seen.push(vec![first]);
    nothing_else_is_left(&shared.engine, &shelf);
    shared.check(seen);
}

fn nothing_else_is_left(engine: &Engine, shelf: &shelf::Shared) {
    let names = |list: &BTreeSet<Name>| list.iter().map(ToString::to_string).collect();
    let left = engine.read(state_of_index).unwrap();
    let left: Kept = left.iter().map(|(name, list)| (name.to_string(), names(list))).collect();
    assert_eq!(left, shelf.lock().unwrap().kept, "what is left is not what is kept");
}

/// Compares what was answered with what is kept by then.
fn hold(shelf: &shelf::Shared, (done, refused): (Done, usize), text: &str) -> Done {
    let (batch, (outcomes, _)) = &done;
    let Shelf { kept, fails, closed, .. } = &*shelf.lock().unwrap();
    assert!(refused == 0 || *fails || *closed, "ERROR to {text}");
    for (command, outcome) in batch.commands.iter().zip(outcomes) {
        assert!(rests_on(kept, command, *outcome), "{outcome:?} to {command} before it is durable");
    }
    done
}

/// Whether what is kept is enough for a reply to stay right, in spite of anything that becomes durable later.
fn rests_on(kept: &Kept, command: &Command, outcome: Outcome) -> bool {
    let is_z = |name: &str| name == "z";
    let package = command.package().as_str();
    match (command, outcome) {
        (Command::Index { .. } | Command::Query { .. }, Outcome::Ok) => {
            is_z(package) || kept.contains_key(package)
        }
        (Command::Index { dependencies, .. }, Outcome::Fail) => {
            !dependencies.iter().any(|name| is_z(name.as_str())) || !kept.contains_key("z")
        }
        (Command::Query { .. }, Outcome::Fail) | (Command::Remove { .. }, Outcome::Ok) => {
            !is_z(package) || !kept.contains_key("z")
        }
        (Command::Remove { .. }, Outcome::Fail) => kept.values().flatten().any(|name| is_z(name)),
    }
}

/// A text that closes the store. A session finds it malformed.
const CLOSE: &str = "close";

const THREE: Clients = &[
    &["INDEX|a|; INDEX|b|a", "REMOVE|z|; QUERY|c|"],
    &["INDEX|c|a; QUERY|z|", "INDEX|d|z; QUERY|b|"],
    &["QUERY|a|; QUERY|z|", "QUERY|c|; QUERY|d|"],
];
const WRITERS: Clients = &[&["INDEX|a|"], &["INDEX|b|"]];
const READER: Clients = &[&["REMOVE|z|; INDEX|a|"], &["QUERY|a|; QUERY|z|"]];

#[test]
fn what_sessions_are_told_is_durable() {
    for clients in [THREE, WRITERS, READER] {
        on_many_schedules(move || sessions(clients, ALL));
    }
}

#[test]
fn when_the_store_fails_sessions_keep_what_they_were_told() {
    for commits in 1..=4 {
        on_many_schedules(move || sessions(THREE, commits));
    }
    on_many_schedules(|| sessions(WRITERS, 1));
    on_many_schedules(|| sessions(READER, 1));
}

#[test]
fn when_the_store_is_closed_sessions_keep_what_they_were_told() {
    const FOUR: Clients = &[THREE[0], THREE[1], THREE[2], &[CLOSE]];
    const TWO: Clients = &[WRITERS[0], &[CLOSE]];
    on_many_schedules(|| sessions(FOUR, ALL));
    on_many_schedules(|| sessions(TWO, ALL));
}

/// Runs threads that each wait for one version. The last of these versions was only seen.
fn waits(commits: usize) {
    let (engine, shelf) = engine(commits);
    let ahead = |text: &str| {
        let command: Command = text.parse().unwrap();
        engine.batch_ahead(1, |index| index.apply(&command).unwrap()).unwrap().1
    };
    let versions = [ahead("INDEX|a|"), ahead("INDEX|b|a")];
    let wait = |(version, name)| {
        let durable = engine.wait(version).is_ok();
        let shelf = shelf.lock().unwrap();
        assert!(durable || shelf.fails);
        assert!(!durable || shelf.kept.contains_key(name), "{name} is not durable");
    };
    thread::scope(|scope| {
        for waiting in versions.into_iter().zip(["a", "b"]) {
            scope.spawn(move || wait(waiting));
        }
    });
    nothing_else_is_left(&engine, &shelf);
}

#[test]
fn all_who_wait_for_a_version_hear_of_it() {
    on_every_schedule(|| waits(ALL));
    on_every_schedule(|| waits(0));
}

#[test]
fn replies_that_do_not_wait_are_noticed() {
    let report = "before it is durable";
    for clients in [THREE, READER] {
        let hasty = move || sessions_with(engine(ALL), clients, reads_do_not_wait);
        reports(report, || on_many_schedules(hasty));
        let late = move || sessions_with(late(), clients, Shared::answer_or_refuse);
        reports(report, || on_many_schedules(late));
    }
}

#[test]
fn who_waits_for_ever_is_noticed() {
    let report = "deadlock";
    sees(Bug::CommitsWakeNobody, report, || on_many_schedules(|| sessions(WRITERS, ALL)));
    sees(Bug::CommitsWakeNobody, report, || on_every_schedule(|| waits(ALL)));
}

#[test]
fn changes_that_outlast_a_failure_are_noticed() {
    let report = "what is left is not what is kept";
    sees(Bug::LaterChangesStay, report, || on_many_schedules(|| sessions(WRITERS, 1)));
}
