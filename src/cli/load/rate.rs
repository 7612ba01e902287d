//! Messages that go out by the clock, whether or not the server keeps up.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::drive::{Failed, Measured, Place, Replies, surplus};

/// When the messages of one connection are meant to be sent.
pub(super) struct Schedule {
    first: Instant,
    between: f64,
    until: Instant,
}

impl Schedule {
    /// So many messages a second, in turn from each of `connections`.
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

    /// When the message of this number is due; `None` if that is after the end.
    fn due(&self, number: u32) -> Option<Instant> {
        let due = self.first + Duration::from_secs_f64(self.between * f64::from(number));
        (due < self.until).then_some(due)
    }
}

/// Sends each message when it is due, or as soon after that as the window allows, and takes its
/// latency from when it was due: a server that stops for a second makes all of that second's
/// messages late, also those that could not be sent for it.
pub(super) fn at_a_rate(
    stream: &TcpStream,
    place: Place<'_>,
    window: usize,
    schedule: &Schedule,
) -> Result<Measured, Failed> {
    // Besides those in the channel one has been taken out of it, to wait for its reply.
    let (sent, in_flight) = mpsc::sync_channel(window - 1);
    thread::scope(|scope| {
        let writer = scope.spawn(move || send_when_due(stream, place, schedule, &sent));
        let received = receive_all(stream, &in_flight);
        if received.is_err() {
            let _already_gone = stream.shutdown(Shutdown::Both);
        }
        // Ends a writer that waits for room, or for what is due.
        drop(in_flight);
        match writer.join() {
            Ok(written) => received.and_then(|measured| Ok(written.map(|()| measured)?)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Sends what is due, and before that when it was. Ends early when nobody receives.
fn send_when_due(
    stream: &TcpStream,
    mut place: Place<'_>,
    schedule: &Schedule,
    sent: &mpsc::SyncSender<Instant>,
) -> io::Result<()> {
    let mut number = 0;
    while let Some(due) = schedule.due(number) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // Waits for room, which a reply makes.
        if sent.send(due).is_err() {
            return Ok(());
        }
        let mut ready = 1;
        number += 1;
        // What is due as well goes with it, as far as there is room.
        while let Some(due) = schedule.due(number).filter(|due| *due <= Instant::now()) {
            if sent.try_send(due).is_err() {
                break;
            }
            ready += 1;
            number += 1;
        }
        place.send(stream, ready)?;
    }
    Ok(())
}

/// Takes the replies to all that is in flight, until nothing more will be.
fn receive_all(
    stream: &TcpStream,
    in_flight: &mpsc::Receiver<Instant>,
) -> Result<Measured, Failed> {
    let mut measured = Measured::new().map_err(Failed::Other)?;
    let mut replies = Replies::of(stream);
    while let Ok(mut due) = in_flight.recv() {
        let mut answered = 0;
        while answered == 0 {
            answered = replies.receive(&mut measured)?;
        }
        let now = Instant::now();
        measured.answered_after(now.saturating_duration_since(due), 1);
        for _ in 1..answered {
            due = in_flight.try_recv().map_err(|_none| surplus())?;
            measured.answered_after(now.saturating_duration_since(due), 1);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
        // Three were due a second ago and were sent only now, as when a server stands still.
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
        let measured = receive_all(&stream, &in_flight).ok().unwrap();
        assert_eq!((measured.ok, measured.fail, measured.error), (1, 1, 1));
        assert!(measured.latencies.min() >= 999_000, "{}", measured.latencies.min());
    }
}
