//! What `indexer check` has found, tried once more: by `indexer replay`, and by the command that it
//! prints.

mod common;
#[path = "common/faulty_server.rs"]
mod faulty_server;

use std::fs;

use common::{Finished, Folder, run};
use faulty_server::Fault;
use package_indexer::Command;
use serde_json::Value;

fn check(address: &str, more: &[&str]) -> Finished {
    run(&[&["check", "--addr", address], more].concat(), b"")
}

#[test]
fn what_was_found_is_kept_and_can_be_tried_again() {
    let folder = Folder::new("check-save");
    let file = folder.0.join("found.txt");
    let path = file.to_str().unwrap();
    let faulty = faulty_server::serve(Fault::HeldByItself).to_string();
    let correct = faulty_server::serve(Fault::None).to_string();
    let found = check(&faulty, &["--save", path, "--only", "rule_X4", "--seed", "5"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    let kept = fs::read_to_string(path).unwrap();
    let again = format!("# indexer check --addr {faulty} --seed 5 --only rule_X4\n");
    assert!(kept.contains(&again) && kept.contains("\n# X4: "), "{kept}");
    let steps = "> INDEX|a|\n< OK\n> INDEX|a|a\n< OK\n> REMOVE|a|\n< OK\n# got FAIL\n";
    assert!(kept.ends_with(steps), "{kept}");
    let replayed = run(&["replay", path, "--addr", &faulty], b"");
    assert_eq!(replayed.code, Some(1), "{replayed:?}");
    assert!(replayed.stdout.starts_with("FAILED: REMOVE|a|: FAIL, not OK\nX4: "), "{replayed:?}");
    let replayed = run(&["replay", path, "--addr", &correct], b"");
    assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), "passed\n"));
}

#[test]
fn a_history_that_was_found_is_kept_drawn_and_can_be_followed_again() {
    let folder = Folder::new("check-history");
    let file = folder.0.join("found.txt");
    let path = file.to_str().unwrap();
    let faulty = faulty_server::serve(Fault::StaleCache).to_string();
    let found = check(&faulty, &["--save", path, "--only", "histories_are_linearizable"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    let drawn = fs::read_to_string(folder.0.join("found.txt.html")).unwrap();
    assert!(drawn.contains("<svg") && drawn.contains("no order explains"), "{drawn}");
    let replayed = run(&["replay", path, "--addr", &faulty], b"");
    assert_eq!(replayed.code, Some(1), "{replayed:?}");
    let correct = faulty_server::serve(Fault::None).to_string();
    let replayed = run(&["replay", path, "--addr", &correct], b"");
    assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), "passed\n"));
}

#[test]
fn a_transcript_of_ones_own_is_replayed_among_the_packages_of_others() {
    let (_server, address, engine) = common::serve();
    engine.apply(&Command::index("lua", []).unwrap()).unwrap();
    let folder = Folder::new("replay");
    let replay = |text: &str| {
        let file = folder.file("mine.txt", text);
        run(&["replay", &file, "--addr", &address.to_string()], b"")
    };
    assert_eq!(replay("> QUERY|lua|\n< FAIL\n> INDEX|lua|\n< OK\n").code, Some(0));
    assert_eq!(replay("> QUERY|lua|\n< OK\n").code, Some(1));
    for (wrong, reason) in [
        ("# a b\n", "last line of its comments"),
        ("? x\n", "line 1"),
        ("1> INDEX|a|\n2< OK\n", "line 2"),
    ] {
        let done = replay(wrong);
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains(reason), "{done:?}");
    }
    assert_eq!(engine.batch(|index| index.len()).unwrap(), 1);
}

#[test]
fn the_command_to_try_again_leads_to_the_case_that_failed_whatever_the_time() {
    let faulty = faulty_server::serve(Fault::AddsToOldList).to_string();
    let report = |arguments: &[&str]| {
        let done = run(&[arguments, &["--format", "json"]].concat(), b"");
        assert_eq!(done.code, Some(1), "{done:?}");
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        report["checks"][0].clone()
    };
    let (only, time) = (["--only", "pipelining_10", "--seed", "3"], ["--time", "60"]);
    let first = report(&[&["check", "--addr", &faulty], &only[..], &time].concat());
    let again = first["finding"]["reproduce"].as_str().unwrap();
    assert!(again.ends_with(&format!("--only pipelining_10 --case {}", first["case"])), "{again}");
    let arguments: Vec<_> = again.split(' ').skip(1).collect();
    let again = report(&arguments);
    assert_eq!((&again["case"], &again["cases"]), (&first["case"], &Value::from(1)));
    assert_eq!(again["finding"]["transcript"], first["finding"]["transcript"]);
    let correct = faulty_server::serve(Fault::None).to_string();
    let alone = check(&correct, &["--format", "json", "--only", "pipelining_10", "--case", "3"]);
    let report: Value = serde_json::from_str(&alone.stdout).unwrap();
    assert_eq!((alone.code, &report["checks"][0]["cases"]), (Some(0), &Value::from(1)));
}
