//! A backup that is fetched while clients change the index has the state of one moment, and can be
//! brought back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::common::{Finished, Folder, Serving, indexer_on, run};

/// A server with a directory, and where its endpoint is.
fn serving(directory: &Path) -> (Serving, SocketAddr) {
    let mut program = indexer_on(directory, &["serve", "--listen", "127.0.0.1:0"]);
    let serving = Serving::spawn(program.args(["--metrics", "127.0.0.1:0"]), 2);
    let endpoint = serving.endpoint();
    (serving, endpoint)
}

/// Fetches a page: its status line and its body, put together from chunks; `None` for a body whose last
/// chunk is missing.
fn fetched(endpoint: SocketAddr, request: &str) -> (String, Option<String>) {
    let mut stream = TcpStream::connect(endpoint).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        response.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let status = line();
    while !line().is_empty() {}
    let mut body = String::new();
    loop {
        let mut size = String::new();
        response.read_line(&mut size).unwrap();
        let Ok(size) = usize::from_str_radix(size.trim_end(), 16) else { return (status, None) };
        let mut chunk = vec![0; size + 2];
        response.read_exact(&mut chunk).unwrap();
        body.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        if size == 0 {
            return (status, Some(body));
        }
    }
}

/// Indexes packages that each need the one before, and removes and indexes another one all the time, until
/// told to stop. What was sent, and what was answered, can be seen from outside.
fn write_a_chain(
    server: SocketAddr,
    stop: &AtomicBool,
    sent: &AtomicUsize,
    answered: &AtomicUsize,
) {
    let stream = TcpStream::connect(server).unwrap();
    let mut replies = BufReader::new(&stream).lines();
    let mut next = 0;
    while !stop.load(Ordering::SeqCst) {
        let messages = (next..next + 50).map(|number| {
            let needed = if number == 0 { String::new() } else { format!("link-{}", number - 1) };
            format!("INDEX|link-{number}|{needed}\nINDEX|flag|link-{number}\nREMOVE|flag|\n")
        });
        let messages: String = messages.collect();
        sent.store(next + 50, Ordering::SeqCst);
        (&stream).write_all(messages.as_bytes()).unwrap();
        for _ in 0..150 {
            assert_eq!(replies.next().unwrap().unwrap(), "OK");
        }
        next += 50;
        answered.store(next, Ordering::SeqCst);
    }
}

/// The messages in the order of their packages.
fn by_name(messages: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = messages.lines().collect();
    lines.sort_unstable_by_key(|line| line.split('|').nth(1));
    lines
}

/// It can be imported into another server.
#[test]
fn a_backup_beside_clients_is_the_state_of_one_moment() {
    let (from, to) = (Folder::new("backed-up"), Folder::new("brought-back"));
    let (server, endpoint) = serving(&from.0);
    let (stop, sent, answered) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let backups = thread::scope(|scope| {
        scope.spawn(|| write_a_chain(server.addresses[0], &stop, &sent, &answered));
        while answered.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let backups = (0..6).map(|_| {
            let at_least = answered.load(Ordering::SeqCst);
            let (_, body) = fetched(endpoint, "GET /backup HTTP/1.1\r\nHost: localhost\r\n\r\n");
            (at_least, body, sent.load(Ordering::SeqCst))
        });
        let backups: Vec<_> = backups.collect();
        stop.store(true, Ordering::SeqCst);
        backups
    });
    for (at_least, body, at_most) in &backups {
        let body = body.as_ref().expect("a whole backup");
        let links = body.lines().filter(|line| line.starts_with("INDEX|link-")).count();
        assert!((*at_least..=*at_most).contains(&links), "{at_least} <= {links} <= {at_most}");
        assert_eq!(by_name(body).join("\n") + "\n", *body);
        // The flag depends on the latest link of its moment.
        for flag in body.lines().filter(|line| line.starts_with("INDEX|flag|")) {
            assert_eq!(flag, format!("INDEX|flag|link-{}", links - 1));
        }
    }
    drop(server);

    let (_, Some(backup), _) = backups.last().unwrap() else { unreachable!("all are whole") };
    let (server, _) = serving(&to.0);
    let address = server.addresses[0].to_string();
    let import = ["import", "--format", "commands", "--addr", &address, "-"];
    let done = run(&import, backup.as_bytes());
    assert_eq!(done.code, Some(0), "{done:?}");
    drop(server);
    let on = |command| Finished::from(indexer_on(&to.0, &[command]).output().unwrap());
    let verified = on("verify");
    assert!(verified.stdout.starts_with("sound\n"), "{verified:?}");
    let exported = on("export");
    assert!(by_name(&exported.stdout) == by_name(backup), "what is brought back is another state");
}

/// A server that stops breaks a backup off.
#[test]
fn one_backup_is_fetched_at_a_time() {
    let folder = Folder::new("one-at-a-time");
    let (server, endpoint) = serving(&folder.0);
    let stream = TcpStream::connect(server.addresses[0]).unwrap();
    // More than the system keeps for a connection, both ways.
    let name = |number: usize| format!("{number}-{}", "x".repeat(240));
    let lines: String = (0..60_000).map(|number| format!("INDEX|{}|\n", name(number))).collect();
    thread::scope(|scope| {
        scope.spawn(|| (&stream).write_all(lines.as_bytes()).unwrap());
        let replies = BufReader::new(&stream).lines().take(60_000);
        assert!(replies.map(Result::unwrap).all(|reply| reply == "OK"));
    });
    let mut first = TcpStream::connect(endpoint).unwrap();
    first.write_all(b"GET /backup HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    first.read_exact(&mut [0; 1_000]).unwrap();
    let (status, _) = fetched(endpoint, "GET /backup HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    let (status, _) = fetched(endpoint, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let log = server.stop();
    assert!(log.contains("a backup was broken off"), "{log}");
    let mut rest = Vec::new();
    // Whether it is reset or ends, it has no end of its own.
    let _reset = first.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"0\r\n\r\n"));
}

/// It says how to get one.
#[test]
fn a_server_without_a_directory_has_no_backup() {
    let free = "127.0.0.1:0";
    let serving = Serving::start(&["serve", "--listen", free, "--metrics", free]);
    let response = serving.get("/backup");
    assert!(response.starts_with("HTTP/1.1 404 Not Found\r\n"), "{response}");
    assert!(response.ends_with("start it with --data-dir\n"), "{response}");
}

/// It could not tell a part from the whole.
#[test]
fn a_client_that_cannot_see_the_end_gets_no_backup() {
    let folder = Folder::new("old-client");
    let (_serving, endpoint) = serving(&folder.0);
    assert_eq!(
        fetched(endpoint, "GET /backup HTTP/1.0\r\n\r\n"),
        ("HTTP/1.1 505 HTTP Version Not Supported".to_owned(), None)
    );
    // Of a head there is no body.
    assert_eq!(
        fetched(endpoint, "HEAD /backup HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("HTTP/1.1 200 OK".to_owned(), None)
    );
    let empty = fetched(endpoint, "GET /backup HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(empty, ("HTTP/1.1 200 OK".to_owned(), Some(String::new())));
}
