//! Measures what a message costs without a network, in comparison with the least that anything would have to
//! do for it.
//!
//! - *parse*, compared with counting the line ends of the same bytes: no reader of lines does less.
//! - *apply*, compared with looking up the same names in a hash set of std that holds all of them. An index
//!   that works name by name does no less. No look-up waits for the answer of another, so the processor
//!   overlaps what it can.
//! - *replies*, from the bytes of 64 messages at a time to their replies, compared with the same look-ups.
//!
//! In each row, a round of one is followed at once by a round of the other. The median of the ratios of these
//! pairs counts.
//!
//! ```text
//! cargo bench --bench machine -- [--rounds 15] [--seed 64] [names ...]
//! ```

mod common;

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Instant;

use common::load::{Messages, Mix};
use common::options::{Arguments, Sizes, Unread};
use common::{printed, spread};
use memchr::memchr_iter;
use package_indexer::NameRef;
use package_indexer::engine::Engine;
use package_indexer::session::Session;
use package_indexer::wire::{self, DEFAULT_MAX_LINE_BYTES};

/// How many packages there are, unless chosen.
const NAMES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// How many messages a session gets at once.
const PIPELINE: usize = 64;

fn main() -> Result<(), Unread> {
    let arguments = Arguments::of_this_process();
    let (rounds, usual) = if arguments.measuring { (15, &NAMES[..]) } else { (1, &NAMES[..1]) };
    let sizes = Sizes::read(arguments, "--rounds", rounds, usual)?;
    let Sizes { seed, number: rounds, packages } = sizes;
    println!("seed {seed}, {rounds} pairs of rounds\n");
    println!(
        "| names | load | what | ours, ns/message | limit | limit, ns/message | ours / limit | goal |"
    );
    println!("|--:|---|---|--:|---|--:|--:|---|");
    for names in packages {
        for (load, mix) in [("mixed", Mix::USUAL), ("reading", Mix::READING)] {
            measure(Mix { names, ..mix }, load, seed, rounds)?;
        }
    }
    println!("\nTimes are medians, ratios the median of the pairs and (least–greatest).");
    Ok(())
}

/// Measures the rows of one load.
fn measure(mix: Mix, load: &str, seed: u64, rounds: usize) -> Result<(), Unread> {
    let messages = Messages::new(mix, seed, PIPELINE)?;
    let bytes = messages.bytes();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let commands = lines.iter().map(|line| wire::parse(line)).collect::<Result<Vec<_>, _>>()?;
    let mut index = mix.full_index()?;
    let engine = Engine::new(index.clone());
    let known: HashSet<Box<str>> = (0..mix.names).map(|number| Mix::name(number).into()).collect();
    let wanted: Vec<&str> =
        commands.iter().flat_map(|command| command.names()).map(NameRef::as_str).collect();

    let mut count_lines = || {
        black_box(memchr_iter(b'\n', black_box(bytes)).count());
    };
    let mut parse = || {
        for line in &lines {
            let _parsed = black_box(wire::parse(black_box(line)));
        }
    };
    let mut look_up = || {
        black_box(wanted.iter().filter(|name| known.contains(**name)).count());
    };
    let mut apply = || {
        for command in &commands {
            let _applied = black_box(index.apply(*command));
        }
    };
    let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
    let mut answer = || {
        for number in 0..messages.batches() {
            session.fill(messages.batch(number));
            while session.has_more() {
                let _answered = black_box(session.answer(&engine, |_| ()));
            }
        }
    };
    let row = |what, ours: &mut dyn FnMut(), limit, least: &mut dyn FnMut()| {
        let [ours, least, ratio] = compare(rounds, lines.len(), ours, least);
        let (names, goal) = (mix.names, goal(mix, what));
        println!("| {names} | {load} | {what} | {ours} | {limit} | {least} | {ratio} | {goal} |");
    };
    row("parse", &mut parse, "line ends", &mut count_lines);
    row("apply", &mut apply, "look-ups", &mut look_up);
    row("replies", &mut answer, "look-ups", &mut look_up);
    Ok(())
}

/// The goal of a row, if it has one.
fn goal(mix: Mix, what: &str) -> &'static str {
    match (mix.names, what) {
        (1_000, "parse") => "≤ 35 ns",
        (1_000, "replies") => "≤ 120 ns",
        (1_000_000, "replies") => "≤ 2.5",
        _ => "",
    }
}

/// What a message costs with each, in nanoseconds, and the ratio of the two, for printing.
fn compare(
    rounds: usize,
    messages: usize,
    ours: &mut dyn FnMut(),
    least: &mut dyn FnMut(),
) -> [String; 3] {
    #[allow(clippy::cast_precision_loss, reason = "there are no 2^53 messages")]
    let messages = messages as f64;
    let time = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64() * 1e9 / messages
    };
    // Until everything has its size, and is in the cache.
    ours();
    least();
    let pairs: Vec<_> = (0..rounds).map(|_| (time(ours), time(least))).collect();
    let of =
        |value: fn(&(f64, f64)) -> f64| spread(&mut pairs.iter().map(value).collect::<Vec<_>>());
    let ([_, ours, _], [_, other, _]) = (of(|pair| pair.0), of(|pair| pair.1));
    let ratio = printed(of(|pair| pair.0 / pair.1));
    [format!("{ours:.1}"), format!("{other:.1}"), ratio]
}
