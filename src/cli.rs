//! Floor 10: the `indexer` program: its commands, what it prints, its exit codes.
//!
//! What the commands do to packages is the library's business; here is what a person at a terminal
//! sees. Every command exits with 0 when it did what it was asked, with 1 when it was answered
//! no (an `ERROR` reply, a package that was not indexed), and with 2 when it could not be done.

mod arguments;
#[cfg(feature = "check")]
mod check;
mod failure;
mod help;
#[cfg(feature = "load")]
mod load;
mod output;
mod ping;
#[cfg_attr(not(feature = "terminal"), path = "cli/no_progress.rs")]
mod progress;
mod send;
#[cfg(feature = "serve")]
mod serve;
mod signals;
#[cfg(feature = "tools")]
mod tools;
mod usage;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::shown::without_controls;
use failure::Failure;

/// Keep an index of packages and what each depends on, and serve it over TCP.
///
#[cfg_attr(feature = "serve", doc = "Without a command, serves, and takes the options of `serve`.")]
/// Clients send lines such as
/// `INDEX|vim|ncurses,lua`, `QUERY|vim|` and `REMOVE|vim|`, and get OK, FAIL or ERROR for each.
#[derive(Debug, Parser)]
#[command(name = "indexer", version, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Exit status: 0 done, 1 answered no (ERROR, or not indexed), 2 could not be done.\n\
                  Environment: INDEXER_LOG is the log level of a server that is given none by flag."
)]
struct Cli {
    #[cfg(feature = "serve")]
    #[command(subcommand)]
    command: Option<Command>,
    #[cfg(feature = "serve")]
    #[command(flatten)]
    serve: serve::Arguments,
    #[cfg(not(feature = "serve"))]
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    #[cfg(feature = "serve")]
    fn chosen(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }

    #[cfg(not(feature = "serve"))]
    fn chosen(self) -> Command {
        self.command
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "serve")]
    Serve(serve::Arguments),
    Send(send::Arguments),
    #[cfg(feature = "tools")]
    Import(tools::import::Arguments),
    /// Print in which order a package list can be installed
    ///
    /// One step a line; packages that need each other share a line. What the list lacks is said on
    /// standard error.
    #[cfg(feature = "tools")]
    Order(tools::render::Arguments),
    /// Print a package list as a graph in Graphviz's language
    ///
    /// Render it with, for example: indexer dot --format brew FILE | dot -Tsvg -o packages.svg
    #[cfg(feature = "tools")]
    Dot(tools::render::Arguments),
    /// Check the state that a server kept in a directory
    ///
    /// Reads all of it, as a server does at its start: every checksum, every name, and that no
    /// package needs one that is not there. Exits with 1 if it is not sound.
    #[cfg(feature = "serve")]
    Verify(serve::data_dir::Arguments),
    /// Print the state that a server kept in a directory, as commands
    ///
    /// INDEX commands that lead an empty server to the same state, in an order that succeeds:
    /// indexer export --data-dir DIR | indexer import --format commands -
    #[cfg(feature = "serve")]
    #[command(visible_alias = "dump")]
    Export(serve::data_dir::Arguments),
    Ping(ping::Arguments),
    #[cfg(feature = "load")]
    Load(load::Arguments),
    #[cfg(feature = "check")]
    Check(check::Arguments),
    #[cfg(feature = "check")]
    Replay(check::replay::Arguments),
    #[cfg(feature = "tools")]
    #[command(hide = true)]
    Generate(tools::generate::Arguments),
}

/// What a command that could be done was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fulfilled {
    Yes,
    No,
}

impl Fulfilled {
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
            let text = help.render().to_string();
            let text = if output::is_for_people() { help::in_bold(&text) } else { text };
            let mut output = io::stdout().lock();
            let printed = output.write_all(text.as_bytes()).and_then(|()| output.flush());
            printed.map(|()| Fulfilled::Yes).map_err(Failure::Output)
        }
    };
    match done {
        Ok(Fulfilled::Yes) => ExitCode::SUCCESS,
        Ok(Fulfilled::No) => ExitCode::from(1),
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
fn run(cli: Cli) -> Result<Fulfilled, Failure> {
    match cli.chosen() {
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Send(arguments) => send::run(arguments),
        #[cfg(feature = "tools")]
        Command::Import(arguments) => tools::import::run(&arguments),
        #[cfg(feature = "tools")]
        Command::Order(arguments) => tools::render::order(&arguments),
        #[cfg(feature = "tools")]
        Command::Dot(arguments) => tools::render::dot(&arguments),
        #[cfg(feature = "serve")]
        Command::Verify(arguments) => serve::data_dir::verify(&arguments),
        #[cfg(feature = "serve")]
        Command::Export(arguments) => serve::data_dir::export(&arguments),
        Command::Ping(arguments) => ping::run(&arguments),
        #[cfg(feature = "load")]
        Command::Load(arguments) => load::run(&arguments),
        #[cfg(feature = "check")]
        Command::Check(arguments) => check::run(&arguments),
        #[cfg(feature = "check")]
        Command::Replay(arguments) => check::replay::run(&arguments),
        #[cfg(feature = "tools")]
        Command::Generate(arguments) => tools::generate::run(&arguments),
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

    #[cfg(feature = "serve")]
    #[test]
    fn the_program_alone_takes_the_options_of_serve() {
        for arguments in [
            ["indexer", "--listen", "127.0.0.1:9000"].as_slice(),
            &["indexer", "serve", "--listen", "127.0.0.1:9000"],
        ] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            let Command::Serve(serve) = cli.chosen() else {
                panic!("{arguments:?} does not serve");
            };
            assert_eq!(serve.listen, ["127.0.0.1:9000"]);
        }
    }
}
