//! `indexer replay`: try again what `check` has saved.

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

/// Try a saved transcript or history again on a server
///
/// The file is one that `indexer check --save` wrote, or a transcript of your own. In it, `> message` is
/// sent, and `< reply` must come back. Names get a prefix on the wire and are removed afterwards, so the
/// server may hold packages. A history depends on timing, so its clients send it 200 times, and a short one
/// more often.
///
/// You may give several addresses, as for `indexer check`. A connection that the file calls by one of them
/// goes there. All other connections go to the addresses in turn.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 the server does as it should, 1 it does not, 2 could not be tried."
)]
pub(in crate::cli) struct Arguments {
    /// The transcript or history to try
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
    // The exit status says the same, if nobody reads this.
    let mut output = Aside::new(io::stdout());
    output.write_all(said.as_bytes()).and_then(|()| output.end()).map_err(Failure::Output)?;
    Ok(Fulfilled::yes_if(found.is_none()))
}
