//! The properties of a machine for packages, tried on machines that the table does not know: how a
//! user of the library tries them on one of their own.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use package_indexer::client::{Client, ClientError};
use package_indexer::engine::{Engine, EngineError};
use package_indexer::server::{Config, Server};
use package_indexer::testing::properties::{Subject, machine_properties};
use package_indexer::testing::{State, state_of_index};
use package_indexer::{Command, Outcome, StateMachine};

/// An engine that nobody else uses.
#[derive(Default)]
struct Alone(Engine);

impl StateMachine for Alone {
    type Command = Command;
    type Reply = Outcome;
    type Error = EngineError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, EngineError> {
        self.0.apply(command)
    }
}

impl Subject for Alone {
    fn state(&self) -> Option<State> {
        self.0.batch(|index| state_of_index(index)).ok()
    }
}

#[test]
fn an_engine_has_every_property_of_a_machine() {
    for property in machine_properties(Alone::default) {
        property.quickcheck(100, 1).unwrap();
    }
}

/// The far end of a connection, seen from its client, who cannot look inside.
struct FarEnd {
    client: Client,
    _server: Server,
}

impl FarEnd {
    fn fresh() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server =
            Server::start([listener], Arc::new(Engine::default()), Config::default()).unwrap();
        Self { client: Client::connect(server.addresses()).unwrap(), _server: server }
    }
}

impl StateMachine for FarEnd {
    type Command = Command;
    type Reply = Outcome;
    type Error = ClientError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, ClientError> {
        self.client.apply(command)
    }
}

impl Subject for FarEnd {
    fn state(&self) -> Option<State> {
        None
    }
}

#[test]
fn the_far_end_of_a_connection_has_every_property_of_a_machine() {
    for property in machine_properties(FarEnd::fresh) {
        property.quickcheck(10, 1).unwrap();
    }
}
