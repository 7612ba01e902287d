//! The [`StateMachine`]s of this crate: index, model, engine and client. A driver of one of them can drive
//! the others.

use std::convert::Infallible;

use statecheck::StateMachine;

use crate::client::{Client, ClientError};
use crate::command::{Command, Outcome};
use crate::engine::{Engine, EngineError};
use crate::index::{LimitError, PackageIndex};
use crate::model::Model;

impl StateMachine for PackageIndex {
    type Command = Command;
    type Reply = Outcome;
    type Error = LimitError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, LimitError> {
        self.apply(command)
    }
}

impl StateMachine for Model {
    type Command = Command;
    type Reply = Outcome;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Outcome, Infallible> {
        self.apply(command)
    }
}

/// A shared engine is a machine too. Each command is a batch of its own.
impl StateMachine for &Engine {
    type Command = Command;
    type Reply = Outcome;
    type Error = EngineError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, EngineError> {
        Engine::apply(self, command)
    }
}

impl StateMachine for Client {
    type Command = Command;
    type Reply = Outcome;
    type Error = ClientError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, ClientError> {
        self.apply(command)
    }
}
