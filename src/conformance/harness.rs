//! What the challenge's own harness does, by the meaning of its text.
//!
//! 1, 10 and 100 clients at once remove, index and remove again a list of packages like Homebrew's, by
//! brute force. Some of their messages are broken. Finally, a hundred clients contend for the same
//! packages for a moment.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quickcheck::{Arbitrary, Gen};

use super::check::{Check, Stage};
use super::context::{Context, Trial};
use super::finding::Finding;
use super::rules::{Rules, broken_by};
use crate::client::{Client, ClientError};
use crate::command::Reply;

/// How many clients there are, and how many packages they share.
const SIZES: [(usize, usize); 3] = [(1, 60), (10, 200), (100, 600)];

/// Bad luck follows one message in this many: a broken message, or a client that breaks off.
const UNLUCKINESS: usize = 20;

/// Messages that every text of the challenge refuses. NAME stands for a name that is removed
/// afterwards.
const BROKEN: [&str; 5] = ["BLINDEX|NAME|", "INDEX", "index|NAME|", "REMOVE NAME", "|NAME|INDEX"];

/// The name in a broken message.
const MEANT: &str = "meant";

/// The numbers of the check in which all clients contend: clients, packages, and messages of each
/// client.
const HOT_CLIENTS: usize = 100;
const HOT_PACKAGES: usize = 40;
const HOT_MESSAGES: usize = 300;

/// A package and its dependencies, as they are sent.
type Listed = (String, Vec<String>);

pub(super) fn checks() -> Vec<Check> {
    let sized = SIZES.map(|(clients, packages)| {
        let plural = if clients == 1 { "client" } else { "clients" };
        let promise = format!(
            "{packages} packages are indexed and removed by brute force by {clients} {plural} at once."
        );
        Check {
            drawn: false,
            ..Check::drawn(
                Stage::Challenge,
                &format!("challenge_{clients}_{plural}"),
                &promise,
                &["I1", "I2", "X2", "X3", "Q1", "Q2", "M9", "C2"],
                1,
                move |context, seed| attempt(context, seed, (clients, packages)),
            )
        }
    });
    let hot = Check {
        drawn: false,
        ..Check::drawn(
            Stage::Challenge,
            "challenge_all_at_once",
            "A hundred clients who index, remove and query the same packages are all answered.",
            &["C2", "M1", "O1"],
            1,
            hot,
        )
    };
    sized.into_iter().chain([hot]).collect()
}

/// A list like Homebrew's: a third needs nothing, and the others need a few earlier packages.
fn list(g: &mut Gen, prefix: &str, count: usize) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for number in 0..count {
        let needs = if number == 0 { 0 } else { (usize::arbitrary(g) % 6).saturating_sub(1) };
        let mut list: Vec<String> =
            (0..needs).map(|_| listed[usize::arbitrary(g) % number].0.clone()).collect();
        list.sort();
        list.dedup();
        listed.push((format!("{prefix}{number}"), list));
    }
    listed
}

/// The broken rule, and what went wrong.
type Wrong = (&'static str, String);

/// A client of the harness, with its own packages.
struct Unlucky<'a> {
    limits: Limits,
    client: Client,
    own: Vec<&'a Listed>,
    g: Gen,
    stop: &'a AtomicBool,
    /// The broken messages that it may send, and the rules that it avoids.
    broken: &'a [String],
    avoided: &'a Rules,
}

/// The address of the server, and its time limits.
#[derive(Clone, Copy)]
struct Limits {
    address: SocketAddr,
    patience: Duration,
    end: Instant,
}

/// Why a client stops.
enum Ended {
    Wrong(Wrong),
    /// No time was left, or another client has found something.
    Early,
}

impl Unlucky<'_> {
    fn exchange(&mut self, line: &str) -> Result<Reply, Ended> {
        if self.stop.load(Ordering::Relaxed) || Instant::now() >= self.limits.end {
            return Err(Ended::Early);
        }
        let reply =
            self.client.exchange(line.as_bytes()).map_err(|error| self.cut_off(line, &error))?;
        if usize::arbitrary(&mut self.g).is_multiple_of(UNLUCKINESS) {
            self.bad_luck()?;
        }
        Ok(reply)
    }

    fn cut_off(&self, line: &str, error: &ClientError) -> Ended {
        if Instant::now() >= self.limits.end {
            return Ended::Early;
        }
        let rule = if matches!(error, ClientError::NotAReply { .. }) { "M11" } else { "O1" };
        Ended::Wrong((rule, format!("{line}: {error}")))
    }

    /// Sends a broken message, or lets another client connect and break off.
    fn bad_luck(&mut self) -> Result<(), Ended> {
        let Limits { address, patience, .. } = self.limits;
        let connect = || {
            let connected = Client::connect_timeout(address, patience);
            connected.map_err(|error| Ended::Wrong(("C2", format!("cannot connect: {error}"))))
        };
        if bool::arbitrary(&mut self.g) {
            // A client connects and goes. One that cannot connect makes no difference here.
            let _gone = connect();
            return Ok(());
        }
        let avoided = self.avoided;
        let is_tried =
            |line: &&String| broken_by(line.as_bytes()).iter().all(|rule| !avoided.contains(rule));
        let broken: Vec<String> = self.broken.iter().filter(is_tried).cloned().collect();
        let Some(line) = self.g.choose(&broken) else { return Ok(()) };
        match self.client.exchange(line.as_bytes()) {
            Ok(Reply::Error) if avoided.contains("C6") => self.client = connect()?,
            Ok(Reply::Error) => {}
            Ok(reply) => {
                let rule = broken_by(line.as_bytes()).first().copied().unwrap_or("M9");
                return Err(Ended::Wrong((rule, format!("{line}: {reply}, not ERROR"))));
            }
            // Another check tests whether the connection survives a broken message.
            Err(_) => self.client = connect()?,
        }
        Ok(())
    }

    /// Sends a message about each own package, and repeats those that fail until all are OK.
    fn by_brute_force(&mut self, line: impl Fn(&Listed) -> String) -> Result<(), Ended> {
        let mut left = self.own.clone();
        while !left.is_empty() {
            let mut again = Vec::new();
            for package in left {
                match self.exchange(&line(package))? {
                    Reply::Ok => {}
                    Reply::Fail => again.push(package),
                    Reply::Error => {
                        return Err(Ended::Wrong(("M1", format!("{}: ERROR", line(package)))));
                    }
                }
            }
            left = again;
            if !left.is_empty() {
                // Another client has to do its part first.
                thread::yield_now();
            }
        }
        Ok(())
    }

    fn all_are(&mut self, rule: &'static str, expected: Reply) -> Result<(), Ended> {
        for (package, _) in self.own.clone() {
            let line = format!("QUERY|{package}|");
            let reply = self.exchange(&line)?;
            if reply != expected {
                return Err(Ended::Wrong((rule, format!("{line}: {reply}, not {expected}"))));
            }
        }
        Ok(())
    }
}

/// What a client does in one phase.
fn go(client: &mut Unlucky<'_>, phase: usize) -> Result<(), Ended> {
    let remove = |(package, _): &Listed| format!("REMOVE|{package}|");
    let index = |(package, list): &Listed| format!("INDEX|{package}|{}", list.join(","));
    match phase {
        0 | 4 => client.by_brute_force(remove),
        1 | 5 => client.all_are("X2", Reply::Fail),
        2 => client.by_brute_force(index),
        _ => client.all_are("I1", Reply::Ok),
    }
}

/// How many phases there are. All clients end one before any begins the next.
const PHASES: usize = 6;

/// Lets clients work on a list of packages in a free namespace, and judges the outcome. `share` gives
/// the packages of each client.
fn tried(
    context: &Context,
    seed: u64,
    (clients, packages): (usize, usize),
    share: fn(&[Listed], usize, usize) -> Vec<&Listed>,
    phases: usize,
    work: impl Fn(&mut Unlucky<'_>, usize) -> Result<(), Ended> + Sync,
) -> Trial {
    let target = &context.target;
    let named = |prefix: &str| list(&mut Gen::from_size_and_seed(100, seed), prefix, packages);
    let (namespace, names) = target.free_namespace(|namespace| {
        let broken = format!("{}{MEANT}", namespace.prefix());
        let listed = named(namespace.prefix()).into_iter().map(|(name, _)| name);
        listed.chain([broken]).map(String::into_bytes).collect()
    });
    let broken = BROKEN.map(|line| line.replace("NAME", &format!("{}{MEANT}", namespace.prefix())));
    let avoided = context.avoided();
    let listed = named(namespace.prefix());
    let stop = AtomicBool::new(false);
    let limits = Limits {
        address: target.system.address(context.number(seed)).socket(),
        patience: target.patience(),
        end: Instant::now() + context.settings.bound,
    };
    let mut g = Gen::from_size_and_seed(100, seed);
    let connected = (0..clients).map(|number| {
        Ok(Unlucky {
            limits,
            client: Client::connect_timeout(limits.address, limits.patience)?,
            own: share(&listed, number, clients),
            g: Gen::from_size_and_seed(100, u64::arbitrary(&mut g)),
            stop: &stop,
            broken: &broken,
            avoided: &avoided,
        })
    });
    let trial = match connected.collect::<io::Result<Vec<_>>>() {
        Ok(mut connected) => (0..phases)
            .try_for_each(|phase| at_once(&mut connected, &stop, |client| work(client, phase))),
        Err(error) => Err(Ended::Wrong(("C2", format!("cannot connect: {error}")))),
    };
    target.remove(&names);
    judged(context, clients, trial)
}

/// Each client works on packages of its own.
fn attempt(context: &Context, seed: u64, size: (usize, usize)) -> Trial {
    fn own(listed: &[Listed], number: usize, clients: usize) -> Vec<&Listed> {
        listed.iter().skip(number).step_by(clients).collect()
    }
    tried(context, seed, size, own, PHASES, go)
}

fn judged(context: &Context, clients: usize, trial: Result<(), Ended>) -> Trial {
    match trial {
        Ok(()) => Trial::Passed,
        Err(Ended::Early) => Trial::Undecided,
        Err(Ended::Wrong((rule, _))) if context.is_known(rule) => Trial::Known(rule.to_owned()),
        Err(Ended::Wrong((rule, what))) => {
            let what = format!("one of {clients} clients at once: {what}");
            Trial::Failed(Finding::in_words(rule, what))
        }
    }
}

/// Lets all clients do the same at once. The first fault stops them all.
fn at_once(
    clients: &mut [Unlucky<'_>],
    stop: &AtomicBool,
    work: impl Fn(&mut Unlucky<'_>) -> Result<(), Ended> + Sync,
) -> Result<(), Ended> {
    let ended: Vec<Result<(), Ended>> = thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                scope.spawn(|| {
                    let ended = work(client);
                    if ended.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    ended
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err(Ended::Early))).collect()
    });
    let (wrong, early): (Vec<_>, Vec<_>) = ended
        .into_iter()
        .filter_map(Result::err)
        .partition(|ended| matches!(ended, Ended::Wrong(_)));
    wrong.into_iter().chain(early).next().map_or(Ok(()), Err)
}

/// All clients contend for all packages.
fn hot(context: &Context, seed: u64) -> Trial {
    fn all(listed: &[Listed], _: usize, _: usize) -> Vec<&Listed> {
        listed.iter().collect()
    }
    tried(context, seed, (HOT_CLIENTS, HOT_PACKAGES), all, 1, |client, _| {
        for _ in 0..HOT_MESSAGES {
            let own = client.own.clone();
            let Some((package, list)) = client.g.choose(&own) else { break };
            let line = match u8::arbitrary(&mut client.g) % 3 {
                0 => format!("INDEX|{package}|{}", list.join(",")),
                1 => format!("REMOVE|{package}|"),
                _ => format!("QUERY|{package}|"),
            };
            if client.exchange(&line)? == Reply::Error {
                return Err(Ended::Wrong(("M1", format!("{line}: ERROR"))));
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_only_packages_that_come_before() {
        let listed = list(&mut Gen::from_size_and_seed(100, 7), "p", 500);
        let needing = listed.iter().filter(|(_, list)| !list.is_empty()).count();
        assert!(needing > 250 && needing < 450, "{needing}");
        for (number, (_, list)) in listed.iter().enumerate() {
            assert!(list.iter().all(|name| name[1..].parse::<usize>().unwrap() < number));
        }
    }
}
