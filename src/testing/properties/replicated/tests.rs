//! Tests that the property sees what it should, and is tried on everything that can happen.

use std::collections::BTreeMap;

use super::*;
use crate::bug::{Bug, plant};
use crate::testing::input::Generated;
use crate::testing::property::Property;

#[test]
fn clients_are_told_everything_that_they_can_be_told() {
    let mut g = quickcheck::Gen::from_size_and_seed(100, 20);
    let mut ends = BTreeMap::new();
    for _ in 0..500 {
        let Generated(course) = quickcheck::Arbitrary::arbitrary(&mut g);
        for end in run(&course, Kind::Right).unwrap() {
            *ends.entry(end).or_insert(0) += 1;
        }
    }
    println!("what came of batches: {ends:?}");
    assert!(ends.len() == 6 && ends.values().all(|count| *count >= 20), "{ends:?}");
}

/// What the property finds while a bug is planted.
fn found(bug: Bug) -> String {
    let property = super::super::replicas_apply_one_order();
    let planted = plant(bug);
    let found = property.quickcheck(property.cases, 1);
    drop(planted);
    found.expect_err("the bug is planted").to_string()
}

#[test]
fn replicas_of_every_wrong_kind_are_found() {
    for (kind, what) in [(Kind::ReadLocally, "after none of"), (Kind::ApplyEarly, "answered")] {
        let property =
            Property::new("wrong", "", move |course: &Course| run(course, kind).map(drop));
        let found = property.quickcheck(2_000, 1).expect_err("they are wrong").to_string();
        assert!(found.contains(what), "{kind:?}: {found}");
    }
}

#[test]
fn every_bug_of_replicas_is_found() {
    for (bug, what) in [
        (Bug::ForgottenIsNew, "once more"),
        (Bug::SkippedIsRepeated, "once more"),
        (Bug::WithdrawnStays, "was withdrawn, and is there"),
        (Bug::OldCopyStays, "is held, not"),
    ] {
        let found = found(bug);
        println!("{bug:?}:\n{found}");
        assert!(found.contains(what), "{bug:?}: {found}");
    }
}
