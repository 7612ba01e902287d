//! Messages that go out by the clock, even if the server cannot keep up.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::{Cursor, Failed, Replies, TICK};
use super::measured::Measured;
use super::span::Span;

/// When the messages of one connection are due.
#[derive(Clone, Copy)]
pub(super) struct Schedule {
    first: Instant,
    between: f64,
    until: Instant,
}

impl Schedule {
    /// This many messages a second, shared in turn by all `connections`.
    pub(super) fn new(
        begun: Instant,
        until: Instant,
        rate: u32,
        connections: u32,
        number: u32,
    ) -> Self {
        let second = 1.0 / f64::from(rate);
        let first = begun + Duration::from_secs_f64(second * f64::from(number));
        Self { first, between: second * f64::from(connections), until }
    }

    /// When the message with this number is due. `None` if that is after the end.
    #[allow(clippy::cast_precision_loss, reason = "a day has no 2^53 messages")]
    fn due(&self, number: u64) -> Option<Instant> {
        let due = self.first + Duration::from_secs_f64(self.between * number as f64);
        (due < self.until).then_some(due)
    }

    /// How many messages are due now, from the one with this number on.
    fn left(&self, number: u64) -> u64 {
        let (mut some, mut none) = (number, number.max(1));
        // Doubles until no message has that number, then halves to the first such number.
        while self.due(none).is_some() {
            none *= 2;
        }
        while some < none {
            let middle = some + (none - some) / 2;
            if self.due(middle).is_some() {
                some = middle + 1;
            } else {
                none = middle;
            }
        }
        some - number
    }
}

/// The most distinct latencies that unsent messages are recorded with.
const UNSENT_STEPS: u64 = 10_000;

/// Sends each message when it is due, or later if the window is full. Its latency starts when it was due. So
/// a server that stops for a second makes all messages of that second late, also those that could not be
/// sent.
pub(super) fn at_a_rate(
    stream: &TcpStream,
    place: Cursor<'_>,
    window: usize,
    schedule: &Schedule,
    span: &Span,
    stop: &AtomicBool,
    measured: &mut Measured,
) -> Result<(), Failed> {
    // One more than the channel holds, because one was taken out to wait for its reply.
    let (sent, in_flight) = mpsc::sync_channel(window - 1);
    // Dropped to wake the writer.
    let (end, ended) = mpsc::channel();
    thread::scope(|scope| {
        let write = move || send_when_due(stream, place, schedule, span, &sent, &ended);
        let writer = thread::Builder::new().name("load out".into()).spawn_scoped(scope, write)?;
        let received = receive_all(stream, &in_flight, span, stop, measured);
        if received.is_err() {
            let _already_gone = stream.shutdown(Shutdown::Both);
        }
        // Ends a writer that waits for room or for the next message.
        drop((in_flight, end));
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let next = written.map_err(Failed::from);
        let next = received.and(next)?;
        let schedule = Schedule { until: span.until(), ..*schedule };
        let left = schedule.left(next);
        measured.unsent += left;
        let stride = left.div_ceil(UNSENT_STEPS).max(1);
        for number in (0..left).step_by(usize::try_from(stride).unwrap_or(usize::MAX)) {
            let late =
                schedule.due(next + number).map_or(Duration::ZERO, |due| schedule.until - due);
            measured.took(late, stride.min(left - number));
        }
        Ok(())
    })
}

/// Sends the messages that are due until the end, and passes on when each was due. Returns the number of the
/// next message. Ends early if nobody receives.
fn send_when_due(
    stream: &TcpStream,
    mut place: Cursor<'_>,
    schedule: &Schedule,
    span: &Span,
    sent: &mpsc::SyncSender<Instant>,
    ended: &mpsc::Receiver<()>,
) -> io::Result<u64> {
    let mut number = 0;
    while let Some(due) = schedule.due(number) {
        let early = due.saturating_duration_since(Instant::now());
        if ended.recv_timeout(early) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        // Waits for room. A reply makes room.
        if Instant::now() >= span.until() || sent.send(due).is_err() {
            break;
        }
        let mut ready = 1;
        number += 1;
        // Adds all other messages that are due, if there is room.
        while let Some(due) = schedule.due(number).filter(|due| *due <= Instant::now()) {
            if sent.try_send(due).is_err() {
                break;
            }
            ready += 1;
            number += 1;
        }
        place.send(stream, ready)?;
    }
    Ok(number)
}

/// Reads replies until nothing is in flight and nothing more will be sent.
fn receive_all(
    stream: &TcpStream,
    in_flight: &mpsc::Receiver<Instant>,
    span: &Span,
    stop: &AtomicBool,
    measured: &mut Measured,
) -> Result<(), Failed> {
    let mut replies = Replies::of(stream);
    loop {
        let mut due = match in_flight.recv_timeout(TICK) {
            Ok(due) => due,
            Err(RecvTimeoutError::Disconnected) => return replies.end(),
            // Another connection failed and ended the load, or the load was interrupted.
            Err(RecvTimeoutError::Timeout)
                if stop.load(Ordering::Relaxed) || span.interrupted().is_some() =>
            {
                return Ok(());
            }
            Err(RecvTimeoutError::Timeout) => continue,
        };
        let mut answered = 0;
        while answered == 0 {
            answered = replies.receive(measured)?;
        }
        let now = Instant::now();
        if now < span.until() {
            measured.in_time += answered as u64;
        }
        measured.took(now.saturating_duration_since(due), 1);
        for _ in 1..answered {
            due = in_flight.try_recv().map_err(|_none| Failed::Surplus)?;
            measured.took(now.saturating_duration_since(due), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn messages_are_due_in_turn_at_the_rate_of_all_together() {
        let begun = Instant::now();
        let after = |millis| begun + Duration::from_millis(millis);
        let schedule = |number| Schedule::new(begun, after(1_000), 10, 2, number);
        let due = |number, message| schedule(number).due(message);
        assert_eq!(
            [0, 1, 4].map(|message| due(0, message)),
            [0, 200, 800].map(|at| Some(after(at)))
        );
        assert_eq!([0, 4].map(|message| due(1, message)), [100, 900].map(|at| Some(after(at))));
        assert_eq!([due(0, 5), due(1, 5)], [None, None]);
    }

    #[test]
    fn a_message_that_had_to_wait_is_late_by_that_too() {
        // Three messages were due a second ago and are sent only now, as when a server stalls.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let (sent, in_flight) = mpsc::sync_channel(8);
        let due = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        for _ in 0..3 {
            sent.send(due).unwrap();
        }
        drop(sent);
        server.write_all(b"OK\nFAIL\nERROR\n").unwrap();
        let stop = AtomicBool::new(false);
        let (span, mut measured) = (Span::new(due, Instant::now()), Measured::new().unwrap());
        receive_all(&stream, &in_flight, &span, &stop, &mut measured).ok().unwrap();
        assert_eq!((measured.ok, measured.fail, measured.error), (1, 1, 1));
        assert!(measured.latencies.min() >= 999_000, "{}", measured.latencies.min());
    }

    #[test]
    fn what_is_sent_late_was_due_when_it_was_due() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let taking = thread::spawn(move || {
            let mut lines = String::new();
            server.read_to_string(&mut lines).unwrap();
            lines
        });
        // A hundred messages, of which 51 are due by now, the first of them an hour ago.
        let hour = Duration::from_secs(3_600);
        let begun = Instant::now().checked_sub(hour).unwrap();
        let schedule = || Schedule { first: begun, between: 72.0, until: begun + 2 * hour };
        let (few, span) = (schedule(), Span::new(begun, begun + 2 * hour));
        let traffic = super::super::traffic::Traffic::of_lines(b"QUERY|a|\nQUERY|b|\n");
        let place = Cursor { traffic: &traffic, next: 1 };
        let (sent, in_flight) = mpsc::sync_channel(64);
        let (end, ended) = mpsc::channel();
        let writing = stream.try_clone().unwrap();
        thread::scope(|scope| {
            let span = &span;
            let writer =
                scope.spawn(move || send_when_due(&writing, place, &few, span, &sent, &ended));
            let due: Vec<Instant> = in_flight.iter().take(50).collect();
            assert!((0..).zip(&due).all(|(number, due)| schedule().due(number) == Some(*due)));
            drop(end);
            assert_eq!(writer.join().unwrap().unwrap(), 51);
        });
        assert_eq!([0, 51, 99, 100].map(|number| schedule().left(number)), [100, 49, 1, 0]);
        stream.shutdown(Shutdown::Write).unwrap();
        // The two lines in turn, from the second one on.
        assert!(taking.join().unwrap().starts_with("QUERY|b|\nQUERY|a|\nQUERY|b|\n"));
    }

    #[test]
    fn unsent_messages_count_with_how_late_they_are_at_the_end() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let hour = Duration::from_secs(3_600);
        let until = Instant::now();
        let schedule = Schedule { first: until.checked_sub(hour).unwrap(), between: 36.0, until };
        let traffic = super::super::traffic::Traffic::of_lines(b"QUERY|a|\n");
        let place = Cursor { traffic: &traffic, next: 0 };
        let stop = AtomicBool::new(false);
        let (span, mut measured) = (Span::new(schedule.first, until), Measured::new().unwrap());
        at_a_rate(&stream, place, 1, &schedule, &span, &stop, &mut measured).ok().unwrap();
        assert_eq!((measured.unsent, measured.latencies.len(), measured.ok), (100, 100, 0));
        // With three digits: from 36 seconds to the hour.
        assert!((35_900_000..=36_100_000).contains(&measured.latencies.min()));
        assert!((3_590_000_000..=3_610_000_000).contains(&measured.latencies.max()));
    }
}
