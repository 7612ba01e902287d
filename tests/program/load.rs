//! `indexer load` as a person or a script meets it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use crate::common::{self, Folder, NOBODY, Serving, indexer, run};

/// A short load on a server of its own.
fn load(address: &str, more: &[&str]) -> common::Finished {
    let few = ["load", "--addr", address, "--time", "0.2", "--connections", "3", "--pipeline", "5"];
    run(&[&few[..], more].concat(), b"")
}

#[test]
fn a_load_says_how_many_were_answered_how_fast_and_at_what_cost() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let done = load(&address, &[]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    let lines: Vec<_> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("3 connections × 5 messages in flight, "), "{lines:?}");
    assert!(lines[1].contains(" messages answered, "), "{lines:?}");
    assert!(lines[2].starts_with("OK ") && lines[2].ends_with(", ERROR 0"), "{lines:?}");
    if cfg!(unix) {
        assert!(lines[3].starts_with("the load itself kept "), "{lines:?}");
    }
    let percents = lines.iter().rev().take(6).filter_map(|line| line.split_whitespace().next());
    assert!(percents.eq(["100", "99.99", "99.9", "99", "90", "50"]), "{lines:?}");
}

#[test]
fn a_load_prints_one_json_object_whose_figures_agree() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let done = load(&address, &["--format", "json", "--rate", "1000", "--zipf", "1.1"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let number = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("{name}: {json}"));
    // Of 0.2 seconds at 1,000 a second.
    assert_eq!(number("messages") + number("unsent"), 200);
    assert_eq!(number("ok") + number("fail") + number("error"), number("messages"));
    assert_eq!((number("connections"), number("pipeline"), number("rate")), (3, 5, 1_000));
    let traffic = &json["traffic"];
    assert_eq!(
        (&traffic["mix"], &traffic["zipf"]),
        (&"index=2,remove=1,query=7".into(), &1.1.into())
    );
    let latency = |percent: &str| json["latency_us"][percent].as_u64().unwrap();
    assert!(latency("50") <= latency("99") && latency("99") <= latency("100"), "{json}");
}

#[test]
fn a_load_draws_its_latencies() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let folder = Folder::new("load-plot");
    let path = folder.0.join("latencies.svg");
    let path = path.to_str().unwrap();
    let done = load(&serving.addresses[0].to_string(), &["--plot", path]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let svg = fs::read_to_string(path).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let curve = svg.lines().find(|line| line.contains("<polyline") && line.contains("#0000FF"));
    assert!(curve.is_some_and(|curve| curve.matches(',').count() > 3), "{svg}");
    assert!(svg.contains("latency, µs"), "{svg}");
    let nowhere = load(&serving.addresses[0].to_string(), &["--plot", "nowhere/at/all.svg"]);
    assert_eq!(nowhere.code, Some(2));
    assert!(nowhere.stderr.starts_with("error: cannot write nowhere/at/all.svg: "), "{nowhere:?}");
}

#[test]
fn a_load_of_a_file_exits_with_1_if_any_line_is_refused() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let folder = Folder::new("load-from");
    let fine = folder.file("fine.txt", "INDEX|a|\nINDEX|b|");
    let done = load(&address, &["--from", &fine]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains(", FAIL 0, ERROR 0\n"), "{done:?}");
    let refused = folder.file("refused.txt", "INDEX|a|\nnonsense\n");
    let done = load(&address, &["--from", &refused]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let empty = folder.file("empty.txt", "");
    let done = load(&address, &["--from", &empty]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.ends_with("it contains no message\n"), "{done:?}");
}

#[test]
fn a_load_that_cannot_be_done_says_why_with_status_2() {
    let refused = load(NOBODY, &[]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.starts_with("error: cannot connect to 127.0.0.1:0: "), "{refused:?}");
    for wrong in [["--mix", "add=1"], ["--time", "0"], ["--zipf", "11"], ["--pipeline", "5000"]] {
        let done = run(&["load", wrong[0], wrong[1]], b"");
        assert_eq!(done.code, Some(2), "{wrong:?}");
        assert!(done.stderr.contains(wrong[0]), "{done:?}");
    }
}

#[test]
fn a_server_that_ends_or_does_not_speak_the_protocol_is_named() {
    for (answer, expected) in [("", "ended the connection"), ("HTTP/1.1 400\n", "got \"HTTP/1.\"")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            for stream in listener.incoming().take(3) {
                let mut stream = stream.unwrap();
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).unwrap();
                // The client may have gone already, after the answer to another.
                let _gone = stream.write_all(answer.as_bytes());
            }
        });
        // The first message is sent at once, and its answer ends it.
        let slow = ["--connections", "3", "--rate", "1", "--time", "60"];
        let done = run(&[&["load", "--addr", &address], &slow[..]].concat(), b"");
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains(expected), "{expected}: {done:?}");
        // With as many in flight as usual that may be why.
        assert!(
            done.stderr.ends_with("takes one message at a time, try --pipeline 1\n"),
            "{done:?}"
        );
        server.join().unwrap();
    }
}

#[test]
fn a_connection_that_fails_ends_the_load_though_others_go_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let mut streams: Vec<_> =
            listener.incoming().take(3).map(|stream| stream.unwrap()).collect();
        // One is closed; the others are answered for as long as they send.
        drop(streams.pop());
        let answering = streams.into_iter().map(|stream| {
            thread::spawn(move || {
                for _ in BufReader::new(&stream).lines().map_while(Result::ok) {
                    if (&stream).write_all(b"OK\n").is_err() {
                        return;
                    }
                }
            })
        });
        answering.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    });
    // If it went on, that would be for an hour.
    let done = run(&["load", "--addr", &address, "--connections", "3", "--time", "3600"], b"");
    assert_eq!(done.code, Some(2), "{done:?}");
    server.join().unwrap();
}

/// A server for one client: it answers each message as it is told, and says this when the client has ended.
fn answering(
    mut answer: impl FnMut(usize, &TcpStream) + Send + 'static,
    last: &'static str,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let messages = BufReader::new(&stream).lines().map_while(Result::ok);
        messages.enumerate().for_each(|(number, _)| answer(number, &stream));
        // The client may have gone already.
        let _gone = stream.write_all(last.as_bytes());
    });
    (address, server)
}

#[test]
fn a_reply_too_many_is_an_error_and_so_is_a_piece_of_one() {
    for more in [&["--pipeline", "5"][..], &["--rate", "100"]] {
        // With the first reply another; the beginning of another after each; one at the end.
        for (first, others, last) in
            [("OK\nOK\n", "OK\n", ""), ("OK\nO", "K\nO", ""), ("OK\n", "OK\n", "OK\n")]
        {
            let answer = move |number, mut stream: &TcpStream| {
                let reply = if number == 0 { first } else { others };
                // The client may have gone already.
                let _gone = stream.write_all(reply.as_bytes());
            };
            let (address, server) = answering(answer, last);
            let few = ["load", "--addr", &address, "--time", "0.1", "--connections", "1"];
            let done = run(&[&few[..], more].concat(), b"");
            let expected = format!("error: {address} sent more replies than it got messages\n");
            assert_eq!(
                (done.code, done.stdout + &done.stderr),
                (Some(2), expected),
                "{more:?} {last:?}"
            );
            server.join().unwrap();
        }
    }
}

#[test]
fn a_server_that_does_not_end_its_streams_is_measured() {
    let (end, ended) = mpsc::channel();
    let (address, server) = answering(
        move |number, mut stream| {
            // Held by another thread, it is not ended when the client ends its own side.
            if number == 0 {
                let (held, ended) = (stream.try_clone().unwrap(), end.clone());
                thread::spawn(move || ended.send(held));
            }
            stream.write_all(b"OK\n").unwrap();
        },
        "",
    );
    let done = run(&["load", "--addr", &address, "--time", "0.1", "--connections", "1"], b"");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    drop(ended);
    server.join().unwrap();
}

#[test]
#[cfg(unix)]
fn an_interrupted_load_prints_what_it_has_measured() {
    for more in [&[][..], &["--rate", "100"]] {
        // Two are answered; the load is interrupted with the third, which never is.
        let (silent, is_silent) = mpsc::channel();
        let (address, server) = answering(
            move |number, mut stream| match number {
                0 | 1 => stream.write_all(b"OK\n").unwrap(),
                2 => silent.send(()).unwrap(),
                _ => {}
            },
            "",
        );
        let few = ["load", "--addr", &address, "--time", "3600", "--connections", "1"];
        let mut command =
            indexer(&[&few[..], &["--pipeline", "1", "--format", "json"], more].concat());
        let mut load = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        is_silent.recv().unwrap();
        common::serving::signal(load.id(), "INT");
        let (mut table, mut error) = (String::new(), String::new());
        load.stdout.take().unwrap().read_to_string(&mut table).unwrap();
        load.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        assert_eq!(load.wait().unwrap().code(), Some(2), "{table} {error}");
        assert!(error.starts_with("error: interrupted after ") && error.contains(" s of 3600: "));
        let table: serde_json::Value = serde_json::from_str(&table).unwrap();
        assert_eq!((&table["ok"], &table["interrupted"]), (&2.into(), &true.into()), "{table}");
        assert!(table["time"].as_f64().unwrap() < 60.0 && table["unsent"].as_u64() < Some(6_000));
        assert!(table["per_second"].as_f64().unwrap() > 0.03, "{table}");
        server.join().unwrap();
    }
}
