//! The server under test: how it is reached, and how what is tried on it finds nothing of others
//! and leaves nothing behind.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::namespace::Namespace;
use super::suite::CannotTest;
use crate::client::{Client, ClientError};
use crate::command::{Command, Outcome};
use crate::machine::StateMachine;
use crate::name::Name;
use crate::testing::transcript::{Endpoint, Mismatch, Transcript};

/// How many namespaces are tried until one is free.
const MOST_TAKEN: usize = 1_000;

/// A server at an address, of which nothing is known.
pub(super) struct Target {
    address: SocketAddr,
    /// How long a reply may take.
    patience: Cell<Duration>,
    seed: u64,
    namespaces: Cell<u64>,
    /// The client that looks for names and removes them, when there is one.
    housekeeper: RefCell<Option<Client>>,
}

impl Target {
    pub(super) fn new(address: SocketAddr, seed: u64, patience: Duration) -> Self {
        Self {
            address,
            patience: Cell::new(patience),
            seed,
            namespaces: Cell::new(0),
            housekeeper: RefCell::default(),
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience.get()
    }

    /// Does something with another patience.
    pub(super) fn with_patience<T>(&self, patience: Duration, work: impl FnOnce() -> T) -> T {
        let usual = self.patience.replace(patience);
        let done = work();
        self.patience.set(usual);
        done
    }

    pub(super) fn client(&self) -> io::Result<Client> {
        Client::connect_timeout(self.address, self.patience())
    }

    pub(super) fn stream(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, self.patience())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience()))?;
        stream.set_write_timeout(Some(self.patience()))?;
        Ok(stream)
    }

    /// A namespace that nothing has been tried in, the next one of this seed.
    pub(super) fn namespace(&self) -> Namespace {
        let number = self.namespaces.replace(self.namespaces.get() + 1);
        Namespace::new(self.seed, number)
    }

    /// A namespace in which the server knows none of the packages that `names` gives, with these.
    /// What an earlier run has left of them is removed; where that cannot be, another is taken.
    pub(super) fn free_namespace(
        &self,
        names: impl Fn(&Namespace) -> Vec<Name>,
    ) -> (Namespace, Vec<Name>) {
        let mut tried = 0;
        loop {
            let namespace = self.namespace();
            let names = names(&namespace);
            // What cannot be known is shown by what is tried there.
            let is_taken = || self.has_any(&names).unwrap_or(false);
            if is_taken() {
                self.remove(&names);
                tried += 1;
                if tried < MOST_TAKEN && is_taken() {
                    continue;
                }
            }
            return (namespace, names);
        }
    }

    fn has_any(&self, names: &[Name]) -> Result<bool, ClientError> {
        for name in names {
            if self.ask(&Command::Query { package: name.clone() })? == Outcome::Ok {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes packages as far as the server lets it: each without its list, so that none is needed.
    pub(super) fn remove(&self, names: &[Name]) {
        let remove = |name: &Name| self.ask(&Command::Remove { package: name.clone() });
        // In the order in which most can go at once: what came up later needs what came up earlier.
        let gone = names.iter().rev().map(remove).collect::<Result<Vec<_>, _>>();
        if gone.is_ok_and(|outcomes| outcomes.contains(&Outcome::Fail)) {
            for name in names {
                let package = name.clone();
                let bare = Command::Index { package, dependencies: Vec::new() };
                // What cannot be tidied is tried in another namespace.
                let _refused = self.ask(&bare);
            }
            for name in names {
                let _left = remove(name);
            }
        }
    }

    /// Sees whether anything answers there, rightly or not.
    pub(super) fn reach(&self) -> Result<(), CannotTest> {
        let address = self.address;
        let client = self.client().map_err(|error| CannotTest::Unreachable { address, error })?;
        *self.housekeeper.borrow_mut() = Some(client);
        let Some(package) = self.namespace().name("a") else { return Ok(()) };
        match self.ask(&Command::Query { package }) {
            Ok(_) | Err(ClientError::NotAReply { .. } | ClientError::Refused { .. }) => Ok(()),
            Err(error) => Err(CannotTest::Silent { address, error }),
        }
    }

    /// Asks the server one thing, and waits for the answer.
    fn ask(&self, command: &Command) -> Result<Outcome, ClientError> {
        let mut housekeeper = self.housekeeper.borrow_mut();
        let mut client = match housekeeper.take() {
            Some(client) => client,
            None => self.client()?,
        };
        let outcome = client.apply(command)?;
        // What has failed is not used again.
        *housekeeper = Some(client);
        Ok(outcome)
    }

    /// Holds the conversation, with names of a free namespace and with the replies of a fresh
    /// machine, or with those that it has, and tidies up.
    pub(super) fn hold(
        &self,
        transcript: &Transcript,
        answer: impl Fn(&Transcript) -> Transcript,
    ) -> Result<(), Held> {
        let names = |namespace: &Namespace| namespace.names_in(&namespace.transcript(transcript));
        let (namespace, names) = self.free_namespace(names);
        let sent = answer(&namespace.transcript(transcript));
        let held = sent.run(&mut &*self);
        self.remove(&names);
        held.map_err(|mismatch| Held { shown: sent.saying(transcript), mismatch })
    }
}

/// A conversation that went another way.
pub(super) struct Held {
    /// As it should have gone, with the names that it was given with.
    pub(super) shown: Transcript,
    /// Where it went another way: its lines are those of `shown`, as this prints.
    pub(super) mismatch: Mismatch,
}

impl Endpoint for &Target {
    type Link = BufReader<TcpStream>;

    fn connect(&mut self) -> io::Result<Self::Link> {
        Ok(BufReader::new(self.stream()?))
    }
}
