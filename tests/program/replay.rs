//! What `indexer check` has found, tried once more: by `indexer replay`, and by the command that it
//! prints.

use std::fs;

use crate::common::faulty_server::{self, Fault};
use crate::common::{self, Finished, Folder, check, report, run};
use package_indexer::Command;
use serde_json::Value;

fn replay(file: &str, address: &str) -> Finished {
    run(&["replay", file, "--addr", address], b"")
}

fn assert_passes(file: &str, address: &str) {
    let replayed = replay(file, address);
    assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), "passed\n"));
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
    let replayed = replay(path, &faulty);
    assert_eq!(replayed.code, Some(1), "{replayed:?}");
    assert!(replayed.stdout.starts_with("FAILED: REMOVE|a|: FAIL, not OK\nX4: "), "{replayed:?}");
    assert_passes(path, &correct);
}

#[test]
fn a_history_that_was_found_is_kept_drawn_and_replayed() {
    let folder = Folder::new("check-history");
    let file = folder.0.join("found.txt");
    let path = file.to_str().unwrap();
    let faulty = faulty_server::serve(Fault::ChecksThenActs).to_string();
    let found = check(&faulty, &["--save", path, "--only", "histories_are_linearizable"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    let drawn = fs::read_to_string(folder.0.join("found.txt.html")).unwrap();
    assert!(found.stderr.ends_with("found.txt.html\n"), "{found:?}");
    assert!(drawn.contains("<svg") && drawn.contains("no order explains"), "{drawn}");
    let replayed = replay(path, &faulty);
    assert_eq!(replayed.code, Some(1), "{replayed:?}");
    let correct = faulty_server::serve(Fault::None).to_string();
    assert_passes(path, &correct);
}

/// The packages of others stay as they are.
#[test]
fn a_transcript_of_ones_own_is_replayed_among_packages() {
    let (_server, address, engine) = common::serve();
    engine.apply(&Command::index("lua", []).unwrap()).unwrap();
    let folder = Folder::new("replay");
    let replayed = |text: &str| replay(&folder.file("mine.txt", text), &address.to_string());
    assert_eq!(replayed("> QUERY|lua|\n< FAIL\n> INDEX|lua|\n< OK\n").code, Some(0));
    assert_eq!(replayed("> QUERY|lua|\n< OK\n").code, Some(1));
    for (wrong, reason) in [
        ("", "no step"),
        ("# a b\n", "last line of its comments"),
        ("? x\n", "line 1"),
        ("1> INDEX|a|\n2< OK\n", "line 2"),
    ] {
        let done = replayed(wrong);
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains(reason), "{done:?}");
    }
    assert_eq!(engine.batch(|index| index.len()).unwrap(), 1);
}

/// It does so with any `--time`.
#[test]
fn the_command_to_try_again_leads_to_the_case_that_failed() {
    let faulty = faulty_server::serve(Fault::AddsToOldList).to_string();
    let only = ["--only", "pipelining_10", "--seed", "3", "--time", "60"];
    let (code, first) = report(&faulty, &only);
    let first = &first["checks"][0];
    let again = first["finding"]["reproduce"].as_str().unwrap();
    assert!(again.ends_with(&format!("--only pipelining_10 --case {}", first["case"])), "{again}");
    let more: Vec<_> = again.strip_prefix("indexer check ").unwrap().split(' ').collect();
    let (again_code, again) = report(&faulty, &more[2..]);
    assert_eq!((code, again_code), (Some(1), Some(1)));
    let again = &again["checks"][0];
    assert_eq!((&again["case"], &again["cases"]), (&first["case"], &Value::from(1)));
    assert_eq!(again["finding"]["transcript"], first["finding"]["transcript"]);
    let correct = faulty_server::serve(Fault::None).to_string();
    let (code, alone) = report(&correct, &["--only", "pipelining_10", "--case", "3"]);
    assert_eq!((code, &alone["checks"][0]["cases"]), (Some(0), &Value::from(1)));
    // Of what is drawn there is any case; of what is listed there are so many.
    let (code, _) = report(&correct, &["--only", "pipelining_1", "--case", &u64::MAX.to_string()]);
    assert_eq!(code, Some(0));
    let none = check(&correct, &["--only", "transcript_tour", "--case", "1"]);
    assert_eq!(none.code, Some(2), "{none:?}");
    assert_eq!(none.stderr, "error: transcript_tour has no case 1: it has 1, counted from 0\n");
}
