//! Measures the longest time that one command holds the index, while it grows and when it is emptied.
//!
//! A client that waits for the index waits at least as long as the command before takes. So the longest time
//! counts, and not the mean. A table or a vector that is built again, all at once, shows here and nowhere
//! else. Each package depends on two others. The last rows are those of a snapshot of the index, and of
//! changes while it lives. After these come the removal of all packages but one, that of the last one, and
//! what follows.
//!
//! ```text
//! cargo bench --bench pauses -- [--packages 8000000]
//! ```

mod common;

use std::time::{Duration, Instant};

use common::load::Mix;
use common::options::{Arguments, Unread};
use package_indexer::{Command, Outcome, PackageIndex};

/// How many packages there are at the end, unless chosen.
const PACKAGES: usize = 8_000_000;

/// How many times the longest time is printed on the way.
const ROWS: usize = 8;

/// How many packages are indexed once more at the end.
const AGAIN: usize = 10_000;

/// How many packages are changed while a snapshot lives.
const CHANGES: usize = 10_000;

fn main() -> Result<(), Unread> {
    let mut arguments = Arguments::of_this_process();
    let mut packages = if arguments.measuring { PACKAGES } else { 4_000 };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--packages" => packages = arguments.value(&argument)?,
            other => return Err(format!("expected --packages, got {other:?}").into()),
        }
    }
    println!("| what | packages | longest, ms | goal |");
    println!("|---|--:|--:|---|");
    let row = |what: &str, packages: usize, longest: Duration| {
        println!("| {what} | {packages} | {:.3} | ≤ 50 |", longest.as_secs_f64() * 1e3);
    };
    let mut index = PackageIndex::new();
    let part = packages.div_ceil(ROWS).max(1);
    for start in (0..packages).step_by(part) {
        let numbers = start..packages.min(start + part);
        let longest = longest(&mut index, numbers.clone().map(|number| indexed(number, 1)))?;
        row("INDEX", numbers.end, longest);
    }
    let begun = Instant::now();
    let frozen = index.freeze();
    row("snapshot", packages, begun.elapsed());
    let some = (0..packages).step_by(packages.div_ceil(CHANGES).max(1));
    let changed = longest(&mut index, some.map(|number| indexed(number, 2)))?;
    row("INDEX beside a snapshot", packages, changed);
    drop(frozen);
    // A package comes after those on which it depends, except for the changed ones.
    let lists = (0..packages).map(|number| Command::index(&Mix::name(number), []));
    row("INDEX without a list", packages, longest(&mut index, lists)?);
    let removed = (1..packages).map(|number| Command::remove(&Mix::name(number)));
    row("REMOVE", packages, longest(&mut index, removed)?);
    row("REMOVE of the last", 1, longest(&mut index, [Command::remove(&Mix::name(0))])?);
    // Each of these commands gives a part of the memory back.
    let again = (0..packages).map(|number| Command::index(&Mix::name(number), []));
    row("INDEX again", packages, longest(&mut index, again.take(AGAIN))?);
    Ok(())
}

/// INDEX of a package that depends on two others, chosen by its number.
fn indexed(number: usize, way: usize) -> Result<Command, package_indexer::NameError> {
    let others = [number / (way + 1), number / 3].map(Mix::name);
    let others = others.iter().map(String::as_str).filter(|_| number > 0);
    Command::index(&Mix::name(number), others)
}

/// The longest time that one of these commands takes.
fn longest(
    index: &mut PackageIndex,
    commands: impl IntoIterator<Item = Result<Command, package_indexer::NameError>>,
) -> Result<Duration, Unread> {
    let mut longest = Duration::ZERO;
    for command in commands {
        let command = command?;
        let begun = Instant::now();
        let outcome = index.apply(&command)?;
        longest = longest.max(begun.elapsed());
        if outcome == Outcome::Fail {
            return Err(format!("{command} fails").into());
        }
    }
    Ok(longest)
}
