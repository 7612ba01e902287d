//! A canary for each property: something wrong that the property has to report with the shortest conversation
//! that shows it. The wrong thing wraps a part of the library, or is planted in it.
//!
//! A property that no longer reports its bug is blind, even if all its tests pass.

use statecheck::canary::Canary;

use super::durable::one_commit_late;
use super::faulty::{
    self, COMMA_IS_PRINTED_FIRST, Fault, Faulty, LONGEST_NAME_IS_REFUSED, POINTS_BEHIND,
    REPLY_MAY_HAVE_CR, THIRD_BAR,
};
use super::index::{closures_agree, limits_refuse, rebuilds, respects_dependencies, rows_build};
use super::moved::keep_the_index;
use super::service::{
    answers_as_model, answers_as_peer, ends_with_http, equals_its_commands, see_one_order,
    serves_as_model,
};
use super::shown::is_shown_clean;
use super::wire::ignores_segmentation;
use super::{machine_properties, roster};
use crate::bug::{Bug, plant};
use crate::index::PackageIndex;
use crate::name::MAX_NAME_BYTES;
use crate::session::MAX_BATCH;
use crate::testing::generators::{Conversation, Line, Noise};
use crate::testing::input::Input;
use crate::testing::property::{Property, Violation};
use crate::testing::transcript::{InMemory, Transcript};

/// Something wrong that a property has to report.
enum Wrong {
    /// A bug inside.
    Inside(Bug),
    /// A machine.
    Machine(Fault),
    /// A property that is tried on something wrong in place of ours.
    Tried(Property),
}

/// A property, tried on something wrong.
fn tried<I: Input>(property: fn(&I) -> Result<(), String>) -> Wrong {
    Wrong::Tried(Property::new("wrong", "", move |input: &I| property(input)))
}

statecheck::canaries! {
    for roster();
    // Not a message, nor a line: no bytes at all.
    parser_is_total sees tried(|noise: &Noise| POINTS_BEHIND.is_total(&noise.0)), in "";
    parser_agrees_with_reference_on_noise sees tried(|noise: &Noise| REPLY_MAY_HAVE_CR.agrees_on_all(&noise.0)),
        in r"OK\r";
    parser_agrees_with_reference_on_lines sees tried(|line: &Line| THIRD_BAR.agrees(&line.0)),
        in "REMOVE|a||";
    commands_print_and_parse_back sees tried(|command| LONGEST_NAME_IS_REFUSED.reads_back(command)),
        in format!(r"REMOVE|\{{{MAX_NAME_BYTES}:a}}|");
    lines_parse_and_print_back sees tried(|line: &Line| COMMA_IS_PRINTED_FIRST.prints_back(&line.0)),
        in "INDEX|a|a";
    // One byte, taken for the code of a character that hides.
    text_from_outside_is_shown_clean sees tried(|noise| is_shown_clean(faulty::controls_are_shown, noise)),
        in "";
    framing_ignores_segmentation sees tried(|it| ignores_segmentation(faulty::split_line_is_forgotten, it)),
        in "a";
    machine_refines_model sees Wrong::Machine(Fault::OldListStays), in "INDEX|a|; INDEX|a|a; INDEX|a|";
    machine_answers_as_model sees Wrong::Machine(Fault::SelfIsADependent), in "INDEX|a|; INDEX|a|a; REMOVE|a|";
    invariants_hold sees Wrong::Inside(Bug::DuplicatesStay), in "INDEX|a|; INDEX|a|a,a";
    fail_changes_nothing sees Wrong::Machine(Fault::FailClearsTheList), in "INDEX|a|; INDEX|a|a; INDEX|a|b";
    query_changes_nothing sees Wrong::Machine(Fault::QueryRemoves), in "INDEX|a|; QUERY|a|";
    index_and_remove_are_idempotent sees Wrong::Machine(Fault::SecondIndexFails), in "INDEX|a|";
    commands_touch_only_their_package sees Wrong::Machine(Fault::IndexClearsADependency),
        in "INDEX|a|; INDEX|a|a; INDEX|b|a";
    machine_is_deterministic sees Wrong::Machine(Fault::HashShows), in "INDEX|a|; QUERY|a|";
    index_shows_its_state_alone sees Wrong::Inside(Bug::HistoryShows), in "INDEX|b|; INDEX|a|b";
    splits_change_nothing sees Wrong::Inside(Bug::EdgesGoAsIfFirst), in "INDEX|a|; INDEX|b|a; INDEX|a|a; INDEX|b|";
    cells_are_those_of_the_algorithm sees Wrong::Inside(Bug::EdgesGoAsIfFirst),
        in "INDEX|a|; INDEX|b|a; INDEX|a|a; INDEX|b|";
    rows_build_what_their_commands_do sees tried(|trace| rows_build(faulty::debts_are_forgiven, trace)),
        in "INDEX|a|b";
    export_rebuilds_the_index sees tried(|trace| rebuilds(faulty::cycles_stay_open, trace)),
        in "INDEX|a|; INDEX|a|a";
    order_respects_dependencies sees tried(|trace| respects_dependencies(faulty::order_is_reversed, trace)),
        in "INDEX|a|; INDEX|b|a";
    closures_agree_with_fixpoint sees tried(|trace| closures_agree(faulty::closure_holds_its_start, trace)),
        in "INDEX|a|";
    // With a limit of zero.
    limits_refuse_and_change_nothing sees tried(|bounded| limits_refuse(faulty::limit_is_ignored, bounded)),
        in "INDEX|a|";
    // Here and below, empty lines are the shortest messages.
    session_answers_as_model sees tried(|it: &Conversation| answers_as_model(faulty::errors_come_first, it, &it.stream())),
        in "INDEX|a|; ";
    session_answers_as_peer sees tried(|visit| answers_as_peer(faulty::http_is_read, visit)),
        in "A a HTTP/1";
    http_ends_the_conversation sees tried(|visit| ends_with_http(faulty::http_is_read, visit)),
        in "A a HTTP/1";
    batch_equals_its_commands sees tried(|it| equals_its_commands(faulty::rest_of_a_batch_waits, it)),
        in ["; "; MAX_BATCH].concat();
    clients_see_one_order sees tried(|duo| see_one_order(faulty::queries_go_first, duo)),
        in "INDEX|a|; QUERY|a|";
    server_answers_as_model sees tried(|it| serves_as_model(faulty::answers_are_cut_off, it)),
        in "; ";
    commits_survive_power_cuts sees Wrong::Tried(one_commit_late()), in "INDEX|a|";
    replicas_apply_one_order sees Wrong::Inside(Bug::RepeatsAreNew), in "INDEX|a|";
    moves_keep_the_index sees tried(|it| keep_the_index(faulty::cycles_stay_open, it)),
        in "INDEX|a|; INDEX|a|a";
}

impl Canary for Wrong {
    fn try_out(self, property: &Property) -> Result<(), Violation> {
        match self {
            Self::Inside(bug) => {
                let planted = plant(bug);
                let reported = property.quickcheck(property.cases, 1);
                drop(planted);
                reported
            }
            Self::Machine(fault) => {
                let properties = machine_properties(move || Faulty::new(fault));
                let same = properties.iter().find(|other| other.name == property.name);
                same.expect("it is about machines").quickcheck(property.cases, 1)
            }
            Self::Tried(other) => other.quickcheck(property.cases, 1),
        }
    }

    /// The messages.
    fn told(violation: &Violation) -> String {
        let sent = violation.shown.lines().filter_map(|line| line.strip_prefix("> "));
        sent.collect::<Vec<_>>().join("; ")
    }
}

#[test]
fn a_report_is_a_transcript_that_holds_only_without_the_bug() {
    let wrong = || Faulty::new(Fault::SelfIsADependent);
    let properties = machine_properties(wrong);
    let property = properties.iter().find(|it| it.name == "machine_refines_model").unwrap();
    let violation = property.quickcheck(10_000, 1).unwrap_err();
    assert_eq!(violation.property, property.name);
    let transcript: Transcript = violation.to_string().parse().expect("it is a transcript");
    let seen = transcript.run(&mut InMemory::new(wrong())).unwrap_err();
    assert_eq!(seen.to_string(), "line 9: expected OK, got FAIL");
    transcript.run(&mut InMemory::new(PackageIndex::new())).unwrap();
}
