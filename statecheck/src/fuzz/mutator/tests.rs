//! Tests of the mutator, on commands of different lengths.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};

use super::*;
use crate::input::from_bytes;
use crate::trace::{Trace, TraceCommand};

/// A command of one to four bytes: the first says how many follow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Long(Vec<u8>);

impl Arbitrary<'_> for Long {
    fn arbitrary(u: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let first = u8::arbitrary(u)?;
        let rest = (0..first % 4).map(|_| u8::arbitrary(u));
        Ok(Self([first].into_iter().map(Ok).chain(rest).collect::<Result<_, _>>()?))
    }
}

impl TraceCommand for Long {}

fn property() -> Property {
    Property::new("any", "Holds.", |_: &Trace<Long>| Ok(()))
}

fn commands(bytes: &[u8]) -> Vec<Long> {
    from_bytes::<Trace<Long>>(bytes).map_or_else(Vec::new, |trace| trace.0)
}

/// Bytes of so many whole commands, all different.
fn input(count: u8) -> Vec<u8> {
    (0..count)
        .flat_map(|number| {
            [number, 100 + number, 200, 201].into_iter().take(1 + usize::from(number % 4))
        })
        .collect()
}

/// What a mutation leads to, and whether it was libFuzzer's own.
fn mutated(bytes: &[u8], most: usize, seed: u32) -> (Vec<u8>, bool) {
    let mut room = bytes.to_vec();
    room.resize(most.max(bytes.len()), 0xee);
    let mut is_usual = false;
    let length = mutate(&property(), &mut room, bytes.len(), most, seed, |_, length, most| {
        is_usual = true;
        length.min(most)
    });
    room.truncate(length);
    (room, is_usual)
}

#[test]
fn all_commands_but_those_that_change_stay_as_they_are() {
    let bytes = input(12);
    let before = commands(&bytes);
    assert_eq!(before.len(), 12);
    let mut lengths = BTreeSet::new();
    for seed in 0..2_000 {
        let (after, is_usual) = mutated(&bytes, 1_000, seed);
        if is_usual {
            continue;
        }
        let after = commands(&after);
        let new = after.iter().filter(|command| !before.contains(command)).count();
        assert!(new <= 1, "{seed}: {after:?}");
        lengths.insert(after.len());
    }
    assert!(lengths.first() < Some(&6) && lengths.last() > Some(&18), "{lengths:?}");
}

#[test]
fn each_kind_of_change_is_made() {
    let bytes = input(5);
    let before = commands(&bytes);
    let outcomes: Vec<_> = (0..500).map(|seed| mutated(&bytes, 1_000, seed)).collect();
    let usual = outcomes.iter().filter(|(_, is_usual)| *is_usual).count();
    assert!((150..350).contains(&usual), "{usual}");
    let seen = |wanted: &dyn Fn(&[Long]) -> bool| {
        outcomes.iter().any(|(bytes, is_usual)| !is_usual && wanted(&commands(bytes)))
    };
    let sorted = |list: &[Long]| {
        let mut list: Vec<_> = list.iter().map(|command| command.0.clone()).collect();
        list.sort();
        list
    };
    let without = |at: usize| [&before[..at], &before[at + 1..]].concat();
    assert!(seen(&|after| after == without(2)), "left out");
    assert!(
        seen(&|after| after.len() > 5 && after.iter().all(|it| before.contains(it))),
        "repeated"
    );
    assert!(seen(&|after| after != before && sorted(after) == sorted(&before)), "moved");
    assert!(
        seen(&|after| (0..4).any(|at| after.len() == 5
            && after[at + 1..] == before[at + 1..]
            && after[at] != before[at])),
        "replaced"
    );
}

#[test]
fn the_same_seed_makes_the_same_change() {
    let bytes = input(9);
    for seed in 0..200 {
        assert_eq!(mutated(&bytes, 100, seed), mutated(&bytes, 100, seed));
    }
}

#[test]
fn no_change_is_longer_than_allowed_whatever_the_bytes() {
    let mut draw = Draw(7);
    for seed in 0..3_000 {
        let length = draw.below(40);
        let bytes = draw.bytes(length);
        let most = draw.below(60);
        let (after, _) = mutated(&bytes, most, seed);
        assert!(after.len() <= most, "{seed}: {after:?}");
        let (length, mut out) = (draw.below(40), vec![0; most]);
        let other = draw.bytes(length);
        assert!(cross_over(&property(), &bytes, &other, &mut out, seed) <= most);
    }
}

#[test]
fn two_inputs_cross_at_whole_commands() {
    let (one, other) = (input(6), input(12)[10..].to_vec());
    let (first, last) = (commands(&one), commands(&other));
    let mut crossings = BTreeSet::new();
    for seed in 0..500 {
        let mut out = vec![0; 100];
        let length = cross_over(&property(), &one, &other, &mut out, seed);
        let crossed = commands(&out[..length]);
        let begun = crossed.iter().zip(&first).take_while(|(a, b)| a == b).count();
        assert!(
            (0..=begun).any(|begun| last.ends_with(&crossed[begun..])),
            "{seed}: {crossed:?} of {first:?} and {last:?}"
        );
        crossings.insert(length);
    }
    assert!(crossings.len() > 10, "{crossings:?}");
}

#[test]
fn inputs_without_elements_are_left_to_libfuzzer() {
    let whole = Property::new("any", "Holds.", |_: &Trace<Long>| Ok(()));
    for seed in 0..50 {
        let mut room = [0; 8];
        assert_eq!(mutate(&whole, &mut room, 0, 8, seed, |_, _, _| 3), 3);
    }
}
