//! The well-behaved clients: each has a conversation about packages of its own, so that every
//! reply is determined, not by others, and is held against the reference model.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;
use package_indexer::{Model, Reply, wire};

use super::{Wrong, connect, expect_end};

/// How many messages each of sixteen clients sends before it reads the replies: half of them wait
/// for each reply.
pub(crate) const SIXTEEN: [usize; 16] = [1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 128, 256];

/// No reply may come later than this after its message was sent. The batches in front of it take
/// milliseconds; the rest is for two processors that thousands of clients and other tests share.
pub(crate) const LATEST: Duration = Duration::from_secs(10);

/// How many packages a client speaks of: few, so that commands meet.
const PACKAGES: usize = 8;

/// Well-behaved clients at work.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

/// What the clients have seen so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) replies: u64,
    /// The wrong replies, or failures to get one: the first of each client.
    pub(crate) wrong: Vec<String>,
    /// How late the latest reply was.
    pub(crate) latest: Duration,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    replies: AtomicU64,
    latest_micros: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Crowd {
    /// Has one client for each of `pipelines`, which sends so many messages before it reads the
    /// replies, and returns once each has been answered for the first time.
    pub(crate) fn start(address: SocketAddr, pipelines: &[usize]) -> Result<Self, Wrong> {
        let shared = Arc::new(Shared::default());
        let clients: Vec<_> = pipelines
            .iter()
            .enumerate()
            .map(|(number, &pipeline)| {
                let mut client = Client::connect(address, number, pipeline)?;
                client.exchange(&shared)?;
                let shared = Arc::clone(&shared);
                Ok(thread::spawn(move || client.converse(&shared)))
            })
            .collect::<Result<_, Wrong>>()?;
        Ok(Self { shared, clients })
    }

    /// What has been seen since the last call, as far as the latest reply goes, and since the
    /// start for the rest.
    pub(crate) fn seen(&self) -> Seen {
        Seen {
            replies: self.shared.replies.load(Ordering::Relaxed),
            wrong: self.shared.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            latest: Duration::from_micros(self.shared.latest_micros.swap(0, Ordering::Relaxed)),
        }
    }

    /// Lets each client end its conversation, and says what was seen.
    pub(crate) fn stop(self) -> Seen {
        self.shared.stop.store(true, Ordering::Relaxed);
        let panicked = self.clients.into_iter().filter_map(|client| client.join().err()).count();
        assert_eq!(panicked, 0, "well-behaved clients panicked");
        Self { shared: self.shared, clients: Vec::new() }.seen()
    }
}

/// One well-behaved client.
struct Client {
    number: usize,
    pipeline: usize,
    stream: BufReader<std::net::TcpStream>,
    rng: Rng,
    model: Model,
}

impl Client {
    fn connect(address: SocketAddr, number: usize, pipeline: usize) -> Result<Self, Wrong> {
        let stream = BufReader::new(connect(address)?);
        // The same conversation in every run.
        let rng = Rng::with_seed(number as u64);
        Ok(Self { number, pipeline, stream, rng, model: Model::default() })
    }

    fn converse(mut self, shared: &Shared) {
        let end = loop {
            if shared.stop.load(Ordering::Relaxed) {
                break self.leave();
            }
            if let Err(wrong) = self.exchange(shared) {
                break Err(wrong);
            }
        };
        if let Err(wrong) = end {
            let wrong = format!("client {} of pipeline {}: {wrong}", self.number, self.pipeline);
            shared.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(wrong);
        }
    }

    /// Sends messages and holds each reply against what the model says.
    fn exchange(&mut self, shared: &Shared) -> Result<(), Wrong> {
        let mut messages = String::new();
        let expected: Vec<_> = (0..self.pipeline)
            .map(|_| {
                let message = self.message();
                writeln!(messages, "{message}").map(|()| (self.reply(&message), message))
            })
            .collect::<Result<_, _>>()?;
        let sent = Instant::now();
        self.stream.get_mut().write_all(messages.as_bytes())?;
        for (expected, message) in expected {
            let mut reply = String::new();
            self.stream.read_line(&mut reply)?;
            let late = u64::try_from(sent.elapsed().as_micros())?;
            shared.latest_micros.fetch_max(late, Ordering::Relaxed);
            if reply.as_bytes() != expected.as_line() {
                return Err(format!("{message} was answered {reply:?}, not {expected}").into());
            }
            shared.replies.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What the model says to a message.
    fn reply(&mut self, message: &str) -> Reply {
        match wire::parse(format!("{message}\n").as_bytes()) {
            Ok(command) => {
                let Ok(outcome) = self.model.apply(&command.to_command());
                outcome.into()
            }
            Err(_) => Reply::Error,
        }
    }

    /// Of ten messages, about four INDEX, two REMOVE, three QUERY and one that is none.
    fn message(&mut self) -> String {
        let package = self.package();
        match self.rng.u8(..10) {
            0..4 => {
                let dependencies: Vec<_> = (0..self.rng.u8(..4)).map(|_| self.package()).collect();
                format!("INDEX|{package}|{}", dependencies.join(","))
            }
            4..6 => format!("REMOVE|{package}|"),
            6..9 => format!("QUERY|{package}|"),
            _ => format!("QUERY|{package}"),
        }
    }

    fn package(&mut self) -> String {
        format!("client-{}-{}", self.number, self.rng.usize(..PACKAGES))
    }

    /// Ends the conversation in order.
    fn leave(&mut self) -> Result<(), Wrong> {
        let stream = self.stream.get_ref();
        stream.shutdown(std::net::Shutdown::Write)?;
        expect_end(stream)
    }
}
