//! Published crates with known bugs, each held against a plain model of it. `README.md` says what comes
//! of that, and this program makes its table.

mod apart;
mod hunts;
mod prelude;
mod readme;
mod row;
mod run;
mod sets;

mod bit_set;
mod cached;
mod circular_buffer;
mod dlv_list;
mod ego_tree;
mod heapless;
mod indextree;
mod intmap;
mod lfu_cache;
mod min_max_heap;
mod ordered_multimap;
mod petgraph;
mod priority_queue;
mod radix_trie;
mod rangemap;
mod rb_tree;
mod skiplist;
mod thunderdome;

use std::process::ExitCode;
use std::{io, panic};

use clap::Parser;
use clap::builder::PossibleValuesParser;

use hunts::{HUNTS, Hunt};
use row::Row;
use run::{Outcome, Run, outcome};
use sets::Programs;

/// How many seconds all cases from a seed may take.
const SECONDS_OF_A_SEED: u64 = 10;

/// Holds published crates with known bugs against plain models of them.
#[derive(Parser)]
struct Arguments {
    /// The hunts; all if none is named.
    #[arg(value_parser = PossibleValuesParser::new(HUNTS.iter().map(|hunt| hunt.name)))]
    names: Vec<String>,
    /// Write the table into the README.
    #[arg(long, conflicts_with = "names")]
    write: bool,
    /// Only try the versions that this program was built with, from this seed, in this process.
    #[arg(long, requires = "names")]
    seed: Option<u64>,
    /// With `--seed`: give each case a process of its own, where it may hang and crash.
    #[arg(long, requires = "seed")]
    apart: bool,
    /// With `--seed`: print what another program reads.
    #[arg(long, requires = "seed", hide = true)]
    json: bool,
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let named = |hunt: &&Hunt| arguments.names.iter().any(|name| name == hunt.name);
    let hunts: Vec<_> =
        HUNTS.iter().filter(|hunt| arguments.names.is_empty() || named(hunt)).collect();
    match arguments.seed {
        Some(seed) => hunts.iter().try_for_each(|hunt| try_here(hunt, seed, &arguments))?,
        None => return compare(&hunts, arguments.write),
    }
    Ok(ExitCode::SUCCESS)
}

/// Tries a hunt in this process, and prints what comes of it.
fn try_here(hunt: &Hunt, seed: u64, arguments: &Arguments) -> io::Result<()> {
    // Panics are caught and told as what was found.
    panic::set_hook(Box::new(|_| {}));
    let run = if arguments.apart { Run::Apart } else { Run::Together };
    apart::limit(SECONDS_OF_A_SEED)?;
    let outcome = outcome(&(hunt.property)(run), seed);
    match outcome {
        outcome if arguments.json => println!("{}", serde_json::to_string(&outcome)?),
        Outcome::Passed { cases, commands } => {
            println!("{}: {cases} cases of {commands} commands pass", hunt.name);
        }
        Outcome::Found { commands, tries, what, trace } => {
            let name = hunt.name;
            println!("# {name}: found after {commands} commands, shrunk in {tries} tries");
            println!("{trace}# {what}");
        }
    }
    Ok(())
}

/// Runs hunts in all versions and from all seeds, and compares what comes of them with the README.
fn compare(hunts: &[&'static Hunt], write: bool) -> io::Result<ExitCode> {
    let programs = Programs::build()?;
    let mut rows = Vec::new();
    println!("{}", readme::HEAD);
    for hunt in hunts {
        let row = Row::of(hunt, &programs)?;
        println!("{row}");
        rows.push(row);
    }
    println!("\n{}", rows.iter().map(Row::traces).collect::<String>());
    if write {
        readme::write(&rows)?;
    }
    let surprises = readme::surprises(&rows)?;
    for surprise in &surprises {
        eprintln!("The README says otherwise of {surprise}");
    }
    Ok(if surprises.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
