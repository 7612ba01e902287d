//! Compares ways in which several threads can share one index: the engine's, and others.
//!
//! Every thread reads batches of 64 messages, parses them, and has them applied. The sessions of as many
//! clients do the same, with sockets in between. The ways to share:
//!
//! - *engine*: the way of the library. Its gate lets batches that only ask pass together. Waiters take turns
//!   that are fair by work.
//! - *mutex*: std's mutex, which goes to the thread that happens to run.
//! - *rwlock*: std's readers-writer lock.
//! - *spinning*: the mutex of `parking_lot`, which spins and yields for a while before it sleeps.
//! - *owner*: one thread owns the index, and gets batches through a channel.
//!
//! In each round every way is measured for the same time, one after the other. The ratios compare a way with
//! the engine in the same round.
//!
//! ```text
//! cargo bench --bench locks -- [--seconds 0.1] [--rounds 15] [--seed 64]
//! ```

mod common;

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use common::load::{Messages, Mix};
use common::options::{Arguments, Load, Unread};
use common::{printed, spread};
use package_indexer::engine::Engine;
use package_indexer::{CommandRef, Outcome, PackageIndex, wire};

/// How many messages a batch has.
const BATCH: usize = 64;

/// How many threads share the index.
const THREADS: [usize; 3] = [1, 2, 16];

/// The names of the ways.
const WAYS: [&str; 5] = ["engine", "mutex", "rwlock", "spinning", "owner"];

/// The loads, each with the threads that write.
const LOADS: [(&str, Writers); 3] =
    [("reading", Writers::None), ("one writes", Writers::One), ("mixed", Writers::All)];

#[derive(Clone, Copy, PartialEq)]
enum Writers {
    None,
    One,
    All,
}

/// The messages of threads that only ask, and of those that write.
struct Asked {
    reading: Messages,
    mixed: Messages,
}

fn main() -> Result<(), Unread> {
    let mut arguments = Arguments::of_this_process();
    let (milliseconds, mut rounds) = if arguments.measuring { (100, 15) } else { (2, 1) };
    let mut load = Load::new(Duration::from_millis(milliseconds));
    while let Some(argument) = arguments.next() {
        if argument == "--rounds" {
            rounds = arguments.value::<std::num::NonZeroUsize>(&argument)?.get();
        } else if !load.read(&argument, &mut arguments)? {
            return Err(format!("expected --seconds, --rounds or --seed, got {argument:?}").into());
        }
    }
    let reading = Messages::new(Mix::READING, load.seed, BATCH)?;
    let asked = Asked { reading, mixed: Messages::new(Mix::USUAL, load.seed, BATCH)? };

    println!("seed {}, {rounds} rounds of {:?} for each way\n", load.seed, load.time);
    println!("| threads | load | engine, messages/s | mutex | rwlock | spinning | owner |");
    println!("|--:|---|--:|--:|--:|--:|--:|");
    for threads in THREADS {
        for (name, writers) in LOADS {
            if threads == 1 && writers == Writers::One {
                continue;
            }
            let mut rates: [Vec<f64>; WAYS.len()] = Default::default();
            for round in 0..rounds {
                // Each way is the first in turn.
                for number in (0..WAYS.len()).map(|number| (number + round) % WAYS.len()) {
                    rates[number].push(run(WAYS[number], threads, writers, load.time, &asked)?);
                }
            }
            let [engine, ..] = &rates;
            let others = rates[1..].iter().map(|rates| {
                let mut ratios: Vec<_> = rates.iter().zip(engine).map(|(a, b)| a / b).collect();
                printed(spread(&mut ratios))
            });
            let others: Vec<_> = others.collect();
            let [_, engine, _] = spread(&mut rates[0]);
            println!("| {threads} | {name} | {engine:.0} | {} |", others.join(" | "));
        }
    }
    println!("\nRates are medians; the others are ratios to the engine's, and (least–greatest).");
    Ok(())
}

/// The messages a second of all threads together.
fn run(
    way: &str,
    threads: usize,
    writers: Writers,
    time: Duration,
    asked: &Asked,
) -> Result<f64, Unread> {
    // With every package, so that almost everything that is asked for exists.
    let index = Mix::USUAL.full_index()?;
    match way {
        "engine" => {
            let engine = Engine::new(index);
            drive(threads, writers, time, asked, || {
                |batch: Vec<_>| {
                    let _answered = black_box(if only_asks(&batch) {
                        engine.read(|index| ask(index, &batch))
                    } else {
                        engine.batch(|index| apply(index, &batch))
                    });
                    batch
                }
            })
        }
        "mutex" => {
            let index = Mutex::new(index);
            drive(threads, writers, time, asked, || {
                |batch: Vec<_>| {
                    let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
                    black_box(apply(&mut index, &batch));
                    batch
                }
            })
        }
        "rwlock" => {
            let index = RwLock::new(index);
            drive(threads, writers, time, asked, || {
                |batch: Vec<_>| {
                    if only_asks(&batch) {
                        let index = index.read().unwrap_or_else(PoisonError::into_inner);
                        black_box(ask(&index, &batch));
                    } else {
                        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
                        black_box(apply(&mut index, &batch));
                    }
                    batch
                }
            })
        }
        "spinning" => {
            let index = parking_lot::Mutex::new(index);
            drive(threads, writers, time, asked, || {
                |batch: Vec<_>| {
                    black_box(apply(&mut index.lock(), &batch));
                    batch
                }
            })
        }
        _ => owned(index, threads, writers, time, asked),
    }
}

/// What the owner gets, and where its answer goes.
type Sent<'a> = (Vec<CommandRef<'a>>, Sender<Vec<CommandRef<'a>>>);

fn owned(
    mut index: PackageIndex,
    threads: usize,
    writers: Writers,
    time: Duration,
    asked: &Asked,
) -> Result<f64, Unread> {
    let (to_owner, batches) = mpsc::channel::<Sent<'_>>();
    thread::scope(|scope| {
        scope.spawn(move || {
            for (batch, reply) in batches {
                black_box(apply(&mut index, &batch));
                let _nobody_waits = reply.send(batch);
            }
        });
        drive(threads, writers, time, asked, move || {
            let to_owner = to_owner.clone();
            let (reply, answer) = mpsc::channel();
            move |batch: Vec<_>| {
                let _owner_is_gone = to_owner.send((batch, reply.clone()));
                answer.recv().unwrap_or_default()
            }
        })
    })
}

fn apply(index: &mut PackageIndex, batch: &[CommandRef<'_>]) -> usize {
    batch.iter().filter(|command| index.apply(**command) == Ok(Outcome::Ok)).count()
}

fn only_asks(batch: &[CommandRef<'_>]) -> bool {
    batch.iter().all(|command| matches!(command, CommandRef::Query { .. }))
}

/// Asks the index with text from outside, so it checks once more that a name is text. That costs a twentieth
/// or so of a message.
fn ask(index: &PackageIndex, batch: &[CommandRef<'_>]) -> usize {
    let is_indexed = |command: &&CommandRef<'_>| match command {
        CommandRef::Query { package } => index.contains(package.as_str()),
        CommandRef::Index { .. } | CommandRef::Remove { .. } => false,
    };
    batch.iter().filter(is_indexed).count()
}

/// Lets threads parse and settle batches for a time. Each settles them in its own way.
fn drive<'a, S: FnMut(Vec<CommandRef<'a>>) -> Vec<CommandRef<'a>> + Send>(
    threads: usize,
    writers: Writers,
    time: Duration,
    asked: &'a Asked,
    settle: impl Fn() -> S,
) -> Result<f64, Unread> {
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let batches = thread::scope(|scope| {
        let client = |number: usize| {
            let writes = writers == Writers::All || (writers == Writers::One && number == 0);
            let messages = if writes { &asked.mixed } else { &asked.reading };
            let (mut settle, stop) = (settle(), &stop);
            scope.spawn(move || {
                let (mut batch, mut batches) = (Vec::with_capacity(BATCH), 0_u32);
                let mut next = number * messages.batches() / threads;
                while !stop.load(Ordering::Relaxed) {
                    let lines = messages.batch(next).split_inclusive(|byte| *byte == b'\n');
                    batch.extend(lines.flat_map(wire::parse));
                    batch = settle(batch);
                    batch.clear();
                    batches += 1;
                    next = (next + 1) % messages.batches();
                }
                batches
            })
        };
        let clients: Vec<_> = (0..threads).map(client).collect();
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().try_fold(0, |sum, client| {
            let batches = client.join().map_err(|_panic| "a thread of the bench panicked")?;
            Ok::<u32, Unread>(sum + batches)
        })
    })?;
    drop(settle);
    Ok(f64::from(batches) * f64::from(u32::try_from(BATCH)?) / begun.elapsed().as_secs_f64())
}
