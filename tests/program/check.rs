//! `indexer check` as a person or a script meets it: a family of faulty servers that have to be told
//! from a correct one, and from honest ones that differ.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::faulty_server::{self, DIALECTS, Dialect, Fault};
use crate::common::{self, Folder, NOBODY, check, report, run};
use package_indexer::Command;
use package_indexer::engine::Engine;
use package_indexer::session::Session;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

/// The checks that failed, each with what was found.
pub(crate) fn failed(report: &Value) -> Vec<(&str, &Value)> {
    let checks = report["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|check| check["verdict"] == "failed");
    failed.map(|check| (check["name"].as_str().unwrap(), &check["finding"])).collect()
}

#[test]
fn the_correct_server_is_not_found_guilty_whatever_the_seed() {
    let address = faulty_server::serve(Fault::None).to_string();
    for seed in ["1", "2", "3"] {
        let (code, report) = report(&address, &["--seed", seed]);
        assert_eq!((code, failed(&report)), (Some(0), Vec::new()));
        assert_eq!(report["seed"].to_string(), seed);
    }
}

#[test]
fn our_own_server_conforms_strictly_and_keeps_what_it_held() {
    let (_server, address, engine) = common::serve();
    for (package, list) in [("a", vec![]), ("b", vec!["a"]), ("a", vec!["b"])] {
        engine.apply(&Command::index(package, list).unwrap()).unwrap();
    }
    let before = engine.batch(|index| index.clone()).unwrap();
    let (code, report) = report(&address.to_string(), &["--strict"]);
    assert_eq!((code, failed(&report)), (Some(0), Vec::new()), "{report:#}");
    let passed = report["checks"].as_array().unwrap().iter().filter(|it| it["verdict"] == "passed");
    assert_eq!(passed.count(), report["checks"].as_array().unwrap().len());
    assert_eq!(engine.batch(|index| index.clone()).unwrap(), before);
}

#[test]
fn what_a_run_with_the_same_seed_has_left_behind_is_removed() {
    let (_server, address, engine) = common::serve();
    // The first names of seed 171, needed by each other.
    for (package, list) in [("a", vec![]), ("b", vec!["a"]), ("a", vec!["b"])] {
        for number in 0..60 {
            let name = |letter: &str| format!("checkabz{number:x}z{letter}");
            let list = list.iter().map(|letter| name(letter)).collect::<Vec<_>>();
            let command = Command::index(&name(package), list.iter().map(String::as_str));
            engine.apply(&command.unwrap()).unwrap();
        }
    }
    let only = ["--seed", "171", "--only", "machine_answers_as_model"];
    let (code, report) = report(&address.to_string(), &only);
    assert_eq!((code, failed(&report)), (Some(0), Vec::new()));
}

#[test]
fn honest_servers_that_differ_are_guilty_only_when_it_is_strict() {
    for dialect in DIALECTS {
        let address = faulty_server::serve_dialect(dialect).to_string();
        let (code, lenient) = report(&address, &[]);
        assert_eq!((code, failed(&lenient)), (Some(0), Vec::new()), "{dialect:?}");
        let differing = |behaviour: &&Value| behaviour["as_specified"] == false;
        let differing = lenient["behaviours"].as_array().unwrap().iter().filter(differing).count();
        assert!(differing > 0, "{dialect:?}: {lenient}");
        let strict = check(&address, &["--strict", "--only", "strict_"]);
        assert_eq!(strict.code, Some(1), "{dialect:?}: {strict:?}");
        assert!(strict.stdout.contains("\nstrict_"), "{dialect:?}: {strict:?}");
        assert!(strict.stdout.contains("    # got "), "{dialect:?}: {strict:?}");
    }
}

#[test]
fn what_an_honest_server_takes_for_names_is_removed_as_well() {
    let address = faulty_server::serve_dialect(Dialect::AnyNames).to_string();
    let (code, _) = report(&address, &["--seed", "171", "--only", "transcript_names"]);
    assert_eq!(code, Some(0));
    let names = ["a", "li b", "li:b", "li=b", "lib\u{e9}"];
    let queries =
        (0..40).flat_map(|number| names.map(|name| format!("QUERY|checkabz{number:x}z{name}|\n")));
    let sent = run(&["send", "--addr", &address], queries.collect::<String>().as_bytes());
    let lines: Vec<_> = sent.stdout.lines().collect();
    assert_eq!(lines.len(), 200);
    assert!(lines.iter().all(|line| *line == "FAIL"), "{lines:?}");
}

/// Answers as it should until `message` comes, and then never again.
fn serve_until(message: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let engine = Arc::new(Engine::default());
    let dead = Arc::new(AtomicBool::new(false));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if dead.load(Ordering::SeqCst) {
                return;
            }
            let (engine, dead) = (Arc::clone(&engine), Arc::clone(&dead));
            thread::spawn(move || {
                let mut session = Session::new(65_536);
                for mut line in BufReader::new(&stream).split(b'\n').map_while(Result::ok) {
                    if line.ends_with(message.as_bytes()) {
                        dead.store(true, Ordering::SeqCst);
                        // So that the listener sees it.
                        let _gone = TcpStream::connect(address);
                    }
                    line.push(b'\n');
                    let mut rest = &line[..];
                    while !rest.is_empty() && !dead.load(Ordering::SeqCst) {
                        rest = &rest[session.fill(rest)..];
                        let replies = session.answer(&*engine, |_| ()).unwrap();
                        if (&stream).write_all(replies).is_err() {
                            return;
                        }
                    }
                    if dead.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
    });
    address.to_string()
}

#[test]
fn a_server_that_dies_is_found_by_what_it_died_of() {
    let (code, report) = report(&serve_until("vim"), &["--only", "transcript_messages"]);
    assert_eq!(code, Some(1));
    let failed = failed(&report);
    let transcript = failed[0].1["transcript"].as_str().unwrap();
    // Not shortened to what no dead server answers either.
    let steps: Vec<_> = transcript.lines().collect();
    let got = steps.iter().position(|step| step.starts_with("# got ")).unwrap();
    assert!(steps[..got].iter().rev().any(|step| step.ends_with("vim")), "{transcript}");
    assert!(steps[0].starts_with("> INDEX|tea|"), "{transcript}");
    assert!(["O1", "C6"].contains(&failed[0].1["rule"].as_str().unwrap()), "{transcript}");
}

#[test]
fn where_nothing_is_left_to_be_tried_nothing_is_said_to_conform() {
    let address = faulty_server::serve_dialect(Dialect::KeepsCr).to_string();
    let done = check(&address, &["--only", "rule_L6"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stdout.contains("left out"), "{done:?}");
}

#[test]
fn what_ci_servers_read_is_well_formed_and_counts_what_it_says() {
    let address = faulty_server::serve(Fault::HeldByItself).to_string();
    let done = check(&address, &["--format", "junit", "--only", "rule_X"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let mut reader = Reader::from_str(&done.stdout);
    let (mut opened, mut closed) = (Vec::new(), 0);
    let mut suite = None;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element)
                if element.name().as_ref() == b"testsuite" =>
            {
                suite = Some(
                    element.attributes().map(|it| it.unwrap().value.to_vec()).collect::<Vec<_>>(),
                );
                opened.push("testsuite".to_owned());
            }
            Event::Start(element) | Event::Empty(element) => {
                opened.push(String::from_utf8(element.name().as_ref().to_vec()).unwrap());
            }
            Event::End(_) => closed += 1,
            Event::Eof => break,
            _ => {}
        }
    }
    let count = |name: &str| opened.iter().filter(|it| *it == name).count();
    assert!(closed > 3 && count("testsuite") == 1 && count("properties") == 1, "{done:?}");
    assert_eq!((count("testcase"), count("failure"), count("skipped")), (7, 1, 0), "{done:?}");
    let suite: Vec<_> =
        suite.unwrap().into_iter().map(|it| String::from_utf8(it).unwrap()).collect();
    assert_eq!(suite[1..5], ["7", "1", "0", "0"], "name, tests, failures, errors, skipped");
}

#[test]
fn the_names_of_checks_are_listed_and_choose_what_is_tried() {
    let listed = run(&["check", "--list"], b"");
    assert_eq!(listed.code, Some(0));
    let names: Vec<_> =
        listed.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 80 && names.contains(&"rule_X4"), "{names:?}");
    let (_server, address, _) = common::serve();
    let tried = |only: &str| {
        let (code, report) = report(&address.to_string(), &["--only", only]);
        assert_eq!(code, Some(0), "{report}");
        let checks = report["checks"].as_array().unwrap();
        checks.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(tried("rule_M1"), ["rule_M1"]);
    let expected: Vec<_> = names.iter().filter(|name| name.starts_with("transcript_")).collect();
    assert_eq!(tried("transcript_").iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_recipe_for_a_pipeline_does_what_it_says() {
    let recipe = include_str!("../../docs/check-your-server.md");
    let blocks: Vec<_> = recipe.split("```sh\n").skip(1).collect();
    let block = |number: usize| blocks[number].split("```").next().unwrap();
    let folder = Folder::new("recipe");
    let shell = |script: &str, address: &str| {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_indexer")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-ec", script])
            .current_dir(&folder.0)
            .env("ADDRESS", address)
            .env("PATH", path);
        shell.output().unwrap().status.code()
    };
    let faulty = faulty_server::serve(Fault::HeldByItself).to_string();
    let correct = faulty_server::serve(Fault::None).to_string();
    assert_eq!(shell(block(1), &faulty), Some(1));
    let file = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    assert!(file("check.xml").contains("<failure type=\"X4\""), "{}", file("check.xml"));
    assert!(file("found.txt").contains("\n# got FAIL\n"), "{}", file("found.txt"));
    assert_eq!(shell(block(2), &faulty), Some(1));
    assert_eq!(shell(block(2), &correct), Some(0));
    assert_eq!(shell(block(1), &correct), Some(0));
}

#[test]
fn a_table_names_every_check_with_cases_time_and_verdict() {
    let (_server, address, _) = common::serve();
    let done = check(&address.to_string(), &["--only", "rule_Q1", "--time", "1"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let row = done.stdout.lines().find(|line| line.starts_with("rule_Q1 ")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!((cells.len(), cells[3], cells[4]), (5, "ms", "passed"), "{row}");
    let last = done.stdout.lines().last().unwrap();
    assert!(last.starts_with("conforms: 1 checks passed, "), "{last}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_prints_what_it_tried_and_cleans_up() {
    let (_server, address, engine) = common::serve();
    let address = address.to_string();
    let only = ["--only", "rule_M1", "--only", "pipelining_", "--time", "3600"];
    let arguments = [&["check", "--addr", &address], &only[..]].concat();
    let mut run = common::indexer(&arguments);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::new(run.stdout.take().unwrap());
    let mut text = String::new();
    // What is printed before that which takes the hour.
    while !text.contains("\nrule_M1 ") {
        assert_ne!(output.read_line(&mut text).unwrap(), 0, "{text}");
    }
    common::serving::signal(run.id(), "INT");
    output.read_to_string(&mut text).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(2), "{text}");
    let last: Vec<_> = text.lines().rev().take(2).collect();
    assert_eq!(last[0], "not run: 3", "{text}");
    assert!(last[1].starts_with("broken off: 1 checks passed, "), "{text}");
    assert_eq!(engine.batch(|index| index.len()).unwrap(), 0);
}

#[test]
fn what_cannot_be_tested_is_told_from_what_does_not_conform() {
    let refused = check(NOBODY, &[]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.starts_with("error: cannot connect to 127.0.0.1:0: "), "{refused:?}");
    let unknown = check(NOBODY, &["--only", "nothing"]);
    assert_eq!(unknown.code, Some(2));
    let (_server, address, _) = common::serve();
    let address = address.to_string();
    let unknown = check(&address, &["--only", "nothing"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("indexer check --list"), "{unknown:?}");
    let nowhere = check(&address, &["--only", "rule_M1", "--save", "nowhere/at/all"]);
    assert_eq!(nowhere.code, Some(2));
    for wrong in [["--clients", "1"], ["--commands", "0"], ["--time", "0"], ["--patience", "x"]] {
        assert_eq!(check(&address, &wrong).code, Some(2), "{wrong:?}");
    }
}

/// A server that answers otherwise does not conform.
#[test]
fn a_silent_server_cannot_be_tested_and_another_fails() {
    for (answer, code) in [("", Some(2)), ("ok\n", Some(1))] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // For as long as the test runs.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    for _ in BufReader::new(&stream).lines().map_while(Result::ok) {
                        if answer.is_empty() || (&stream).write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let done = check(&address, &["--only", "rule_Q"]);
        assert_eq!(done.code, code, "{done:?}");
    }
}
