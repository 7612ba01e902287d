//! Floor 9: the `indexer` program: its commands, what it prints, its exit codes.
//!
//! What the commands do to packages is the library's business; here is what a person at a terminal
//! sees. Every command exits with 0 when it did what it was asked, with 1 when it was answered
//! no (an `ERROR` reply, a package that was not indexed), and with 2 when it could not be done.

mod access;
mod check;
mod data_dir;
mod failure;
mod generate;
mod import;
mod list;
mod listeners;
mod load;
mod logging;
mod output;
mod ping;
mod plan;
mod progress;
mod render;
mod replay;
#[cfg(feature = "etcd")]
mod replicate;
mod send;
mod serve;
mod signals;
mod system;
mod usage;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::client::{Client, ClientError};
use crate::shown::without_controls;
use failure::Failure;

/// The address of the protocol (rule C1).
const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// Keep an index of packages and what each depends on, and serve it over TCP.
///
/// Without a command, serves, and takes the options of `serve`. Clients send lines such as
/// `INDEX|vim|ncurses,lua`, `QUERY|vim|` and `REMOVE|vim|`, and get OK, FAIL or ERROR for each.
#[derive(Debug, Parser)]
#[command(name = "indexer", version, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Exit status: 0 done, 1 answered no (ERROR, or not indexed), 2 could not be done.\n\
                  Environment: INDEXER_LOG is the log level of a server that is given none by flag."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Send(send::Arguments),
    Import(import::Arguments),
    /// Print in which order a package list can be installed
    ///
    /// One step a line; packages that need each other share a line. What the list lacks is said on
    /// standard error.
    Order(render::Arguments),
    /// Print a package list as a graph in Graphviz's language
    ///
    /// Render it with, for example: indexer dot --format brew FILE | dot -Tsvg -o packages.svg
    Dot(render::Arguments),
    /// Check the state that a server kept in a directory
    ///
    /// Reads all of it, as a server does at its start: every checksum, every name, and that no
    /// package needs one that is not there. Exits with 1 if it is not sound.
    Verify(data_dir::Arguments),
    /// Print the state that a server kept in a directory, as commands
    ///
    /// INDEX commands that lead an empty server to the same state, in an order that succeeds:
    /// indexer export --data-dir DIR | indexer import --format commands -
    #[command(visible_alias = "dump")]
    Export(data_dir::Arguments),
    Ping(ping::Arguments),
    Load(load::Arguments),
    Check(check::Arguments),
    Replay(replay::Arguments),
    #[command(hide = true)]
    Generate(generate::Arguments),
}

/// Where the server is.
#[derive(Debug, Args)]
struct Server {
    /// The server's address
    #[arg(long = "addr", value_name = "HOST:PORT", default_value = DEFAULT_ADDRESS)]
    address: String,
}

impl Server {
    fn connect(&self) -> Result<Client, Failure> {
        Client::connect(&self.address)
            .map_err(|error| Failure::Connect { address: self.address.clone(), error })
    }

    /// A failure in talking to this server.
    fn failed(&self, error: ClientError) -> Failure {
        Failure::Client { address: self.address.clone(), error }
    }
}

/// A time in seconds, as an argument: what is counted in microseconds does not overflow.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("choose from 0.001 seconds to a day (86400)".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// What a command that could be done was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
}

impl Answer {
    fn yes_if(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Runs the program on its process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(not_run) if not_run.use_stderr() => {
            output::say_at_the_end(usage::message(not_run));
            return ExitCode::from(2);
        }
        // The help or the version: what was asked for.
        Err(help) => {
            let printed = help.print().and_then(|()| io::stdout().flush());
            printed.map(|()| Answer::Yes).map_err(Failure::Output)
        }
    };
    match done {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            let hint = failure.hint().map(|hint| format!("  {hint}\n")).unwrap_or_default();
            let message = format!("error: {failure}\n{hint}");
            output::say_at_the_end(without_controls(message.as_bytes(), Some('\n')));
            ExitCode::from(2)
        }
    }
}

/// Does what the arguments say.
fn run(cli: Cli) -> Result<Answer, Failure> {
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Send(arguments) => send::run(arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Order(arguments) => render::order(&arguments),
        Command::Dot(arguments) => render::dot(&arguments),
        Command::Verify(arguments) => data_dir::verify(&arguments),
        Command::Export(arguments) => data_dir::export(&arguments),
        Command::Ping(arguments) => ping::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_program_alone_takes_the_options_of_serve() {
        for arguments in [
            ["indexer", "--listen", "127.0.0.1:9000"].as_slice(),
            &["indexer", "serve", "--listen", "127.0.0.1:9000"],
        ] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            let Command::Serve(serve) = cli.command.unwrap_or(Command::Serve(cli.serve)) else {
                panic!("{arguments:?} does not serve");
            };
            assert_eq!(serve.listen, ["127.0.0.1:9000"]);
        }
    }
}
