//! What clients do by mistake, by malice and by dying harms nobody else: each fault is inflicted on
//! the program as a process, beside sixteen well-behaved clients whose replies must all be right
//! and in time. `cargo test --test faults -- --nocapture` prints a line for each.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::{Serving, faults, indexer, optional, process};
use faults::stage::{FLAGS, Stage};
use faults::{ALL, Fault, connect, connect_all, expect, named};
use process::raise_open_files;

/// How long a slow client takes for a byte: a second in the field.
const PACE: Duration = Duration::from_millis(20);

/// One server and its clients at a time, so that each has the machine for itself.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Inflicts faults on a server of their own, all at once, and returns its log.
fn withstand(faults: &[Fault]) -> String {
    let _alone = alone();
    raise_open_files();
    let mut program = indexer(&FLAGS);
    let stage = Stage::set(&mut program, PACE).unwrap();
    let (report, log) = stage.withstand(faults).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{report}");
    log
}

/// Other clients are served beside them.
#[test]
fn a_thousand_clients_that_send_byte_by_byte_are_served() {
    withstand(&[named("slowloris")]);
}

#[test]
fn clients_that_never_read_keep_nobody_waiting_and_are_cut_off() {
    let log = withstand(&[named("never reading")]);
    assert!(log.contains("the client has not read its replies within 2s"), "{log}");
}

#[test]
fn clients_that_half_close_get_all_replies_and_the_end() {
    withstand(&[named("half-closed")]);
}

/// Rule C4.
#[test]
fn a_reset_in_mid_message_applies_nothing_and_disturbs_nobody() {
    withstand(&[named("reset in mid-message")]);
}

#[test]
fn a_reset_in_mid_reply_disturbs_nobody() {
    withstand(&[named("reset in mid-reply")]);
}

#[test]
fn ten_thousand_dropped_connections_leave_nothing() {
    withstand(&[named("opened and dropped")]);
}

#[test]
fn floods_of_garbage_are_answered_error_by_error() {
    withstand(&[named("garbage floods")]);
}

#[test]
fn giant_lines_of_200_clients_cost_no_more_than_their_limit() {
    withstand(&[named("giant lines")]);
}

/// It takes other clients later.
#[test]
fn a_server_out_of_descriptors_serves_connected_clients() {
    let log = withstand(&[named("no file descriptors")]);
    assert!(log.contains("cannot accept connections; retrying"), "{log}");
    assert!(log.contains("accepting connections again"), "{log}");
}

#[test]
fn all_faults_at_once_harm_nobody() {
    withstand(&ALL);
}

/// How many clients are to be served at once.
const MANY: usize = 10_000;

/// How much resident memory the server may have when each of so many has sent a message, in bytes.
/// Without any optimization, stacks are twice as deep, and this is not enough.
const SERVED_BYTES: usize = 200 << 20;

/// How much it may have when each has sent [`AHEAD`] more and nobody has read yet, in bytes.
const BUSY_BYTES: usize = 300 << 20;

/// How many messages each of them sends before any of them reads.
const AHEAD: usize = 100;

/// Rule C2.
#[test]
fn ten_thousand_clients_are_served_while_all_are_connected() {
    let _alone = alone();
    // What this process has open besides.
    let others = 200;
    let files = usize::try_from(raise_open_files()).unwrap_or(usize::MAX);
    let clients = MANY.min(files - others);
    if clients < MANY {
        optional::say(&format!("only {clients} clients at once: ulimit -Hn is {files}"));
    }
    let mut program = indexer(&["--listen", "127.0.0.1:0", "--max-connections", "10100"]);
    let stage = Stage::set(&mut program, PACE).unwrap();
    let process = stage.target.process;
    let streams = connect_all(stage.target.address, clients).unwrap();
    let exchange = |message: &dyn Fn(usize) -> String, replies: &str| {
        for (client, mut stream) in streams.iter().enumerate() {
            stream.write_all(message(client).as_bytes()).unwrap();
        }
        for stream in &streams {
            expect(stream, replies).unwrap();
        }
    };
    exchange(&|client| format!("INDEX|many-{client}|\n"), "OK\n");
    assert_eq!(stage.strangers(), clients);
    let served = process.resident_bytes();
    exchange(&|client| format!("QUERY|many-{}|\n", (client + 1) % clients), "OK\n");
    exchange(&|client| format!("QUERY|many-{client}|\n").repeat(AHEAD), &"OK\n".repeat(AHEAD));
    let busy = process.peak_bytes();
    assert!(served <= SERVED_BYTES, "{served} bytes for clients that have sent a message");
    assert!(busy <= BUSY_BYTES, "{busy} bytes for clients that have sent {AHEAD}");
    println!(
        "{clients} clients at once, each served; resident MiB: {} after a message of each, \
         {} at most after {AHEAD} of each",
        served >> 20,
        busy >> 20,
    );
    drop(streams);
    let (seen, _) = stage.end().unwrap();
    seen.is_well().unwrap();
    println!("beside them {} replies, the latest after {:?}", seen.replies, seen.latest);
}

/// How long a stopping server waits for clients in this test, in seconds.
const GRACE: &str = "2";

/// How long it may take to end after a signal: the grace, a second for those who are cut off then,
/// and time for two processors that have much to do.
const END: Duration = Duration::from_secs(2 + 1 + 5);

/// This holds beside clients that never read, too.
#[test]
fn a_signal_at_full_load_loses_no_reply_and_ends_in_time() {
    let _alone = alone();
    let serving = Serving::start(&["--listen", "127.0.0.1:0", "--shutdown-grace", GRACE]);
    let address = serving.addresses[0];
    let (loaded, unread) = (16, 8);
    let (ready, is_ready) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..unread {
            let mut stream = connect(address).unwrap();
            scope.spawn(move || while stream.write_all(&[b'\n'; 16_384]).is_ok() {});
        }
        let clients: Vec<_> = (0..loaded)
            .map(|client| {
                let ready = ready.clone();
                scope.spawn(move || index_until_the_end(address, client, &ready))
            })
            .collect();
        for _ in 0..loaded {
            is_ready.recv().unwrap();
        }
        let signalled = Instant::now();
        serving.signal("TERM");
        let answered: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        let (status, log) = serving.wait();
        let ended = signalled.elapsed();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains(&format!("cut_off={unread}")), "{log}");
        assert!(ended <= END, "{ended:?}");
        println!("a signal beside {loaded} clients at full load and {unread} that never read: ");
        println!("{answered} replies, all OK and ended in order; ended after {ended:?}");
    });
}

/// Indexes packages, each of which needs the one before, without waiting for replies, until the
/// server ends the stream; says how many it was answered. Tells `ready` once that are many.
fn index_until_the_end(address: SocketAddr, client: usize, ready: &Sender<()>) -> usize {
    let stream = connect(address).unwrap();
    let mut replies = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| send_indexes(&stream, client));
        let mut first = (&stream).take(3 * 1_000);
        let at_first = first.read_to_end(&mut replies);
        let _somebody_failed = ready.send(());
        let rest = at_first.and_then(|_| (&stream).read_to_end(&mut replies));
        // Frees the thread that sends.
        let _already_gone = stream.shutdown(Shutdown::Both);
        rest.expect("the server ends the stream in order");
    });
    // Were one lost, or not applied, the next would not be OK.
    assert!(replies.chunks(3).all(|reply| reply == b"OK\n"), "client {client}");
    replies.len() / 3
}

fn send_indexes(mut stream: &std::net::TcpStream, client: usize) -> io::Result<()> {
    writeln!(stream, "INDEX|stop-{client}-0|")?;
    for number in 1.. {
        let before = number - 1;
        stream.write_all(
            format!("INDEX|stop-{client}-{number}|stop-{client}-{before}\n").as_bytes(),
        )?;
    }
    Ok(())
}
