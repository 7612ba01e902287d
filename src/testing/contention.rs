//! Clients that contend for a few packages at one server. It has their commands, the recording, and the
//! checker that compares what they saw with the reference model.
//!
//! The drivers are in [`history`](super::history). This module applies them to packages. An engine needs no
//! server:
//!
//! ```
//! use package_indexer::Command;
//! use package_indexer::engine::{Engine, EngineError};
//! use package_indexer::testing::history::record;
//!
//! let engine = Engine::default();
//! let script = || vec![vec![Command::index("a", []).unwrap()]; 10];
//! let recording = record(vec![(&engine, script()), (&engine, script())], |engine, burst, reply| {
//!     for command in burst {
//!         reply(engine.apply(command)?);
//!     }
//!     Ok::<(), EngineError>(())
//! });
//! assert!(recording.cut_off.is_empty());
//! assert_eq!(recording.history.events(), 40);
//! ```

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Unstructured};

use super::generators::command::{ALPHABET, Mix, command, pick};
use super::history::{Checker, History, Recording, Script, record, record_anew};
use crate::client::{Client, ClientError};
use crate::command::{Command, Outcome, Reply};
use crate::model::Model;
use crate::name::{Name, NameError};

/// How long a client waits for a server that does not answer. After that it counts as cut off.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much is asked, and by how many clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contention {
    /// How many clients there are, at least 1.
    pub clients: usize,
    /// How many commands they send in all, divided as evenly as possible.
    pub operations: usize,
    /// How many commands a client sends at most before it waits for their replies, 1 to 255.
    pub burst: u8,
}

/// So many packages, from 1 to 8, each named by a letter after `prefix`. With different prefixes, two
/// histories on one server do not affect each other.
///
/// # Errors
/// If such a name is not valid.
pub fn packages(prefix: &str, count: usize) -> Result<Vec<Name>, NameError> {
    let letters = ALPHABET.iter().take(count.max(1));
    letters.map(|letter| Name::new(format!("{prefix}{letter}"))).collect()
}

impl Contention {
    /// How many bytes [`scripts`](Self::scripts) uses at most. A command takes nine: the number of commands
    /// sent at once, the verb, the package, and up to six dependencies.
    #[must_use]
    pub fn bytes(&self) -> usize {
        9 * self.operations
    }

    /// What each client sends about `packages`: about a third each of INDEX, REMOVE and QUERY. It is made
    /// from bytes, and from zeros when they are used up.
    ///
    /// # Errors
    /// As [`Arbitrary`]. Too few bytes are no error.
    ///
    /// # Panics
    /// If there are no packages.
    pub fn scripts(
        &self,
        bytes: &[u8],
        packages: &[Name],
    ) -> arbitrary::Result<Vec<Script<Command>>> {
        let mut u = Unstructured::new(bytes);
        let clients = self.clients.max(1);
        (0..clients)
            .map(|client| {
                let commands = (self.operations + client) / clients;
                self.script(&mut u, commands, packages)
            })
            .collect()
    }

    fn script(
        &self,
        u: &mut Unstructured<'_>,
        commands: usize,
        packages: &[Name],
    ) -> arbitrary::Result<Script<Command>> {
        let name = |u: &mut Unstructured<'_>| {
            Ok(packages[pick(u8::arbitrary(u)?, packages.len())].clone())
        };
        let mut left = commands;
        let mut script = Script::new();
        while left > 0 {
            let length = 1 + usize::from(u8::arbitrary(u)? % self.burst.max(1));
            let burst = (0..length.min(left)).map(|_| command(u, Mix::EVEN, name));
            script.push(burst.collect::<arbitrary::Result<Vec<_>>>()?);
            left -= length.min(left);
        }
        Ok(script)
    }
}

/// Records clients that follow these scripts at a server that knows none of their packages. A client that
/// waits for more than a minute is cut off.
///
/// # Errors
/// If a client cannot connect. Nothing has been sent then.
pub fn record_at(
    address: impl ToSocketAddrs,
    scripts: Vec<Script<Command>>,
) -> io::Result<Recording<Command, Reply, ClientError>> {
    let clients: Vec<_> = scripts
        .into_iter()
        .map(|script| Ok((Client::connect_timeout(&address, PATIENCE)?, script)))
        .collect::<io::Result<_>>()?;
    Ok(record_of(clients))
}

/// Records clients that are already connected, each as long as it is patient.
pub(crate) fn record_of(
    clients: Vec<(Client, Script<Command>)>,
) -> Recording<Command, Reply, ClientError> {
    record(clients, |client, burst, reply| exchange(client, burst, reply))
}

fn exchange(
    client: &mut Client,
    burst: &[Command],
    mut reply: impl FnMut(Reply),
) -> Result<(), ClientError> {
    match burst {
        [command] => {
            reply(client.exchange(command.to_string().as_bytes())?);
            Ok(())
        }
        burst => client.apply_all(burst, reply).map(drop),
    }
}

/// Records clients that follow these scripts at several servers of one index, while these come and go. None
/// of the servers knows the packages at first. `addresses` has their current addresses, at least one.
///
/// A client that is cut off, or has waited for longer than `patience`, goes on as another client at the next
/// server. So does a client that is answered ERROR, because the fate of its command is unknown. A client that
/// no server takes for so long ends. `answered` is called with each other reply as it comes.
pub fn record_anywhere(
    addresses: impl Fn() -> Vec<SocketAddr> + Sync,
    patience: Duration,
    scripts: Vec<Script<Command>>,
    answered: impl Fn(Reply) + Sync,
) -> History<Command, Reply> {
    let connect = |number: usize, before: usize| {
        let begun = Instant::now();
        for attempt in number + before.. {
            let addresses = addresses();
            let address = addresses.get(attempt % addresses.len().max(1));
            let client = address.map(|address| Client::connect_timeout(address, patience));
            if let Some(Ok(client)) = client {
                return Some(client);
            }
            if begun.elapsed() > patience {
                break;
            }
            thread::yield_now();
        }
        None
    };
    record_anew(scripts, connect, |client, burst, reply| {
        exchange(client, burst, |said| {
            let known = (said != Reply::Error).then_some(said);
            reply(known);
            known.into_iter().for_each(&answered);
        })
    })
}

/// Compares what clients of a server saw with the reference model, which begins without packages.
///
/// ```
/// use package_indexer::testing::contention;
/// use package_indexer::testing::history::{History, Verdict};
/// use package_indexer::{Command, Reply};
///
/// // The client is told first that the package is there, and then that it is not.
/// let history: History<Command, Reply> = "
///     1> INDEX|a|
///     2> QUERY|a|
///     2< OK
///     2> QUERY|a|
///     2< FAIL
///     1< OK
/// ".parse()?;
/// let checker = contention::checker();
/// assert_eq!(checker.check(&history), Verdict::NotLinearizable);
/// let page = history.to_html("Forgotten at once", checker.first_unexplained(&history));
/// assert!(page.contains("no order explains this reply"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn checker() -> Checker<Model, Reply> {
    Checker::new(Model::default(), |outcome, reply| Reply::from(*outcome) == *reply)
        .reading(only_reads)
}

/// Whether a command and its reply only read. A command that is not answered OK has changed nothing, and a
/// QUERY never does.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the checker has replies of any size")]
fn only_reads(command: &Command, reply: &Reply) -> bool {
    matches!(command, Command::Query { .. }) || *reply != Reply::from(Outcome::Ok)
}
