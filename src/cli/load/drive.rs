//! All connections at work, from the first message to the last reply.
//!
//! Here the next message goes out when a reply comes in; `rate` has those that go out by the clock.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::{Cursor, Failed, Replies, TICK};
use super::measured::Measured;
use super::rate::{Schedule, at_a_rate};
use super::traffic::Traffic;
use super::{Arguments, Failure, LoadFailure};
use crate::cli::progress::Progress;

/// How long a server may leave a connection without any reply that is due.
const PATIENCE: Duration = Duration::from_secs(30);

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
        let place = Cursor { traffic, next: share / streams.len() };
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

/// Keeps the window full: a message goes out for each reply that comes in.
fn as_fast_as_can_be(
    stream: &TcpStream,
    mut place: Cursor<'_>,
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
