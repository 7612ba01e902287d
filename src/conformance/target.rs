//! The system under test: how it is reached, and how conversations meet no packages of others and
//! leave none of their own.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::cannot_test::CannotTest;
use super::housekeeper::Housekeeper;
use super::link::TimedLink;
use super::namespace::{Namespace, RawName, outside};
use super::system::System;
use crate::client::{Client, ClientError};
use crate::command::Reply;
use crate::testing::transcript::{Ending, Endpoint, Mismatch, Transcript};

/// The most namespaces that are tried to find a free one.
const MOST_TAKEN: usize = 10;

/// How many conversations are remembered, and how many bytes of each.
const MOST_RECENT: usize = 20;
const MOST_RECENT_BYTES: usize = 2_000;

/// How many replies are timed.
const TIMED_REPLIES: usize = 5;

/// The shortest time limit.
const A_MOMENT: Duration = Duration::from_millis(1);

/// A system of which only the addresses are known. Their numbers count from 0, and begin again after
/// the last address.
pub(super) struct Target {
    pub(super) system: System,
    /// How long a reply may take.
    patience: Cell<Duration>,
    seed: u64,
    namespaces: Cell<u64>,
    /// When the time for the current work ends.
    deadline: Cell<Option<Instant>>,
    /// Whether the server ends its stream after its client does. Conversations then end by a
    /// half-close.
    ends_after_half_close: Cell<bool>,
    /// Whether to ask, before a conversation, if the server holds its names.
    asks_before: Cell<bool>,
    /// The client that looks for names and removes them, at each address.
    housekeepers: Vec<Housekeeper>,
    /// Names outside every namespace that the server refuses.
    refused: RefCell<BTreeSet<RawName>>,
    /// What was sent last, conversation by conversation.
    recent: RefCell<VecDeque<String>>,
}

impl Target {
    pub(super) fn new(system: System, seed: u64, patience: Duration) -> Self {
        Self {
            housekeepers: system.addresses().iter().map(|_| Housekeeper::default()).collect(),
            system,
            patience: Cell::new(patience),
            seed,
            namespaces: Cell::new(0),
            deadline: Cell::new(None),
            ends_after_half_close: Cell::new(true),
            asks_before: Cell::new(true),
            refused: RefCell::default(),
            recent: RefCell::default(),
        }
    }

    /// How long a reply may take now.
    pub(super) fn patience(&self) -> Duration {
        let left = self.deadline.get().map(|end| end.saturating_duration_since(Instant::now()));
        left.map_or(self.patience.get(), |left| left.min(self.patience.get())).max(A_MOMENT)
    }

    /// Does `work`, which may take this long as a whole.
    pub(super) fn within<T>(&self, bound: Duration, work: impl FnOnce() -> T) -> T {
        let outer = self.deadline.replace(Some(Instant::now() + bound));
        let done = work();
        self.deadline.set(outer);
        done
    }

    /// Whether the time for the current work has ended.
    pub(super) fn is_out_of_time(&self) -> bool {
        self.deadline.get().is_some_and(|end| Instant::now() >= end)
    }

    /// Stops ending conversations by a half-close, which this server minds.
    pub(super) fn do_without_half_close(&self) {
        self.ends_after_half_close.set(false);
    }

    /// Stops asking for names before conversations, because this server indexes what it is asked for.
    pub(super) fn do_without_asking(&self) {
        self.asks_before.set(false);
    }

    /// Does `work` without asking for names before each conversation.
    pub(super) fn without_asking<T>(&self, work: impl FnOnce() -> T) -> T {
        let usual = self.asks_before.replace(false);
        let done = work();
        self.asks_before.set(usual);
        done
    }

    /// What was sent last, conversation by conversation. The latest is at the end.
    pub(super) fn recent(&self) -> Vec<String> {
        self.recent.borrow().iter().cloned().collect()
    }

    /// Does `work` with another limit for a reply.
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

    /// The next namespace of this seed, in which nothing has been tried.
    pub(super) fn namespace(&self) -> Namespace {
        let number = self.namespaces.replace(self.namespaces.get() + 1);
        Namespace::new(self.seed, number)
    }

    /// A namespace in which the server knows none of the packages that `names` gives, and these names.
    /// It removes what an earlier run has left of them. If it cannot, it takes another namespace.
    pub(super) fn free_namespace(
        &self,
        names: impl Fn(&Namespace) -> Vec<RawName>,
    ) -> (Namespace, Vec<RawName>) {
        let mut tried = 0;
        loop {
            let namespace = self.namespace();
            let names = names(&namespace);
            if self.asks_before.get() && self.has_any(&names) {
                self.remove(&names);
                tried += 1;
                if tried < MOST_TAKEN && self.has_any(&names) {
                    continue;
                }
            }
            return (namespace, names);
        }
    }

    /// The error, with the name of the address where it came up, if there are several.
    pub(super) fn said_at(&self, number: usize, error: io::Error) -> io::Error {
        match self.system.named(number) {
            Some(name) => io::Error::new(error.kind(), format!("{name}: {error}")),
            None => error,
        }
    }

    fn has_any(&self, names: &[RawName]) -> bool {
        // Each address is asked. If they do not share what they should, only one may know the name.
        (0..self.system.count()).any(|number| {
            // If nothing answers here, the conversation itself will show it.
            let replies = self.ask_all(number, "QUERY", names).unwrap_or_default();
            replies.contains(&Some(Reply::Ok))
        })
    }

    /// Removes packages at every address, as far as the system lets it. It first tries each package
    /// alone. If some are still needed, it empties all lists and tries again. If that fails too, the
    /// next conversation takes another namespace.
    pub(super) fn remove(&self, names: &[RawName]) {
        for number in 0..self.system.count() {
            self.remove_at(number, names);
        }
    }

    fn remove_at(&self, number: usize, names: &[RawName]) {
        // The order is reversed, because later packages need earlier ones.
        let reversed = names.iter().rev();
        let Some(replies) = self.ask_all(number, "REMOVE", reversed.clone()) else { return };
        let replies = reversed.zip(replies);
        let held: Vec<&RawName> = replies
            .filter(|(_, reply)| *reply == Some(Reply::Fail))
            .map(|(name, _)| name)
            .collect();
        if held.is_empty() {
            return;
        }
        let _refused = self.ask_all(number, "INDEX", names);
        let _held = self.ask_all(number, "REMOVE", names);
    }

    /// Asks about each package. `None` stands for an invalid reply, and for all replies if nothing
    /// answers.
    fn ask_all<'a>(
        &self,
        number: usize,
        verb: &str,
        names: impl IntoIterator<Item = &'a RawName>,
    ) -> Option<Vec<Option<Reply>>> {
        let names: Vec<&RawName> = names.into_iter().collect();
        let mut replies = Vec::new();
        while let Some(name) = names.get(replies.len()) {
            if !self.is_out_of_time() {
                let some = self.housekeepers[number].ask_some(verb, &names[replies.len()..]);
                replies.extend(some.iter().copied().map(Some));
                if !some.is_empty() {
                    continue;
                }
            }
            replies.push(match self.ask(number, verb, name) {
                Ok(reply) => Some(reply),
                // To wait in vain for each of many replies would take for ever.
                Err(ClientError::TimedOut | ClientError::Io(_)) => return None,
                Err(_) => None,
            });
        }
        Some(replies)
    }

    /// Checks that something answers at each address, rightly or not.
    pub(super) fn reach(&self) -> Result<(), CannotTest> {
        (0..self.system.count()).try_for_each(|number| self.reach_at(number))
    }

    /// The median time of a few replies at the first address.
    pub(super) fn reply_time(&self) -> Duration {
        let name = self.namespace().prefix().as_bytes().to_vec();
        let mut times: Vec<Duration> = (0..TIMED_REPLIES)
            .map(|_| {
                let begin = Instant::now();
                // The checks find what goes wrong.
                let _reply = self.ask(0, "QUERY", &name);
                begin.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[TIMED_REPLIES / 2]
    }

    fn reach_at(&self, number: usize) -> Result<(), CannotTest> {
        let address = || self.system.address(number).name().to_owned();
        let unreachable = |error| CannotTest::Unreachable { address: address(), error };
        // The connection is new, because everything else begins with a new one.
        let client = self.client(number).map_err(unreachable)?;
        self.housekeepers[number].take(client);
        match self.ask(number, "QUERY", self.namespace().prefix().as_bytes()) {
            Ok(_) | Err(ClientError::NotAReply { .. }) => Ok(()),
            Err(error) => Err(CannotTest::Silent { address: address(), error }),
        }
    }

    /// Asks one thing about one package at one address, well formed or not, and waits for the reply.
    fn ask(&self, number: usize, verb: &str, name: &[u8]) -> Result<Reply, ClientError> {
        if self.is_out_of_time() {
            return Err(ClientError::TimedOut);
        }
        let connect = || self.client(number);
        self.housekeepers[number].ask(verb, name, connect)
    }

    /// Sets whether messages that look for names and remove them are sent ahead of their replies.
    pub(super) fn ask_ahead(&self, asks_ahead: bool) {
        self.housekeepers.iter().for_each(|housekeeper| housekeeper.ask_ahead(asks_ahead));
    }

    /// Holds a conversation with names of a free namespace, and tidies up. `answer` gives the expected
    /// replies. With several addresses, each connection goes where its name says.
    pub(super) fn hold(
        &self,
        transcript: &Transcript,
        answer: impl Fn(&Transcript) -> Transcript,
    ) -> Result<(), Held> {
        let transcript = self.system.spread(transcript, 0);
        let names = |namespace: &Namespace| namespace.names_in(&namespace.transcript(&transcript));
        let (namespace, names) = self.free_namespace(names);
        let sent = answer(&namespace.transcript(&transcript));
        // The conversation is left out if the server holds one of these names, which could not be
        // restored.
        let Some(absent) = self.absent(&outside(&sent, &namespace)) else { return Ok(()) };
        self.remember(&sent);
        let held = sent.run_to(&self.ending(&namespace), &mut &*self);
        self.remove(&names);
        self.remove_taken(&absent);
        held.map_err(|mismatch| {
            let shown = sent.saying(&transcript);
            let address = self.system.of_mismatch(&shown, &mismatch);
            let addresses = self.system.addresses_in(&shown);
            Held { shown, mismatch, address, addresses }
        })
    }

    /// How a conversation ends with this server.
    fn ending(&self, namespace: &Namespace) -> Ending {
        if self.ends_after_half_close.get() {
            return Ending::HalfClose;
        }
        let line = |verb: &str| format!("{verb}|{}end|\n", namespace.prefix()).into_bytes();
        // A reply too many comes in place of one of these, and differs from it.
        Ending::Asking(vec![(line("QUERY"), "FAIL".into()), (line("REMOVE"), "OK".into())])
    }

    fn remember(&self, sent: &Transcript) {
        let sent = sent.sent();
        let shown = &sent[..sent.len().min(MOST_RECENT_BYTES)];
        let mut recent = self.recent.borrow_mut();
        if recent.len() == MOST_RECENT {
            recent.pop_front();
        }
        recent.push_back(shown.escape_ascii().to_string().replace("\\n", "\n"));
    }

    /// The names outside the namespace that the server does not hold, but may take. `None` if it holds
    /// one of them.
    fn absent(&self, names: &[RawName]) -> Option<Vec<RawName>> {
        let mut absent = Vec::new();
        for name in names {
            if self.refused.borrow().contains(name) {
                continue;
            }
            match self.ask(0, "QUERY", name) {
                Ok(Reply::Ok) => return None,
                Ok(Reply::Fail) => absent.push(name.clone()),
                Ok(Reply::Error) | Err(_) => drop(self.refused.borrow_mut().insert(name.clone())),
            }
        }
        Some(absent)
    }

    /// Removes the invalid names that the server has taken.
    fn remove_taken(&self, absent: &[RawName]) {
        let is_taken = |name: &&RawName| matches!(self.ask(0, "QUERY", name), Ok(Reply::Ok));
        let taken: Vec<RawName> = absent.iter().filter(is_taken).cloned().collect();
        if !taken.is_empty() {
            self.remove(&taken);
        }
    }
}

/// A conversation that went wrong.
pub(super) struct Held {
    /// The conversation as it should have gone, with its original names.
    pub(super) shown: Transcript,
    /// Where it went wrong. Its line numbers are those of `shown`, as it prints.
    pub(super) mismatch: Mismatch,
    /// The address where it went wrong, if there are several.
    pub(super) address: Option<String>,
    /// How many addresses it used, by the names of its connections.
    pub(super) addresses: usize,
}

impl Endpoint for &Target {
    type Link = TimedLink;

    fn connect(&mut self) -> io::Result<Self::Link> {
        Ok(TimedLink::new(self.stream(0)?, self.patience.get(), self.deadline.get()))
    }

    fn connect_as(&mut self, name: &str) -> io::Result<Self::Link> {
        let stream = self.stream(self.system.number_of(name))?;
        Ok(TimedLink::new(stream, self.patience.get(), self.deadline.get()))
    }
}
