//! The addresses of a system that is tested as one, as they are given and as messages show them.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::CheckFailure;
use crate::cli::Failure;
use crate::cli::arguments::{DEFAULT_ADDRESS, with_port};
use crate::client::Client;
use crate::conformance::{self, Address, CannotTest};

/// The server's address, or several that form one system.
#[derive(Debug, Args)]
pub(super) struct System {
    /// Address of the server; the port is 8080 if you give none
    ///
    /// Several different addresses are tested as one system.
    #[arg(long = "addr", value_name = "HOST[:PORT]", default_value = DEFAULT_ADDRESS, value_parser = with_port)]
    pub(super) addresses: Vec<String>,
}

impl System {
    /// The first address of each name that accepts a connection in time.
    pub(super) fn reachable(&self, patience: Duration) -> Result<conformance::System, Failure> {
        let sockets = self.addresses.iter().map(|name| reachable(name, patience));
        let sockets = sockets.collect::<Result<Vec<_>, _>>()?;
        if let [socket] = sockets[..] {
            return Ok(socket.into());
        }
        let addresses = self.addresses.iter().zip(sockets);
        let system =
            conformance::System::new(addresses.map(|(name, socket)| Address::new(name, socket)));
        Ok(system.map_err(CheckFailure::System)?)
    }

    /// All addresses, for messages.
    pub(super) fn listed(&self) -> String {
        self.addresses.join(", ")
    }

    /// Why nothing can be tested there.
    pub(super) fn cannot_test(&self, error: CannotTest) -> Failure {
        // One address alone is shown as it was given, not as what it resolves to.
        let named = |address| match &self.addresses[..] {
            [only] => only.clone(),
            _ => address,
        };
        match error {
            CannotTest::Unreachable { address, error } => {
                Failure::Connect { address: named(address), error }
            }
            CannotTest::Silent { address, error } => {
                Failure::Client { address: named(address), error }
            }
            CannotTest::NoSuchCheck { name } => CheckFailure::NoSuchCheck { name }.into(),
            error @ CannotTest::OneAddress { .. } => CheckFailure::OneAddress(error).into(),
            error @ CannotTest::NoSuchCase { .. } => CheckFailure::NoSuchCase(error).into(),
        }
    }
}

fn reachable(name: &str, patience: Duration) -> Result<SocketAddr, Failure> {
    let connected = Client::connect_timeout(name, patience);
    connected
        .and_then(|client| client.peer())
        .map_err(|error| Failure::Connect { address: name.to_owned(), error })
}
