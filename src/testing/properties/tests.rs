//! Tests of the table as a whole: its machine properties hold on other machines, and its inputs reach every
//! reply.

use std::collections::{BTreeMap, BTreeSet};

use super::faulty::{Fault, Faulty};
use super::*;
use crate::command::Reply;
use crate::name::Name;
use crate::testing::faulty::LetsGo;
use crate::testing::generators::LINE_LIMIT;
use crate::testing::input::Generated;
use crate::testing::reference;

/// On how many inputs the distributions are measured.
const MEASURED: usize = 10_000;

#[test]
fn the_model_has_every_property_of_a_machine() {
    let properties = machine_properties(Model::default);
    assert_eq!(properties.len(), 8);
    for property in properties {
        property.quickcheck(200, 1).unwrap();
    }
}

/// A machine that does not show its state.
impl Subject for LetsGo {
    fn state(&self) -> Option<State> {
        None
    }
}

/// The fuzzer's mutator keeps commands, messages and steps whole.
#[test]
fn inputs_that_are_sequences_mark_their_elements() {
    let mut g = ::quickcheck::Gen::from_size_and_seed(100, 7);
    let mut bytes: Vec<u8> = (0..400).map(|_| ::quickcheck::Arbitrary::arbitrary(&mut g)).collect();
    // An index that moves then has steps of both kinds.
    bytes[0] = 50;
    for property in roster() {
        let is_whole = ["Noise", "Line", "Command"].contains(&property.input.as_str());
        let elements = property.elements(&bytes);
        assert_eq!(elements.is_empty(), is_whole, "{property:?}");
        let is_moved = property.name == "moves_keep_the_index";
        let first = elements.iter().filter(|start| **start <= 100).count();
        assert!(!is_moved || first > 5 && elements.len() > first + 5, "{elements:?}");
    }
}

#[test]
fn a_machine_holds_what_its_state_says() {
    /// A model that shows only its state.
    #[derive(Default)]
    struct Plain(Model);

    impl StateMachine for Plain {
        type Command = Command;
        type Reply = Outcome;
        type Error = std::convert::Infallible;

        fn apply(&mut self, command: &Command) -> Result<Outcome, Self::Error> {
            self.0.apply(command)
        }
    }

    impl Subject for Plain {
        fn state(&self) -> Option<State> {
            Some(state_of_model(&self.0))
        }
    }

    assert_eq!(Model::default().state(), Some(State::new()));
    let mut plain = Plain::default();
    assert_eq!(plain.holds(&State::new()), Some(true));
    assert_eq!(plain.apply(&"INDEX|a|".parse().unwrap()), Ok(Outcome::Ok));
    assert_eq!(plain.holds(&State::new()), Some(false));
    assert_eq!(LetsGo::default().holds(&State::new()), None);
}

#[test]
fn a_state_that_is_not_closed_is_reported_with_what_is_missing() {
    /// A machine that claims that `a` needs `b`, after any commands.
    #[derive(Default)]
    struct Open(Model);

    impl StateMachine for Open {
        type Command = Command;
        type Reply = Outcome;
        type Error = std::convert::Infallible;

        fn apply(&mut self, command: &Command) -> Result<Outcome, Self::Error> {
            self.0.apply(command)
        }
    }

    impl Subject for Open {
        fn state(&self) -> Option<State> {
            let name = |text: &str| text.parse::<Name>().unwrap();
            Some(State::from([(name("a"), BTreeSet::from([name("b")]))]))
        }
    }

    let properties = machine_properties(Open::default);
    let property = properties.iter().find(|property| property.name == "invariants_hold").unwrap();
    let violation = property.quickcheck(100, 1).unwrap_err();
    assert_eq!(violation.what, "at message 1: a depends on b, which is not indexed");
}

#[test]
fn a_violation_says_at_which_message_it_was_seen() {
    let properties = machine_properties(|| Faulty::new(Fault::QueryRemoves));
    let property = properties.iter().find(|it| it.name == "query_changes_nothing").unwrap();
    let violation = property.quickcheck(10_000, 1).unwrap_err();
    assert!(violation.what.starts_with("at message 2: answered Ok(Ok); held"), "{violation}");
}

#[test]
fn a_machine_that_shows_no_state_is_judged_by_its_replies() {
    let properties = machine_properties(LetsGo::default);
    let find = |name| properties.iter().find(|property| property.name == name).unwrap();
    for name in ["machine_refines_model", "machine_answers_as_model"] {
        let violation = find(name).quickcheck(10_000, 1).unwrap_err();
        assert_eq!(violation.shown.lines().filter(|line| line.starts_with('>')).count(), 4);
        assert!(violation.shown.ends_with("> REMOVE|a|\n< FAIL\n"), "{violation}");
        assert!(violation.what.starts_with("at message 4: "), "{violation}");
    }
    find("fail_changes_nothing").quickcheck(100, 1).unwrap();
}

/// Inputs as quickcheck draws them, the same in every run.
fn drawn<I: super::super::input::Input>() -> impl Iterator<Item = I> {
    let mut g = ::quickcheck::Gen::from_size_and_seed(100, 20);
    (0..MEASURED).map(move |_| {
        let Generated(input) = ::quickcheck::Arbitrary::arbitrary(&mut g);
        input
    })
}

/// Prints the share of each key. Returns the smallest, in tenths of a percent.
fn shares<K: std::fmt::Debug + Ord>(what: &str, counts: &BTreeMap<K, usize>) -> usize {
    let total: usize = counts.values().sum();
    println!("{what}, {total} in {MEASURED} inputs:");
    let shares = counts.iter().map(|(key, count)| {
        let share = 1_000 * count / total;
        println!("  {key:?} {}.{} %", share / 10, share % 10);
        share
    });
    shares.min().unwrap_or(0)
}

fn verb(command: &Command) -> &'static str {
    match command {
        Command::Index { .. } => "INDEX",
        Command::Remove { .. } => "REMOVE",
        Command::Query { .. } => "QUERY",
    }
}

#[test]
fn traces_reach_every_reply_and_states_of_every_size() {
    let (mut pairs, mut sizes, mut lengths) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for Trace(trace) in drawn::<Trace<Command>>() {
        let mut model = Model::default();
        *lengths.entry(trace.len() / 50 * 50).or_default() += 1;
        for command in trace {
            let Ok(outcome) = model.apply(&command);
            *pairs.entry((verb(&command), outcome)).or_default() += 1;
            *sizes.entry(model.packages().len()).or_default() += 1;
        }
    }
    shares("lengths of traces, from", &lengths);
    let rarest_size = shares("packages after a command", &sizes);
    let rarest_pair = shares("commands and outcomes", &pairs);
    assert!(pairs.len() == 6 && rarest_pair >= 50, "{pairs:?}");
    assert!(sizes.len() == 9 && rarest_size >= 10, "{sizes:?}");
    assert!(lengths.len() >= 4, "{lengths:?}");
}

#[test]
fn conversations_reach_every_reply_of_the_table() {
    let mut pairs = BTreeMap::new();
    for conversation in drawn::<Conversation>() {
        let mut model = Model::default();
        let stream = conversation.stream();
        let mut lines = reference::lines(&stream, LINE_LIMIT);
        // A burst counts once.
        lines.dedup_by_key(|(_, line)| *line);
        for (_, line) in lines {
            let reply = reference::reply(line.and_then(reference::parse).as_ref(), &mut model);
            let line = line.unwrap_or_default();
            let verbs = ["INDEX", "REMOVE", "QUERY"];
            let verb = verbs.into_iter().find(|verb| line.starts_with(verb.as_bytes()));
            *pairs.entry((verb.unwrap_or("other"), reply)).or_default() += 1;
        }
    }
    // A line that begins with none of the words is always an error.
    assert_eq!(pairs.keys().filter(|(verb, _)| *verb == "other").count(), 1);
    pairs.remove(&("other", Reply::Error));
    let rarest = shares("messages and replies", &pairs);
    assert!(pairs.len() == 9 && rarest >= 50, "{pairs:?}");
}
