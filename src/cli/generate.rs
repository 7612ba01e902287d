//! `indexer generate`: shell completions and the man page, from the same definitions as `--help`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Subcommand};
use clap_complete::Shell;

use super::{Answer, Cli, Failure};

/// Print shell completions, or write the man pages
#[derive(Debug, Args)]
pub(super) struct Arguments {
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

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let mut command = Cli::command();
    match &arguments.what {
        What::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "indexer", &mut script);
            io::stdout().write_all(&script).map_err(Failure::Output)?;
        }
        What::Man { folder } => {
            let write = || {
                std::fs::create_dir_all(folder)?;
                clap_mangen::generate_to(command, folder)
            };
            write().map_err(|error| Failure::Write { path: folder.clone(), error })?;
        }
    }
    Ok(Answer::Yes)
}
