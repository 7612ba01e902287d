//! Clients that break off, and clients that misbehave. The server must still serve others, and must
//! not carry out part of a message.

use std::io::{self, ErrorKind, Read, Write};
use std::iter;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use quickcheck::Gen;

use super::check::{Check, Stage};
use super::context::{Context, Trial};
use super::finding::Finding;
use super::generated::{bytes, replies};
use crate::testing::generators::Noise;
use crate::testing::input::{Input, from_bytes};
use crate::testing::transcript::{Step, Transcript};

/// How many clients are connected at once, as the challenge demands.
const CLIENTS: usize = 100;

/// How many bytes a client sends at most without reading. No system keeps this much for it by default.
const FLOOD: usize = 64 << 20;

/// How long a write may take before the server is assumed to make this client wait.
const STALLED: Duration = Duration::from_millis(300);

/// The longest time that a flood lasts.
const FLOOD_TIME: Duration = Duration::from_secs(3);

pub(super) fn disconnects() -> Vec<Check> {
    let rules = || vec!["L9".to_owned(), "C4".to_owned()];
    let broken_off = Check::listed(
        Stage::Disconnects,
        "messages_broken_off",
        "What a client breaks off in mid-message is not done, and disturbs nobody.",
        rules(),
        cut_anywhere(&[Step::BreakOff]),
    );
    let ended = Check::listed(
        Stage::Disconnects,
        "messages_cut_off_by_the_end",
        "A message that the end of the stream cuts off is not answered, nor done.",
        vec!["L9".to_owned(), "C3".to_owned()],
        cut_anywhere(&[Step::HalfClose, Step::ExpectEnd]),
    );
    let unread = Check::drawn(
        Stage::Disconnects,
        "replies_left_unread",
        "A client that breaks off with replies under way disturbs nobody.",
        &["C4"],
        10,
        |context, _| beside(context, "C4", "a client had left its replies unread", leave_unread),
    );
    vec![broken_off, ended, unread]
}

/// The checks of half-closes, apart from all others. A server that minds half-closes is tested without
/// them elsewhere.
pub(super) fn half_closes() -> Vec<Check> {
    let end = || [Step::HalfClose, Step::ExpectEnd];
    let said = |lines: &[&str]| {
        let send = Step::Send(lines.concat().into_bytes());
        iter::once(send).chain(replies(lines.len())).collect::<Vec<_>>()
    };
    let answered = || Transcript::from_steps(said(&["QUERY|a|\n"]).into_iter().chain(end()));
    let outstanding = |lines: &[&str]| {
        let send = Step::Send(lines.concat().into_bytes());
        let steps = [send, Step::HalfClose].into_iter().chain(replies(lines.len()));
        Transcript::from_steps(steps.chain([Step::ExpectEnd]).collect::<Vec<_>>())
    };
    let cases =
        [answered(), outstanding(&["QUERY|a|\n"]), outstanding(&["INDEX|a|\n", "QUERY|a|\n"])];
    let cases = cases.map(|case| case.answered());
    let count = cases.len() as u64;
    vec![Check {
        name: "a_half_close_ends_the_stream".to_owned(),
        promise: "A client that ends its side gets its replies, and then the end of the stream."
            .to_owned(),
        rules: vec!["C3".to_owned()],
        stage: Stage::Rules,
        cases: count,
        drawn: false,
        attempt: Box::new(move |context: &Context, _, number| {
            let case = usize::try_from(number).ok().and_then(|number| cases.get(number));
            case.map_or(Trial::LeftOut, |case| context.holds_to_the_end(case))
        }),
    }]
}

/// A message, cut after each of its bytes by the steps that end the connection.
fn cut_anywhere(end: &[Step]) -> Vec<Transcript> {
    const MESSAGE: &[u8] = b"INDEX|alpha|beta";
    let send = |bytes: &[u8]| Step::Send(bytes.to_vec());
    let before = || iter::once(send(b"INDEX|beta|\n")).chain(replies(1));
    let after = || {
        let other = Step::Switch("other".into());
        let query = iter::once(send(b"QUERY|alpha|\n")).chain(replies(1));
        iter::once(other).chain(query)
    };
    (1..=MESSAGE.len())
        .map(|length| {
            let cut = iter::once(send(&MESSAGE[..length])).chain(end.iter().cloned());
            Transcript::from_steps(before().chain(cut).chain(after()).collect::<Vec<_>>())
        })
        .collect()
}

pub(super) fn robustness() -> Vec<Check> {
    let noise = Check::drawn(
        Stage::Robustness,
        "noise_gets_errors",
        "Any bytes at all are answered line by line, with ERROR where they are no message.",
        &["M8", "M9", "L1", "N4"],
        50,
        |context, seed| context.holds_from(seed, &noise(&mut Gen::from_size_and_seed(100, seed))),
    );
    let beside = |name, promise, rules: &[&'static str], while_what, disturb: Disturb| {
        let rule = rules.first().copied().unwrap_or("C4");
        let attempt = move |context: &Context, _| beside(context, rule, while_what, disturb);
        // Nothing is drawn, so one case suffices.
        Check { drawn: false, ..Check::drawn(Stage::Robustness, name, promise, rules, 1, attempt) }
    };
    vec![
        noise,
        beside(
            "binary_noise",
            "A client that sends bytes that mean nothing disturbs nobody.",
            &["C4"],
            "a client had sent 256 KiB of binary noise",
            binary_noise,
        ),
        beside(
            "a_line_without_end",
            "A client that sends a line of 4 MiB disturbs nobody.",
            &["C4", "L4"],
            "a client had sent a line of 4 MiB",
            endless_line,
        ),
        beside(
            "many_connections",
            "A hundred clients are served while all are connected, half of them in mid-message.",
            &["C2"],
            "a hundred others were connected",
            many_connections,
        ),
        beside(
            "a_client_that_never_reads",
            "A client that sends for ever and never reads makes nobody else wait.",
            &["O3", "C4"],
            "another sent much and never read",
            never_reads,
        ),
    ]
}

/// Words of the protocol in any order, and any bytes.
fn noise(g: &mut Gen) -> Transcript {
    let bytes = bytes(g, Noise::BYTES);
    let noise = from_bytes::<Noise>(&bytes).map(|Noise(noise)| noise).unwrap_or_default();
    Transcript::from_steps([Step::Send(noise), Step::HalfClose, Step::ExpectEnd])
}

/// Disturbs the server at the address of this number. Gives back the connections that stay open while
/// others are served.
type Disturb = fn(&Context, usize) -> io::Result<Vec<TcpStream>>;

/// Checks that another client is served while, or after, a connection disturbs the server. With
/// several addresses, each is disturbed in turn, and the other client tries all of them.
fn beside(context: &Context, rule: &'static str, while_what: &str, disturb: Disturb) -> Trial {
    let system = &context.target.system;
    let trials = (0..system.count()).map(|number| {
        let at = system.named(number).map(|name| format!(" at {name}")).unwrap_or_default();
        let while_what = format!("{while_what}{at}");
        beside_one(context, number, rule, &while_what, disturb)
    });
    let mut trials = trials.skip_while(|trial| matches!(trial, Trial::Passed));
    trials.next().unwrap_or(Trial::Passed)
}

fn beside_one(
    context: &Context,
    number: usize,
    rule: &'static str,
    while_what: &str,
    disturb: Disturb,
) -> Trial {
    let held = match disturb(context, number) {
        Ok(held) => held,
        Err(error) => {
            let what = format!("a connection failed: {error}");
            return Trial::Failed(Finding::in_words("C2", what));
        }
    };
    let other = Transcript::sending(&["INDEX|a|\n", "QUERY|a|\n", "REMOVE|a|\n"]);
    // The disturbance may have used up the time of the case.
    let bound = context.settings.bound;
    let served = || context.unless_held_up(|| context.holds(&other));
    let served = match context.target.within(bound, served) {
        Trial::Failed(finding) => {
            let what = format!("while {while_what}, another was not served: {}", finding.what);
            Trial::Failed(Finding::in_words(rule, what).at(finding.address))
        }
        trial => trial,
    };
    drop(held);
    served
}

/// Sends bytes, and says whether the server took all of them. Being cut off is no fault here.
fn send(mut stream: &TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

/// Does `work` with a new connection to the address of this number. An error then names the address.
fn connected<T>(
    context: &Context,
    number: usize,
    work: impl FnOnce(TcpStream) -> io::Result<T>,
) -> io::Result<T> {
    let done = context.target.stream(number).and_then(work);
    done.map_err(|error| context.target.said_at(number, error))
}

fn leave_unread(context: &Context, number: usize) -> io::Result<Vec<TcpStream>> {
    connected(context, number, |stream| {
        send(&stream, &b"nonsense\n".repeat(1_000));
        Ok(Vec::new())
    })
}

fn binary_noise(context: &Context, number: usize) -> io::Result<Vec<TcpStream>> {
    let mut g = Gen::from_size_and_seed(100, context.settings.seed);
    let noise = bytes(&mut g, 4_096);
    connected(context, number, |stream| {
        for _ in 0..64 {
            if !send(&stream, &noise) {
                break;
            }
            // Nobody needs the replies, but unread ones would make the server wait.
            drain(&stream)?;
        }
        Ok(vec![stream])
    })
}

fn endless_line(context: &Context, number: usize) -> io::Result<Vec<TcpStream>> {
    connected(context, number, |stream| {
        let _taken = (0..64).all(|_| send(&stream, &[b'x'; 65_536]));
        Ok(vec![stream])
    })
}

/// Reads what has come, without waiting for more.
fn drain(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let mut replies = [0; 65_536];
    // The count is limited, because the server may send for ever.
    let _taken = (0..64).all(|_| stream.read(&mut replies).is_ok_and(|count| count > 0));
    stream.set_nonblocking(false)
}

fn many_connections(context: &Context, address: usize) -> io::Result<Vec<TcpStream>> {
    let namespace = context.target.namespace();
    let one = |number: usize| {
        connected(context, address, |mut stream| {
            if number.is_multiple_of(2) {
                send(&stream, format!("INDEX|{}al", namespace.prefix()).as_bytes());
            } else {
                stream.write_all(b"nonsense\n")?;
                let mut reply = [0; 6];
                stream.read_exact(&mut reply)?;
            }
            Ok(stream)
        })
    };
    (0..CLIENTS).map(one).collect()
}

/// Sends until the server makes the client wait, cuts it off, or has taken more than any system keeps.
fn never_reads(context: &Context, number: usize) -> io::Result<Vec<TcpStream>> {
    connected(context, number, |mut stream| {
        stream.set_write_timeout(Some(STALLED))?;
        let end = Instant::now() + FLOOD_TIME;
        let messages = b"nonsense\n".repeat(7_000);
        let mut sent = 0;
        while sent < FLOOD && Instant::now() < end {
            match stream.write(&messages) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // The write side ends now, so that the server can finish with this connection afterwards.
        stream.shutdown(Shutdown::Write).or_else(|error| match error.kind() {
            ErrorKind::NotConnected => Ok(()),
            _ => Err(error),
        })?;
        Ok(vec![stream])
    })
}
