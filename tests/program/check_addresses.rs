//! `indexer check` of several addresses as one system: replicas that are right each for itself, and
//! wrong together.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};

use crate::common::faulty_server::{self, Dialect, Fault};
use crate::common::{self, Finished, Folder, NOBODY, Serving, check, report, run};
use package_indexer::Command;
use package_indexer::engine::Engine;
use serde_json::Value;

/// All that looks at replies, of which only some is about several addresses.
const REPLIES: [&str; 6] = ["--only", "transcript_", "--only", "machine_", "--only", "histories_"];

/// How many messages a transcript has at most that shows what one of them does not know.
const MOST_MESSAGES: u64 = 6;

/// The arguments that give these addresses.
fn given(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().flat_map(|address| ["--addr".to_owned(), address.to_string()]).collect()
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// Checks a system, and returns the exit status with the report.
fn report_of(addresses: &[SocketAddr], more: &[&str]) -> (Option<i32>, Value) {
    let others = given(&addresses[1..]);
    report(&addresses[0].to_string(), &[&borrowed(&others)[..], more].concat())
}

/// Checks a system, and returns what the program printed and how it ended.
fn check_of(addresses: &[SocketAddr], more: &[&str]) -> Finished {
    let others = given(&addresses[1..]);
    check(&addresses[0].to_string(), &[&borrowed(&others)[..], more].concat())
}

/// Tries a file again on a system.
fn replay(file: &str, addresses: &[SocketAddr]) -> Finished {
    run(&[&["replay", file], &borrowed(&given(addresses))[..]].concat(), b"")
}

/// What was found, by the names of the checks.
fn found(report: &Value) -> Vec<(&str, &Value)> {
    let checks = report["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|check| check["verdict"] == "failed");
    failed.map(|check| (check["name"].as_str().unwrap(), &check["finding"])).collect()
}

/// One whose QUERYs are right at each address, as long as nothing is changed at another.
fn stale_at_the_second() -> Vec<SocketAddr> {
    faulty_server::serve_together(&[(Fault::None, None), (Fault::StaleElsewhere, None)])
}

fn correct(addresses: usize) -> Vec<SocketAddr> {
    faulty_server::serve_together(&vec![(Fault::None, None); addresses])
}

/// Whether a server holds nothing.
fn is_empty(engine: &Engine) -> bool {
    engine.batch(|index| index.is_empty()).unwrap()
}

#[test]
fn servers_that_share_nothing_conform_alone_not_together() {
    let servers = [common::serve(), common::serve()];
    let addresses = [servers[0].1, servers[1].1];
    for address in addresses {
        assert_eq!(report_of(&[address], &REPLIES).0, Some(0), "{address}");
    }
    let (code, report) = report_of(&addresses, &[]);
    let found = found(&report);
    // Once, and no other check says it again.
    assert_eq!((code, found.len()), (Some(1), 1), "{report}");
    let both = format!("indexer check --addr {} --addr {} --seed ", addresses[0], addresses[1]);
    for (name, finding) in found {
        // Two messages are enough: one to one address, and one to the other.
        assert_eq!((&finding["rule"], &finding["messages"]), (&"O6".into(), &2.into()), "{name}");
        let transcript = finding["transcript"].as_str().unwrap();
        assert!(
            addresses.iter().all(|it| transcript.contains(&format!("{it}\n>"))),
            "{transcript}"
        );
        assert!(finding["reproduce"].as_str().unwrap().starts_with(&both), "{finding}");
    }
    assert!(servers.iter().all(|(_, _, engine)| is_empty(engine)));
}

#[test]
fn a_stale_replica_conforms_alone_and_is_found_out_together() {
    let addresses = stale_at_the_second();
    for address in &addresses {
        assert_eq!(report_of(&[*address], &REPLIES).0, Some(0), "{address}");
    }
    let second = addresses[1].to_string();
    for only in ["each_message_at_the_next_address", "commands_at_any_address"] {
        let (code, report) = report_of(&addresses, &["--only", only]);
        assert_eq!(code, Some(1), "{report}");
        let (_, finding) = found(&report)[0];
        assert_eq!(finding["address"], second, "{finding}");
        assert_eq!(finding["rule"], "O6", "{finding}");
        assert!(finding["what"].as_str().unwrap().ends_with(&format!(" (at {second})")));
        let got = format!(" at {second}\n");
        assert!(finding["transcript"].as_str().unwrap().ends_with(&got), "{finding}");
        assert!(finding["messages"].as_u64().unwrap() <= MOST_MESSAGES, "{finding}");
    }
}

#[test]
fn clients_at_once_are_at_all_addresses() {
    for dying in 0..2 {
        let mut faults = [(Fault::None, None); 2];
        faults[dying].0 = Fault::Dies;
        let addresses = faulty_server::serve_together(&faults);
        let (code, report) = report_of(&addresses, &["--only", "histories_are_linearizable"]);
        assert_eq!(code, Some(1), "{report}");
        let (_, finding) = found(&report)[0];
        assert_eq!(finding["address"], addresses[dying].to_string(), "{finding}");
    }
}

#[test]
fn each_client_of_a_history_is_shown_with_its_address() {
    // It takes an overlap: what shows message by message is shown so.
    let racy = (Fault::ChecksThenActs, None);
    let addresses = faulty_server::serve_together(&[racy, racy]);
    let histories = ["--only", "histories_are_linearizable"];
    let (code, report) = report_of(&addresses, &histories);
    assert_eq!(code, Some(1), "{report}");
    let (_, finding) = found(&report)[0];
    let at =
        format!("the first that none explains came from {}", finding["address"].as_str().unwrap());
    assert!(finding["what"].as_str().unwrap().ends_with(&at), "{finding}");
    let text = check_of(&addresses, &histories).stdout;
    let lines = || text.lines().map(str::trim_start);
    // A line of the history is `@time client> command` or `@time client< reply`.
    let shown: BTreeSet<usize> = lines()
        .filter_map(|line| line.strip_prefix('@')?.split([' ', '>', '<']).nth(1)?.parse().ok())
        .collect();
    let said: Vec<(usize, &str)> = lines()
        .filter_map(|line| line.strip_prefix("# client ")?.split_once(" is at "))
        .map(|(client, address)| (client.parse().unwrap(), address))
        .collect();
    assert!(!shown.is_empty() && said.iter().map(|(client, _)| *client).eq(shown), "{text}");
    // Every other client is at the same one, with either as the first.
    let of = |client: usize, start: usize| addresses[(start + client) % 2].to_string();
    let right = |start: usize| said.iter().all(|(client, address)| *address == of(*client, start));
    assert!(right(0) || right(1), "{text}");
}

/// It holds nothing after the check.
#[test]
fn one_honest_server_at_three_addresses_conforms_strictly() {
    let listen = ["--listen", "127.0.0.1:0"].repeat(3);
    let arguments = [&["serve", "--metrics", "127.0.0.1:0"], &listen[..]].concat();
    let server = Serving::start(&arguments);
    let (code, report) = report_of(&server.addresses, &["--strict"]);
    assert_eq!((code, found(&report)), (Some(0), Vec::new()));
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["verdict"] == "passed"), "{report}");
    let about_several = checks.iter().filter(|check| check["stage"] == "addresses");
    assert_eq!(about_several.count(), 2, "{report}");
    let metrics = server.get("/metrics");
    assert!(metrics.contains("\nindexer_packages 0\n"), "{metrics}");
}

#[test]
fn a_fault_of_one_replica_is_found_there_and_shown_by_it_alone() {
    let third = (Fault::HeldByItself, None);
    let addresses =
        faulty_server::serve_together(&[(Fault::None, None), (Fault::None, None), third]);
    let done = check_of(&addresses, &["--only", "rule_X4"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let third = addresses[2];
    let expected = [
        format!("REMOVE|a|: FAIL, not OK (at {third})\n"),
        format!("\n    @ {third}\n    > INDEX|a|\n"),
        format!("    # got FAIL at {third}\n"),
    ];
    for expected in expected {
        assert!(done.stdout.contains(&expected), "{expected}{}", done.stdout);
    }
    assert!(
        done.stdout.contains("\n    X4: ") && !done.stdout.contains(&format!("@ {}", addresses[0]))
    );
}

#[test]
fn every_report_lists_all_addresses() {
    let addresses = correct(3);
    let listed = addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
    let text = check_of(&addresses, &["--only", "rule_Q1"]).stdout;
    assert!(text.starts_with(&format!("{} as one system, seed ", listed.join(", "))), "{text}");
    let (_, report) = report_of(&addresses, &["--only", "rule_Q1"]);
    assert_eq!(report["addresses"], Value::from(listed.clone()));
    assert_eq!(report["address"], listed.join(", "));
    let xml = check_of(&addresses, &["--only", "rule_Q1", "--format", "junit"]).stdout;
    assert!(xml.contains(&format!("name=\"indexer check {}\"", listed.join(", "))), "{xml}");
    for address in listed {
        assert!(
            xml.contains(&format!("<property name=\"address\" value=\"{address}\"/>")),
            "{xml}"
        );
    }
}

/// It is replayed at the same addresses and at others.
#[test]
fn a_finding_at_several_addresses_is_kept_and_replayed() {
    let folder = Folder::new("check-addresses");
    // What shows message by message is kept so, and a history where it takes an overlap.
    let serve = |only| match only {
        "commands_at_any_address" => stale_at_the_second(),
        _ => faulty_server::serve_together(&[(Fault::ChecksThenActs, None); 2]),
    };
    for only in ["commands_at_any_address", "histories_are_linearizable"] {
        let addresses = serve(only);
        let file = folder.0.join(format!("{only}.txt"));
        let path = file.to_str().unwrap();
        let done = check_of(&addresses, &["--only", only, "--seed", "9", "--save", path]);
        assert_eq!(done.code, Some(1), "{done:?}");
        let kept = fs::read_to_string(path).unwrap();
        let again = format!("indexer check {} --seed 9 --only {only}", given(&addresses).join(" "));
        assert!(kept.contains(&format!("# {again}")), "{kept}");
        assert!(done.stdout.contains(&again), "{done:?}");
        let replayed = replay(path, &addresses);
        assert_eq!(replayed.code, Some(1), "{replayed:?}");
        let elsewhere = replay(path, &serve(only));
        // A system that was started again has other ports, and its replicas the same order.
        assert_eq!(elsewhere.code, Some(1), "{elsewhere:?}");
        for honest in [correct(2), correct(1)] {
            let replayed = replay(path, &honest);
            assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), "passed\n"), "{kept}");
        }
    }
}

#[test]
fn the_command_to_try_again_finds_it_again() {
    let addresses = stale_at_the_second();
    let (_, first) = report_of(&addresses, &["--only", "commands_at_any_address", "--time", "60"]);
    let again = found(&first)[0].1["reproduce"].as_str().unwrap();
    let arguments: Vec<_> = again.split(' ').skip(1).chain(["--format", "json"]).collect();
    let done = run(&arguments, b"");
    assert_eq!(done.code, Some(1), "{done:?}");
    let second: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(second["checks"][0]["cases"], 1, "{second}");
    assert_eq!(found(&second)[0].1["address"], found(&first)[0].1["address"]);
}

#[test]
fn what_an_earlier_run_has_left_at_one_address_is_removed_there() {
    let servers = [common::serve(), common::serve()];
    // The first names of seed 171, at the second address alone.
    for number in 0..60 {
        for letter in ["a", "b"] {
            let command = Command::index(&format!("checkabz{number:x}z{letter}"), []).unwrap();
            servers[1].2.apply(&command).unwrap();
        }
    }
    let only = ["--seed", "171", "--only", "rule_X4"];
    let (code, report) = report_of(&[servers[0].1, servers[1].1], &only);
    assert_eq!((code, found(&report)), (Some(0), Vec::new()));
    let left = servers[1].2.batch(|index| index.contains("checkabz0za")).unwrap();
    let tried = servers[1].2.batch(|index| index.contains("checkabz3za")).unwrap();
    assert!(left && !tried, "what was not looked at is left, and what was is gone");
}

#[test]
fn replicas_that_read_messages_in_different_ways_are_no_system() {
    let ways = [(Fault::None, None), (Fault::None, Some(Dialect::AnyNames))];
    let addresses = faulty_server::serve_together(&ways);
    let (code, report) = report_of(&addresses, &["--only", "transcript_names"]);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(found(&report)[0].1["address"], addresses[1].to_string());
    let behaviours = report["behaviours"].as_array().unwrap();
    let colon = behaviours.iter().find(|it| it["what"] == "a colon in a name").unwrap();
    let both = format!("ERROR at {}, OK at {}", addresses[0], addresses[1]);
    assert_eq!((&colon["observed"], &colon["as_specified"]), (&Value::from(both), &false.into()));
    // What all of them read in the same way is a dialect, as it is of one.
    let ways = [(Fault::None, Some(Dialect::AnyNames)); 2];
    let addresses = faulty_server::serve_together(&ways);
    let (code, report) = report_of(&addresses, &["--only", "transcript_names"]);
    assert_eq!((code, found(&report)), (Some(0), Vec::new()));
}

#[test]
fn an_unreachable_address_is_named_and_one_twice_is_refused() {
    let address = correct(1)[0].to_string();
    let gone = check(&address, &["--addr", NOBODY]);
    assert_eq!(gone.code, Some(2));
    assert!(gone.stderr.starts_with(&format!("error: cannot connect to {NOBODY}: ")), "{gone:?}");
    let twice = check(&address, &["--addr", &address]);
    assert_eq!(twice.code, Some(2));
    let hint = "  give each address of the system once\n";
    assert_eq!(twice.stderr, format!("error: {address} is given twice\n{hint}"));
    let port = address.rsplit_once(':').unwrap().1;
    // The same in another way of writing, and no name: there may be nobody to ask for one.
    let shorter = check(&address, &["--addr", &format!("127.1:{port}")]);
    let same = format!("error: {address} and 127.1:{port} are one address, {address}\n{hint}");
    assert_eq!(shorter.stderr, same);
}

#[test]
fn an_address_that_listens_and_says_nothing_is_named() {
    // The system takes its clients, and nobody talks to them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().map(|address| (silent, address.to_string())).unwrap();
    let done = check(&correct(1)[0].to_string(), &["--addr", &silent.1, "--patience", "0.2"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    let expected = format!("error: {}: the server did not answer in time\n", silent.1);
    assert_eq!(done.stderr, expected);
}

/// They are listed and tried with several addresses only.
#[test]
fn checks_of_several_addresses_need_several() {
    let names = |more: &[&str]| {
        let listed = run(&[&["check", "--list"], more].concat(), b"");
        assert_eq!(listed.code, Some(0));
        let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
        listed.stdout.lines().map(first).collect::<Vec<_>>()
    };
    let (one, two) = (names(&[]), names(&["--addr", "a:1", "--addr", "b:1"]));
    let more: Vec<_> = two.iter().filter(|name| !one.contains(name)).collect();
    assert_eq!(more, ["each_message_at_the_next_address", "commands_at_any_address"]);
    let done = check(&correct(1)[0].to_string(), &["--only", more[1]]);
    assert_eq!(done.code, Some(2));
    let expected = format!(
        "error: {} is about several addresses, and there is one\n  \
         give each of them with an --addr of its own\n",
        more[1]
    );
    assert_eq!(done.stderr, expected);
}
