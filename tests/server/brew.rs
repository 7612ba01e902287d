//! The whole of Homebrew over TCP, by brute force: clients that send what they have until it is
//! answered OK, in random order and with nonsense in between.

use crate::common;
use crate::common::homebrew::{by_all, formulae};
use package_indexer::Reply;

/// Indexes, verifies and removes all formulae.
fn brute_force(clients: usize) {
    let seed = common::seed();
    let formulae = formulae();
    let (_server, address, engine) = common::serve();
    let index = formulae.iter().map(|(name, list)| format!("INDEX|{name}|{}", list.join(",")));
    let query = formulae.iter().map(|(name, _)| format!("QUERY|{name}|"));
    let remove = formulae.iter().map(|(name, _)| format!("REMOVE|{name}|"));
    by_all(clients, &[address], seed, Reply::Ok, &index);
    by_all(clients, &[address], seed, Reply::Ok, &query);
    engine
        .batch(|index| {
            assert_eq!(index.len(), 3_368);
            assert_eq!(index.check_invariants(), Ok(()));
        })
        .unwrap();
    by_all(clients, &[address], seed, Reply::Ok, &remove);
    by_all(clients, &[address], seed, Reply::Fail, &query);
    engine
        .batch(|index| {
            assert!(index.is_empty());
            assert_eq!(index.check_invariants(), Ok(()));
        })
        .unwrap();
}

/// Rules I1, I2, X2, X3, Q1, Q2, M9, C6.
#[test]
fn one_client_indexes_verifies_and_removes_homebrew() {
    brute_force(1);
}

/// Rules I1, I2, X2, X3, Q1, Q2, M9, C6.
#[test]
fn ten_clients_index_verify_and_remove_homebrew() {
    brute_force(10);
}

/// Rules I1, I2, X2, X3, Q1, Q2, M9, C6.
#[test]
fn a_hundred_clients_index_verify_and_remove_homebrew() {
    brute_force(100);
}
