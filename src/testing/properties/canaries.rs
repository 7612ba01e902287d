//! A canary for each property: a bug that is planted in the library, and that the property has to
//! report, with the shortest conversation that shows it.
//!
//! What no longer reports its bug is blind, however green it is.

use std::collections::BTreeSet;

use super::*;
use crate::bug::{Bug, plant};
use crate::name::MAX_NAME_BYTES;
use crate::session::MAX_BATCH;
use crate::testing::property::Violation;
use crate::testing::transcript::{InMemory, Transcript};

/// Bugs, each with the property that has to report it and the messages that it should take.
fn canaries() -> Vec<(Bug, Property, String)> {
    let longest = format!("REMOVE|{}|", "a".repeat(MAX_NAME_BYTES));
    let one_more_than_a_batch = ["; "; MAX_BATCH].concat();
    let canaries = [
        // Not a message, nor a line: no bytes at all.
        (Bug::ErrorPointsBehind, parser_is_total(), ""),
        (Bug::ReplyMayHaveCr, parser_agrees_with_reference_on_noise(), r"OK\x0d"),
        (Bug::ThirdBar, parser_agrees_with_reference_on_lines(), "REMOVE|a||"),
        (Bug::LongestNameIsRefused, commands_print_and_parse_back(), &longest),
        (Bug::CommaIsPrintedFirst, lines_parse_and_print_back(), "INDEX|a|a"),
        (Bug::SplitLineIsForgotten, framing_ignores_segmentation(), "|"),
        (Bug::OldListStays, machine_refines_model(), "INDEX|a|; INDEX|a|a; INDEX|a|"),
        (Bug::SelfIsADependent, machine_answers_as_model(), "INDEX|a|; INDEX|a|a; REMOVE|a|"),
        (Bug::DuplicatesStay, invariants_hold(), "INDEX|a|; INDEX|a|a,a"),
        (Bug::FailClearsTheList, fail_changes_nothing(), "INDEX|a|; INDEX|a|a; INDEX|a|b"),
        (Bug::QueryRemoves, query_changes_nothing(), "INDEX|a|; QUERY|a|"),
        (Bug::SecondIndexFails, index_and_remove_are_idempotent(), "INDEX|a|"),
        (
            Bug::IndexClearsADependency,
            commands_touch_only_their_package(),
            "INDEX|a|; INDEX|a|a; INDEX|b|a",
        ),
        (Bug::HashShows, machine_is_deterministic(), "INDEX|a|; QUERY|a|"),
        (Bug::HistoryShows, index_shows_its_state_alone(), "INDEX|b|; INDEX|a|b"),
        (Bug::RelaysAreForgotten, relays_change_nothing(), "INDEX|a|; INDEX|a|a; INDEX|b|a"),
        (Bug::CyclesStayOpen, export_rebuilds_the_index(), "INDEX|a|; INDEX|a|a"),
        (Bug::OrderIsReversed, order_respects_dependencies(), "INDEX|a|; INDEX|b|a"),
        (Bug::ClosureHoldsItsStart, closures_agree_with_fixpoint(), "INDEX|a|"),
        // With a limit of none.
        (Bug::LimitIsOffByOne, limits_refuse_and_change_nothing(), "INDEX|a|"),
        // Here and below, empty lines are the shortest messages.
        (Bug::ErrorsComeFirst, session_answers_as_model(), "INDEX|a|; "),
        (Bug::RestOfABatchWaits, batch_equals_its_commands(), &one_more_than_a_batch),
        (Bug::QueriesGoFirst, clients_see_one_order(), "INDEX|a|; QUERY|a|"),
        (Bug::AnswersAreCutOff, server_answers_as_model(), "; "),
    ];
    canaries.map(|(bug, property, messages)| (bug, property, messages.to_owned())).into()
}

/// What the client sends, or the clients.
fn messages(violation: &Violation) -> String {
    let lines = violation.shown.lines().filter_map(|line| line.strip_prefix("> "));
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn every_property_reports_its_bug_with_the_shortest_conversation() {
    let mut wrong = String::new();
    for (bug, property, expected) in canaries() {
        let planted = plant(bug);
        let reported = property.quickcheck(property.cases, 1);
        drop(planted);
        match reported {
            Ok(()) => wrong += &format!("{bug:?}: not seen by {property:?}\n"),
            Err(violation) if messages(&violation) == expected => {}
            Err(violation) => wrong += &format!("{bug:?}: not {expected}\n{violation}"),
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn what_is_reported_is_a_transcript_that_holds_without_the_bug_only() {
    let planted = plant(Bug::SelfIsADependent);
    let violation = machine_refines_model().quickcheck(10_000, 1).expect_err("the bug is planted");
    let transcript: Transcript = violation.to_string().parse().expect("it is a transcript");
    let run = || transcript.run(&mut InMemory::new(PackageIndex::new()));
    assert_eq!(run().unwrap_err().to_string(), "line 8: expected OK, got FAIL");
    drop(planted);
    run().unwrap();
}

#[test]
fn every_property_has_a_canary() {
    let guarded: BTreeSet<_> = canaries().iter().map(|(_, property, _)| property.name).collect();
    let properties: BTreeSet<_> = roster().iter().map(|property| property.name).collect();
    assert_eq!(guarded, properties);
}
