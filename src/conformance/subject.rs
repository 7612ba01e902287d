//! The server as a machine, so that the properties of any machine can be tried on it.

use std::rc::Rc;
use std::time::Instant;

use statecheck::StateMachine;

use super::namespace::{Namespace, RawName, raw};
use super::target::Target;
use crate::client::{Client, ClientError};
use crate::command::{Command, Outcome};
use crate::model::Model;
use crate::testing::State;
use crate::testing::contention::packages;
use crate::testing::generators::command::ALPHABET;
use crate::testing::properties::Subject;

/// A machine without packages on the server: a namespace that nobody uses. Traces call its packages by
/// letters.
pub(super) struct RemoteMachine {
    target: Rc<Target>,
    /// The number of the address to ask at.
    number: usize,
    reached: Option<(Namespace, Client)>,
    /// The model, which answers in place of the server when no time or no server is left. It shows no
    /// fault, so shortening comes to its end.
    stand_in: Option<Model>,
}

impl RemoteMachine {
    pub(super) fn new(target: Rc<Target>, number: usize, end: Instant) -> Self {
        let is_over = Instant::now() >= end || target.reach().is_err();
        let stand_in = is_over.then(Model::default);
        Self { target, number, reached: None, stand_in }
    }
}

/// All names that a trace can use, in a namespace.
fn names(namespace: &Namespace) -> Vec<RawName> {
    raw(&packages(namespace.prefix(), ALPHABET.len()).unwrap_or_default())
}

impl StateMachine for RemoteMachine {
    type Command = Command;
    type Reply = Outcome;
    type Error = ClientError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, ClientError> {
        if let Some(model) = &mut self.stand_in {
            let Ok(outcome) = model.apply(command);
            return Ok(outcome);
        }
        let (namespace, mut client) = match self.reached.take() {
            Some(reached) => reached,
            None => (self.target.free_namespace(names).0, self.target.client(self.number)?),
        };
        let renamed = namespace.command(command);
        let outcome = client.apply(renamed.as_ref().unwrap_or(command));
        // The client is kept after an error too. Later commands then fail alike, and the names can be
        // removed.
        self.reached = Some((namespace, client));
        outcome
    }
}

impl Drop for RemoteMachine {
    fn drop(&mut self) {
        if let Some((namespace, _)) = &self.reached {
            self.target.remove(&names(namespace));
        }
    }
}

impl Subject for RemoteMachine {
    /// A server does not show which packages it holds.
    fn state(&self) -> Option<State> {
        None
    }
}
