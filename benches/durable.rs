//! Measures what it costs to keep the index on disk, in comparison with what the disk itself takes.
//!
//! The server keeps its state in a directory. It counts what it makes durable: how many changes at once, and
//! how many bytes. A bare file takes turns with it. It is appended to and synced (`fdatasync`), each time
//! with as many bytes as the server wrote at once on average in that round. The ratio falls short of one by
//! what else the server does: reading, parsing, applying, replying, and all that the store writes that is not
//! names.
//!
//! Another server, with the same load and no directory, takes turns with both. No disk could make the first
//! server faster than that. A second table has the store without a server: commits of so many changes each,
//! one after the other.
//!
//! ```text
//! cargo bench --bench durable -- [--seconds 2] [--rounds 9] [--seed 64] [--names 10000] [16x64 1x1]
//! ```

mod common;

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::load::{Clients, Messages, Mix};
use common::options::{Arguments, Load, Options, Row, Unread};
use common::{printed, spread};
use package_indexer::engine::Engine;
use package_indexer::index::Change;
use package_indexer::server::{Config, Server};
use package_indexer::store::{Disk, Snapshot, Store, StoreError};
use package_indexer::{Command, PackageIndex};

/// The rows that are measured unless others are named.
const ROWS: [Row; 2] = [Row { connections: 16, pipeline: 64 }, Row { connections: 1, pipeline: 1 }];

/// INDEX alone. Almost each changes a list. In the usual mix one message of six does.
const WRITING: Mix = Mix { index: 10, remove: 0, ..Mix::USUAL };

/// How many changes one commit has in the table without a server.
const ALONE: [usize; 3] = [1, 64, 1024];

/// How long a round takes unless chosen: some hundreds of syncs.
const ROUND: Duration = Duration::from_secs(2);

/// How long there is load before anything is measured.
const WARM_UP: Duration = Duration::from_secs(5);

/// How much was made durable.
#[derive(Debug, Default)]
struct Counts {
    commits: AtomicU64,
    changes: AtomicU64,
    bytes: AtomicU64,
    /// How long that took.
    nanoseconds: AtomicU64,
}

/// A disk that counts its commits.
struct Counted {
    disk: Disk,
    counts: Arc<Counts>,
}

impl Store for Counted {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let bytes = changes.iter().map(|change| {
            let names = change.dependencies().unwrap_or_default().iter();
            let list = names.map(|name| name.as_str().len() + 1).sum::<usize>();
            change.package().as_str().len() + list
        });
        self.counts.bytes.fetch_add(bytes.sum::<usize>() as u64, Ordering::Relaxed);
        self.counts.changes.fetch_add(changes.len() as u64, Ordering::Relaxed);
        self.counts.commits.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let committed = self.disk.commit(changes);
        let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.counts.nanoseconds.fetch_add(took, Ordering::Relaxed);
        committed
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.disk.snapshot()
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Box::new(self.disk).close()
    }
}

impl Counts {
    /// Takes what has been counted since the last call: commits, changes, bytes, seconds.
    fn take(&self) -> [f64; 4] {
        #[allow(clippy::cast_precision_loss, reason = "no count is that large")]
        let [commits, changes, bytes, nanoseconds] =
            [&self.commits, &self.changes, &self.bytes, &self.nanoseconds]
                .map(|count| count.swap(0, Ordering::Relaxed) as f64);
        [commits, changes, bytes, nanoseconds / 1e9]
    }
}

fn main() -> Result<(), Unread> {
    let arguments = Arguments::of_this_process();
    let measuring = arguments.measuring;
    let mut options = Options::read(arguments)?;
    if measuring && options.rounds == 30 {
        (options.rounds, options.load.time) = (9, ROUND.max(options.load.time));
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("durable");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    let counts = Arc::new(Counts::default());
    let counted = Counted { disk: Disk::create(&directory)?, counts: Arc::clone(&counts) };
    let engine = Arc::new(Engine::durable(PackageIndex::new(), Box::new(counted)));
    let commands = (0..options.mix.names).map(|number| Command::index(&Mix::name(number), []));
    let commands = commands.collect::<Result<Vec<_>, _>>()?;
    engine.batch(|index| commands.iter().try_for_each(|c| index.apply(c).map(drop)))??;
    let in_memory = Engine::new(options.mix.full_index()?);
    let start =
        |engine| Server::start([TcpListener::bind("127.0.0.1:0")?], engine, Config::default());
    let servers = [start(Arc::clone(&engine))?, start(Arc::new(in_memory))?];
    let addresses = servers.each_ref().map(|server| server.addresses()[0]);

    let Load { time, seed, drivers } = options.load;
    println!(
        "{} names, seed {seed}, {drivers} threads of load, {} rounds of {time:?}\n",
        options.mix.names, options.rounds
    );
    println!(
        "| connections × pipeline | load | messages/s | changes/s | changes at once | bytes at once | ms for them, bare | durable / bare | goals | messages/s in memory | durable / in memory |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|---|--:|--:|");
    let bare = directory.join("bare");
    for &row in if options.rows.is_empty() { &ROWS } else { options.rows.as_slice() } {
        let loads =
            [("mixed", options.mix), ("writing", Mix { names: options.mix.names, ..WRITING })];
        for (load, mix) in loads {
            // With one message at a time, messages that change nothing would count as time of those that do.
            if row.pipeline > 1 || load == "writing" {
                println!("{}", measure(row, (load, mix), addresses, &counts, &bare, &options)?);
            }
        }
    }
    println!(
        "\n| changes at once | bytes at once | ms to commit | ms for them, bare | bare / commit |"
    );
    println!("|--:|--:|--:|--:|--:|");
    for changes in ALONE {
        println!("{}", measure_alone(changes, &engine, &counts, &bare, &options)?);
    }
    println!("\nRates are medians, ratios the median of the rounds and (least–greatest).");
    for server in servers {
        server.shut_down();
        let _stopped = server.join();
    }
    engine.close()?;
    fs::remove_dir_all(directory)?;
    Ok(())
}

/// Measures one row, and returns it in the form of the table.
fn measure(
    row: Row,
    (load, mix): (&str, Mix),
    addresses: [SocketAddr; 2],
    counts: &Counts,
    bare: &Path,
    options: &Options,
) -> Result<String, Unread> {
    let Load { time, seed, drivers } = options.load;
    let messages = Messages::new(mix, seed, row.pipeline)?;
    let connect = |address| Clients::connect(address, row.connections, &messages);
    let (mut clients, mut in_memory) = (connect(addresses[0])?, connect(addresses[1])?);
    // Until the file has the size that it keeps.
    clients.run(drivers, WARM_UP.min(4 * time))?;
    in_memory.run(drivers, time.min(Duration::from_millis(500)))?;
    let mut rows = [(); 8].map(|()| Vec::new());
    for _ in 0..options.rounds {
        counts.take();
        let begun = Instant::now();
        let rate = clients.run(drivers, time)?;
        let took = begun.elapsed().as_secs_f64();
        let [commits, changes, bytes, _] = counts.take();
        let (group, size) = (changes / commits, bytes / commits);
        let sync = synced(bare, size, time)?;
        let ratio = (changes / took) / (group / sync);
        let memory = in_memory.run(drivers, time)?;
        let figures = [rate, changes / took, group, size, sync * 1e3, memory, ratio, rate / memory];
        rows.iter_mut().zip(figures).for_each(|(row, figure)| row.push(figure));
    }
    let [ratios, of_memory] = [6, 7].map(|row: usize| printed(spread(&mut rows[row])));
    let [rate, changes, group, size, sync, memory] =
        [0, 1, 2, 3, 4, 5].map(|row: usize| spread(&mut rows[row])[1]);
    let goal = match (row.connections, row.pipeline) {
        (16, 64) => "≥ 0.6",
        (1, 1) => "≥ 0.77, which is a latency within 1.3",
        _ => "",
    };
    Ok(format!(
        "| {row} | {load} | {rate:.0} | {changes:.0} | {group:.1} | {size:.0} | {sync:.2} | {ratios} | {goal} | {memory:.0} | {of_memory} |"
    ))
}

/// Measures commits of so many changes, and returns them in the form of the table.
fn measure_alone(
    changes: usize,
    engine: &Engine,
    counts: &Counts,
    bare: &Path,
    options: &Options,
) -> Result<String, Unread> {
    let Load { time, seed, .. } = options.load;
    let names = options.mix.names;
    let mut rng = fastrand::Rng::with_seed(seed);
    // With one dependency and with none in turns, so that each is a change.
    let mut commands = (0..).map(|number: usize| {
        let needed = (number / names).is_multiple_of(2).then(|| Mix::name(rng.usize(..names)));
        Command::index(&Mix::name(number % names), needed.iter().map(String::as_str))
    });
    let mut run = |time: Duration| -> Result<[f64; 4], Unread> {
        let begun = Instant::now();
        counts.take();
        while begun.elapsed() < time {
            let batch = commands.by_ref().take(changes).collect::<Result<Vec<_>, _>>()?;
            engine.batch(|index| batch.iter().try_for_each(|c| index.apply(c).map(drop)))??;
        }
        Ok(counts.take())
    };
    run(time)?;
    let mut rows = [(); 4].map(|()| Vec::new());
    for _ in 0..options.rounds {
        let [commits, _, bytes, seconds] = run(time)?;
        let (size, commit) = (bytes / commits, seconds / commits);
        let sync = synced(bare, size, time)?;
        let figures = [size, commit * 1e3, sync * 1e3, sync / commit];
        rows.iter_mut().zip(figures).for_each(|(row, figure)| row.push(figure));
    }
    let ratios = printed(spread(&mut rows[3]));
    let [size, commit, sync] = [0, 1, 2].map(|row: usize| spread(&mut rows[row])[1]);
    Ok(format!("| {changes} | {size:.0} | {commit:.2} | {sync:.2} | {ratios} |"))
}

/// How many seconds it takes, on average over some time, to append so many bytes to a file and sync them.
fn synced(path: &Path, bytes: f64, time: Duration) -> Result<f64, Unread> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no count is that large"
    )]
    let data = vec![b'x'; bytes as usize];
    let mut file = File::create(path)?;
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        file.write_all(&data)?;
        file.sync_data()?;
        count += 1;
    }
    let took = begun.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(took / f64::from(count))
}
