//! Measures how long a health check waits beside clients that connect to the metrics endpoint and say
//! nothing.
//!
//!     indexer serve --metrics 127.0.0.1:9090
//!     cargo run --release --example probe -- 127.0.0.1:9090 --silent 16 --probes 100
//!
//! Opens so many silent connections, and opens each again that is closed. Asks for `/healthz` over and over,
//! with ten milliseconds between two probes. Prints how many were answered 200, and how long they took in
//! milliseconds. A probe without an answer after ten seconds counts as unanswered.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a probe waits for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait between two probes.
const PAUSE: Duration = Duration::from_millis(10);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: probe ADDR:PORT [--silent N] [--probes N]";
    let address: SocketAddr = arguments.next().ok_or(usage)?.parse()?;
    let (mut silent, mut probes) = (16, 100);
    while let Some(flag) = arguments.next() {
        let number = arguments.next().ok_or(usage)?.parse()?;
        match flag.as_str() {
            "--silent" => silent = number,
            "--probes" => probes = number,
            _ => return Err(usage.into()),
        }
    }
    let is_over = AtomicBool::new(false);
    let (mut answered, mut unanswered) = (Vec::new(), 0);
    thread::scope(|scope| {
        let crowd = open(address, silent)?;
        scope.spawn(|| keep_open(address, crowd, &is_over));
        for _ in 0..probes {
            let begun = Instant::now();
            match probe(address) {
                Ok(true) => answered.push(begun.elapsed().as_secs_f64() * 1_000.0),
                Ok(false) | Err(_) => unanswered += 1,
            }
            thread::sleep(PAUSE);
        }
        is_over.store(true, Ordering::Relaxed);
        Ok::<(), std::io::Error>(())
    })?;
    answered.sort_by(f64::total_cmp);
    let median = answered.get(answered.len() / 2).copied().unwrap_or(f64::NAN);
    let longest = answered.last().copied().unwrap_or(f64::NAN);
    println!(
        "{silent} silent: {} of {probes} probes answered, median {median:.2} ms, longest {longest:.2} ms, \
         {unanswered} not",
        answered.len()
    );
    Ok(())
}

fn open(address: SocketAddr, count: usize) -> std::io::Result<Vec<TcpStream>> {
    let connect = |_| {
        let stream = TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    };
    (0..count).map(connect).collect()
}

/// Opens each connection again that the server ends.
fn keep_open(address: SocketAddr, mut crowd: Vec<TcpStream>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        for stream in &mut crowd {
            let is_open = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
            if !stream.read(&mut [0; 512]).is_err_and(is_open)
                && let Ok(mut another) = open(address, 1)
            {
                *stream = another.remove(0);
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether the answer to one health check is 200.
fn probe(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status == *b"HTTP/1.1 200")
}
