//! `indexer check`: the suite for every server of the protocol, and what it found.

mod failure;
mod json;
mod junit;
mod kept;
pub(super) mod replay;
mod report;
mod system;
mod table;
mod watched;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rand::TryRng;
use rand::rngs::SysRng;

use super::arguments::seconds;
use super::signals::asked_to_end;
use super::{Failure, Fulfilled};
use crate::conformance::{Challenge, Settings};
pub(super) use failure::CheckFailure;
use report::Report;
use system::System;
use table::Table;

/// Test any server of this protocol, and say what it does wrong
///
/// Needs nothing but an address. Tries, in this order: the transcripts of the specification; each
/// rule on its own; random commands in lockstep with a model; messages sent ahead and in pieces;
/// clients at once, whose replies one order of all their commands has to explain; clients that break
/// off; clients that do what none should; and what the harness of the challenge does. What is found is
/// made as short as can be, on the server itself, and tried once more. Later checks do without what is
/// known to be wrong, so that each finding is a new one. Findings come last, the worst first.
///
/// A server that dies or hangs ends the run, unless --restart says how to bring it back. Each case, each
/// attempt to shorten what it found and each clean-up takes --bound at most.
///
/// Several addresses, each given with an --addr of its own, are tried as one system: replicas of one
/// index, which are to answer together as one server does. Transcripts and rules are tried with their
/// connections at the addresses in turn, until each has been at each, and what is drawn begins at any;
/// clients at once are spread over all of them; and what was said at one address is asked at the others
/// as soon as it is answered. What is found names the address that gave the wrong reply. Each address
/// has to be another one, and has to answer: one that cannot be reached is named, and nothing is tried.
///
/// Interrupted, as by Ctrl-C, it ends within a second and prints what it has. It removes its names if the
/// server lets it in that time; a run with the same --seed removes what is left.
///
/// The server may hold packages: all names that are sent begin with "check" and the seed, and are
/// removed again. What is no name, but may be taken for one, as a comma, is removed as well; a server that
/// holds such a one already is not told of it. The server must not be stopped by limits. Where honest servers differ (CR before LF, which
/// characters a name may have, a comma after a list, dependencies on REMOVE and QUERY, the longest
/// line), what this one does is printed, and it is not tried with what it reads otherwise; with
/// --strict a difference is a failure.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 conforms, 1 does not, 2 could not be tested.\n\
    Example: indexer check --addr 127.0.0.1:8080 --format junit > check.xml\n\
    Of three replicas: indexer check --addr 10.0.0.1:8080 --addr 10.0.0.2:8080 --addr 10.0.0.3:8080")]
pub(super) struct Arguments {
    #[command(flatten)]
    system: System,
    /// How many clients contend at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=64))]
    clients: u16,
    /// About how many commands a random conversation or a history has at most
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    commands: u16,
    /// How long random cases are tried, all checks together; without it a fixed number is, which
    /// takes a fast server some seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time: Option<Duration>,
    /// The same cases for the same number; a new one each time without it
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Try only the check of this name, or those whose names begin so; can be given more than once
    #[arg(long, value_name = "PROPERTY")]
    only: Vec<String>,
    /// Try only the case of this number, which a report names for one that failed
    #[arg(long, value_name = "N", requires = "only")]
    case: Option<u64>,
    /// How long a reply may take
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    patience: Duration,
    /// How long a case may take, the attempt to shorten what it found, and the clean-up after it
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    bound: Duration,
    /// Take what honest servers may read otherwise for a failure too
    #[arg(long)]
    strict: bool,
    /// By which text to judge: this project's protocol, or what one of the two texts of the challenge
    /// demands (the older lets INDEX of a package that is there keep its list)
    #[arg(long, value_enum, default_value_t = Text::Own)]
    challenge: Text,
    /// Try nothing more after so many checks that failed; after one if no number is given
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    fail_fast: Option<u64>,
    /// The shell's command that ends what is left of the server and starts it anew, for when it dies or
    /// hangs; what it starts is ended after the run
    #[arg(long, value_name = "COMMAND")]
    restart: Option<String>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Keep the worst thing that was found, to be tried again by `indexer replay FILE`; a history
    /// is also drawn, to FILE.html
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Print the names of all checks, and what each claims, and try none; with several --addr, those
    /// of several addresses too
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Text {
    /// All of this project's protocol
    Own,
    /// The newer text of the challenge
    Newer,
    /// The older text
    Older,
}

impl From<Text> for Challenge {
    fn from(text: Text) -> Self {
        match text {
            Text::Own => Self::Own,
            Text::Newer => Self::Newer,
            Text::Older => Self::Older,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table to read, a line for each check as it ends
    Text,
    /// One object at the end
    Json,
    /// What CI servers read, at the end
    Junit,
}

pub(super) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    if arguments.list {
        return table::list(arguments.system.addresses.len())
            .map(|()| Fulfilled::Yes)
            .map_err(Failure::Output);
    }
    let system = arguments.system.reachable(arguments.patience)?;
    let settings = Settings {
        seed: arguments.seed.unwrap_or_else(fresh_seed),
        clients: arguments.clients.into(),
        commands: arguments.commands.into(),
        time: arguments.time,
        patience: arguments.patience,
        bound: arguments.bound.max(2 * arguments.patience),
        fail_fast: arguments.fail_fast,
        restart: arguments.restart.clone(),
        challenge: arguments.challenge.into(),
        strict: arguments.strict,
        only: arguments.only.clone(),
        case: arguments.case,
    };
    // Now rather than after the run: what cannot be kept is not worth the wait.
    let kept = arguments.save.as_deref().map(kept::KeptFile::create).transpose()?;
    let asked_to_end = asked_to_end().map_err(Failure::Signals)?;
    let mut table = Table::new(arguments.format, &arguments.system, &settings);
    let found = watched::run(&system, &settings, &asked_to_end, &mut table)
        .map_err(|error| arguments.system.cannot_test(error))?;
    let addresses = arguments.system.addresses.clone();
    let report = Report { addresses, settings, found };
    if let Some(kept) = kept {
        kept.keep(&report)?;
    }
    table.finish(&report).map_err(Failure::Output)?;
    if !report.found.findings().is_empty() {
        return Ok(Fulfilled::No);
    }
    if !report.found.conforms() {
        return Err(CheckFailure::BrokenOff.into());
    }
    if report.found.shows_nothing() {
        return Err(CheckFailure::NothingTested.into());
    }
    Ok(Fulfilled::Yes)
}

/// A short one: it is part of every name that is sent.
pub(super) fn fresh_seed() -> u64 {
    // Without randomness a run is still a run, the same each time.
    SysRng.try_next_u32().unwrap_or_default().into()
}
