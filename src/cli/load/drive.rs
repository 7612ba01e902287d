//! The connections at work: messages out, replies in, and the time in between.
//!
//! Here the next message goes out when a reply comes in; `rate` has those that go out by the clock.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::rate::{Schedule, at_a_rate};
use super::traffic::Traffic;
use super::{Arguments, Failure, LoadFailure};
use crate::cli::progress::Progress;
use crate::client::ClientError;
use crate::command::Reply;

/// How long a server may leave a connection without any reply that is due.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is shown how far a load has come.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Significant decimal digits of the latencies.
const DIGITS: u8 = 3;

/// What was seen, on one connection or on all.
pub(super) struct Measured {
    /// From message to reply, in microseconds.
    pub(super) latencies: Histogram<u64>,
    pub(super) ok: u64,
    pub(super) fail: u64,
    pub(super) error: u64,
    /// How many replies came before the time was over.
    pub(super) in_time: u64,
    /// How many messages were due by then and could not be sent, because as many as may be were in
    /// flight. Their latencies count until then.
    pub(super) unsent: u64,
    /// From the first message to the last reply.
    pub(super) elapsed: Duration,
    /// The processor time of this process meanwhile, where the system says it.
    pub(super) processor: Option<Duration>,
}

impl Measured {
    pub(super) fn new() -> Result<Self, Failure> {
        let latencies = Histogram::new(DIGITS).map_err(LoadFailure::Latencies)?;
        let (elapsed, processor) = (Duration::ZERO, None);
        let (ok, fail, error, in_time, unsent) = (0, 0, 0, 0, 0);
        Ok(Self { latencies, ok, fail, error, in_time, unsent, elapsed, processor })
    }

    fn count(&mut self, reply: Reply) {
        *match reply {
            Reply::Ok => &mut self.ok,
            Reply::Fail => &mut self.fail,
            Reply::Error => &mut self.error,
        } += 1;
    }

    /// Messages were answered, or given up, so long after they were sent or due.
    pub(super) fn took(&mut self, latency: Duration, messages: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        // It grows as needed; what is beyond any growth counts as the most that it can hold.
        if self.latencies.record_n(micros, messages).is_err() {
            self.latencies.saturating_record_n(micros, messages);
        }
    }

    fn add(&mut self, other: &Self) {
        // Of the same digits, and as large as needed.
        let added = self.latencies.add(&other.latencies);
        debug_assert!(added.is_ok(), "{added:?}");
        self.ok += other.ok;
        self.fail += other.fail;
        self.error += other.error;
        self.in_time += other.in_time;
        self.unsent += other.unsent;
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
    let time = OnceLock::new();
    // Held until all threads are there.
    let start = Mutex::new(());
    let stop = AtomicBool::new(false);
    let one = |number: u32, stream: &TcpStream| {
        drop(start.lock().unwrap_or_else(PoisonError::into_inner));
        // Unset if there are not as many threads as there should be.
        let Some((begun, until)) = time.get().copied() else {
            return Measured::new().map_err(Failed::Other);
        };
        // Each begins at another place.
        let share = usize::try_from(number).unwrap_or_default() * traffic.len();
        let place = Place { traffic, next: share / streams.len() };
        match arguments.rate {
            None => as_fast_as_can_be(stream, place, window, until),
            Some(rate) => {
                let schedule = Schedule::new(begun, until, rate, arguments.connections, number);
                at_a_rate(stream, place, window, &schedule, &stop)
            }
        }
    };
    let end_all = || {
        stop.store(true, Ordering::Relaxed);
        for stream in &streams {
            // Whoever waits on it need not any more.
            let _already_gone = stream.shutdown(Shutdown::Both);
        }
    };
    let mut all = Measured::new()?;
    let ticks =
        usize::try_from(arguments.time.as_millis() / TICK.as_millis()).unwrap_or(usize::MAX);
    let progress = Progress::of_steps("loading", ticks);
    let ended = thread::scope(|scope| {
        let (done, finished) = mpsc::channel();
        let held = start.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, stream) in (0..).zip(&streams) {
            let (done, one) = (done.clone(), &one);
            let work = move || {
                // It is waited for as long as any has not ended.
                let _waited_for = done.send(one(number, stream));
            };
            let started = thread::Builder::new().name("load".into()).spawn_scoped(scope, work);
            if let Err(error) = started {
                return Err(
                    LoadFailure::Threads { connections: arguments.connections, error }.into()
                );
            }
        }
        drop(done);
        let (processor, begun) = (processor_time(), Instant::now());
        let _set_once = time.set((begun, begun + arguments.time));
        drop(held);
        let mut failed = None;
        loop {
            match finished.recv_timeout(TICK) {
                Ok(Ok(measured)) => all.add(&measured),
                Ok(Err(error)) if failed.is_none() => {
                    failed = Some(error.of(address));
                    end_all();
                }
                // What follows from the end of all.
                Ok(Err(_)) => {}
                Err(RecvTimeoutError::Timeout) => progress.advance(1),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        all.elapsed = begun.elapsed();
        all.processor =
            processor.zip(processor_time()).map(|(before, after)| after.saturating_sub(before));
        failed.map_or(Ok(()), Err)
    });
    progress.finish();
    ended.map(|()| all)
}

/// Why a connection could not go on.
pub(super) enum Failed {
    Client(ClientError),
    /// More replies came than were due.
    Surplus,
    Other(Failure),
}

impl Failed {
    fn of(self, address: &str) -> Failure {
        match self {
            Self::Client(error) => Failure::Client { address: address.to_owned(), error },
            Self::Surplus => LoadFailure::Surplus { address: address.to_owned() }.into(),
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
    pub(super) traffic: &'a Traffic,
    pub(super) next: usize,
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
                // No more of it than a reply is long, and a byte.
                self.begun.truncate(Reply::Error.as_line().len() + 1);
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
            let (sent, messages) = in_flight.front_mut().ok_or(Failed::Surplus)?;
            let answered = left.min(*messages);
            measured.took(now - *sent, answered as u64);
            *messages -= answered;
            left -= answered;
            if *messages == 0 {
                in_flight.pop_front();
            }
        }
        if count > 0 && now < until {
            measured.in_time += count as u64;
            in_flight.push_back((now, count));
            place.send(stream, count)?;
        }
    }
    Ok(measured)
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
