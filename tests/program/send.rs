//! `indexer send` and `ping` as a person or a script meets them, and what the program says when a
//! server or a file is not there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::common::{self, Finished, Folder, NOBODY, Serving, run};

#[test]
fn send_prints_replies_in_order_and_exits_with_1_on_error() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let clean = run(&["send", "--addr", &address], b"INDEX|a|\nINDEX|b|a\nQUERY|c|");
    let finished = |code, stdout: &str| Finished {
        code: Some(code),
        stdout: stdout.into(),
        stderr: String::new(),
    };
    assert_eq!(clean, finished(0, "OK\nOK\nFAIL\n"));
    let folder = Folder::new("send");
    let one = folder.file("one.txt", "REMOVE|a|\nREMOVE|a\n");
    let two = folder.file("two.txt", "REMOVE|b|");
    let mixed = run(&["send", "--addr", &address, &one, "-", &two], b"QUERY|b|");
    assert_eq!(mixed, finished(1, "FAIL\nERROR\nOK\nOK\n"));
}

#[test]
fn a_quiet_send_says_with_its_status_alone_what_was_answered() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    for (messages, code) in [("INDEX|a|\nQUERY|b|\n", 0), ("INDEX|a|\nnonsense\n", 1)] {
        let sent = run(&["send", "--quiet", "--addr", &address], messages.as_bytes());
        assert_eq!((sent.code, sent.stdout + &sent.stderr), (Some(code), String::new()));
    }
    assert_eq!(run(&["send", "-q", "--addr", NOBODY], b"").code, Some(2));
}

#[test]
fn an_address_without_a_port_means_8080_to_every_command() {
    // Nobody is there, and the system knows it without asking anybody.
    let nowhere = ["--addr", "255.255.255.255"];
    for command in [
        &["send"][..],
        &["ping"],
        &["load"],
        &["import", "--format", "commands", "-"],
        &["check"],
        &["replay", "spec/transcripts/query.txt"],
    ] {
        let done = run(&[command, &nowhere[..]].concat(), b"INDEX|a|\n");
        assert_eq!(done.code, Some(2), "{command:?}: {done:?}");
        let expected = "error: cannot connect to 255.255.255.255:8080: ";
        assert!(done.stderr.contains(expected), "{command:?}: {done:?}");
    }
}

/// More messages may come, and are not waited for.
#[test]
fn send_ends_at_once_when_nobody_takes_the_replies() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let mut sending = common::indexer(&["send", "--addr", &address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut messages = sending.stdin.take().unwrap();
    messages.write_all(b"QUERY|a|\n").unwrap();
    let mut replies = BufReader::new(sending.stdout.take().unwrap());
    let mut reply = String::new();
    replies.read_line(&mut reply).unwrap();
    assert_eq!(reply, "FAIL\n");
    drop(replies);
    messages.write_all(b"QUERY|a|\n").unwrap();
    // Standard input stays open meanwhile: `wait` alone would close it.
    let mut errors = String::new();
    sending.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((sending.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
    drop(messages);
}

#[test]
fn a_server_that_is_not_there_is_said_with_status_2() {
    for command in ["send", "ping"] {
        let nobody = run(&[command, "--addr", NOBODY], b"");
        assert_eq!(nobody.code, Some(2));
        assert!(
            nobody.stderr.starts_with("error: cannot connect to 127.0.0.1:0: "),
            "{command}: {nobody:?}"
        );
        // Nobody can listen on port 0 itself, so that this is no advice to give.
        assert!(!nobody.stderr.contains("--listen"), "{command}: {nobody:?}");
    }
}

#[test]
fn a_server_that_speaks_otherwise_is_named_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 ready\r\n").unwrap();
        // Until the client leaves, so that no reset overtakes the greeting.
        let _left = stream.read_to_end(&mut Vec::new());
    });
    let sent = run(&["send", "--addr", &address.to_string()], b"QUERY|a|\n");
    server.join().unwrap();
    let expected = format!("error: {address}: expected OK, FAIL or ERROR from the server");
    assert!(sent.stderr.starts_with(&expected), "{sent:?}");
    assert!(sent.stderr.contains("does a server of this protocol listen"), "{sent:?}");
    assert_eq!(sent.code, Some(2));
}

#[test]
fn what_cannot_be_read_is_named_by_send_import_and_order() {
    let folder = Folder::new("unreadable");
    let path = folder.0.to_str().unwrap();
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    for file in [path, "no-such-file"] {
        for arguments in [
            ["send", "--addr", &address, file].as_slice(),
            &["import", "--format", "brew", "--addr", &address, file],
            &["order", "--format", "debian", file],
            &["dot", "--format", "commands", file],
        ] {
            let finished = run(arguments, b"");
            assert_eq!(finished.code, Some(2));
            let expected = format!("error: cannot read {file}: ");
            assert!(finished.stderr.starts_with(&expected), "{arguments:?}: {finished:?}");
        }
    }
}

#[test]
fn ping_tells_a_server_from_none() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let alive = run(&["ping", "--addr", &address], b"");
    assert_eq!((alive.code, alive.stdout), (Some(0), format!("{address} answers\n")));
}

#[test]
fn ping_waits_for_a_reply_no_longer_than_it_was_told() {
    // The system takes the connection and the message, and nobody ever looks at either.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let silent = run(&["ping", "--timeout", "1", "--addr", &address], b"");
    assert_eq!(silent.stderr, format!("error: {address} did not reply within 1 s\n"));
    assert_eq!(silent.code, Some(2));
}

#[test]
#[cfg(target_os = "linux")]
fn ping_waits_for_a_connection_no_longer_than_it_was_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // With a full queue of clients that nobody accepts, Linux answers no further one.
    let mut queue = Vec::new();
    while let Ok(client) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(client);
        assert!(queue.len() < 10_000, "the queue has no end");
    }
    let silent = run(&["ping", "--timeout", "1", "--addr", &address.to_string()], b"");
    assert_eq!(silent.stderr, format!("error: {address} did not reply within 1 s\n"));
    assert_eq!(silent.code, Some(2));
}
