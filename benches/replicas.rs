//! Measures what three replicas answer through a running etcd, and how long a fourth one takes to join. The
//! comparison is what that etcd takes of the same bytes when nothing else is done with them.
//!
//! The replicas are servers of this process, and each has a third of the connections. Their logs note what is
//! appended. Two other measurements take turns with them:
//!
//! - The ceiling: three threads (or as many as `--appenders` says) append the same entries to the same etcd,
//!   one after the other. Each asks a node of its own first. Nobody follows, applies or answers.
//! - The same, while three others follow what is appended, as replicas have to.
//!
//! The difference between these two is the price of etcd's watches. What the replicas reach below both is
//! their own cost.
//!
//! ```text
//! cargo bench --features etcd --bench replicas -- --etcd etcd://HOST:PORT,.../PREFIX
//!     [--appenders 3] [--seconds 4] [--rounds 5] [--seed 64] [--names 10000] [--join 1000000] [24x64 24x256]
//! ```
//!
//! PREFIX has to be a prefix below which there is nothing yet.

mod common;

use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::load::{Clients, Messages, Mix};
use common::options::{Arguments, Load, Options, Row, Unread};
use common::{printed, spread};
use package_indexer::index::Limits;
use package_indexer::log::{
    Entry, Etcd, EtcdAddress, Identity, Log, LogError, LogSnapshot, Place, Writer,
};
use package_indexer::replica::{Replica, ReplicaConfig};
use package_indexer::server::{Config, Duties, Server};
use package_indexer::session::Session;

const REPLICAS: usize = 3;

/// The rows that are measured unless others are named: connections of all replicas together.
const ROWS: [Row; 2] =
    [Row { connections: 24, pipeline: 64 }, Row { connections: 24, pipeline: 256 }];

/// INDEX alone, so everything has to be appended. In the usual mix three messages of ten have to.
const WRITING: Mix = Mix { index: 10, remove: 0, ..Mix::USUAL };

/// How many of the last entries are kept, to be appended again.
const KEPT: usize = 256;

/// What was appended.
#[derive(Default)]
struct Noted {
    entries: AtomicU64,
    bytes: AtomicU64,
    last: Mutex<Vec<Vec<u8>>>,
}

/// A log that notes what is appended.
struct Noting {
    etcd: Etcd,
    noted: Arc<Noted>,
}

impl Log for Noting {
    fn append(&self, writer: &Writer, messages: &[u8]) -> Result<Option<Place>, LogError> {
        let place = self.etcd.append(writer, messages)?;
        let number = self.noted.entries.fetch_add(1, Ordering::Relaxed);
        self.noted.bytes.fetch_add(messages.len() as u64, Ordering::Relaxed);
        if let Ok(mut last) = self.noted.last.lock() {
            if last.len() < KEPT {
                last.push(messages.to_vec());
            } else if let Some(slot) = last.get_mut(usize::try_from(number).unwrap_or(0) % KEPT) {
                messages.clone_into(slot);
            }
        }
        Ok(place)
    }

    fn agree(&self, setup: &str) -> Result<(), LogError> {
        self.etcd.agree(setup)
    }

    fn register(&self) -> Result<Writer, LogError> {
        self.etcd.register()
    }

    fn head(&self) -> Result<Place, LogError> {
        self.etcd.head()
    }

    fn follow(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        self.etcd.follow(after, take)
    }

    fn snapshot(&self) -> Result<Option<LogSnapshot>, LogError> {
        self.etcd.snapshot()
    }

    fn chunk(&self, snapshot: &LogSnapshot, number: u32) -> Result<Option<Vec<u8>>, LogError> {
        self.etcd.chunk(snapshot, number)
    }

    fn begin_snapshot(&self) -> Result<u64, LogError> {
        self.etcd.begin_snapshot()
    }

    fn write_chunk(&self, id: u64, number: u32, messages: &[u8]) -> Result<(), LogError> {
        self.etcd.write_chunk(id, number, messages)
    }

    fn publish(
        &self,
        snapshot: &LogSnapshot,
        before: Option<&LogSnapshot>,
    ) -> Result<bool, LogError> {
        self.etcd.publish(snapshot, before)
    }

    fn forget(&self, snapshot: &LogSnapshot, before: Option<&LogSnapshot>) -> Result<(), LogError> {
        self.etcd.forget(snapshot, before)
    }
}

/// The log at an address. It asks another node first.
fn etcd(address: &EtcdAddress, first: usize, prefix: &str) -> Result<Etcd, Unread> {
    let mut address = address.clone();
    let nodes = address.nodes.len();
    address.nodes.rotate_left(first % nodes);
    address.prefix = format!("{}/{prefix}", address.prefix);
    Ok(Etcd::new(&address, None, &Identity::default())?)
}

fn main() -> Result<(), Unread> {
    let mut arguments = Arguments::of_this_process();
    let measuring = arguments.measuring;
    let (mut address, mut appenders, mut join) = (None, REPLICAS, 1_000_000);
    let mut rest = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--etcd" => address = Some(arguments.value::<EtcdAddress>("--etcd")?),
            "--appenders" => appenders = arguments.value("--appenders")?,
            "--join" => join = arguments.value("--join")?,
            _ => rest.push(argument),
        }
    }
    let Some(address) = address else {
        println!(
            "nothing was measured: say by --etcd etcd://HOST:PORT,.../PREFIX where an etcd is"
        );
        return Ok(());
    };
    let mut options = Options::read(Arguments::again(rest, measuring))?;
    if options.rounds == 30 {
        (options.rounds, options.load.time) = (5, options.load.time.max(Duration::from_secs(4)));
    }
    let noted = Arc::new(Noted::default());
    let replicas = (0..REPLICAS).map(|number| {
        let log = Noting { etcd: etcd(&address, number, "index")?, noted: Arc::clone(&noted) };
        let how = ReplicaConfig { snapshot_every: 16 << 20, ..ReplicaConfig::default() };
        Ok(Arc::new(Replica::start(Arc::new(log), Limits::default(), how, |_| ())?))
    });
    let replicas: Vec<_> = replicas.collect::<Result<_, Unread>>()?;
    let duties: Vec<_> = replicas.iter().map(Duties::start).collect::<Result<_, _>>()?;
    let start = |replica: &Arc<Replica>| {
        Server::start([TcpListener::bind("127.0.0.1:0")?], Arc::clone(replica), Config::default())
    };
    let servers: Vec<_> = replicas.iter().map(start).collect::<Result<_, _>>()?;
    let addresses: Vec<_> = servers.iter().map(|server| server.addresses()[0]).collect();
    println!(
        "| connections × pipeline | load | messages/s | entries/s | bytes an entry | MB/s | MB/s, bare | MB/s, followed | replicas / bare | replicas / followed | goals |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    for &row in if options.rows.is_empty() { &ROWS } else { options.rows.as_slice() } {
        let writing = Mix { names: options.mix.names, ..WRITING };
        for (load, mix) in [("mixed", options.mix), ("writing", writing)] {
            let measured =
                measure(row, (load, mix), &addresses, (&address, &noted), &options, appenders)?;
            println!("{measured}");
        }
    }
    println!("\nRates are medians, ratios the median of the rounds and (least–greatest).");
    if join > 0 {
        println!("\n{}", measure_join(join, &replicas[0], &address)?);
    }
    for server in servers {
        server.shut_down();
        let _stopped = server.join();
    }
    drop(duties);
    Ok(())
}

/// Measures one row, and returns it in the form of the table.
fn measure(
    row: Row,
    (load, mix): (&str, Mix),
    addresses: &[SocketAddr],
    (address, noted): (&EtcdAddress, &Noted),
    options: &Options,
    appenders: usize,
) -> Result<String, Unread> {
    let Load { time, seed, .. } = options.load;
    let messages = Messages::new(mix, seed, row.pipeline)?;
    let each = row.connections.div_ceil(addresses.len());
    let connect = |address: &SocketAddr| Clients::connect(*address, each, &messages);
    let mut clients: Vec<_> = addresses.iter().map(connect).collect::<Result<_, _>>()?;
    all(&mut clients, time)?;
    let mut rows = [(); 6].map(|()| Vec::new());
    for round in 0..options.rounds {
        noted.entries.store(0, Ordering::Relaxed);
        noted.bytes.store(0, Ordering::Relaxed);
        let begun = Instant::now();
        let rate = all(&mut clients, time)?;
        let took = begun.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "no count is that large")]
        let [entries, bytes] =
            [&noted.entries, &noted.bytes].map(|count| count.load(Ordering::Relaxed) as f64);
        let kept = noted.last.lock().map_err(|_| "a replica panicked")?.clone();
        let prefix = format!("bare-{row}-{load}-{round}");
        let [bare, followed] = [0, REPLICAS].map(|followers| {
            bare(address, &format!("{prefix}-{followers}"), &kept, (appenders, followers), time)
        });
        let (ours, bare, followed) = (bytes / took / 1e6, bare? / 1e6, followed? / 1e6);
        let figures = [rate, entries / took, bytes / entries, ours, bare, followed];
        rows.iter_mut().zip(figures).for_each(|(row, figure)| row.push(figure));
    }
    let [to_bare, to_followed] = [&rows[4], &rows[5]].map(|other| {
        let mut ratios: Vec<_> =
            rows[3].iter().zip(other).map(|(ours, other)| ours / other).collect();
        printed(spread(&mut ratios))
    });
    let [rate, entries, size, ours, bare, followed] = rows.each_mut().map(|row| spread(row)[1]);
    Ok(format!(
        "| {row} | {load} | {rate:.0} | {entries:.0} | {size:.0} | {ours:.2} | {bare:.2} | {followed:.2} | {to_bare} | {to_followed} | ≥ 100,000 messages/s, ≥ 0.7 |"
    ))
}

/// Keeps all replicas busy, and returns the messages answered in a second.
fn all(clients: &mut [Clients<'_>], time: Duration) -> Result<f64, Unread> {
    thread::scope(|scope| {
        let run = |clients| {
            let clients: &mut Clients<'_> = clients;
            scope.spawn(move || clients.run(1, time))
        };
        let running: Vec<_> = clients.iter_mut().map(run).collect();
        running.into_iter().try_fold(0.0, |sum, thread| {
            let rate = thread.join().map_err(|_panic| "a thread of load panicked")??;
            Ok::<f64, Box<dyn Error + Send + Sync>>(sum + rate)
        })
    })
}

/// How many bytes of messages etcd takes in a second: in these entries, from so many threads that append,
/// while so many follow.
fn bare(
    address: &EtcdAddress,
    prefix: &str,
    entries: &[Vec<u8>],
    (appenders, followers): (usize, usize),
    time: Duration,
) -> Result<f64, Unread> {
    let begun = Instant::now();
    thread::scope(|scope| {
        let follow = |number: usize| {
            scope.spawn(move || -> Result<(), Unread> {
                let (log, mut last) = (etcd(address, number, prefix)?, Place::default());
                while begun.elapsed() < time {
                    log.follow(last, &mut |entry| {
                        last = entry.place;
                        if begun.elapsed() < time {
                            ControlFlow::Continue(())
                        } else {
                            ControlFlow::Break(())
                        }
                    })?;
                }
                Ok(())
            })
        };
        let following: Vec<_> = (0..followers).map(follow).collect();
        let append = |number: usize| {
            scope.spawn(move || -> Result<usize, Unread> {
                let log = etcd(address, number, prefix)?;
                let (mut writer, mut bytes) = (log.register()?, 0);
                let mut entries = entries.iter().cycle().skip(number * entries.len() / appenders);
                while begun.elapsed() < time {
                    let entry = entries.next().ok_or("nothing was appended")?;
                    let place = log.append(&writer, entry)?.ok_or("the writer is not known")?;
                    writer = writer.after(place);
                    bytes += entry.len();
                }
                Ok(bytes)
            })
        };
        let appending: Vec<_> = (0..appenders).map(append).collect();
        let bytes = appending.into_iter().try_fold(0, |sum, thread| {
            Ok::<usize, Unread>(sum + thread.join().map_err(|_panic| "a thread panicked")??)
        })?;
        let took = begun.elapsed().as_secs_f64();
        for thread in following {
            thread.join().map_err(|_panic| "a thread panicked")??;
        }
        #[allow(clippy::cast_precision_loss, reason = "no count is that large")]
        Ok(bytes as f64 / took)
    })
}

/// How long a replica takes to join when there are so many packages.
fn measure_join(packages: usize, full: &Replica, address: &EtcdAddress) -> Result<String, Unread> {
    let mut session = Session::new(65_536);
    let begun = Instant::now();
    let message = |number: usize| match number.checked_sub(1) {
        Some(before) => format!("INDEX|joined-{number}|joined-{}\n", before / 2),
        None => format!("INDEX|joined-{number}|\n"),
    };
    for first in (0..packages).step_by(1_000) {
        let messages: String = (first..packages.min(first + 1_000)).map(message).collect();
        let mut rest = messages.as_bytes();
        while !rest.is_empty() || session.has_more() {
            rest = &rest[session.fill(rest)..];
            let replies = session.answer(full, |_| ())?;
            if replies.chunks(3).any(|reply| reply != b"OK\n") {
                return Err("not all of them were indexed".into());
            }
        }
    }
    let filled = begun.elapsed();
    let (begun, log) = (Instant::now(), etcd(address, 0, "index")?);
    let joined =
        Replica::start(Arc::new(log), Limits::default(), ReplicaConfig::default(), |_| ())?;
    let took = begun.elapsed();
    let held = joined.read(package_indexer::PackageIndex::len)?;
    Ok(format!(
        "A replica joins an index of {held} packages in {:.1} s, after {packages} of them were indexed by one in {:.1} s.",
        took.as_secs_f64(),
        filled.as_secs_f64()
    ))
}
