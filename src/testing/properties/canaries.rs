//! A canary for each property: a bug that is planted in the library, and that the property has to
//! report, with the shortest conversation that shows it.
//!
//! What no longer reports its bug is blind, however green it is.

use super::roster;
use crate::bug::{Bug, plant};
use crate::index::PackageIndex;
use crate::name::MAX_NAME_BYTES;
use crate::session::MAX_BATCH;
use crate::testing::property::Property;
use crate::testing::transcript::{InMemory, Transcript};

/// Turns lines like `property sees Bug in "messages";` into tests, and into the list of what they
/// guard.
macro_rules! canaries {
    ($( $property:ident sees $bug:ident in $messages:expr; )*) => {
        $(
            #[test]
            fn $property() {
                sees(Bug::$bug, &super::$property(), &$messages);
            }
        )*

        const GUARDED: &[&str] = &[$(stringify!($property)),*];
    };
}

canaries! {
    // Not a message, nor a line: no bytes at all.
    parser_is_total sees ErrorPointsBehind in "";
    parser_agrees_with_reference_on_noise sees ReplyMayHaveCr in r"OK\r";
    parser_agrees_with_reference_on_lines sees ThirdBar in "REMOVE|a||";
    commands_print_and_parse_back sees LongestNameIsRefused
        in format!(r"REMOVE|\{{{MAX_NAME_BYTES}:a}}|");
    lines_parse_and_print_back sees CommaIsPrintedFirst in "INDEX|a|a";
    // One byte, taken for the number of a character that hides.
    text_from_outside_is_shown_clean sees ControlsAreShown in "";
    framing_ignores_segmentation sees SplitLineIsForgotten in "a";
    machine_refines_model sees OldListStays in "INDEX|a|; INDEX|a|a; INDEX|a|";
    machine_answers_as_model sees SelfIsADependent in "INDEX|a|; INDEX|a|a; REMOVE|a|";
    invariants_hold sees DuplicatesStay in "INDEX|a|; INDEX|a|a,a";
    fail_changes_nothing sees FailClearsTheList in "INDEX|a|; INDEX|a|a; INDEX|a|b";
    query_changes_nothing sees QueryRemoves in "INDEX|a|; QUERY|a|";
    index_and_remove_are_idempotent sees SecondIndexFails in "INDEX|a|";
    commands_touch_only_their_package sees IndexClearsADependency
        in "INDEX|a|; INDEX|a|a; INDEX|b|a";
    machine_is_deterministic sees HashShows in "INDEX|a|; QUERY|a|";
    index_shows_its_state_alone sees HistoryShows in "INDEX|b|; INDEX|a|b";
    splits_change_nothing sees EdgesGoAsIfFirst
        in "INDEX|a|; INDEX|b|a; INDEX|a|a; INDEX|b|";
    export_rebuilds_the_index sees CyclesStayOpen in "INDEX|a|; INDEX|a|a";
    order_respects_dependencies sees OrderIsReversed in "INDEX|a|; INDEX|b|a";
    closures_agree_with_fixpoint sees ClosureHoldsItsStart in "INDEX|a|";
    // With a limit of none.
    limits_refuse_and_change_nothing sees LimitIsIgnored in "INDEX|a|";
    // Here and below, empty lines are the shortest messages.
    session_answers_as_model sees ErrorsComeFirst in "INDEX|a|; ";
    http_ends_the_conversation sees HttpIsRead in "A a HTTP/1";
    batch_equals_its_commands sees RestOfABatchWaits in ["; "; MAX_BATCH].concat();
    clients_see_one_order sees QueriesGoFirst in "INDEX|a|; QUERY|a|";
    server_answers_as_model sees AnswersAreCutOff in "; ";
    commits_survive_power_cuts sees RepliesDoNotWait in "INDEX|a|";
    replicas_apply_one_order sees RepeatsAreNew in "INDEX|a|";
}

/// Whether a property reports a bug, with the messages that it should take.
fn sees(bug: Bug, property: &Property, messages: &str) {
    let planted = plant(bug);
    let reported = property.quickcheck(property.cases, 1);
    drop(planted);
    let violation = reported.expect_err("the bug is planted");
    let sent = violation.shown.lines().filter_map(|line| line.strip_prefix("> "));
    assert_eq!(sent.collect::<Vec<_>>().join("; "), messages, "{violation}");
    assert_eq!(violation.property, property.name);
}

#[test]
fn what_is_reported_is_a_transcript_that_holds_without_the_bug_only() {
    let planted = plant(Bug::SelfIsADependent);
    let violation = super::machine_refines_model().quickcheck(10_000, 1).unwrap_err();
    let transcript: Transcript = violation.to_string().parse().expect("it is a transcript");
    let run = || transcript.run(&mut InMemory::new(PackageIndex::new()));
    assert_eq!(run().unwrap_err().to_string(), "line 8: expected OK, got FAIL");
    drop(planted);
    run().unwrap();
}

#[test]
fn every_property_has_a_canary() {
    let properties: Vec<_> = roster().iter().map(|property| property.name).collect();
    assert_eq!(GUARDED, properties);
}
