//! All connections of a load at work, from the first message to the last reply.
//!
//! In this module a reply makes room for the next message. Module `rate` sends messages by the clock.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::{Cursor, Failed, Replies, TICK, is_surplus};
use super::measured::Measured;
use super::rate::{Schedule, at_a_rate};
use super::span::Span;
use super::traffic::Traffic;
use super::{Arguments, Failure, LoadFailure};
use crate::cli::progress::Progress;

/// How long a server may send no reply that is due.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an interrupted load waits for replies to the messages in flight.
const GRACE: Duration = Duration::from_secs(1);

/// Connects, sends until the time is over or the load is interrupted, and waits for the last reply.
pub(super) fn run(
    arguments: &Arguments,
    traffic: &Traffic,
    asked_to_end: &AtomicBool,
) -> Result<Measured, Failure> {
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
    // Held until all threads have started.
    let start = Mutex::new(());
    let stop = AtomicBool::new(false);
    let one = |number: u32, stream: &TcpStream, measured: &mut Measured| {
        drop(start.lock().unwrap_or_else(PoisonError::into_inner));
        // Stays unset if a thread could not be started.
        let Some(span) = time.get() else { return Ok(()) };
        // Each connection starts at another message.
        let share = usize::try_from(number).unwrap_or_default() * traffic.len();
        let place = Cursor { traffic, next: share / streams.len() };
        match arguments.rate {
            None => as_fast_as_can_be(stream, place, window, span, measured),
            Some(rate) => {
                let (begun, until) = (span.begun, span.until());
                let schedule = Schedule::new(begun, until, rate, arguments.connections, number);
                at_a_rate(stream, place, window, &schedule, span, &stop, measured)
            }
        }
    };
    let end_all = || {
        stop.store(true, Ordering::Relaxed);
        for stream in &streams {
            // Wakes any thread that waits on this connection.
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
            // A connection that failed has measurements too.
            let mut measured = Measured::new()?;
            let work = move || {
                let ended = one(number, stream, &mut measured);
                // The receiver stays until every sender is gone.
                let _waited_for = done.send((measured, ended));
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
        let span = time.get_or_init(|| Span::new(begun, begun + arguments.time));
        drop(held);
        let (mut failed, mut is_cut_off) = (None, false);
        loop {
            match finished.recv_timeout(TICK) {
                Ok((measured, ended)) => {
                    all.add(&measured);
                    match ended {
                        Err(error) if failed.is_none() && !is_cut_off => {
                            failed = Some(error.of(address, arguments.pipeline));
                            end_all();
                        }
                        // The result of all of them.
                        _ => {}
                    }
                }
                Err(RecvTimeoutError::Timeout) => progress.advance(1),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if asked_to_end.load(Ordering::Relaxed) {
                span.interrupt();
            }
            if !is_cut_off && span.interrupted().is_some_and(|since| since.elapsed() >= GRACE) {
                is_cut_off = true;
                end_all();
            }
        }
        all.elapsed = begun.elapsed();
        (all.time, all.is_interrupted) = (span.length(), span.interrupted().is_some());
        all.processor =
            processor.zip(processor_time()).map(|(before, after)| after.saturating_sub(before));
        failed.map_or(Ok(()), Err)
    });
    progress.finish();
    ended?;
    if !all.is_interrupted && is_surplus(&streams) {
        return Err(Failed::Surplus.of(address, arguments.pipeline));
    }
    Ok(all)
}

/// Keeps the window full: sends a message for each reply that arrives.
fn as_fast_as_can_be(
    stream: &TcpStream,
    mut place: Cursor<'_>,
    window: usize,
    span: &Span,
    measured: &mut Measured,
) -> Result<(), Failed> {
    let mut replies = Replies::of(stream);
    let mut in_flight = VecDeque::from([(Instant::now(), window)]);
    place.send(stream, window)?;
    while !in_flight.is_empty() {
        let count = replies.receive(measured)?;
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
        if count > 0 && now < span.until() {
            measured.in_time += count as u64;
            in_flight.push_back((now, count));
            place.send(stream, count)?;
        }
    }
    replies.end()
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
