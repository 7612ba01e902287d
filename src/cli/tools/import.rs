//! `indexer import`: indexes a package list of another tool on a server.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::mpsc;

use clap::Args;

use super::list::Source;
use super::messages::Messages;
use super::plan::Plan;
use super::report::some_of;
use crate::cli::arguments::Server;
use crate::cli::output::{Aside, diagnostics};
use crate::cli::progress::Progress;
use crate::cli::{Failure, Fulfilled};
use crate::client::CHUNK_BYTES;
use crate::command::Reply;

/// Index a package list on a server
///
/// Turns the list into INDEX commands, in an order that succeeds, and sends them. Reports how many packages
/// were indexed, which dependencies are not in the list, and which packages form cycles. Exits with 1 if a
/// package was not indexed.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    brew deps --installed | indexer import -\n  \
    cargo metadata --format-version 1 | indexer import -\n  \
    indexer import --format debian /var/lib/dpkg/status\n  \
    indexer import --dry-run package-lock.json > commands.txt")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    server: Server,
    /// Print the commands to standard output instead of sending them, and the report to standard error
    #[arg(long)]
    dry_run: bool,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let plan = Plan::read(&arguments.source)?;
    let steps = plan.steps();
    if arguments.dry_run {
        plan.report(&steps, &mut diagnostics()).map_err(Failure::Output)?;
        print(Messages::new(&plan, steps)).map_err(Failure::Output)?;
        return Ok(Fulfilled::Yes);
    }
    // The packages are indexed even if the report cannot be written.
    let mut output = Aside::new(io::stdout());
    plan.report(&steps, &mut output).map_err(Failure::Output)?;
    let refused = send(Messages::new(&plan, steps), &arguments.server)?;
    let refused: BTreeMap<&str, Reply> =
        refused.iter().map(|(&package, &reply)| (plan.name(package).as_str(), reply)).collect();
    report(plan.len(), &refused, &mut output).map_err(Failure::Output)?;
    output.end().map_err(Failure::Output)?;
    Ok(Fulfilled::yes_if(refused.is_empty()))
}

fn print(mut messages: Messages<'_>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let mut text = Vec::new();
    while !messages.write(&mut text, CHUNK_BYTES).is_empty() {
        output.write_all(&text)?;
        text.clear();
    }
    output.flush()
}

/// Sends the commands. Returns the packages for which a command was not answered OK, each with its reply.
fn send(mut messages: Messages<'_>, server: &Server) -> Result<BTreeMap<u32, Reply>, Failure> {
    let mut client = server.connect()?;
    let total = messages.count();
    let progress = Progress::of_steps("indexing", total);
    // The packages whose replies are due, in chunks. A chunk is added before it is sent.
    let (sent, due) = mpsc::channel();
    let mut due = due.into_iter().flatten();
    let next_chunk = |chunk: &mut Vec<u8>| {
        let packages = messages.write(chunk, CHUNK_BYTES);
        // If the connection has ended, nobody receives them any more.
        let _sent = sent.send(packages);
        Ok(())
    };
    let mut refused = BTreeMap::new();
    let (mut ok, mut unseen) = (0, 0);
    let on_reply = |reply: Reply, more: bool| {
        match (due.next(), reply) {
            (Some(package), Reply::Fail | Reply::Error) => {
                refused.insert(package, reply);
            }
            (_, Reply::Ok) | (None, _) => ok += 1,
        }
        unseen += 1;
        if !more {
            progress.advance(std::mem::take(&mut unseen));
        }
        ControlFlow::Continue(())
    };
    let done = client.pipeline(next_chunk, on_reply);
    progress.finish();
    done.map_err(|error| {
        let address = server.address.clone();
        Failure::CutOff { address, error, ok, total }
    })?;
    Ok(refused)
}

fn report(
    packages: usize,
    refused: &BTreeMap<&str, Reply>,
    output: &mut impl Write,
) -> io::Result<()> {
    writeln!(output, "indexed: {} of {packages}", packages - refused.len())?;
    for reply in [Reply::Fail, Reply::Error] {
        let names: Vec<_> =
            refused.iter().filter(|(_, it)| **it == reply).map(|(name, _)| *name).collect();
        if !names.is_empty() {
            writeln!(output, "answered {reply}: {}", some_of(names.into_iter()))?;
        }
    }
    Ok(())
}
