//! Arguments that several commands take, and how times are read.

use std::net::Ipv6Addr;
use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;

use super::Failure;
use crate::client::{Client, ClientError};

/// The address of the protocol (rule C1).
pub(super) const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// The port of a server whose address has none.
const DEFAULT_PORT: u16 = 8080;

/// The address of the server.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Address of the server; the port is 8080 if you give none
    #[arg(long = "addr", value_name = "HOST[:PORT]", default_value = DEFAULT_ADDRESS, value_parser = with_port)]
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

/// Adds the default port to an address that has none.
pub(super) fn with_port(address: &str) -> Result<String, String> {
    if address.is_empty() {
        return Err("give it as HOST or HOST:PORT".into());
    }
    if address.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{address}]:{DEFAULT_PORT}"));
    }
    // The colons inside brackets belong to the address; a port comes after the closing bracket.
    let after_host = address.rsplit_once(']').map_or(address, |(_, after)| after);
    let is_whole = after_host.contains(':');
    Ok(if is_whole { address.to_owned() } else { format!("{address}:{DEFAULT_PORT}") })
}

/// A time in seconds, from a millisecond to a day, so that a count of microseconds does not overflow.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("give from 0.001 to 86400 seconds (a day)".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A time in whole seconds, at least one.
pub(super) fn at_least_one_second(text: &str) -> Result<u64, String> {
    let seconds: NonZeroU64 = text.parse().map_err(|error| format!("{error}"))?;
    Ok(seconds.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_port_gets_that_of_the_protocol() {
        for (given, whole) in [
            ("127.0.0.1", DEFAULT_ADDRESS),
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("index.example.org", "index.example.org:8080"),
            ("localhost:0", "localhost:0"),
            ("::1", "[::1]:8080"),
            ("[::1]", "[::1]:8080"),
            ("[::1]:9000", "[::1]:9000"),
            ("2001:db8::9000", "[2001:db8::9000]:8080"),
            // An empty port: connecting reports it.
            ("localhost:", "localhost:"),
        ] {
            assert_eq!(with_port(given).as_deref(), Ok(whole), "{given}");
        }
        assert!(with_port("").is_err());
    }
}
