//! The connections at work: messages out, replies in, and the time in between.
//!
//! Here the next message goes out when a reply comes in; `rate` has those that go out by the clock.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::rate::{Schedule, at_a_rate};
use super::traffic::Traffic;
use super::{Arguments, Failure};
use crate::cli::progress::Progress;
use crate::client::ClientError;
use crate::command::Reply;

/// How long a server may leave a connection without any reply that is due.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is shown how far a load has come.
const TICK: Duration = Duration::from_millis(100);

/// Significant decimal digits of the latencies.
const DIGITS: u8 = 3;

/// What was seen, on one connection or on all.
pub(super) struct Measured {
    /// From message to reply, in microseconds.
    pub(super) latencies: Histogram<u64>,
    pub(super) ok: u64,
    pub(super) fail: u64,
    pub(super) error: u64,
    /// From the first message to the last reply.
    pub(super) elapsed: Duration,
    /// The processor time of this process meanwhile, where the system says it.
    pub(super) processor: Option<Duration>,
}

impl Measured {
    pub(super) fn new() -> Result<Self, Failure> {
        let latencies = Histogram::new(DIGITS).map_err(Failure::Latencies)?;
        let (elapsed, processor) = (Duration::ZERO, None);
        Ok(Self { latencies, ok: 0, fail: 0, error: 0, elapsed, processor })
    }

    fn count(&mut self, reply: Reply) {
        *match reply {
            Reply::Ok => &mut self.ok,
            Reply::Fail => &mut self.fail,
            Reply::Error => &mut self.error,
        } += 1;
    }

    pub(super) fn answered_after(&mut self, latency: Duration, messages: usize) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        // It grows as needed; what is beyond any growth counts as the most that it can hold.
        if self.latencies.record_n(micros, messages as u64).is_err() {
            self.latencies.saturating_record_n(micros, messages as u64);
        }
    }

    fn add(&mut self, other: &Self) {
        // Of the same digits, and as large as needed.
        let added = self.latencies.add(&other.latencies);
        debug_assert!(added.is_ok(), "{added:?}");
        self.ok += other.ok;
        self.fail += other.fail;
        self.error += other.error;
    }
}

/// Connects, sends for the time given, and waits for the last reply.
pub(super) fn run(arguments: &Arguments, traffic: &Traffic) -> Result<Measured, Failure> {
    let address = &arguments.server.address;
    let connect = || {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    };
    let streams: Vec<TcpStream> = (0..arguments.connections)
        .map(|_| connect())
        .collect::<io::Result<_>>()
        .map_err(|error| Failure::Connect { address: address.clone(), error })?;
    let window = usize::try_from(arguments.pipeline).unwrap_or(usize::MAX);
    let (processor, begun) = (processor_time(), Instant::now());
    let until = begun + arguments.time;
    let one = |number: u32, stream: &TcpStream| {
        // Each begins at another place.
        let share = usize::try_from(number).unwrap_or_default() * traffic.len();
        let place = Place { traffic, next: share / streams.len() };
        match arguments.rate {
            None => as_fast_as_can_be(stream, place, window, until),
            Some(rate) => {
                let schedule = Schedule::new(begun, until, rate, arguments.connections, number);
                at_a_rate(stream, place, window, &schedule)
            }
        }
    };
    let mut all = Measured::new()?;
    let ticks =
        usize::try_from(arguments.time.as_millis() / TICK.as_millis()).unwrap_or(usize::MAX);
    let progress = Progress::of_steps("loading", ticks);
    thread::scope(|scope| {
        // Dropped when all is done, or something has failed.
        let (end, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                progress.advance(1);
            }
            progress.finish();
        });
        let one = &one;
        let running: Vec<_> = (0..)
            .zip(&streams)
            .map(|(number, stream)| {
                let work = move || one(number, stream);
                thread::Builder::new().name("load".into()).spawn_scoped(scope, work)
            })
            .collect::<io::Result<_>>()
            .map_err(Failure::Start)?;
        for thread in running {
            match thread.join() {
                Ok(measured) => all.add(&measured.map_err(|failed| failed.of(address))?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        drop(end);
        Ok::<(), Failure>(())
    })?;
    all.elapsed = begun.elapsed();
    all.processor =
        processor.zip(processor_time()).map(|(before, after)| after.saturating_sub(before));
    Ok(all)
}

/// Why a connection could not go on.
pub(super) enum Failed {
    Client(ClientError),
    Other(Failure),
}

impl Failed {
    fn of(self, address: &str) -> Failure {
        match self {
            Self::Client(error) => Failure::Client { address: address.to_owned(), error },
            Self::Other(failure) => failure,
        }
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Client(error.into())
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

/// Where a connection is in the messages.
pub(super) struct Place<'a> {
    traffic: &'a Traffic,
    next: usize,
}

impl Place<'_> {
    /// Sends so many messages.
    pub(super) fn send(&mut self, mut stream: &TcpStream, mut count: usize) -> io::Result<()> {
        while count > 0 {
            let (bytes, messages) = self.traffic.slice(self.next, count);
            stream.write_all(bytes)?;
            self.next = (self.next + messages) % self.traffic.len();
            count -= messages;
        }
        Ok(())
    }
}

/// Replies as they come, whole or in pieces.
pub(super) struct Replies<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    /// The beginning of a reply that has not come whole.
    begun: Vec<u8>,
}

impl<'a> Replies<'a> {
    pub(super) fn of(stream: &'a TcpStream) -> Self {
        Self { stream, buffer: vec![0; 65_536], begun: Vec::new() }
    }

    /// Waits for more, and counts the replies that are whole now.
    pub(super) fn receive(&mut self, measured: &mut Measured) -> Result<usize, Failed> {
        let count = loop {
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ClientError::Closed.into()),
                Ok(count) => break count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        let mut replies = 0;
        for part in self.buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            let known = [Reply::Ok, Reply::Fail, Reply::Error];
            if let Some(reply) = known.iter().find(|reply| reply.as_line() == self.begun) {
                measured.count(*reply);
                replies += 1;
                self.begun.clear();
            } else if !known.iter().any(|reply| reply.as_line().starts_with(&self.begun)) {
                return Err(ClientError::NotAReply { line: self.begun.clone() }.into());
            }
        }
        Ok(replies)
    }
}

/// Keeps the window full: a message goes out for each reply that comes in.
fn as_fast_as_can_be(
    stream: &TcpStream,
    mut place: Place<'_>,
    window: usize,
    until: Instant,
) -> Result<Measured, Failed> {
    let mut measured = Measured::new().map_err(Failed::Other)?;
    let mut replies = Replies::of(stream);
    let mut in_flight = VecDeque::from([(Instant::now(), window)]);
    place.send(stream, window)?;
    while !in_flight.is_empty() {
        let count = replies.receive(&mut measured)?;
        let now = Instant::now();
        let mut left = count;
        while left > 0 {
            let (sent, messages) = in_flight.front_mut().ok_or_else(surplus)?;
            let answered = left.min(*messages);
            measured.answered_after(now - *sent, answered);
            *messages -= answered;
            left -= answered;
            if *messages == 0 {
                in_flight.pop_front();
            }
        }
        if count > 0 && now < until {
            in_flight.push_back((now, count));
            place.send(stream, count)?;
        }
    }
    Ok(measured)
}

pub(super) fn surplus() -> Failed {
    ClientError::NotAReply { line: b"a reply that nothing was sent for".to_vec() }.into()
}

/// The processor time that this process has used.
#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanos))
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}
