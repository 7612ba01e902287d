//! Tests of the graph as a machine. `tests/spec/main.rs` compares the specification's own graph with the
//! code.

use super::*;
use crate::testing::explore::{self, Explored};
use crate::testing::lockstep::Divergence;
use crate::testing::properties::faulty::{Fault, Faulty};
use crate::testing::state_of_index;
use crate::{Model, PackageIndex};

const SPECIFIED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/spec/graph.txt"));

/// Explores every step of a graph, on the index.
fn explored(graph: &StateGraph) -> Result<Explored, Divergence<Command>> {
    let projections = (state_of_index, |walk: &Walk<'_>| walk.state().clone());
    explore::run(graph.commands(), (PackageIndex::new(), graph.walk()), projections)
}

#[test]
fn a_bug_in_the_code_is_a_step_that_the_specification_lacks() {
    let graph: StateGraph = SPECIFIED.parse().unwrap();
    assert_eq!(explored(&graph), Ok(Explored { states: 567, transitions: 17_010 }));
    let projections =
        (|wrong: &Faulty| state_of_index(wrong.index()), |walk: &Walk<'_>| walk.state().clone());
    let machines = (Faulty::new(Fault::OldListStays), graph.walk());
    let divergence = explore::run(graph.commands(), machines, projections).unwrap_err();
    let trace: Vec<_> = divergence.trace.iter().map(ToString::to_string).collect();
    assert_eq!(trace, ["INDEX|a|", "INDEX|a|a", "INDEX|a|"]);
}

#[test]
fn a_reply_changed_in_the_graph_is_noticed() {
    let row = SPECIFIED.lines().find(|line| line.starts_with("0:")).expect("the first state");
    let changed = SPECIFIED.replace(row, &row.replacen("FAIL", "OK", 1));
    let divergence = explored(&changed.parse().unwrap()).unwrap_err();
    let trace: Vec<_> = divergence.trace.iter().map(ToString::to_string).collect();
    assert_eq!(trace, ["INDEX|a|a"]);
}

#[test]
fn a_tour_takes_every_step() {
    let graph: StateGraph = SPECIFIED.parse().unwrap();
    let mut walk = graph.walk();
    let mut model = Model::default();
    let mut taken = std::collections::HashSet::new();
    for command in graph.tour() {
        taken.insert((walk.at, command.to_string()));
        assert_eq!(walk.apply(&command).ok(), model.apply(&command).ok(), "{command}");
    }
    assert_eq!(taken.len(), graph.state_count() * graph.commands().len());
}

#[test]
fn a_command_that_the_graph_lacks_has_no_reply() {
    let graph: StateGraph = SPECIFIED.parse().unwrap();
    let strange = Command::query("vim").unwrap();
    let refused = graph.walk().apply(&strange).unwrap_err();
    assert_eq!(refused.to_string(), "QUERY|vim| is not a command of the state graph");
}

#[test]
fn what_is_wrong_with_a_text_is_said_with_its_line() {
    for (text, expected) in [
        ("# nothing\n", "line 2: the commands are missing"),
        ("0: OK\n", "line 1: no `commands:`"),
        (
            "commands: a\n",
            "line 1: a: command: expected INDEX, REMOVE or QUERY at byte 0, found 'a'",
        ),
        ("commands: QUERY|a|\n\n1: OK\n", "line 3: state 0 should come here"),
        ("commands: QUERY|a|\n0 FAIL\n", "line 2: no colon"),
        ("commands: QUERY|a|\n0 a: FAIL\n", "line 2: a is no package with its list"),
        ("commands: QUERY|a|\n0: MAYBE\n", "line 2: MAYBE is no reply"),
        ("commands: QUERY|a|\n0: OK OK\n", "line 2: 2 replies to 1 commands"),
        ("commands: QUERY|a|\n0: OK>1\n", "line 2: there is no state 1"),
        ("commands: QUERY|a|\n0: OK>x\n", "line 2: OK>x: invalid digit found in string"),
    ] {
        assert_eq!(text.parse::<StateGraph>().unwrap_err().to_string(), expected);
    }
}
