//! Measures how long a client with short messages has to wait beside clients with the longest.
//!
//! 64 packages each depend on the same hubs. Many clients INDEX these packages again, in rotation, with one
//! message in flight each. Such a message is little to send, and much work for the index. Beside them one
//! client sends a QUERY or an INDEX without dependencies and waits for the reply. A probe asks for
//! `/healthz`.
//!
//! The server is a process of its own. Name several binaries to compare them: they take turns.
//!
//! ```text
//! cargo bench --bench hubs -- [--seconds 5] [--clients 256] [--hubs 16000] [--rounds 1] [binary ...]
//! ```

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

type Failure = Box<dyn Error + Send + Sync>;

/// How many packages depend on all hubs.
const DEPENDENTS: usize = 64;

/// How often the probe asks.
const PROBE_EVERY: Duration = Duration::from_millis(20);

struct Options {
    time: Duration,
    clients: usize,
    hubs: usize,
    rounds: usize,
    binaries: Vec<String>,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let Options { time, clients, hubs, .. } = options;
    println!("{clients} clients, lists of {hubs} names, {time:?} a row\n");
    println!("| server | asked | count | p50, ms | p99, ms | p99.9, ms | max, ms | lists/s |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|");
    let messages = Messages::new(hubs);
    for _ in 0..options.rounds {
        for binary in &options.binaries {
            let server = Server::start(binary)?;
            let (latencies, rate) = measure(&server, &options, &messages)?;
            for (asked, latencies) in latencies {
                let [p50, p99, p999, max] = [50.0, 99.0, 99.9, 100.0].map(|percentile| {
                    Duration::from_nanos(latencies.value_at_percentile(percentile)).as_secs_f64()
                        * 1e3
                });
                println!(
                    "| {binary} | {asked} | {} | {p50:.2} | {p99:.2} | {p999:.2} | {max:.2} | {rate:.0} |",
                    latencies.len()
                );
            }
        }
    }
    Ok(())
}

fn options() -> Result<Options, Failure> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    let (seconds, clients, hubs) = if measuring { (5.0, 256, 16_000) } else { (0.05, 8, 1_000) };
    let time = Duration::from_secs_f64(seconds);
    let mut options = Options { time, clients, hubs, rounds: 1, binaries: Vec::new() };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--seconds" => options.time = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--clients" => options.clients = value()?.parse()?,
            "--hubs" => options.hubs = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            _ => options.binaries.push(argument),
        }
    }
    if options.binaries.is_empty() {
        options.binaries.push(env!("CARGO_BIN_EXE_indexer").into());
    }
    Ok(options)
}

/// The messages of all clients.
struct Messages {
    hubs: Vec<u8>,
    dependents: Vec<Vec<u8>>,
}

impl Messages {
    fn new(hubs: usize) -> Self {
        // Names as short as possible, so that a line holds as many as possible.
        let digits = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._@/";
        let digit = |number: usize| char::from(digits[number % digits.len()]);
        let (one, two) = (digits.len(), digits.len() * digits.len());
        let name =
            |hub: usize| -> String { [hub / two, hub / one, hub].into_iter().map(digit).collect() };
        let names: Vec<_> = (0..hubs).map(name).collect();
        let list = names.join(",");
        let line = |number| format!("INDEX|p{number}|{list}\n").into_bytes();
        Self {
            hubs: names.iter().flat_map(|hub| format!("INDEX|{hub}|\n").into_bytes()).collect(),
            dependents: (0..DEPENDENTS).map(line).collect(),
        }
    }
}

type Latencies = Histogram<u64>;

/// The three kinds of requests, each with its latencies.
type Measured = [(&'static str, Latencies); 3];

/// Measures the latencies of each kind of request, in nanoseconds, and how many lists were answered in a
/// second.
fn measure(
    server: &Server,
    options: &Options,
    messages: &Messages,
) -> Result<(Measured, f64), Failure> {
    let mut filling = Client::connect(server.address)?;
    filling.send_many(&messages.hubs)?;
    for message in &messages.dependents {
        filling.ask(message)?;
    }
    let (stop, lists) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..options.clients {
            let mut client = Client::connect(server.address)?;
            let (stop, lists) = (&stop, &lists);
            thread::Builder::new().stack_size(64 * 1024).spawn_scoped(scope, move || {
                let in_rotation = messages.dependents.iter().cycle().skip(number % DEPENDENTS);
                let step = if options.clients < DEPENDENTS { options.clients } else { 1 };
                for message in in_rotation.step_by(step) {
                    if stop.load(Ordering::Relaxed) || client.ask(message).is_err() {
                        break;
                    }
                    lists.fetch_add(1, Ordering::Relaxed);
                }
            })?;
        }
        let probe = scope.spawn(|| probe(server.metrics, options.time));
        let begun = Instant::now();
        let asked = innocent(server.address, options.time);
        let answered = u32::try_from(lists.load(Ordering::Relaxed))?;
        let rate = f64::from(answered) / begun.elapsed().as_secs_f64();
        let probed = probe.join().map_err(|_panic| "the probe panicked");
        stop.store(true, Ordering::Relaxed);
        let ([query, index], health) = (asked?, probed??);
        Ok(([("QUERY", query), ("INDEX", index), ("/healthz", health)], rate))
    })
}

/// Sends one short message at a time, for so long, QUERY and INDEX in turns.
fn innocent(server: SocketAddr, time: Duration) -> Result<[Latencies; 2], Failure> {
    let mut client = Client::connect(server)?;
    let mut latencies = [Latencies::new(3)?, Latencies::new(3)?];
    let begun = Instant::now();
    while begun.elapsed() < time {
        let messages: [&[u8]; 2] = [b"QUERY|innocent|\n", b"INDEX|innocent|\n"];
        for (message, latencies) in messages.into_iter().zip(&mut latencies) {
            let sent = Instant::now();
            client.ask(message)?;
            latencies.record(u64::try_from(sent.elapsed().as_nanos())?)?;
        }
    }
    Ok(latencies)
}

/// Asks for the server's health at intervals, each time on a new connection.
fn probe(metrics: SocketAddr, time: Duration) -> Result<Latencies, Failure> {
    let mut latencies = Latencies::new(3)?;
    let begun = Instant::now();
    while begun.elapsed() < time {
        let sent = Instant::now();
        let mut stream = TcpStream::connect(metrics)?;
        let host = format!("GET /healthz HTTP/1.1\r\nHost: {metrics}\r\nConnection: close\r\n\r\n");
        stream.write_all(host.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200 ") {
            return Err(format!("/healthz: {answer}").into());
        }
        latencies.record(u64::try_from(sent.elapsed().as_nanos())?)?;
        thread::sleep(PROBE_EVERY);
    }
    Ok(latencies)
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::with_capacity(64, stream)))
    }

    /// Sends a message and waits for its reply, which must not be `ERROR`.
    fn ask(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.0.get_mut().write_all(message)?;
        self.expect_reply()
    }

    fn expect_reply(&mut self) -> Result<(), Failure> {
        let mut reply = [0; 3];
        self.0.read_exact(&mut reply)?;
        match &reply {
            b"OK\n" => Ok(()),
            b"FAI" => Ok(self.0.read_exact(&mut reply[..2])?),
            _ => Err(format!("a reply began with {}", reply.escape_ascii()).into()),
        }
    }

    /// Sends many short messages, in parts whose replies fit into the buffers of a connection.
    fn send_many(&mut self, messages: &[u8]) -> Result<(), Failure> {
        let lines: Vec<_> = messages.split_inclusive(|byte| *byte == b'\n').collect();
        for part in lines.chunks(1_000) {
            self.0.get_mut().write_all(&part.concat())?;
            part.iter().try_for_each(|_| self.expect_reply())?;
        }
        Ok(())
    }
}

/// A server in a process of its own. It ends when this is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
    metrics: SocketAddr,
}

impl Server {
    fn start(binary: &str) -> Result<Self, Failure> {
        let any = "127.0.0.1:0";
        let mut process = Command::new(binary)
            .args(["serve", "--listen", any, "--metrics", any])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let (mut address, mut metrics) = (None, None);
        for line in BufReader::new(output).lines() {
            let line = line?;
            let last = line.split_whitespace().last().unwrap_or_default();
            let last = last.trim_start_matches("http://").trim_end_matches("/metrics").parse().ok();
            let place = if line.contains("metrics") { &mut metrics } else { &mut address };
            *place = place.or(last);
            if let (Some(address), Some(metrics)) = (address, metrics) {
                return Ok(Self { process, address, metrics });
            }
        }
        process.kill()?;
        Err(format!("{binary} did not say where it listens").into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}
