//! Measures how long a client that waits for each reply has to wait beside clients that never do.
//!
//! One client sends a message, waits for the reply, and sends the next. Beside it are 0, 1, 8 and 64 others
//! that always send as much as their connections take. Nobody holds the index for longer than one batch. A
//! batch has at most [`MAX_BATCH`] messages, and no more than one line buffer of 64 KiB holds. The lock
//! decides how many batches of others go first. The system decides when a thread runs: server, floods and
//! client share the processors. With 64 floods as many threads of the server want to run at any time.
//!
//! ```text
//! cargo bench --bench fairness -- [--seconds 5] [--seed 64] [--drivers N] [floods ...]
//! ```

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::flood::Flooding;
use common::load::{Messages, Mix};
use common::options::{Arguments, Load, Unread};
use hdrhistogram::Histogram;
use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};
use package_indexer::session::MAX_BATCH;

/// How many clients flood the server, unless chosen.
const FLOODS: [usize; 4] = [0, 1, 8, 64];

/// The percentiles of the latencies that are printed. The last is the maximum.
const PERCENTILES: [f64; 4] = [50.0, 99.0, 99.9, 100.0];

fn main() -> Result<(), Unread> {
    let (Load { time, seed, drivers }, rows) = options(Arguments::of_this_process())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = Server::start([listener], Arc::new(Engine::default()), Config::default())?;
    let messages = Messages::new(Mix::USUAL, seed, MAX_BATCH)?;

    println!("seed {seed}, {drivers} threads of flood, {time:?} a row, batches of {MAX_BATCH}\n");
    println!(
        "| floods | p50, µs | p99, µs | p99.9, µs | max, µs | p99.9 × that of the first row | replies | floods' replies/s |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut first = None;
    for floods in rows {
        let (latencies, rate) = measure(server.addresses()[0], floods, drivers, time, &messages)?;
        let [p50, p99, p999, max] =
            PERCENTILES.map(|percentile| latencies.value_at_percentile(percentile) / 1_000);
        let times = p999 / *first.get_or_insert(p999.max(1));
        println!(
            "| {floods} | {p50} | {p99} | {p999} | {max} | {times} | {} | {rate:.0} |",
            latencies.len()
        );
    }
    Ok(())
}

/// The latencies of one client beside so many floods, in nanoseconds, and the replies that the floods got in
/// a second.
fn measure(
    server: SocketAddr,
    floods: usize,
    drivers: usize,
    time: Duration,
    messages: &Messages,
) -> Result<(Histogram<u64>, f64), Unread> {
    let mut flooding = Flooding::connect(server, floods, messages)?;
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    thread::scope(|scope| {
        let share = floods.div_ceil(drivers).max(1);
        let drivers: Vec<_> = flooding
            .chunks_mut(share)
            .map(|clients| scope.spawn(|| Flooding::drive(clients, &stop)))
            .collect();
        // Until threads are started and buffers have their size.
        let latencies = lock_step(server, time / 10).and_then(|_| lock_step(server, time));
        stop.store(true, Ordering::Relaxed);
        let flooded = drivers.into_iter().try_fold(0, |sum, driver| {
            driver.join().map_err(|_panic| "a thread of flood panicked")?.map(|count| sum + count)
        })?;
        let rate = f64::from(u32::try_from(flooded)?) / start.elapsed().as_secs_f64();
        Ok((latencies?, rate))
    })
}

/// Sends one message at a time, for so long.
fn lock_step(server: SocketAddr, time: Duration) -> Result<Histogram<u64>, Unread> {
    let mut latencies = Histogram::new(3)?;
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.write_all(b"INDEX|lock-step|\n")?;
    let mut reply = [0; b"OK\n".len()];
    stream.read_exact(&mut reply)?;
    let start = Instant::now();
    while start.elapsed() < time {
        let sent = Instant::now();
        stream.write_all(b"QUERY|lock-step|\n")?;
        stream.read_exact(&mut reply)?;
        latencies.record(u64::try_from(sent.elapsed().as_nanos())?)?;
    }
    Ok(latencies)
}

/// Reads the load, and the number of floods of each row.
fn options(mut arguments: Arguments) -> Result<(Load, Vec<usize>), Unread> {
    let mut load = Load::new(Duration::from_millis(if arguments.measuring { 5_000 } else { 50 }));
    let mut rows = Vec::new();
    while let Some(argument) = arguments.next() {
        if !load.read(&argument, &mut arguments)? {
            rows.push(argument.parse().map_err(|_| {
                format!(
                    "expected --seconds, --seed, --drivers or how many floods, got {argument:?}"
                )
            })?);
        }
    }
    if rows.is_empty() {
        rows = FLOODS.to_vec();
    }
    Ok((load, rows))
}
