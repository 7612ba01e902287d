//! The same machines with the same bugs under four tools: what each finds, and what it takes.

mod child;
mod compare;
mod glue;
mod least;
mod machines;
mod measure;
mod readme;
mod table;
mod with;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use compare::Plan;
use with::{Machine, Tool};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Puts the tables into README.md.
    #[arg(long, conflicts_with_all = ["tool", "machine", "seeds"])]
    write: bool,
    /// Only this tool.
    #[arg(long)]
    tool: Option<Tool>,
    /// Only this machine.
    #[arg(long)]
    machine: Option<Machine>,
    /// How many seeds for each bug.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    #[command(subcommand)]
    child: Option<Child>,
}

#[derive(Subcommand)]
enum Child {
    /// One run in a process of its own: what the runner starts.
    #[command(hide = true)]
    Run(child::Run),
}

fn main() -> ExitCode {
    let Arguments { write, tool, machine, seeds, child } = Arguments::parse();
    if let Some(Child::Run(run)) = child {
        run.here();
        return ExitCode::SUCCESS;
    }
    let result = compare::measure(&Plan::of(tool, machine, seeds)).and_then(|measured| {
        let tables = table::of(&measured);
        println!("{tables}");
        if write { readme::put(&tables) } else { Ok(()) }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
