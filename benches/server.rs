//! How much of what the kernel can carry is left once the server does its work.
//!
//! Two servers run in this process and take turns with the same load: the *bare* one, which counts
//! line ends and says `OK` to each, and ours. What a machine can do changes with whatever else it
//! does, so each round of one is followed at once by a round of the other, and the ratio of each
//! such pair is what counts, not the rates. Even so a busy machine is the harder test: others empty
//! the caches that the index would be in, and take the processor from whoever holds the engine.
//!
//! ```text
//! cargo bench --bench server -- [--seconds 0.2] [--rounds 30] [--seed 64] [--drivers N] [16x64 ...]
//! ```

mod common;

use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use common::load::{Clients, Messages, Mix};
use common::options::{Arguments, Load, Options, Row};
use common::{bare, spread};
use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};

/// What is measured unless rows are named: one client alone, then as many again as wait for each
/// reply, then few that do not wait.
const ROWS: [Row; 4] = [
    Row { connections: 1, pipeline: 1 },
    Row { connections: 16, pipeline: 1 },
    Row { connections: 100, pipeline: 1 },
    Row { connections: 16, pipeline: 64 },
];

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options::read(Arguments::of_this_process())?;
    let bare = bare::start()?;
    let engine = Arc::new(Engine::default());
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = Server::start([listener], Arc::clone(&engine), Config::default())?;
    let ours = server.addresses()[0];

    let Options { load: Load { time: round, seed, drivers }, rounds, .. } = options;
    // Until the index is about as full as it stays.
    let messages = Messages::new(Mix::USUAL, seed, 64)?;
    Clients::connect(ours, 16, &messages)?.run(drivers, Duration::from_millis(300))?;

    println!("seed {seed}, {drivers} threads of load, {rounds} pairs of rounds of {round:?}\n");
    println!("| connections × pipeline | bare, messages/s | ours, messages/s | ours / bare |");
    println!("|---|--:|--:|--:|");
    for &row in if options.rows.is_empty() { &ROWS } else { options.rows.as_slice() } {
        println!("{}", measure(row, bare, ours, &options)?);
    }
    let (packages, dependencies) = engine.batch(|index| (index.len(), index.dependency_count()))?;
    println!("\nRates are medians, ratios the median of the pairs and (least–greatest).");
    println!(
        "At the end {packages} of {} names were indexed, with {dependencies} dependencies.",
        Mix::USUAL.names
    );
    Ok(())
}

/// Measures one row and puts it into the form of the table.
fn measure(
    row: Row,
    bare: SocketAddr,
    ours: SocketAddr,
    options: &Options,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    let Load { time: round, seed, drivers } = options.load;
    let messages = Messages::new(Mix::USUAL, seed, row.pipeline)?;
    let mut to_bare = Clients::connect(bare, row.connections, &messages)?;
    let mut to_ours = Clients::connect(ours, row.connections, &messages)?;
    // Until threads are started and buffers have their size.
    let warm_up = round.min(Duration::from_millis(200));
    to_bare.run(drivers, warm_up)?;
    to_ours.run(drivers, warm_up)?;

    let (mut bare, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let pair = (to_bare.run(drivers, round)?, to_ours.run(drivers, round)?);
        bare.push(pair.0);
        ours.push(pair.1);
        ratios.push(pair.1 / pair.0);
    }
    let ([_, bare, _], [_, ours, _]) = (spread(&mut bare), spread(&mut ours));
    let [least, ratio, greatest] = spread(&mut ratios);
    Ok(format!("| {row} | {bare:.0} | {ours:.0} | {ratio:.2} ({least:.2}–{greatest:.2}) |"))
}
