//! What `indexer check` says of servers that are wrong: the right rule for each fault, every fault of a server
//! in one run, the worst first; and what becomes of servers that die, are lenient, or are judged by another text.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;

use crate::check::failed;
use crate::common::faulty_server::{self, Fault};
use crate::common::{self, check, report, run};

/// How many messages a transcript has at most that shows what one client is answered.
const MOST_MESSAGES: u64 = 6;

/// The rules of which something was found, the worst first.
fn rules(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["rule"].as_str().unwrap()).collect()
}

/// How many commands a history has at most.
const MOST_COMMANDS: usize = 12;

/// How many faulty servers are checked at once: most of the time is spent on waiting for replies.
const AT_ONCE: usize = 4;

#[test]
fn every_faulty_server_is_told_by_the_rule_that_it_breaks() {
    let faults = Mutex::new(Fault::ALL.into_iter().filter(|fault| *fault != Fault::None));
    let next = || faults.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| std::iter::from_fn(next).for_each(is_told_by_its_rule));
        }
    });
}

fn is_told_by_its_rule(fault: Fault) {
    let address = faulty_server::serve(fault).to_string();
    // The usual patience takes longer. It must suffice where a reply is held up until all is over.
    let patience = if fault == Fault::WritesUnderLock { "5" } else { "2" };
    let (code, report) = report(&address, &["--fail-fast", "--patience", patience]);
    assert_eq!(code, Some(1), "{fault:?}");
    let rules = rules(&report);
    assert!(rules.iter().all(|rule| fault.rules().contains(rule)), "{fault:?}: {report:#}");
    for (name, finding) in failed(&report) {
        let few = finding["messages"].as_u64().is_none_or(|count| count <= MOST_MESSAGES);
        let commands = finding["history"].as_str().unwrap_or("").matches("> ").count();
        assert!(commands <= MOST_COMMANDS, "{name}: {finding}");
        assert!(few && finding["reproduced"] == true, "{name}: {finding}");
        assert!(!finding["rule_text"].as_str().unwrap().is_empty(), "{finding}");
        assert!(finding["reproduce"].as_str().unwrap().ends_with(&format!("--only {name}")));
    }
}

#[test]
fn rules_without_a_faulty_server_are_known() {
    let rules = include_str!("../../spec/protocol.md").lines();
    let rules = rules.filter_map(|line| line.strip_prefix("**")?.split_once("** "));
    let is_shown = |id: &&str| Fault::ALL.iter().any(|fault| fault.rules().contains(id));
    let without: Vec<_> = rules.map(|(id, _)| id).filter(|id| !is_shown(id)).collect();
    // Of the first no server can be wrong alone; of the second many are another reading; the rest takes
    // limits, or more than a conversation shows.
    let known = [
        "M1 M4 M5 M10 N3 N5 D1 D6 L1 L7 L10 I5 X2 Q1 Q2",
        "M8 N1 N4 D2 D3 D4 L2 L6 C7",
        "O4 O7 O8 O9 C1 C4",
    ];
    let known: BTreeSet<_> = known.iter().flat_map(|ids| ids.split(' ')).collect();
    assert_eq!(without.into_iter().collect::<BTreeSet<_>>(), known);
}

#[test]
fn all_faults_of_a_server_are_told_in_one_run_the_worst_first() {
    for (faults, expected) in [
        (&[Fault::ThirdBar, Fault::KeepsOldList][..], &["I4", "M3"][..]),
        (
            &[Fault::HeldByItself, Fault::SkipsEmptyLines, Fault::MessagePerRead],
            &["L8", "M7", "X4"],
        ),
        (&[Fault::ThirdBar, Fault::QueryIndexes], &["Q3", "M3"]),
        (&[Fault::LowerCase, Fault::IndexesMissing, Fault::RefusesCycles], &["I8", "I7", "M2"]),
    ] {
        let address = faulty_server::serve_with(faults).to_string();
        let (code, report) = report(&address, &["--patience", "1"]);
        let rules = rules(&report);
        let all = |rules: &[&str]| rules.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!((code, all(&rules)), (Some(1), all(expected)), "{faults:?}: {report:#}");
        assert_eq!((rules.len(), rules[0]), (expected.len(), expected[0]), "{report:#}");
    }
}

#[test]
fn a_server_that_dies_under_load_is_told_of_that_first() {
    const FAULTS: &[Fault] = &[Fault::ThirdBar, Fault::KeepsOldList, Fault::DiesOfMany];
    let address = faulty_server::serve_with(FAULTS).to_string();
    let done = check(&address, &["--seed", "3"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let found: Vec<_> = done.stdout.lines().filter(|line| line.contains("), by ")).collect();
    assert_eq!(found.len(), 3, "{done:?}");
    assert!(found[0].starts_with("1. ") && found[0].contains("(dies or hangs)"), "{found:?}");
    assert!(found[1].starts_with("2. I4 (loses or corrupts state)"), "{found:?}");
    assert!(found[2].starts_with("3. M3 (wrong grammar)"), "{found:?}");
    // What was not tried is a line, and after the findings.
    let lines: Vec<_> = done.stdout.lines().collect();
    assert!(lines.last().unwrap().starts_with("not run: "), "{done:?}");
    assert!(done.stdout.contains("--restart says how to bring it back"), "{done:?}");
}

#[test]
fn a_server_that_dies_can_be_brought_back() {
    // The command starts this same program at the address that the dead server had.
    let address = faulty_server::serve_with(&[Fault::DiesOfBreakOff]).to_string();
    let program = env!("CARGO_BIN_EXE_indexer");
    let restart = format!("exec {program} serve --listen {address} --log-level error");
    let (code, report) = report(&address, &["--restart", &restart]);
    assert_eq!(code, Some(1), "{report:#}");
    let ended = report["findings"][0]["severity"] == "dies or hangs";
    assert!(ended && report["is_gone"] == false, "{report:#}");
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["verdict"] != "not run"), "{report:#}");
}

#[test]
fn what_is_no_name_but_was_taken_for_one_is_removed_again() {
    let address = faulty_server::serve(Fault::AnyText).to_string();
    let ask = || run(&["send", "--addr", &address], b"QUERY|,|\nQUERY||\n").stdout;
    assert_eq!(ask(), "FAIL\nFAIL\n");
    let (code, _) = report(&address, &[]);
    assert_eq!((code, ask()), (Some(1), "FAIL\nFAIL\n".to_owned()));
    // What is there before is not touched.
    run(&["send", "--addr", &address], b"INDEX||\nINDEX|,|\n");
    let _report = report(&address, &["--only", "transcript_", "--only", "noise"]);
    assert_eq!(ask(), "OK\nOK\n");
}

#[test]
fn a_server_that_minds_half_closes_is_told_so_once() {
    let address = faulty_server::serve(Fault::StaysOpen).to_string();
    let done = check(&address, &["--patience", "1"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let found: Vec<_> = done.stdout.lines().filter(|line| line.contains("), by ")).collect();
    assert_eq!(found, ["1. C3 (beyond the challenge), by a_half_close_ends_the_stream:"]);
    assert!(done.stdout.contains("    >$\n    <$\n    # got "), "{done:?}");
    let newer = check(&address, &["--patience", "1", "--challenge", "newer"]);
    assert_eq!(newer.code, Some(0), "{newer:?}");
}

#[test]
fn a_server_of_the_older_text_is_wrong_by_ours_alone() {
    let address = faulty_server::serve(Fault::KeepsOldList).to_string();
    for (text, code) in [("own", 1), ("newer", 1), ("older", 0)] {
        let done = check(&address, &["--challenge", text]);
        assert_eq!(done.code, Some(code), "{text}: {done:?}");
        let reading = "I4  what a replaced list named       FAIL; specified is OK";
        assert!(done.stdout.contains(reading), "{text}: {done:?}");
    }
}

#[test]
fn the_harness_of_the_challenge_is_a_suite_of_its_own() {
    let (_server, address, engine) = common::serve();
    let (code, report) = report(&address.to_string(), &["--only", "challenge"]);
    let checks: Vec<_> = report["checks"].as_array().unwrap().iter().collect();
    assert_eq!((code, checks.len()), (Some(0), 4), "{report:#}");
    assert!(checks.iter().all(|check| check["verdict"] == "passed"), "{report:#}");
    assert_eq!(engine.batch(|index| index.len()).unwrap(), 0);
    let faulty = faulty_server::serve(Fault::FewClients).to_string();
    assert_eq!(check(&faulty, &["--only", "challenge"]).code, Some(1));
}

#[test]
fn a_run_ends_after_so_many_failures_if_that_is_asked_for() {
    let address = faulty_server::serve_with(&[Fault::ThirdBar, Fault::KeepsOldList]).to_string();
    for (arguments, expected) in [(&["--fail-fast"][..], 1), (&["--fail-fast", "2"], 2), (&[], 2)] {
        let (_, report) = report(&address, arguments);
        assert_eq!(rules(&report).len(), expected, "{report:#}");
    }
}
