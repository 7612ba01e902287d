//! Measures how much of what the kernel can carry is left when the server does its work. Compares that with
//! what a user might choose instead.
//!
//! Up to four servers take turns with the same commands:
//!
//! - ours;
//! - the *bare* one, which counts line ends and answers `OK` to each;
//! - with `--redis`, Redis that is only asked whether a package exists (`EXISTS`);
//! - with `--redis`, Redis that does the same as ours in a script over its sets.
//!
//! Ours and the bare one run in this process. What a machine can do changes with its other work. So in each
//! round every server has its turn, and the ratios of one round count, not the rates. Even so a busy machine
//! is the harder test. Others empty the caches that hold the index, and take the processor from a thread that
//! holds the engine.
//!
//! ```text
//! cargo bench --bench server -- [--seconds 0.2] [--rounds 30] [--seed 64] [--drivers N]
//!                               [--names 10000] [--reading] [--redis] [16x64 ...]
//! ```

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use common::load::{Clients, Messages, Mix};
use common::options::{Arguments, Load, Options, Row, Unread};
use common::redis::{Redis, exists};
use common::{bare, printed, spread};
use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};

/// The rows that are measured unless others are named: one client alone, several that wait for each reply,
/// and a few that do not wait.
const ROWS: [Row; 5] = [
    Row { connections: 1, pipeline: 1 },
    Row { connections: 16, pipeline: 1 },
    Row { connections: 100, pipeline: 1 },
    Row { connections: 4, pipeline: 100 },
    Row { connections: 16, pipeline: 64 },
];

/// The servers, ours first.
const SERVERS: [&str; 4] = ["ours", "bare", "EXISTS", "Lua"];

/// The servers that answer, and how to ask them.
struct Servers {
    ours: SocketAddr,
    bare: SocketAddr,
    redis: Option<Redis>,
}

fn main() -> Result<(), Unread> {
    let options = Options::read(Arguments::of_this_process())?;
    let Options { load: Load { time: round, seed, drivers }, rounds, mix, .. } = options;
    let engine = Arc::new(Engine::new(mix.full_index()?));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = Server::start([listener], Arc::clone(&engine), Config::default())?;
    let redis = if options.redis { Redis::start()? } else { None };
    let servers = Servers { ours: server.addresses()[0], bare: bare::start()?, redis };
    if options.redis && servers.redis.is_none() {
        println!("redis-server is not installed: its columns are left out\n");
    }

    if let Some(redis) = &servers.redis {
        redis.fill((0..mix.names).map(Mix::name))?;
    }
    servers.agree(mix, seed)?;
    // Until every index is about as full as it stays.
    for (address, messages) in servers.asked(mix, seed, 64)? {
        Clients::connect(address, 16, &messages)?.run(drivers, Duration::from_millis(300))?;
    }
    let load = if mix.index == 0 { "reading" } else { "mixed" };
    println!(
        "{} names, {load}, seed {seed}, {drivers} threads of load, {rounds} rounds of {round:?}\n",
        mix.names
    );
    let others = &SERVERS[1..if servers.redis.is_some() { SERVERS.len() } else { 2 }];
    let heads: String = others.iter().map(|name| format!(" ours / {name} |")).collect();
    println!("| connections × pipeline | ours, messages/s | bare, messages/s |{heads} goals |");
    println!("|---|--:|--:|{}---|", "--:|".repeat(others.len()));
    for &row in if options.rows.is_empty() { &ROWS } else { options.rows.as_slice() } {
        println!("{}", measure(row, &servers, &options)?);
    }
    let (packages, dependencies) = engine.read(|index| (index.len(), index.dependency_count()))?;
    println!("\nRates are medians, ratios the median of the rounds and (least–greatest).");
    println!("At the end {packages} packages were indexed, with {dependencies} dependencies.");
    Ok(())
}

impl Servers {
    /// The address of each server, in the order of [`SERVERS`], and the commands in its form.
    fn asked(
        &self,
        mix: Mix,
        seed: u64,
        pipeline: usize,
    ) -> Result<Vec<(SocketAddr, Rc<Messages>)>, Unread> {
        let messages = Rc::new(Messages::new(mix, seed, pipeline)?);
        let mut asked = vec![(self.ours, Rc::clone(&messages)), (self.bare, messages)];
        if let Some(redis) = &self.redis {
            let written = Messages::written(mix, seed, pipeline, exists)?;
            asked.push((redis.address, Rc::new(written)));
            let written = Messages::written(mix, seed, pipeline, |command, bytes| {
                redis.semantics(command, bytes)
            })?;
            asked.push((redis.address, Rc::new(written)));
        }
        Ok(asked)
    }
}

/// How many commands are compared before anything is measured.
const COMPARED: usize = 4_096;

impl Servers {
    /// Checks that the script answers as ours does. A server that is faster and wrong is no rival.
    fn agree(&self, mix: Mix, seed: u64) -> Result<(), Unread> {
        let asked = self.asked(mix, seed, 1)?;
        let [Some(ours), Some(script)] = [0, 3].map(|number| asked.get(number)) else {
            return Ok(());
        };
        let streams = [TcpStream::connect(ours.0)?, TcpStream::connect(script.0)?];
        let [mut of_ours, mut of_script] = streams.each_ref().map(BufReader::new);
        for number in 0..COMPARED {
            let command = ours.1.batch(number);
            (&streams[0]).write_all(command)?;
            (&streams[1]).write_all(script.1.batch(number))?;
            let (mut one, mut other) = (String::new(), String::new());
            of_ours.read_line(&mut one)?;
            of_script.read_line(&mut other)?;
            if (one == "OK\n") != (other == ":1\r\n") {
                let command = String::from_utf8_lossy(command);
                return Err(format!("{command}: we say {one}, the script {other}").into());
            }
        }
        Ok(())
    }
}

/// Measures one row, and returns it in the form of the table.
fn measure(row: Row, servers: &Servers, options: &Options) -> Result<String, Unread> {
    let Load { time: round, seed, drivers } = options.load;
    let asked = servers.asked(options.mix, seed, row.pipeline)?;
    let mut clients = asked
        .iter()
        .map(|(address, messages)| Clients::connect(*address, row.connections, messages))
        .collect::<Result<Vec<_>, _>>()?;
    // Until threads are started and buffers have their size.
    let warm_up = round.min(Duration::from_millis(200));
    for clients in &mut clients {
        clients.run(drivers, warm_up)?;
    }
    let mut rates = vec![Vec::new(); clients.len()];
    for first in 0..options.rounds {
        for number in (0..clients.len()).map(|number| (first + number) % asked.len()) {
            rates[number].push(clients[number].run(drivers, round)?);
        }
    }
    let ratios: String = rates[1..]
        .iter()
        .map(|others| {
            let mut ratios: Vec<_> = rates[0].iter().zip(others).map(|(a, b)| a / b).collect();
            format!(" {} |", printed(spread(&mut ratios)))
        })
        .collect();
    let [ours, bare] = [0, 1].map(|number| spread(&mut rates[number])[1]);
    let goals = goals(row, options.mix);
    Ok(format!("| {row} | {ours:.0} | {bare:.0} |{ratios} {goals} |"))
}

/// The goals of a row, if it has any, in the order of the ratios.
fn goals(row: Row, mix: Mix) -> &'static str {
    match (row.connections, row.pipeline) {
        (16, 64) if mix == Mix::USUAL => "≥ 0.8, ≥ 2.4, ≥ 20",
        (100, 1) if mix == Mix::USUAL => "≥ 0.95",
        _ => "",
    }
}
