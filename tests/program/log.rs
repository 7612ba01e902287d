//! What the program logs of what clients send: the reason of each refusal, in lines that no client
//! can forge, and not so many that a client could fill a disk.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use crate::common::Serving;

fn serve() -> Serving {
    Serving::start(&["--listen", "127.0.0.1:0", "--log-level", "info"])
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

#[test]
fn a_refusal_is_logged_with_peer_rule_and_offset() {
    let serving = serve();
    send(&serving, b"INDEX|a b|\n");
    let log = serving.stop();
    let line = log.lines().find(|line| line.contains("answered ERROR")).expect(&log);
    for part in [
        " INFO answered ERROR: message: expected `|` after the package at byte 7, found ' '",
        " peer=127.0.0.1:",
        " rule=message offset=7 left_out=0",
    ] {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

#[test]
fn no_client_can_write_a_control_byte_or_a_line_of_its_own_into_the_log() {
    let mut forged = vec![
        b"2026-01-01T00:00:00.000000Z  INFO stopped signal=forged\n".to_vec(),
        b"INDEX|a|b\x1b[31mred\r\n".to_vec(),
        "INDEX|\u{85}\u{2028}forged|\n".into(),
    ];
    forged.extend((0..=255).filter(|byte| *byte != b'\n').map(|byte| vec![byte, byte, b'\n']));
    // So few from one client, and to one server, that all of them are logged.
    for messages in forged.chunks(80) {
        let serving = serve();
        for few in messages.chunks(8) {
            send(&serving, &few.concat());
        }
        let log = serving.stop();
        assert_eq!(log.matches("answered ERROR: ").count(), messages.len(), "{log}");
        for line in log.lines() {
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
            assert_eq!(line.split_whitespace().nth(1), Some("INFO"), "{line:?}");
            assert!(!line.contains("forged") && !line.contains("31m"), "{line:?}");
        }
    }
}

#[test]
fn a_flood_of_refusals_is_counted_and_not_written_out() {
    let serving = serve();
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
