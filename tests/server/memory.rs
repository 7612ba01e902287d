//! The memory of a server with `--max-state-bytes`, as the system counts it, for hostile sequences.

use std::io::{BufRead, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::thread;

use crate::common::Serving;
use crate::common::process::Process;

/// The limit of the server.
const LIMIT: usize = 2 << 20;

/// What a client's thread and buffers take, and what the system rounds up: less than the 16 MiB that
/// are promised, so that a small index is enough to see that the promise holds.
const BESIDE: usize = 2 << 20;

/// A server, and its one client.
struct Session {
    serving: Serving,
    stream: TcpStream,
    replies: BufReader<TcpStream>,
    before: usize,
}

impl Session {
    fn start() -> Self {
        let limit = LIMIT.to_string();
        let serving = Serving::start(&["--listen", "127.0.0.1:0", "--max-state-bytes", &limit]);
        let stream = TcpStream::connect(serving.addresses[0]).unwrap();
        let replies = BufReader::new(stream.try_clone().unwrap());
        let mut session = Self { serving, stream, replies, before: 0 };
        // Its buffers are there from here on.
        assert_eq!(session.send(&format!("QUERY|{}|\n", "a".repeat(200)).repeat(2_000)), 0);
        session.before = session.process().resident_bytes();
        session
    }

    fn process(&self) -> Process {
        Process(self.serving.pid())
    }

    /// How many of the messages are answered OK.
    fn send(&mut self, messages: &str) -> usize {
        let (stream, count) = (&mut self.stream, messages.lines().count());
        thread::scope(|scope| {
            scope.spawn(|| stream.write_all(messages.as_bytes()).unwrap());
            let replies = self.replies.by_ref().lines().take(count);
            replies.filter(|reply| reply.as_ref().unwrap() == "OK").count()
        })
    }

    fn check(&self, what: &str) {
        let grown = self.process().peak_bytes().saturating_sub(self.before);
        println!("{what}: {grown} bytes beside a limit of {LIMIT}");
        assert!(grown <= LIMIT + LIMIT / 4 + BESIDE, "{what}: {grown} bytes");
    }
}

fn numbered(verb: &str, numbers: std::ops::Range<usize>, list: &str) -> String {
    numbers.map(|number| format!("{verb}|p{number}|{list}\n")).collect()
}

/// A server with a thousand packages, and the list of all of them.
fn with_hubs() -> (Session, String) {
    let mut session = Session::start();
    let hubs: Vec<_> = (0..1_000).map(|number| number.to_string()).collect();
    let messages: String = hubs.iter().map(|hub| format!("INDEX|{hub}|\n")).collect();
    assert_eq!(session.send(&messages), 1_000);
    (session, hubs.join(","))
}

#[test]
fn hubs_whose_dependents_come_and_go_stay_within_the_limit() {
    let (mut session, list) = with_hubs();
    // One of 64 stays, until there is no more room.
    let mut first = 0;
    while session.send(&numbered("INDEX", first..first + 64, &list)) == 64 && first < 64 * 120 {
        assert_eq!(session.send(&numbered("REMOVE", first..first + 63, "")), 63);
        first += 64;
    }
    assert!(first >= 64 * 30);
    session.check("hubs");
}

#[test]
fn dependencies_and_packages_stay_within_the_limit() {
    let (mut session, list) = with_hubs();
    let indexed = session.send(&numbered("INDEX", 0..120, &list));
    assert!((60..120).contains(&indexed), "{indexed}");
    session.send(&numbered("REMOVE", 0..120, ""));
    let indexed = session.send(&numbered("INDEX", 0..60_000, ""));
    assert!((20_000..60_000).contains(&indexed), "{indexed}");
    // Thinned out, and filled again with long names.
    let odd: String =
        (0..60_000).filter(|number| number % 4 > 0).map(|n| format!("REMOVE|p{n}|\n")).collect();
    session.send(&odd);
    let long = format!("{:-<200}", "");
    session.send(&(0..20_000).map(|n| format!("INDEX|{n}{long}|\n")).collect::<String>());
    session.check("dependencies, then packages");
}
