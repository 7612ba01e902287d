//! `indexer check`: test any server of the protocol, and report what it does wrong.

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
/// Needs only an address. It starts with the transcripts of the specification, each rule on its own, and
/// random commands beside a model. Then it sends messages ahead and in pieces. Several clients send at once,
/// and one order of all commands must explain their replies. Last come clients that break off, clients that
/// do what they should not, and what the harness of the challenge does.
///
/// Each finding is shortened on the server itself and tried once more. Later checks avoid what is known to be
/// wrong, so that each finding is a new one. The report ends with the findings, worst first.
///
/// A server that dies or hangs ends the run, unless --restart says how to start it again. Each case, each
/// attempt to shorten a finding and each clean-up takes --bound at most.
///
/// Several addresses, each with its own --addr, are tested as one system: replicas of one index, which must
/// answer together as one server does. Transcripts and rules open their connections at the addresses in turn,
/// until each connection has been at each address. Random cases start at any address, and clients at once are
/// spread over all. When one address has answered a change, the others are asked for the result at once. Each
/// finding names the address that gave the wrong reply. All addresses must differ and must answer. If one
/// does not, the run names it and tests nothing.
///
/// Ctrl-C ends the run within a second, and prints the results so far. The run then removes its names if the
/// server still answers in that second. If names are left, a run with the same --seed removes them.
///
/// The server may hold packages. All names that are sent begin with "check" and the seed, and are removed
/// again. If the server takes text that is not a name, such as a comma, for a name, that is removed too,
/// unless the server held it before. The run must not reach the limits of the server.
///
/// Honest servers may differ in how they read CR before LF, the characters of a name, a comma after a list,
/// dependencies on REMOVE and QUERY, or long lines. The report says what this server does there. Messages
/// that it reads in its own way are left out. With --strict each difference is a failure.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 conforms, 1 does not, 2 could not be tested.\n\
    Example: indexer check --addr 127.0.0.1:8080 --format junit > check.xml\n\
    Of three replicas: indexer check --addr 10.0.0.1:8080 --addr 10.0.0.2:8080 --addr 10.0.0.3:8080")]
pub(super) struct Arguments {
    #[command(flatten)]
    system: System,
    /// How many clients send at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=64))]
    clients: u16,
    /// About the most commands in a random conversation or history
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    commands: u16,
    /// How long to try random cases, all checks together [default: a fixed number of cases]
    ///
    /// A fast server takes some seconds for the fixed number.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time: Option<Duration>,
    /// The same number tries the same cases [default: a random number]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Run only the check with this name, or those whose names begin with it; may be repeated
    #[arg(long, value_name = "PROPERTY")]
    only: Vec<String>,
    /// Try only the case with this number, as a report names it
    #[arg(long, value_name = "N", requires = "only")]
    case: Option<u64>,
    /// How long to wait for a reply
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    patience: Duration,
    /// The most time for a case, an attempt to shorten a finding, or a clean-up
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    bound: Duration,
    /// Count differences between honest servers as failures
    #[arg(long)]
    strict: bool,
    /// Which text to test against: this project's protocol, or a text of the challenge
    ///
    /// The two texts of the challenge demand less. In the older one, INDEX of a package that is there may
    /// keep its list.
    #[arg(long, value_enum, default_value_t = Text::Own)]
    challenge: Text,
    /// Stop after this many failed checks [without a number: 1]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    fail_fast: Option<u64>,
    /// A shell command that ends and restarts the server, for when it dies or hangs
    ///
    /// The process that it starts is ended after the run.
    #[arg(long, value_name = "COMMAND")]
    restart: Option<String>,
    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Save the worst finding to FILE, for `indexer replay FILE`
    ///
    /// A history is also drawn, to FILE.html.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Print the names of all checks and what each claims, and run none
    ///
    /// With several --addr, the checks of several addresses are listed too.
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Text {
    /// All of this project's protocol
    Own,
    /// The newer text of the challenge
    Newer,
    /// The older text of the challenge
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
    /// A table for people, with a line for each check when it ends
    Text,
    /// One JSON object at the end
    Json,
    /// XML at the end, in the form that CI servers read
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
    // Before the run: if the file cannot be written, the run is not worth the wait.
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

/// Short, because it is part of every name that is sent.
pub(super) fn fresh_seed() -> u64 {
    // Without randomness the run still works, with the same cases each time.
    SysRng.try_next_u32().unwrap_or_default().into()
}
