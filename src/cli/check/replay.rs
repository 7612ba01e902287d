//! `indexer replay`: what `check` has kept, once more.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::report::details;
use super::system::System;
use super::{CheckFailure, fresh_seed};
use crate::cli::output::Aside;
use crate::cli::{Failure, Fulfilled};
use crate::conformance::{self, Saved, Settings};

/// Try a transcript or a history again on a server
///
/// The file is one that `indexer check --save` has written, or a transcript that you write yourself:
/// `> message` is sent, `< reply` has to come back. Names get a prefix on the wire and are removed
/// afterwards, so that the server may hold packages. A history is a matter of luck: its clients send
/// the same again, 200 times, and a short one more often.
///
/// With several addresses, as for `indexer check`, a connection that the file calls by an address goes
/// there; what was at another address then goes to one of these. All else goes to them in turn.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 the server does as it should, 1 it does not, 2 could not be tried."
)]
pub(in crate::cli) struct Arguments {
    /// The transcript or history
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    system: System,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let Arguments { file, system } = arguments;
    let path = || file.clone();
    let text = fs::read_to_string(file).map_err(|error| Failure::Read { path: path(), error })?;
    let saved: Saved = text.parse().map_err(|error| CheckFailure::Saved { path: path(), error })?;
    let settings = Settings { seed: fresh_seed(), ..Settings::default() };
    let reached = system.reachable(settings.patience)?;
    let found = conformance::replay(&reached, &saved, &settings);
    let found = found.map_err(|error| system.cannot_test(error))?;
    let said = match &found {
        Some(finding) => format!("FAILED: {}", details(finding)),
        None => "passed\n".to_owned(),
    };
    // The exit status says it too, to whoever does not read.
    let mut output = Aside::new(io::stdout());
    output.write_all(said.as_bytes()).and_then(|()| output.end()).map_err(Failure::Output)?;
    Ok(Fulfilled::yes_if(found.is_none()))
}
