//! The load: messages made beforehand, and clients that send them and count replies.
//!
//! Clients share the machine with the server, so the server loses the time that they take. For that reason
//! they do little. A few threads drive all connections. Each write sends a slice of memory that is ready. Of
//! the replies only the line ends are counted.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use package_indexer::{Command, CommandRef, NameError, PackageIndex};

/// How many messages there are, at least, before they repeat. With many names there are twice as many
/// messages as names.
const MESSAGES: usize = 262_144;

/// The most dependencies of an INDEX. All numbers from 0 to this are equally likely.
const MAX_DEPENDENCIES: usize = 4;

/// The names and kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mix {
    /// How many packages there are, all equally likely.
    pub(crate) names: usize,
    /// How many of ten messages are INDEX.
    pub(crate) index: u8,
    /// How many of ten messages are REMOVE. The rest are QUERY.
    pub(crate) remove: u8,
}

impl Mix {
    /// Two INDEX, one REMOVE and seven QUERY, about 10,000 packages.
    pub(crate) const USUAL: Self = Self { names: 10_000, index: 2, remove: 1 };

    /// QUERY alone, about as many packages.
    pub(crate) const READING: Self = Self { index: 0, remove: 0, ..Self::USUAL };

    /// An index with every package, and without dependencies.
    pub(crate) fn full_index(self) -> Result<PackageIndex, Box<dyn Error + Send + Sync>> {
        let mut index = PackageIndex::new();
        for number in 0..self.names {
            index.apply(&Command::index(&Self::name(number), [])?)?;
        }
        Ok(index)
    }

    /// The package with this number: 16 bytes.
    pub(crate) fn name(number: usize) -> String {
        format!("package-{number:08}")
    }

    fn any_name(self, rng: &mut Rng) -> String {
        Self::name(rng.usize(..self.names))
    }

    fn command(self, rng: &mut Rng) -> Result<Command, NameError> {
        let package = self.any_name(rng);
        match rng.u8(..10) {
            number if number < self.index => {
                let count = rng.usize(..=MAX_DEPENDENCIES);
                let names: Vec<_> = (0..count).map(|_| self.any_name(rng)).collect();
                Command::index(&package, names.iter().map(String::as_str))
            }
            number if number < self.index + self.remove => Command::remove(&package),
            _ => Command::query(&package),
        }
    }
}

/// Messages to send, in batches of equal length.
pub(crate) struct Messages {
    bytes: Vec<u8>,
    /// Where each batch ends in `bytes`.
    ends: Vec<usize>,
    /// How many messages a batch has.
    pipeline: usize,
}

impl Messages {
    /// The messages that follow from a seed.
    pub(crate) fn new(
        mix: Mix,
        seed: u64,
        pipeline: usize,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Self::written(mix, seed, pipeline, |command, bytes| writeln!(bytes, "{command}"))
    }

    /// The commands that follow from a seed, in the form of another server.
    pub(crate) fn written(
        mix: Mix,
        seed: u64,
        pipeline: usize,
        write: impl Fn(CommandRef<'_>, &mut Vec<u8>) -> io::Result<()>,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut rng = Rng::with_seed(seed);
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..MESSAGES.max(2 * mix.names).div_ceil(pipeline) {
            for _ in 0..pipeline {
                write(CommandRef::from(&mix.command(&mut rng)?), &mut bytes)?;
            }
            ends.push(bytes.len());
        }
        Ok(Self { bytes, ends, pipeline })
    }

    /// How many batches there are before they repeat.
    pub(crate) fn batches(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of all batches.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The batch with this number, of [`batches`](Self::batches).
    pub(crate) fn batch(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[number]]
    }
}

/// Connections to one server. While they run, each has a batch of messages in flight.
pub(crate) struct Clients<'a>(Vec<Client<'a>>);

impl<'a> Clients<'a> {
    /// Opens connections. Each begins at another place of `messages`.
    pub(crate) fn connect(
        server: SocketAddr,
        connections: usize,
        messages: &'a Messages,
    ) -> io::Result<Self> {
        let client = |number| {
            let stream = TcpStream::connect(server)?;
            stream.set_nodelay(true)?;
            let next = number * messages.ends.len() / connections;
            Ok(Client { stream, messages, next })
        };
        (0..connections).map(client).collect::<io::Result<_>>().map(Self)
    }

    /// Lets `drivers` threads share the connections and keep them busy for a time, and then wait for the last
    /// reply. Returns the messages answered in a second.
    pub(crate) fn run(
        &mut self,
        drivers: usize,
        time: Duration,
    ) -> Result<f64, Box<dyn Error + Send + Sync>> {
        let share = self.0.len().div_ceil(drivers);
        let start = Instant::now();
        let answered = thread::scope(|scope| {
            let drive = |clients| {
                let drive = move || drive(clients, start + time);
                thread::Builder::new().name("load".into()).spawn_scoped(scope, drive)
            };
            let drivers: Vec<_> = self.0.chunks_mut(share).map(drive).collect::<io::Result<_>>()?;
            drivers.into_iter().try_fold(0, |sum, driver| {
                let answered = driver.join().map_err(|_panic| "a thread of load panicked")??;
                Ok::<u32, Box<dyn Error + Send + Sync>>(sum + answered)
            })
        })?;
        Ok(f64::from(answered) / start.elapsed().as_secs_f64())
    }
}

/// Serves the clients in rotation. So the server has work on all others while one is waited for.
fn drive(clients: &mut [Client<'_>], until: Instant) -> io::Result<u32> {
    let mut answered = 0;
    for client in &mut *clients {
        client.send()?;
    }
    while Instant::now() < until {
        for client in &mut *clients {
            answered += client.receive()?;
            client.send()?;
        }
    }
    for client in clients {
        answered += client.receive()?;
    }
    Ok(answered)
}

struct Client<'a> {
    stream: TcpStream,
    messages: &'a Messages,
    /// The batch to send next.
    next: usize,
}

impl Client<'_> {
    fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(self.messages.batch(self.next))?;
        self.next = (self.next + 1) % self.messages.ends.len();
        Ok(())
    }

    /// Waits for the replies to what was sent last, and returns how many those are.
    fn receive(&mut self) -> io::Result<u32> {
        let mut buffer = [0; 1_024];
        let mut due = self.messages.pipeline;
        while due > 0 {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    let replies = memchr::memchr_iter(b'\n', &buffer[..count]).count();
                    due = due.checked_sub(replies).ok_or(ErrorKind::InvalidData)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        u32::try_from(self.messages.pipeline).map_err(io::Error::other)
    }
}
