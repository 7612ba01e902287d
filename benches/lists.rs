//! Measures whether the cost of a list is linear in its length, and whether a package on which many depend
//! costs no more than another.
//!
//! Each row has twice the length of the one before it. The last column compares the cost of a package in the
//! list with that in the first row. If it stays near 1 the cost is linear. If it doubles with every row the
//! cost is quadratic.
//!
//! - *INDEX*, *INDEX again*, *REMOVE* of a package with so many dependencies: the time for each of them.
//! - the same three of one package that needs one that so many others need: the time of a command.
//! - the same three of the package that so many others need. REMOVE of it fails for that reason.
//!
//! ```text
//! cargo bench --bench lists -- [--rounds 15] [dependencies or dependents ...]
//! ```

mod common;

use std::time::{Duration, Instant};

use common::load::Mix;
use common::options::{Arguments, Sizes, Unread};
use common::spread;
use package_indexer::{Command, Outcome, PackageIndex};

/// How long the lists are, unless chosen.
const LENGTHS: [usize; 7] = [2_500, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000];

/// How many times a short command is repeated, so that a clock can measure it.
const REPEATED: usize = 1_000;

/// The steps of a round, in order.
const STEPS: [&str; 3] = ["INDEX", "INDEX again", "REMOVE"];

fn main() -> Result<(), Unread> {
    let arguments = Arguments::of_this_process();
    let (rounds, usual) = if arguments.measuring { (15, &LENGTHS[..]) } else { (1, &LENGTHS[..1]) };
    let Sizes { number: rounds, packages: lengths, .. } =
        Sizes::read(arguments, "--rounds", rounds, usual)?;
    println!("{rounds} rounds\n");
    println!("| what | length | command | ns | of the first |");
    println!("|---|--:|---|--:|--:|");
    let mut first = [[None; STEPS.len()]; 3];
    for length in lengths {
        let of_list = dependencies(length, rounds)?;
        let (of_dependent, of_needed) = dependents(length, rounds)?;
        let rows = [
            ("dependencies, each", of_list),
            ("dependents, one of them", of_dependent),
            ("dependents, what they need", of_needed),
        ];
        for ((what, times), first) in rows.into_iter().zip(&mut first) {
            for ((step, time), first) in STEPS.iter().zip(times).zip(first) {
                let ratio = time / *first.get_or_insert(time);
                println!("| {what} | {length} | {step} | {time:.1} | {ratio:.2} |");
            }
        }
    }
    println!("\nTimes are medians.");
    Ok(())
}

/// The cost of each of so many dependencies of a package, in nanoseconds, for each step.
fn dependencies(length: usize, rounds: usize) -> Result<[f64; STEPS.len()], Unread> {
    let mut index = PackageIndex::new();
    let names: Vec<String> = (0..length).map(Mix::name).collect();
    for name in &names {
        apply(&mut index, &Command::index(name, [])?)?;
    }
    let indexed = Command::index("long", names.iter().map(String::as_str))?;
    let commands = [&indexed, &indexed, &Command::remove("long")?];
    let each = f64::from(u32::try_from(length)?);
    medians(rounds, |step| Ok(nanoseconds(apply(&mut index, commands[step])?) / each))
}

/// The cost of a command about a package that needs one that so many others need, and about that one.
fn dependents(
    length: usize,
    rounds: usize,
) -> Result<([f64; STEPS.len()], [f64; STEPS.len()]), Unread> {
    let mut index = PackageIndex::new();
    apply(&mut index, &Command::index("popular", [])?)?;
    for number in 0..length {
        apply(&mut index, &Command::index(&Mix::name(number), ["popular"])?)?;
    }
    // From the first package that came to need it on, so that the worst places in its list of dependents are
    // among them.
    let apart = (length / REPEATED).max(1);
    let some = (0..REPEATED).map(|number| Mix::name(number * apart % length));
    let with = some.clone().map(|name| Command::index(&name, ["popular"]));
    let with = with.collect::<Result<Vec<_>, _>>()?;
    let remove = some.map(|name| Command::remove(&name)).collect::<Result<Vec<_>, _>>()?;
    let commands = [&with, &with, &remove];
    let of_dependent = medians(rounds, |step| {
        let begun = Instant::now();
        for command in commands[step] {
            apply(&mut index, command)?;
        }
        Ok(nanoseconds(begun.elapsed()) / f64::from(u32::try_from(REPEATED)?))
    })?;
    apply(&mut index, &Command::index("other", [])?)?;
    let commands = [
        Command::index("popular", [])?,
        Command::index("popular", ["other"])?,
        Command::remove("popular")?,
    ];
    let of_needed = medians(rounds, |step| {
        let due = Outcome::when(step < 2);
        let begun = Instant::now();
        for _ in 0..REPEATED {
            if index.apply(&commands[step])? != due {
                return Err(format!("{} is not answered {due}", commands[step]).into());
            }
        }
        Ok(nanoseconds(begun.elapsed()) / f64::from(u32::try_from(REPEATED)?))
    })?;
    Ok((of_dependent, of_needed))
}

/// The median of each step's times.
fn medians(
    rounds: usize,
    mut time: impl FnMut(usize) -> Result<f64, Unread>,
) -> Result<[f64; STEPS.len()], Unread> {
    let mut times: [Vec<f64>; STEPS.len()] = Default::default();
    for _ in 0..rounds {
        for (step, times) in times.iter_mut().enumerate() {
            times.push(time(step)?);
        }
    }
    Ok(times.each_mut().map(|times| spread(times)[1]))
}

/// The time of a command that must be answered OK.
fn apply(index: &mut PackageIndex, command: &Command) -> Result<Duration, Unread> {
    let begun = Instant::now();
    match index.apply(command)? {
        Outcome::Ok => Ok(begun.elapsed()),
        Outcome::Fail => Err(format!("{command} fails").into()),
    }
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
