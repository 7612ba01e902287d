//! What the program logs of what clients send: the reason of each refusal, in lines that no client
//! can forge, and not so many that a client could fill a disk. And how lines are chosen and written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use serde_json::Value;

use crate::common::{self, Serving};

fn serve(log_level: &str) -> Serving {
    Serving::start(&["--listen", "127.0.0.1:0", "--log-level", log_level])
}

/// Sends some lines, and waits for as many replies.
fn send(serving: &Serving, lines: &[u8]) {
    let stream = TcpStream::connect(serving.addresses[0]).unwrap();
    let replies = BufReader::new(stream.try_clone().unwrap()).lines();
    let expected = lines.split(|byte| *byte == b'\n').count() - 1;
    let answered = std::thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(lines).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        replies.inspect(|reply| assert_eq!(reply.as_ref().unwrap(), "ERROR")).count()
    });
    assert_eq!(answered, expected);
}

/// Runs a server that logs JSON, does something with it, and returns its lines.
fn logged(log_level: &str, work: impl FnOnce(&Serving)) -> Vec<Value> {
    let serving = Serving::start(&[
        "--listen",
        "127.0.0.1:0",
        "--log-level",
        log_level,
        "--log-format",
        "json",
    ]);
    work(&serving);
    let log = serving.stop();
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    log.lines().map(read).collect()
}

/// The lines of one event.
fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn a_refusal_is_logged_with_peer_rule_and_offset() {
    let serving = serve("info");
    send(&serving, b"INDEX|a b|\n");
    let log = serving.stop();
    let line = log.lines().find(|line| line.contains("answered ERROR")).expect(&log);
    for part in [
        " INFO package_indexer::server::watch: answered ERROR: message: expected `|` after the package at \
         byte 7, found ' ' ",
        " event=\"message_refused\" connection=1 peer=127.0.0.1:",
        " rule=message offset=7 left_out=0",
    ] {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

#[test]
fn no_client_can_write_a_control_byte_or_line_into_the_log() {
    let mut forged = vec![
        b"2026-01-01T00:00:00.000000Z  INFO stopped signal=forged\n".to_vec(),
        b"INDEX|a|b\x1b[31mred\r\n".to_vec(),
        "INDEX|\u{85}\u{2028}forged|\n".into(),
    ];
    forged.extend((0..=255).filter(|byte| *byte != b'\n').map(|byte| vec![byte, byte, b'\n']));
    // So few from one client, and to one server, that all of them are logged.
    for messages in forged.chunks(80) {
        let serving = serve("package_indexer::server::watch=debug,info");
        for few in messages.chunks(8) {
            send(&serving, &few.concat());
        }
        let log = serving.stop();
        assert_eq!(log.matches("answered ERROR: ").count(), messages.len(), "{log}");
        for line in log.lines() {
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
            let level = line.split_whitespace().nth(1).unwrap();
            assert!(["INFO", "DEBUG"].contains(&level), "{line:?}");
            assert!(!line.contains("forged") && !line.contains("31m"), "{line:?}");
        }
    }
}

#[test]
fn a_flood_of_refusals_is_counted_and_not_written_out() {
    let serving = serve("debug");
    let begun = Instant::now();
    send(&serving, &b"x\n".repeat(100_000));
    let log = serving.stop();
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let left_out = |line: &str| -> usize {
        let count = line.split("left_out=").nth(1).unwrap();
        count.split(' ').next().unwrap().parse().unwrap()
    };
    let (mut lines, mut told) = (0, 0);
    for line in log.lines().filter(|line| line.contains("left_out=")) {
        told += left_out(line);
        if line.contains("answered ERROR:") {
            lines += 1;
        }
    }
    assert_eq!(lines + told, 100_000, "{log}");
    assert!(lines <= 10 * (seconds + 1), "{lines} lines in {seconds} seconds");
}

#[test]
fn at_info_a_client_has_one_line_however_often_it_is_refused() {
    let lines = logged("info", |serving| {
        send(serving, &b"x\n".repeat(1_000));
        send(serving, b"y\nz\n");
    });
    let refused = of(&lines, "message_refused");
    let clients: BTreeSet<_> = refused.iter().map(|line| line["connection"].as_u64()).collect();
    assert_eq!((refused.len(), clients.len()), (2, 2), "{lines:?}");
    assert!(of(&lines, "messages_refused").is_empty(), "{lines:?}");
}

#[test]
fn a_check_leaves_no_more_than_one_line_a_client() {
    let lines = logged("info", |serving| {
        let checked = common::check(&serving.addresses[0].to_string(), &["--time", "0.1"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");
    });
    let mut clients = BTreeMap::<u64, Vec<&Value>>::new();
    for line in lines.iter().filter(|line| !line["connection"].is_null()) {
        clients.entry(line["connection"].as_u64().unwrap()).or_default().push(line);
    }
    assert!(clients.len() > 10, "{lines:?}");
    for (client, lines) in clients {
        assert_eq!(lines.len(), 1, "{client}: {lines:?}");
    }
}

#[test]
fn a_warning_is_logged_where_what_clients_do_is_not() {
    let lines = logged("warn", |serving| {
        send(serving, b"x\n");
        // The first line of an HTTP client is worth a warning.
        send(serving, b"GET / HTTP/1.1\r\n");
    });
    let events: Vec<_> = lines.iter().map(|line| (&line["level"], &line["event"])).collect();
    assert_eq!(events, [(&"WARN".into(), &"message_refused".into())], "{lines:?}");
}

#[test]
fn every_line_has_its_time_level_target_and_event() {
    let lines = logged("package_indexer=trace", |serving| {
        send(serving, b"x\n");
        assert_eq!(serving.tell("INDEX|a|\n"), "OK\n");
    });
    for line in &lines {
        for name in ["timestamp", "level", "target", "message", "event"] {
            assert!(line[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {line}");
        }
        assert!(line["target"].as_str().unwrap().starts_with("package_indexer::"), "{line}");
    }
    // A connection is told from others in all of its lines, those of its beginning and end among them.
    for event in ["connected", "message_refused", "disconnected"] {
        let of_this = of(&lines, event);
        assert!(of_this.iter().any(|line| line["connection"] == 1), "{event}: {lines:?}");
    }
    assert!(of(&lines, "connected").iter().any(|line| line["connection"] == 2), "{lines:?}");
}

#[test]
fn a_part_of_the_program_can_be_heard_alone() {
    let lines = logged("off,package_indexer::server::connection=debug", |serving| {
        send(serving, b"x\n");
    });
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["connected", "disconnected"], "{lines:?}");
}
