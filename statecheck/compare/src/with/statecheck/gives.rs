//! What else the declarations give: the README says so, and here it is seen.

use std::convert::Infallible;
use std::sync::Mutex;

use statecheck::StateMachine;
use statecheck::explore::{self, Found, Scope};
use statecheck::history::{Checker, Verdict, record};
use statecheck::walk::Walk;

use super::cache::{Command, Reply, refines};
use crate::machines::cache::{Cache, Entries};

/// Every walk of up to four commands.
fn explored<const BUG: u8>() -> Result<usize, usize> {
    let views = (Cache::<BUG>::entries, Entries::entries);
    let scope = Scope::of_states().within_commands(4);
    match explore::walks(Cache::<BUG>::default, views, &scope) {
        Ok(coverage) => Ok(coverage.states),
        Err(Found::Divergence(divergence)) => Err(divergence.trace.len()),
        Err(other) => panic!("{other}"),
    }
}

/// Whether there is an order of what some clients see at once, all of whom put and get all keys.
fn clients_agree<const BUG: u8>(clients: u8) -> bool {
    let cache = Mutex::new(Cache::<BUG>::default());
    let script = |value| {
        let commands = crate::machines::cache::KEYS.map(|key| {
            vec![Command::Put(key, value, 3), Command::Get('a'), Command::Put('b', value, 1)]
        });
        commands.to_vec()
    };
    let clients = (0..clients).map(|client| (&cache, script(client % 2))).collect();
    let recording = record(clients, |cache, burst, reply: &mut dyn FnMut(Reply)| {
        for command in burst {
            let Ok(answer) = cache.lock().unwrap().apply(command);
            reply(answer);
        }
        Ok::<(), Infallible>(())
    });
    let checker = Checker::new(Entries::default(), |model, told| model == told);
    matches!(checker.check(&recording.history), Verdict::Linearizable)
}

#[test]
fn every_walk_is_explored() {
    assert!(explored::<0>().is_ok_and(|states| states > 1_000));
    assert_eq!(explored::<1>(), Err(4));
}

#[test]
fn what_clients_see_at_once_is_explained_by_the_model() {
    assert!(clients_agree::<0>(3));
    // One alone, so that it does not depend on how threads take turns.
    assert!(!clients_agree::<1>(1));
}

#[test]
fn bytes_from_a_fuzzer_are_tried_and_shrunk() {
    let bytes: Vec<u8> = (0..=255).cycle().step_by(37).take(2_000).collect();
    assert_eq!(refines::<0>().replay(&bytes), Ok(()));
    assert_eq!(refines::<1>().replay(&bytes).unwrap_err().shown.lines().count(), 4);
}

#[test]
fn a_walk_that_was_reported_can_be_taken_again() {
    let commands = ['a', 'b', 'c', 'a'].map(|key| Command::Put(key, 0, 1));
    let walk = Walk::<Entries>::along(commands);
    let mut cache = Cache::<1>::default();
    let replies = walk.commands().iter().map(|command| cache.apply(command));
    assert_eq!(replies.last(), Some(Ok(Reply::Gone(Some('a')))));
}
