//! The system under test: how it is reached, and how what is tried on it finds nothing of others
//! and leaves nothing behind.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader};
use std::net::TcpStream;
use std::time::Duration;

use super::cannot_test::CannotTest;
use super::namespace::{Namespace, RawName};
use super::system::System;
use crate::client::{Client, ClientError};
use crate::command::Reply;
use crate::testing::transcript::{Endpoint, Mismatch, Transcript};

/// How many namespaces are tried until one is free.
const MOST_TAKEN: usize = 10;

/// A system of which nothing is known but its addresses, which are counted from 0, and over again
/// behind the last.
pub(super) struct Target {
    pub(super) system: System,
    /// How long a reply may take.
    patience: Cell<Duration>,
    seed: u64,
    namespaces: Cell<u64>,
    /// At each address, the client that looks for names and removes them, when there is one.
    housekeepers: Vec<RefCell<Option<Client>>>,
}

impl Target {
    pub(super) fn new(system: System, seed: u64, patience: Duration) -> Self {
        Self {
            housekeepers: system.addresses().iter().map(|_| RefCell::default()).collect(),
            system,
            patience: Cell::new(patience),
            seed,
            namespaces: Cell::new(0),
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

    pub(super) fn client(&self, number: usize) -> io::Result<Client> {
        Client::connect_timeout(self.system.address(number).socket(), self.patience())
    }

    pub(super) fn stream(&self, number: usize) -> io::Result<TcpStream> {
        let address = self.system.address(number).socket();
        let stream = TcpStream::connect_timeout(&address, self.patience())?;
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

    /// The error, with the address at which it came up if there are several.
    pub(super) fn said_at(&self, number: usize, error: io::Error) -> io::Error {
        match self.system.named(number) {
            Some(name) => io::Error::new(error.kind(), format!("{name}: {error}")),
            None => error,
        }
    }

    fn has_any(&self, names: &[RawName]) -> Result<bool, ClientError> {
        // At each: where they do not share what they should, one may know what no other does.
        for number in 0..self.system.count() {
            for name in names {
                if self.ask(number, "QUERY", name)? == Reply::Ok {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Removes packages as far as the system lets it, at every address: each for itself, and those
    /// that are needed once all are without lists. What cannot be removed is tried in another namespace
    /// next time.
    pub(super) fn remove(&self, names: &[RawName]) {
        for number in 0..self.system.count() {
            self.remove_at(number, names);
        }
    }

    fn remove_at(&self, number: usize, names: &[RawName]) {
        // In the order in which most can go at once: what came up later needs what came up earlier.
        let held = |name: &&RawName| matches!(self.ask(number, "REMOVE", name), Ok(Reply::Fail));
        let held: Vec<&RawName> = names.iter().rev().filter(held).collect();
        if held.is_empty() {
            return;
        }
        for name in names {
            let _refused = self.ask(number, "INDEX", name);
        }
        for name in names {
            let _held = self.ask(number, "REMOVE", name);
        }
    }

    /// Sees whether anything answers at each address, rightly or not.
    pub(super) fn reach(&self) -> Result<(), CannotTest> {
        (0..self.system.count()).try_for_each(|number| self.reach_at(number))
    }

    fn reach_at(&self, number: usize) -> Result<(), CannotTest> {
        let address = || self.system.address(number).name().to_owned();
        let unreachable = |error| CannotTest::Unreachable { address: address(), error };
        // A new one, for that is what everything else begins with.
        let client = self.client(number).map_err(unreachable)?;
        *self.housekeepers[number].borrow_mut() = Some(client);
        match self.ask(number, "QUERY", self.namespace().prefix().as_bytes()) {
            Ok(_) | Err(ClientError::NotAReply { .. }) => Ok(()),
            Err(error) => Err(CannotTest::Silent { address: address(), error }),
        }
    }

    /// Asks at one address one thing about one package, well formed or not, and waits for the answer.
    /// A connection that has served before may have ended since.
    fn ask(&self, number: usize, verb: &str, name: &[u8]) -> Result<Reply, ClientError> {
        let line = [verb.as_bytes(), b"|", name, b"|"].concat();
        let mut housekeeper = self.housekeepers[number].borrow_mut();
        if let Some(mut client) = housekeeper.take()
            && let Ok(reply) = client.exchange(&line)
        {
            *housekeeper = Some(client);
            return Ok(reply);
        }
        let mut client = self.client(number)?;
        let reply = client.exchange(&line)?;
        *housekeeper = Some(client);
        Ok(reply)
    }

    /// Holds the conversation, with names of a free namespace and with the replies of a fresh
    /// machine, or with those that it has, and tidies up. With several addresses, each connection goes
    /// where its name says.
    pub(super) fn hold(
        &self,
        transcript: &Transcript,
        answer: impl Fn(&Transcript) -> Transcript,
    ) -> Result<(), Held> {
        let transcript = self.system.spread(transcript, 0);
        let names = |namespace: &Namespace| namespace.names_in(&namespace.transcript(&transcript));
        let (namespace, names) = self.free_namespace(names);
        let sent = answer(&namespace.transcript(&transcript));
        let held = sent.run(&mut &*self);
        self.remove(&names);
        held.map_err(|mismatch| {
            let shown = sent.saying(&transcript);
            let address = self.system.of_mismatch(&shown, &mismatch);
            let addresses = self.system.addresses_in(&shown);
            Held { shown, mismatch, address, addresses }
        })
    }
}

/// A conversation that went another way.
pub(super) struct Held {
    /// As it should have gone, with the names that it was given with.
    pub(super) shown: Transcript,
    /// Where it went another way: its lines are those of `shown`, as this prints.
    pub(super) mismatch: Mismatch,
    /// At which address, if there are several.
    pub(super) address: Option<String>,
    /// At how many addresses something was said, as far as connections are called by them.
    pub(super) addresses: usize,
}

impl Endpoint for &Target {
    type Link = BufReader<TcpStream>;

    fn connect(&mut self) -> io::Result<Self::Link> {
        Ok(BufReader::new(self.stream(0)?))
    }

    fn connect_as(&mut self, name: &str) -> io::Result<Self::Link> {
        Ok(BufReader::new(self.stream(self.system.number_of(name))?))
    }
}
