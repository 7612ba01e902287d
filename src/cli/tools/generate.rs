//! `indexer generate`: shell completions and the man page, from the same definitions as `--help`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Subcommand};
use clap_complete::Shell;

use crate::cli::{Cli, Failure, Fulfilled};

/// Print shell completions, or write the man pages
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write a man page for the program and one for each command
    Man {
        /// The folder to write to
        folder: PathBuf,
    },
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    match &arguments.what {
        What::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut visible(), "indexer", &mut script);
            io::stdout().write_all(&script).map_err(Failure::Output)?;
        }
        What::Man { folder } => {
            let write = || {
                std::fs::create_dir_all(folder)?;
                clap_mangen::generate_to(visible(), folder)
            };
            write().map_err(|error| Failure::Write { path: folder.clone(), error })?;
        }
    }
    Ok(Fulfilled::Yes)
}

/// The program without the commands that `--help` does not show: the generators would show them.
fn visible() -> clap::Command {
    let all = Cli::command();
    let text = |text: Option<&clap::builder::StyledStr>| text.cloned().unwrap_or_default();
    clap::Command::new("indexer")
        .version(env!("CARGO_PKG_VERSION"))
        .about(text(all.get_about()))
        .long_about(text(all.get_long_about()))
        .after_help(text(all.get_after_help()))
        .args_conflicts_with_subcommands(true)
        .args(all.get_arguments())
        .subcommands(all.get_subcommands().filter(|command| !command.is_hide_set()))
}
