//! The server under test: how it is reached, and how what is tried on it finds nothing of others
//! and leaves nothing behind.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::namespace::{Namespace, RawName};
use super::suite::CannotTest;
use crate::client::{Client, ClientError};
use crate::command::Reply;
use crate::testing::transcript::{Endpoint, Mismatch, Transcript};

/// How many namespaces are tried until one is free.
const MOST_TAKEN: usize = 10;

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
        names: impl Fn(&Namespace) -> Vec<RawName>,
    ) -> (Namespace, Vec<RawName>) {
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

    fn has_any(&self, names: &[RawName]) -> Result<bool, ClientError> {
        for name in names {
            if self.ask("QUERY", name)? == Reply::Ok {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes packages as far as the server lets it: each for itself, and those that are needed
    /// once all are without lists. What cannot be removed is tried in another namespace next time.
    pub(super) fn remove(&self, names: &[RawName]) {
        // In the order in which most can go at once: what came up later needs what came up earlier.
        let held = |name: &&RawName| matches!(self.ask("REMOVE", name), Ok(Reply::Fail));
        let held: Vec<&RawName> = names.iter().rev().filter(held).collect();
        if held.is_empty() {
            return;
        }
        for name in names {
            let _refused = self.ask("INDEX", name);
        }
        for name in names {
            let _held = self.ask("REMOVE", name);
        }
    }

    /// Sees whether anything answers there, rightly or not.
    pub(super) fn reach(&self) -> Result<(), CannotTest> {
        let address = self.address;
        // A new one, for that is what everything else begins with.
        let client = self.client().map_err(|error| CannotTest::Unreachable { address, error })?;
        *self.housekeeper.borrow_mut() = Some(client);
        match self.ask("QUERY", self.namespace().prefix().as_bytes()) {
            Ok(_) | Err(ClientError::NotAReply { .. }) => Ok(()),
            Err(error) => Err(CannotTest::Silent { address, error }),
        }
    }

    /// Asks the server one thing about one package, well formed or not, and waits for the answer.
    /// A connection that has served before may have ended since.
    fn ask(&self, verb: &str, name: &[u8]) -> Result<Reply, ClientError> {
        let line = [verb.as_bytes(), b"|", name, b"|"].concat();
        let mut housekeeper = self.housekeeper.borrow_mut();
        if let Some(mut client) = housekeeper.take()
            && let Ok(reply) = client.exchange(&line)
        {
            *housekeeper = Some(client);
            return Ok(reply);
        }
        let mut client = self.client()?;
        let reply = client.exchange(&line)?;
        *housekeeper = Some(client);
        Ok(reply)
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
