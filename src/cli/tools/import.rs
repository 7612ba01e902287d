//! `indexer import`: a package list of another tool, indexed on a server.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Args;

use super::list::Source;
use super::plan::{Plan, some_of};
use crate::cli::arguments::Server;
use crate::cli::output::{Aside, diagnostics};
use crate::cli::progress::Progress;
use crate::cli::{Failure, Fulfilled};
use crate::command::{Command, Reply};

/// Index a package list on a server
///
/// Turns the list into INDEX commands in an order that succeeds, sends them, and says how many
/// packages were indexed, which dependencies the list does not have, and which packages are in a
/// cycle. Exits with 1 if a package was not indexed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    server: Server,
    /// Print the commands instead of sending them, and the report on standard error
    #[arg(long)]
    dry_run: bool,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let plan = Plan::read(&arguments.source)?;
    if arguments.dry_run {
        plan.report(&mut diagnostics()).map_err(Failure::Output)?;
        print(&plan.commands).map_err(Failure::Output)?;
        return Ok(Fulfilled::Yes);
    }
    // Whether or not the report can be written, the packages are to be indexed.
    let mut output = Aside::new(io::stdout());
    plan.report(&mut output).map_err(Failure::Output)?;
    let refused = send(&plan.commands, &arguments.server)?;
    report(plan.packages, &refused, &mut output).map_err(Failure::Output)?;
    output.end().map_err(Failure::Output)?;
    Ok(Fulfilled::yes_if(refused.is_empty()))
}

fn print(commands: &[Command]) -> io::Result<()> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    for command in commands {
        writeln!(output, "{command}")?;
    }
    output.flush()
}

/// Sends the commands; returns the packages one of whose commands was not answered OK, each with
/// that reply.
fn send(commands: &[Command], server: &Server) -> Result<BTreeMap<String, Reply>, Failure> {
    let mut client = server.connect()?;
    let progress = Progress::of_steps("indexing", commands.len());
    let mut answered = commands.iter();
    let mut refused = BTreeMap::new();
    let mut ok = 0;
    let sent = client.apply_all(commands, |reply| {
        match (answered.next(), reply) {
            (Some(command), Reply::Fail | Reply::Error) => {
                refused.insert(command.package().to_string(), reply);
            }
            (_, Reply::Ok) | (None, _) => ok += 1,
        }
        progress.advance(1);
    });
    progress.finish();
    sent.map_err(|error| {
        let address = server.address.clone();
        Failure::CutOff { address, error, ok, total: commands.len() }
    })?;
    Ok(refused)
}

fn report(
    packages: usize,
    refused: &BTreeMap<String, Reply>,
    output: &mut impl Write,
) -> io::Result<()> {
    writeln!(output, "indexed: {} of {packages}", packages - refused.len())?;
    for reply in [Reply::Fail, Reply::Error] {
        let names: Vec<_> =
            refused.iter().filter(|(_, it)| **it == reply).map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            writeln!(output, "answered {reply}: {}", some_of(names.into_iter()))?;
        }
    }
    Ok(())
}
