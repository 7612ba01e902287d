//! What several commands take, and how times are read.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;

use super::Failure;
use crate::client::{Client, ClientError};

/// The address of the protocol (rule C1).
pub(super) const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// Where the server is.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// The server's address
    #[arg(long = "addr", value_name = "HOST:PORT", default_value = DEFAULT_ADDRESS)]
    pub(super) address: String,
}

impl Server {
    pub(super) fn connect(&self) -> Result<Client, Failure> {
        Client::connect(&self.address)
            .map_err(|error| Failure::Connect { address: self.address.clone(), error })
    }

    /// A failure in talking to this server.
    pub(super) fn failed(&self, error: ClientError) -> Failure {
        Failure::Client { address: self.address.clone(), error }
    }
}

/// A time in seconds: what is counted in microseconds does not overflow.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("choose from 0.001 seconds to a day (86400)".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A time in whole seconds.
pub(super) fn at_least_one_second(text: &str) -> Result<u64, String> {
    let seconds: NonZeroU64 = text.parse().map_err(|error| format!("{error}"))?;
    Ok(seconds.get())
}
