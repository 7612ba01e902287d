//! The family of servers that a check of servers has to tell apart: the correct one keeps to the
//! protocol, and each of the others is caught by what it is there for.

mod shown;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use package_indexer::testing::contention::{self, Contention};
use package_indexer::testing::history::Verdict;
use package_indexer::testing::transcript::{
    Endpoint, InMemory, Link, Mismatch, Remote, Transcript,
};
use package_indexer::{Model, Reply};

use crate::common::faulty_server::{self, DIALECTS, Dialect, Fault};
use shown::{SHOWN, TOLD_APART};

/// What two of many clients see, or one that is kept waiting: no transcript shows these in a moment.
const SHOWN_BY_MANY: [Fault; 5] = [
    Fault::ChecksThenActs,
    Fault::WritesUnderLock,
    Fault::FewClients,
    Fault::StaysOpen,
    Fault::LongLineAtItsEnd,
];

/// A client waits for a reply for so long before it counts as kept waiting.
const SILENCE: Duration = Duration::from_millis(300);

/// And for so long before the correct server counts as broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a transcript against a server that knows no package.
fn run(text: &str, address: SocketAddr) -> Result<(), Mismatch> {
    let transcript: Transcript = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    transcript.run(&mut Remote(address))
}

/// A transcript of `spec/transcripts`, by its name.
fn transcript(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/transcripts");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_correct_server_passes_every_transcript() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/transcripts");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        run(&transcript(&name), faulty_server::serve(Fault::None))
            .unwrap_or_else(|mismatch| panic!("{name}: {mismatch}"));
    }
}

/// Lines of parts of which most are right, so that many lines are messages and many nearly are.
#[test]
fn the_correct_server_answers_random_lines_as_the_model_does() {
    const PARTS: [&[&[u8]]; 5] = [
        &[b"INDEX", b"INDEX", b"INDEX", b"REMOVE", b"QUERY", b"index", b" QUERY", b""],
        &[b"|", b"|", b"|", b"|", b"|", b"|", b"||", b""],
        &[b"a", b"b", b"c", b"a", b"b", b"@", b"a,b", b"\xc3\xa9", b""],
        &[b"|", b"|", b"|", b"|", b"|", b"|", b"|a", b""],
        &[
            b"", b"", b"a", b"c", b"b,", b"a,b", b"b,c,b,", b"\r", b"a\r", b",", b"a,,", b"\0",
            b"\xff",
        ],
    ];
    let mut rng = fastrand::Rng::with_seed(seed());
    let mut here = InMemory::new(Model::default()).connect().unwrap();
    let mut there = Remote(faulty_server::serve(Fault::None)).connect().unwrap();
    let mut counts = [0; 3];
    for _ in 0..5_000 {
        let parts = PARTS.map(|parts| parts[rng.usize(..parts.len())]);
        let line = [&parts.concat()[..], b"\n"].concat();
        here.send(&line).unwrap();
        there.send(&line).unwrap();
        let (expected, actual) = (here.receive().unwrap(), there.receive().unwrap());
        assert_eq!(expected, actual, "{}", line.escape_ascii());
        let reply: Reply = expected.unwrap().parse().unwrap();
        counts[reply as usize] += 1;
    }
    println!("OK, FAIL, ERROR: {counts:?}");
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

/// The correct server answers these right.
#[test]
fn each_fault_is_shown_by_a_few_messages() {
    for (fault, text) in SHOWN {
        let messages = text.lines().filter(|line| line.trim_start().starts_with("> ")).count();
        assert!(messages + text.matches("\\n").count() <= 6, "{fault:?}: {text}");
        run(text, faulty_server::serve(Fault::None))
            .unwrap_or_else(|mismatch| panic!("{fault:?} is not alone: {mismatch}{text}"));
        let mismatch = run(text, faulty_server::serve(fault)).expect_err("the fault shows");
        println!("{fault:?}: {mismatch}{text}");
    }
}

#[test]
fn every_fault_is_shown_by_a_transcript_or_by_many_clients() {
    let shown = |fault: &Fault| {
        SHOWN.iter().any(|(shown, _)| shown == fault) || SHOWN_BY_MANY.contains(fault)
    };
    let hidden: Vec<_> = Fault::ALL.into_iter().filter(|fault| !shown(fault)).collect();
    assert_eq!(hidden, [Fault::None]);
}

#[test]
fn each_dialect_is_told_apart_by_what_it_is_there_for() {
    for (dialect, text) in TOLD_APART {
        run(text, faulty_server::serve(Fault::None))
            .unwrap_or_else(|mismatch| panic!("{dialect:?}: {mismatch}\n{text}"));
        let mismatch = run(text, faulty_server::serve_dialect(dialect)).expect_err("it differs");
        println!("{dialect:?}: {mismatch}\n{text}");
    }
    assert!(DIALECTS.iter().all(|dialect| TOLD_APART.iter().any(|(told, _)| told == dialect)));
}

#[test]
fn a_dialect_is_a_correct_server_for_clients_who_do_without_it() {
    for dialect in DIALECTS {
        for name in ["tour.txt", "index.txt", "remove.txt", "cycles.txt", "order.txt"] {
            run(&transcript(name), faulty_server::serve_dialect(dialect))
                .unwrap_or_else(|mismatch| panic!("{dialect:?}: {name}: {mismatch}"));
        }
    }
}

#[test]
fn a_line_too_long_for_short_lines_ends_its_connection_alone() {
    let text = r"
        > QUERY|a|\{507:b,}b
        < FAIL
        >~ INDEX|a|\n\{1024:b}
        < OK
        <$
        @ another
        > QUERY|a|
        < OK";
    run(text, faulty_server::serve_dialect(Dialect::ShortLines)).unwrap();
}

/// A seed for this run: from `SEED`, or a new one. Printed, so that a failed run can be repeated.
fn seed() -> u64 {
    let seed = std::env::var("SEED").map(|text| text.parse().expect("SEED is a number"));
    let seed = seed.unwrap_or_else(|_| fastrand::u64(..));
    println!("SEED={seed}");
    seed
}

/// How many histories of contending clients have to be recorded, up to `most`, before there is one
/// that no order explains.
fn histories_until_caught(fault: Fault, most: usize) -> Option<usize> {
    let mut rng = fastrand::Rng::with_seed(seed());
    let address = faulty_server::serve(fault);
    let contention = Contention { clients: 8, operations: 200, burst: 1 };
    (1..=most).find(|number| {
        let mut bytes = vec![0; contention.bytes()];
        rng.fill(&mut bytes);
        let packages = contention::packages(&format!("{number}-"), 2 + number % 2).unwrap();
        let scripts = contention.scripts(&bytes, &packages).unwrap();
        let recording = contention::record_at(address, scripts).unwrap();
        assert!(recording.cut_off.is_empty(), "{:?}", recording.cut_off);
        let verdict = contention::checker().steps(50_000).check(&recording.history);
        verdict == Verdict::NotLinearizable
    })
}

#[test]
fn a_server_that_unlocks_between_check_and_act_is_caught() {
    let histories = histories_until_caught(Fault::ChecksThenActs, 500);
    println!("caught by history {histories:?}");
    assert!(histories.is_some());
}

#[test]
fn the_correct_server_is_explained_by_one_order() {
    assert_eq!(histories_until_caught(Fault::None, 20), None);
}

/// A client that sends and never reads, until nothing more goes out.
struct Flood(TcpStream);

impl Flood {
    fn at(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_write_timeout(Some(SILENCE)).unwrap();
        Self(stream)
    }

    /// Sends empty lines, which cost the least to send and the most to answer, until the server takes
    /// no more of them.
    fn stall(&mut self) {
        let lines = [b'\n'; 16_384];
        loop {
            match self.0.write(&lines) {
                Ok(_) => {}
                Err(error) if is_patience(error.kind()) => return,
                Err(error) => panic!("the server ends a connection that it keeps waiting: {error}"),
            }
        }
    }
}

/// Whether an error is that of a socket which was waited for long enough.
fn is_patience(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Asks about a package on a connection of its own; no reply if none comes in time.
fn ask(address: SocketAddr, patience: Duration) -> (TcpStream, Option<String>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(b"QUERY|a|\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut reply = String::new();
    match BufReader::new(&stream).read_line(&mut reply) {
        Ok(_) => (stream, Some(reply)),
        Err(error) if is_patience(error.kind()) => (stream, None),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_server_that_writes_under_its_lock_lets_one_stop_all() {
    let address = faulty_server::serve(Fault::WritesUnderLock);
    let mut flood = Flood::at(address);
    // A stall may also be that of a server which is slow, and still at work: then there is a reply.
    let kept_waiting = (0..100).find_map(|_| {
        flood.stall();
        let (stream, reply) = ask(address, SILENCE);
        reply.is_none().then_some(stream)
    });
    let mut kept_waiting = kept_waiting.expect("a client is kept waiting");
    drop(flood);
    // It was the other's fault: the reply comes once that has gone.
    kept_waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reply = String::new();
    kept_waiting.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "FAIL\n");
}

#[test]
fn the_correct_server_lets_no_client_stop_the_others() {
    let address = faulty_server::serve(Fault::None);
    let mut flood = Flood::at(address);
    for _ in 0..3 {
        flood.stall();
        let (_, reply) = ask(address, PATIENCE);
        assert_eq!(reply.as_deref(), Some("FAIL\n"));
    }
}
