//! A server that is killed at any moment and started again has everything that it answered.
//!
//! Sixteen clients, each with packages of its own, send ahead and know from the model what they must be
//! answered. When the server is gone, the state of each is what its answered commands made of it, and
//! perhaps the next ones, in their order. They also ask for packages of each other: all that was said
//! to be there is there.
//!
//! `CRASH_ROUNDS` says how often, in place of a few times; `SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::common::{Serving, indexer_on, run, seed};
use fastrand::Rng;
use package_indexer::{Command, Model, Name, Outcome, PackageIndex};

const CLIENTS: usize = 16;

/// How many commands a client sends before it reads replies.
const AHEAD: usize = 64;

/// How many packages a client has that come and go.
const PACKAGES: u8 = 12;

/// The latest package of each client that stays, whether it was answered or not.
type Staying = [AtomicU32; CLIENTS];

fn staying(client: usize, number: u32) -> String {
    format!("s{client}-{number}")
}

/// What a client knows.
#[derive(Default)]
struct Client {
    number: usize,
    model: Model,
    /// Sent, and not answered when the server went.
    unanswered: Vec<Command>,
    /// Packages of others that were said to be there, and never go.
    seen: BTreeSet<String>,
    answered: usize,
}

impl Client {
    /// The next command: mostly about packages of its own, which depend on each other.
    fn command(&self, staying_of: &Staying, rng: &mut Rng) -> Command {
        let own = |rng: &mut Rng| format!("p{}-{}", self.number, rng.u8(..PACKAGES));
        match rng.u8(..200) {
            0 => {
                let next = staying_of[self.number].fetch_add(1, Ordering::Relaxed) + 1;
                Command::index(&staying(self.number, next), [])
            }
            1..30 => {
                let other = rng.usize(..CLIENTS);
                let latest = staying_of[other].load(Ordering::Relaxed);
                Command::query(&staying(other, latest))
            }
            30..60 => Command::query(&own(rng)),
            60..100 => Command::remove(&own(rng)),
            _ => {
                let list: Vec<String> = (0..rng.usize(..3)).map(|_| own(rng)).collect();
                Command::index(&own(rng), list.iter().map(String::as_str))
            }
        }
        .unwrap()
    }

    /// Talks to the server until it is gone.
    fn talk(
        &mut self,
        server: SocketAddr,
        staying_of: &Staying,
        rng: &mut Rng,
        answered: &mpsc::Sender<usize>,
    ) {
        let Ok(stream) = TcpStream::connect(server) else { return };
        let mut replies = BufReader::new(&stream).lines();
        loop {
            let ahead: Vec<Command> = (0..AHEAD).map(|_| self.command(staying_of, rng)).collect();
            let text: String = ahead.iter().map(|command| format!("{command}\n")).collect();
            let sent = (&stream).write_all(text.as_bytes());
            for (number, command) in ahead.iter().enumerate() {
                // All that was written may have arrived.
                let reply = sent.is_ok().then(|| replies.next()).flatten().and_then(Result::ok);
                let Some(reply) = reply else {
                    self.unanswered = ahead[number..].to_vec();
                    return;
                };
                self.take(command, &reply);
            }
            // Nobody counts any more once the server is to be killed.
            let _uncounted = answered.send(AHEAD);
        }
    }

    /// Holds a reply against the model.
    fn take(&mut self, command: &Command, reply: &str) {
        self.answered += 1;
        let package = command.package().to_string();
        let Ok(expected) = self.model.apply(command);
        let is_of_another = package.starts_with('s') && matches!(command, Command::Query { .. });
        if is_of_another {
            if reply == "OK" {
                self.seen.insert(package);
            }
            return;
        }
        let expected = if expected == Outcome::Ok { "OK" } else { "FAIL" };
        assert_eq!(reply, expected, "{command}");
    }

    /// Finds how many of its unanswered commands are in effect, and goes on from there.
    fn recover(&mut self, found: &PackageIndex) -> usize {
        let mine = |package: &Name| {
            let owner = package.as_str()[1..].split('-').next();
            owner == Some(self.number.to_string().as_str())
        };
        let entries = found.entries().filter(|(package, _)| mine(package));
        let held: BTreeMap<Name, BTreeSet<Name>> =
            entries.map(|(package, list)| (package, list.collect())).collect();
        let mut model = self.model.clone();
        let mut in_effect = None;
        // The latest that fits: commands that change nothing cannot be told apart.
        for number in 0..=self.unanswered.len() {
            if *model.packages() == held {
                in_effect = Some((number, model.clone()));
            }
            if let Some(command) = self.unanswered.get(number) {
                let Ok(_outcome) = model.apply(command);
            }
        }
        let (number, model) = in_effect.unwrap_or_else(|| {
            panic!(
                "client {}: {held:?} is neither {:?} nor that with the first of {:?}",
                self.number,
                self.model.packages(),
                self.unanswered
            )
        });
        for package in &self.seen {
            assert!(found.contains(package), "{package} was there, and is not");
        }
        self.model = model;
        self.unanswered.clear();
        number
    }
}

/// What is in a directory when nobody serves it.
fn exported(directory: &Path) -> PackageIndex {
    let done = run(&["export", "--data-dir", directory.to_str().unwrap()], b"");
    assert_eq!(done.code, Some(0), "{done:?}");
    let mut index = PackageIndex::new();
    for line in done.stdout.lines() {
        assert_eq!(index.apply(&line.parse::<Command>().unwrap()), Ok(Outcome::Ok), "{line}");
    }
    assert_eq!(index.check_invariants(), Ok(()));
    index
}

fn fresh_directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    directory
}

fn serve(directory: &Path) -> std::process::Command {
    indexer_on(directory, &["serve", "--listen", "127.0.0.1:0", "--log-level", "warn"])
}

#[test]
fn answers_outlive_a_server_that_is_killed_at_any_moment() {
    let rounds: u32 = match std::env::var("CRASH_ROUNDS") {
        Ok(text) => text.parse().expect("CRASH_ROUNDS is a number"),
        Err(_) => 6,
    };
    let mut rng = Rng::with_seed(seed());
    let directory = fresh_directory("killed");
    let staying_of = Staying::default();
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|number| Client { number, ..Client::default() }).collect();
    let (mut unanswered, mut in_effect) = (0, 0);
    for round in 0..rounds {
        if round % 4 == 3 {
            // In the midst of its start, which recovers what the last one left.
            let mut starting = serve(&directory).spawn().unwrap();
            for _ in 0..rng.u32(..2_000) {
                thread::yield_now();
            }
            starting.kill().unwrap();
            starting.wait().unwrap();
        }
        let serving = Serving::spawn(&mut serve(&directory), 1);
        let server = serving.addresses[0];
        let (answered, counted) = mpsc::channel();
        thread::scope(|scope| {
            for client in &mut clients {
                let (answered, mut rng) = (answered.clone(), rng.fork());
                let staying_of = &staying_of;
                scope.spawn(move || client.talk(server, staying_of, &mut rng, &answered));
            }
            drop(answered);
            let enough = rng.usize(..CLIENTS * AHEAD * 8);
            let mut count = 0;
            while count < enough {
                count += counted.recv().expect("the server serves until it is killed");
            }
            serving.signal("KILL");
        });
        drop(serving);
        let found = exported(&directory);
        for client in &mut clients {
            unanswered += client.unanswered.len();
            in_effect += client.recover(&found);
        }
    }
    let answered: usize = clients.iter().map(|client| client.answered).sum();
    println!(
        "killed {rounds} times: {answered} answered commands are in effect, and {in_effect} of \
         {unanswered} that were not answered"
    );
    assert!(answered > 0);
    fs::remove_dir_all(directory).unwrap();
}
