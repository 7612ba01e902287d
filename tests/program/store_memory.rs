//! A server that may have no more memory dies of it, and all that it answered is there when it starts again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::thread;

use crate::common::{Folder, Serving, indexer_on};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

const CLIENTS: usize = 4;

/// How many messages a client sends before it reads the replies.
const AHEAD: usize = 250;

/// Lets a server have so many bytes of address space more than it has.
fn limit_memory(serving: &Serving, more: u64) {
    let sizes = fs::read_to_string(format!("/proc/{}/statm", serving.pid())).unwrap();
    let pages: u64 = sizes.split(' ').next().unwrap().parse().unwrap();
    let pid = Pid::from_raw(serving.pid().try_into().unwrap());
    let bytes = pages * rustix::param::page_size() as u64 + more;
    prlimit(pid, Resource::As, Rlimit { current: Some(bytes), ..getrlimit(Resource::As) }).unwrap();
}

fn name(client: usize, number: usize) -> String {
    format!("client-{client}-{number}-{}", "x".repeat(230))
}

/// Sends messages about these packages, and returns how many replies were OK, in their order, before another
/// or none came.
fn answered(stream: &TcpStream, messages: &str, count: usize) -> usize {
    let _cut_off = (&*stream).write_all(messages.as_bytes());
    let replies = BufReader::new(stream).lines().take(count);
    replies.take_while(|reply| reply.as_ref().is_ok_and(|reply| reply == "OK")).count()
}

/// Indexes packages until the server is gone; returns how many were answered OK.
fn index_until_cut_off(stream: &TcpStream, client: usize) -> usize {
    let mut indexed = 0;
    loop {
        let numbers = indexed..indexed + AHEAD;
        let messages: String =
            numbers.map(|number| format!("INDEX|{}|\n", name(client, number))).collect();
        let more = answered(stream, &messages, AHEAD);
        indexed += more;
        if more < AHEAD {
            return indexed;
        }
        assert!(indexed < 1_000_000, "the limit is none");
    }
}

#[test]
fn a_server_that_dies_without_memory_has_kept_its_answers() {
    let folder = Folder::new("no-memory");
    let mut program = indexer_on(&folder.0, &["serve", "--listen", "127.0.0.1:0"]);
    // Of one arena, which grows: others have more address space from the start than they use.
    let serving = Serving::spawn(program.env("MALLOC_ARENA_MAX", "1"), 1);
    // Before the limit, so that each has its thread.
    let streams: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let stream = TcpStream::connect(serving.addresses[0]).unwrap();
            let first = format!("INDEX|first-{client}|\n");
            assert_eq!(answered(&stream, &first, 1), 1);
            stream
        })
        .collect();
    limit_memory(&serving, 4 << 20);
    let indexed: Vec<usize> = thread::scope(|scope| {
        let clients = streams.iter().enumerate();
        let clients: Vec<_> = clients
            .map(|(client, stream)| scope.spawn(move || index_until_cut_off(stream, client)))
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let (status, log) = serving.wait();
    assert_eq!(status.signal(), Some(6), "it was ended by something else: {log}");
    assert!(log.contains("memory allocation of "), "{log}");
    println!("answered before: {indexed:?}");
    assert!(indexed.iter().sum::<usize>() > CLIENTS * AHEAD, "{indexed:?}");

    let serving = Serving::start_on(&folder.0);
    let stream = TcpStream::connect(serving.addresses[0]).unwrap();
    for (client, indexed) in indexed.into_iter().enumerate() {
        let messages = (0..indexed).map(|number| format!("QUERY|{}|\n", name(client, number)));
        let messages: Vec<String> = messages.collect();
        for some in messages.chunks(AHEAD) {
            assert_eq!(answered(&stream, &some.concat(), some.len()), some.len());
        }
    }
    serving.stop();
}
