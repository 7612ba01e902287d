//! `indexer ping`: whether a server answers.

use std::io::{self, Write as _};
use std::time::Duration;

use clap::Args;

use super::{Answer, Failure, Server};

/// Ask a server for a sign of life
///
/// Sends one QUERY and exits with 0 when any proper reply comes in time: a health check that needs
/// no other program.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// How long to wait for the reply
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let address = &arguments.server.address;
    let mut client = arguments.server.connect()?;
    client
        .set_timeout(Some(Duration::from_secs(arguments.timeout)))
        .map_err(|error| Failure::Connect { address: address.clone(), error })?;
    client.exchange(b"QUERY|ping|")?;
    writeln!(io::stdout(), "{address} answers").map_err(Failure::Output)?;
    Ok(Answer::Yes)
}
