//! Floor 10: the `indexer` program: its commands, what it prints, its exit codes.
//!
//! What the commands do to packages is in the rest of the library. This module is what a person at a terminal
//! sees. Every command exits with 0 when it did what was asked. It exits with 1 when the answer was no (an
//! `ERROR` reply, a package that was not indexed), and with 2 when it could not do it.

mod arguments;
#[cfg(feature = "check")]
mod check;
#[cfg(feature = "serve")]
mod environment;
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

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

#[cfg(feature = "serve")]
use clap::FromArgMatches as _;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::shown::without_controls;
use failure::Failure;

/// Keep an index of packages and what each depends on, and serve it over TCP
///
/// Clients send lines such as `INDEX|vim|ncurses,lua`, `QUERY|vim|` and `REMOVE|vim|`. The server answers
/// each line with OK, FAIL or ERROR.
///
#[cfg_attr(
    feature = "serve",
    doc = "Without a command, the program serves. It then takes the options of `serve`."
)]
#[derive(Debug, Parser)]
#[command(name = "indexer", version, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Exit status: 0 done, 1 the answer is no (ERROR, or not indexed), 2 could not be done.\n\
                  Environment: INDEXER_LISTEN and so on set the options of `serve`. A flag overrides its variable."
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
        self.command.unwrap_or_else(|| Command::Serve(Box::new(self.serve)))
    }

    #[cfg(not(feature = "serve"))]
    fn chosen(self) -> Command {
        self.command
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "serve")]
    Serve(Box<serve::Arguments>),
    Send(send::Arguments),
    #[cfg(feature = "tools")]
    Import(tools::import::Arguments),
    #[cfg(feature = "tools")]
    Order(tools::order::Arguments),
    #[cfg(feature = "tools")]
    Why(tools::why::Arguments),
    #[cfg(feature = "tools")]
    Dot(tools::dot::Arguments),
    /// Check the state that a server kept in a directory
    ///
    /// Reads all of it, as a server does at its start: every checksum and every name. Also checks that no
    /// package needs one that is missing. Exits with 1 if the state is damaged.
    #[cfg(feature = "serve")]
    Verify(serve::data_dir::Arguments),
    /// Print the state that a server kept in a directory, as commands
    ///
    /// Prints INDEX commands that build the same state on an empty server, in an order that succeeds:
    ///
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
    Generate(tools::generate::Arguments),
}

/// How a command ended that could be done: as asked, or with the answer no.
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

/// The program's definition. A command line without a command serves, so it takes the server's variables too.
#[cfg(feature = "serve")]
fn definition(names_a_command: bool) -> clap::Command {
    let program = Cli::command().mut_subcommand("serve", environment::with_environment);
    // The other commands ignore the server's variables, even one that is not valid UTF-8.
    if names_a_command { program } else { environment::with_environment(program) }
}

#[cfg(not(feature = "serve"))]
fn definition(_: bool) -> clap::Command {
    Cli::command()
}

/// Reads the command line and, for a server, the environment.
#[cfg(feature = "serve")]
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut program = definition(environment::names_a_command(arguments));
    let matches = program.try_get_matches_from_mut(arguments).map_err(|mut error| {
        environment::blame(&mut error, arguments);
        error
    })?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut program))?;
    let serve = match &mut cli.command {
        None => Some((&mut cli.serve, &program, &matches)),
        Some(Command::Serve(serve)) => {
            let matches = matches.subcommand_matches("serve");
            program
                .find_subcommand("serve")
                .zip(matches)
                .map(|(it, matches)| (&mut **serve, it, matches))
        }
        Some(_) => None,
    };
    if let Some((serve, command, matches)) = serve {
        serve.settings = environment::settings(command, matches);
    }
    Ok(cli)
}

#[cfg(not(feature = "serve"))]
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

/// Runs the program on its process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let done = match parse(&env::args_os().collect::<Vec<_>>()) {
        Ok(cli) => run(cli),
        Err(not_run) if not_run.use_stderr() => {
            output::say_at_the_end(usage::message(not_run));
            return ExitCode::from(2);
        }
        // The help or the version, as asked for.
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

/// Runs the command that the arguments name.
fn run(cli: Cli) -> Result<Fulfilled, Failure> {
    match cli.chosen() {
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Send(arguments) => send::run(arguments),
        #[cfg(feature = "tools")]
        Command::Import(arguments) => tools::import::run(&arguments),
        #[cfg(feature = "tools")]
        Command::Order(arguments) => tools::order::run(&arguments),
        #[cfg(feature = "tools")]
        Command::Why(arguments) => tools::why::run(&arguments),
        #[cfg(feature = "tools")]
        Command::Dot(arguments) => tools::dot::run(&arguments),
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
