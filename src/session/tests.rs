//! Tests of one client's conversation, and of the memory that it may cost.

use super::*;
use crate::command::Verb;
use crate::index::{Change, Limits, PackageIndex};
use crate::store::{Snapshot, Store, StoreError};
use crate::wire::{self, DEFAULT_MAX_LINE_BYTES};

/// Feeds `input` in pieces of `size` bytes and returns all replies.
fn converse(input: &[u8], size: usize) -> String {
    let engine = Engine::default();
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    let mut replies = Vec::new();
    for mut piece in input.chunks(size) {
        while !piece.is_empty() {
            piece = &piece[session.fill(piece)..];
            while session.has_more() {
                replies.extend_from_slice(session.answer(&engine, |_| ()).unwrap());
            }
        }
    }
    String::from_utf8(replies).unwrap()
}

const BATCH_REPLY_BYTES: usize = MAX_BATCH * PADDED_REPLY_BYTES;

#[test]
fn a_message_split_at_every_byte_is_answered_as_if_unsplit() {
    let input = b"INDEX|a|\r\nINDEX|b|a,a,\nbad\nREMOVE|a|x\nQUERY|b|\nREMOVE|b|\nQUERY|a|";
    let whole = converse(input, input.len());
    assert_eq!(whole, "OK\nOK\nERROR\nFAIL\nOK\nOK\n");
    for size in 1..input.len() {
        assert_eq!(converse(input, size), whole, "in pieces of {size}");
    }
}

#[test]
fn more_messages_than_one_batch_are_answered_in_order() {
    let mut input = String::new();
    let mut expected = String::new();
    for number in 0..3 * MAX_BATCH {
        let (message, reply) = match number % 3 {
            0 => (format!("INDEX|p{number}|\n"), "OK\n"),
            1 => (format!("QUERY|p{number}|\n"), "FAIL\n"),
            _ => (format!("QUERY|p{number}\n"), "ERROR\n"),
        };
        input += &message;
        expected += reply;
    }
    assert_eq!(converse(input.as_bytes(), input.len()), expected);
}

#[test]
fn a_limit_is_an_error_on_the_wire_and_a_reason_in_the_log() {
    let limits = Limits { max_packages: 1, ..Limits::default() };
    let engine = Engine::new(PackageIndex::with_limits(limits));
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    session.fill(b"INDEX|a|\nINDEX|b|\n");
    let mut refusals = Vec::new();
    let replies = session.answer(&engine, |refusal| refusals.push(*refusal)).unwrap();
    assert_eq!(replies, b"OK\nERROR\n");
    assert_eq!(refusals, [Refusal::Limit(LimitError::Packages { limit: 1 })]);
}

#[test]
fn an_observer_is_told_of_each_batch_in_order() {
    #[derive(Default)]
    struct Told(Vec<&'static str>, Vec<Tally>);
    impl Observer for Told {
        fn refused(&mut self, _: &Refusal) {
            self.0.push("refused");
        }
        fn waiting(&mut self) {
            self.0.push("waiting");
        }
        fn taken(&mut self) {
            self.0.push("taken");
        }
        fn released(&mut self) {
            self.0.push("released");
        }
        fn answered(&mut self, tally: &Tally) {
            self.0.push("answered");
            self.1.push(*tally);
        }
    }
    let limits = Limits { max_packages: 1, ..Limits::default() };
    let engine = Engine::new(PackageIndex::with_limits(limits));
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    let mut told = Told::default();
    session.fill(b"INDEX|a|\nQUERY|a|\nQUERY|b|\nINDEX|b|\nREMOVE|a|\nQUERY\n");
    session.answer_observed(&engine, &mut told).unwrap();
    session.fill(b"QUERY\n");
    session.answer_observed(&engine, &mut told).unwrap();
    assert_eq!(
        told.0,
        ["waiting", "taken", "released", "refused", "refused", "answered", "refused", "answered"]
    );
    let [first, second] = told.1.as_slice() else { panic!("{:?}", told.1) };
    let counts = |reply| Verb::ALL.map(|verb| first.commands(verb, reply));
    assert_eq!(counts(Reply::Ok), [1, 1, 1]);
    assert_eq!(counts(Reply::Fail), [0, 0, 1]);
    assert_eq!(counts(Reply::Error), [1, 0, 0]);
    assert_eq!((first.malformed(), first.messages()), (1, 6));
    assert_eq!((second.malformed(), second.messages()), (1, 1));
    // As many as a batch holds: the next one finds nothing.
    told.1.clear();
    session.fill(&b"\n".repeat(MAX_BATCH));
    session.answer_observed(&engine, &mut told).unwrap();
    let counts = told.1.iter().map(|tally| (tally.malformed(), tally.messages()));
    assert_eq!(counts.collect::<Vec<_>>(), [(256, 256)]);
}

#[test]
fn malformed_messages_alone_do_not_touch_the_index() {
    let engine = Engine::default();
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    session.fill(b"nonsense\n");
    let reply = engine.batch(|_index| {
        // This would wait for ever if the batch still held the index.
        session.answer(&engine, |_| ()).unwrap().to_vec()
    });
    assert_eq!(reply.as_deref(), Ok(b"ERROR\n".as_slice()));
}

/// Has the session answer all complete messages, and returns how many bytes of replies there were.
fn drain(session: &mut Session, engine: &Engine) -> usize {
    let mut bytes = 0;
    while session.has_more() {
        let replies = session.answer(engine, |_| ()).unwrap().len();
        assert!(replies <= MAX_ANSWER_BYTES);
        bytes += replies;
    }
    bytes
}

/// A session whose buffers are as large as a client can make them, and all its replies.
fn swollen(engine: &Engine) -> Session {
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    // A long line makes the buffer grow. Only then do 64 KiB of line ends arrive in one read.
    let mut left = DEFAULT_MAX_LINE_BYTES - 1;
    while left > 0 {
        left -= session.fill(&vec![b'x'; left]);
        assert_eq!(drain(&mut session, engine), 0);
    }
    session.fill(b"\n");
    assert_eq!(drain(&mut session, engine), b"ERROR\n".len());
    assert_eq!(session.fill(&[b'\n'; 1 << 17]), DEFAULT_MAX_LINE_BYTES);
    assert_eq!(drain(&mut session, engine), b"ERROR\n".len() * DEFAULT_MAX_LINE_BYTES);
    session
}

#[test]
fn what_a_session_holds_is_bounded_for_any_input() {
    let session = swollen(&Engine::default());
    let requests = MAX_BATCH * size_of::<Request<'_>>();
    let batches = (MAX_ANSWER_BYTES / (MAX_BATCH * "OK\n".len())).next_power_of_two();
    let answered = batches * size_of::<Answered>();
    let bound = DEFAULT_MAX_LINE_BYTES + MAX_ANSWER_BYTES + requests + answered;
    assert!(session.memory() <= bound, "{} > {bound}", session.memory());
    assert!(bound <= 128 * 1024, "{bound}");
}

/// The last reply of the last batch that has room, at any place in that room.
#[test]
fn replies_of_every_length_stay_within_what_an_answer_may_have() {
    let engine = Engine::default();
    engine.apply(wire::parse(b"INDEX|a|\n").unwrap()).unwrap();
    for ok in (0..700).step_by(10).flat_map(|ok| [ok, ok + 1, ok + 2]) {
        let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
        let input = [b"QUERY|a|\n".repeat(ok), b"QUERY|b|\n".repeat(ok % 5), vec![b'\n'; 1 << 13]];
        let input = input.concat();
        let mut left = input.as_slice();
        while !left.is_empty() {
            left = &left[session.fill(left)..];
        }
        session.answer(&engine, |_| ()).unwrap();
        assert!(session.replies.capacity() <= MAX_ANSWER_BYTES, "after {ok} times OK");
    }
}

#[test]
fn an_answer_has_as_many_batches_as_it_has_room_for() {
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    let engine = Engine::default();
    let due = session.fill(&[b'\n'; 1 << 14]) * b"ERROR\n".len();
    let replies = session.answer(&engine, |_| ()).unwrap().len();
    assert!(replies >= due.min(MAX_ANSWER_BYTES - BATCH_REPLY_BYTES), "{replies} of {due}");
}

#[test]
fn all_that_a_session_holds_is_counted() {
    let session = swollen(&Engine::default());
    let requests = MAX_BATCH * size_of::<Request<'_>>();
    let least = DEFAULT_MAX_LINE_BYTES + MAX_ANSWER_BYTES - BATCH_REPLY_BYTES + requests;
    assert!(session.memory() >= least, "{} < {least}", session.memory());
}

#[test]
fn a_quiet_client_costs_no_memory() {
    let engine = Engine::default();
    let mut session = swollen(&engine);
    session.shrink();
    assert_eq!(session.memory(), 0);
    session.fill(b"INDEX|a|\n");
    assert_eq!(session.answer(&engine, |_| ()), Ok(b"OK\n".as_slice()));
}

#[test]
fn a_client_that_pauses_anywhere_is_answered_as_if_it_had_not() {
    let engine = Engine::default();
    let long = "x".repeat(DEFAULT_MAX_LINE_BYTES + 1);
    let conversation = format!("INDEX|a|\n{long}\nQUERY|a|\n");
    let from_the_end = conversation.len() - 12..conversation.len();
    for pause in (0..12).chain([70, 5_000, 65_546]).chain(from_the_end) {
        let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
        let mut replies = Vec::new();
        let (before, after) = conversation.as_bytes().split_at(pause);
        for mut part in [before, after] {
            while !part.is_empty() {
                part = &part[session.fill(part)..];
                while session.has_more() {
                    replies.extend_from_slice(session.answer(&engine, |_| ()).unwrap());
                }
            }
            session.shrink();
        }
        assert_eq!(replies.escape_ascii().to_string(), r"OK\nERROR\nOK\n", "{pause}");
    }
}

#[test]
fn messages_left_waiting_survive_a_pause() {
    let engine = Engine::default();
    let mut session = swollen(&engine);
    let filled = session.fill(&[b'\n'; 1 << 16]);
    let mut bytes = session.answer(&engine, |_| ()).unwrap().len();
    assert!(session.has_more());
    session.shrink();
    bytes += drain(&mut session, &engine);
    assert_eq!(bytes, filled * b"ERROR\n".len());
}

#[test]
fn the_memory_of_requests_and_replies_serves_again() {
    let engine = Engine::default();
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    let held = |session: &mut Session| {
        session.fill(&b"QUERY|a|\n".repeat(100));
        session.answer(&engine, |_| ()).unwrap();
        let requests = (session.requests.as_ptr().addr(), session.requests.capacity());
        (requests, (session.replies.as_ptr().addr(), session.replies.capacity()))
    };
    let first = held(&mut session);
    assert!(first.0.1 >= 100, "the requests are kept");
    for _ in 0..10 {
        assert_eq!(held(&mut session), first);
    }
}

#[test]
fn a_client_that_speaks_http_is_refused_once_in_no_more_memory() {
    let engine = Engine::default();
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    session.fill(b"GET / HTTP/1.1\r\nINDEX|a|\n");
    let mut refusals = Vec::new();
    let replies = session.answer(&engine, |refusal| refusals.push(*refusal)).unwrap();
    assert_eq!(replies, b"ERROR\n");
    assert_eq!(refusals, [Refusal::Http]);
    assert!(session.is_over() && !session.has_more());
    let held = session.memory();
    // Read by hand and by `fill`: both drop it.
    for _ in 0..100 {
        let space = session.space();
        space.fill(b'\n');
        let count = space.len();
        session.advance(count);
        assert_eq!(session.fill(&[b'\n'; 1 << 16]), 1 << 16);
        assert!(!session.has_more());
    }
    assert_eq!(session.answer(&engine, |_| ()), Ok(b"".as_slice()));
    assert!(session.memory() <= held + 4_096, "{}", session.memory());
    assert_eq!(engine.batch(|index| index.len()), Ok(0));
}

/// A store that keeps nothing.
struct Broken;

impl Store for Broken {
    fn commit(&mut self, _: &[Change]) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Err(StoreError::Closed)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn what_is_not_durable_is_answered_error_within_bounds() {
    let engine = Engine::durable(PackageIndex::new(), Box::new(Broken));
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    // A batch before the change stays, and everything after it is taken back.
    let queries = b"QUERY|a|\n".repeat(MAX_BATCH);
    let after = [b"INDEX|a|\n".as_slice(), &b"QUERY|a|\n".repeat(6_000)].concat();
    let input = [queries, after].concat();
    let mut left = input.as_slice();
    while !left.is_empty() {
        left = &left[session.fill(left)..];
    }
    let (mut replies, mut refusals) = (Vec::new(), 0);
    while session.has_more() {
        let answer = session.answer(&engine, |refusal| {
            assert!(matches!(refusal, Refusal::NotDurable(_)));
            refusals += 1;
        });
        replies.extend_from_slice(answer.unwrap());
        assert!(session.replies.capacity() <= MAX_ANSWER_BYTES);
    }
    let lines: Vec<&[u8]> = replies.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), MAX_BATCH + 1 + 6_000);
    assert!(lines[..MAX_BATCH].iter().all(|line| *line == b"FAIL\n"));
    let taken_back = lines[MAX_BATCH..].iter().take_while(|line| **line == b"ERROR\n").count();
    assert!(taken_back > MAX_BATCH);
    assert_eq!(taken_back, refusals);
    // The next answers are from the durable state: nothing.
    assert!(lines[MAX_BATCH + taken_back..].iter().all(|line| *line == b"FAIL\n"));
    assert!(lines.len() > MAX_BATCH + taken_back);

    session.fill(b"INDEX|b|\nQUERY|b|\nREMOVE|x|\n");
    assert_eq!(session.answer(&engine, |_| ()).unwrap(), b"ERROR\nFAIL\nERROR\n");
}

/// How many messages there were each time that the index was taken.
#[derive(Default)]
struct Holds(Vec<u32>);

impl Observer for Holds {
    fn answered(&mut self, tally: &Tally) {
        self.0.push(tally.messages());
    }
}

/// The session's answer, and the number of messages each time that the index was taken.
fn holds(engine: &Engine, messages: &str) -> (String, Vec<u32>) {
    let mut session = Session::new(1 << 20);
    // The buffer grows with what arrives. Afterwards it takes all messages in one piece.
    let noise = "x".repeat(100_000) + "\n";
    holds_of(&mut session, engine, &noise);
    holds_of(&mut session, engine, messages)
}

fn holds_of(session: &mut Session, engine: &Engine, messages: &str) -> (String, Vec<u32>) {
    let (mut holds, mut replies) = (Holds::default(), Vec::new());
    let mut rest = messages.as_bytes();
    while !rest.is_empty() {
        rest = &rest[session.fill(rest)..];
        while session.has_more() {
            replies.extend_from_slice(session.answer_observed(engine, &mut holds).unwrap());
        }
    }
    (String::from_utf8(replies).unwrap(), holds.0)
}

fn index(package: &str, list: &str) -> String {
    format!("INDEX|{package}|{list}\n")
}

#[test]
fn a_batch_ends_after_so_many_names_listed_or_replaced() {
    let engine = Engine::default();
    // Names of two letters, so that all messages of a step arrive in one piece.
    let letters: Vec<_> = ('a'..='z').chain('A'..='Z').collect();
    let pairs = letters.iter().flat_map(|one| letters.iter().map(move |two| format!("{one}{two}")));
    let hubs: Vec<_> = pairs.take(MAX_BATCH_NAMES / 2).collect();
    let fill: String = hubs.iter().map(|hub| index(hub, "")).collect();
    assert_eq!(holds(&engine, &fill).0, "OK\n".repeat(hubs.len()));
    // Names that are listed.
    let packages: Vec<_> = (0..4).map(|number| format!("package{number}")).collect();
    let fill: String = packages.iter().map(|package| index(package, &hubs.join(","))).collect();
    assert_eq!(holds(&engine, &fill), ("OK\n".repeat(4), vec![2, 2]));
    // Names that are replaced, by an empty list or by no list.
    let (removed, left) = packages.split_at(2);
    let remove: String = removed.iter().map(|package| format!("REMOVE|{package}|\n")).collect();
    let answered = holds(&engine, &(remove + "QUERY|x|\n"));
    assert_eq!(answered, ("OK\nOK\nFAIL\n".into(), vec![2, 1]));
    let clear: String = left.iter().map(|package| index(package, "")).collect();
    assert_eq!(holds(&engine, &(clear + "QUERY|x|\n")), ("OK\nOK\nFAIL\n".into(), vec![2, 1]));
}

#[test]
fn one_message_may_have_more_names_than_a_batch() {
    let long = index("a", &["a"; MAX_BATCH_NAMES].join(","));
    let messages = index("a", "") + &long.repeat(2);
    assert_eq!(holds(&Engine::default(), &messages), ("OK\n".repeat(3), vec![2, 1]));
}
