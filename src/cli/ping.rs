//! `indexer ping`: ask whether a server answers.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use clap::Args;

use super::arguments::Server;
use super::{Failure, Fulfilled};
use crate::client::{Client, ClientError};

/// Ask whether a server answers
///
/// Sends one QUERY. Exits with 0 if any valid reply comes in time. Use it as a health check: it needs no
/// other program.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// How long to wait for the connection and the reply
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let address = &arguments.server.address;
    let no_reply = || Failure::NoReply { address: address.clone(), seconds: arguments.timeout };
    let not_connected = |error: io::Error| match error.kind() {
        io::ErrorKind::TimedOut => no_reply(),
        _ => Failure::Connect { address: address.clone(), error },
    };
    let start = Instant::now();
    let timeout = Duration::from_secs(arguments.timeout);
    let mut client = Client::connect_timeout(address, timeout).map_err(not_connected)?;
    let left = timeout.saturating_sub(start.elapsed());
    if left.is_zero() {
        return Err(no_reply());
    }
    client.set_timeout(Some(left)).map_err(not_connected)?;
    client.exchange(b"QUERY|ping|").map_err(|error| match error {
        ClientError::TimedOut => no_reply(),
        error => arguments.server.failed(error),
    })?;
    writeln!(io::stdout(), "{address} answers").map_err(Failure::Output)?;
    Ok(Fulfilled::Yes)
}
