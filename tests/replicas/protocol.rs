//! Replicas of one index over etcd are one index to anyone who talks to them: each holds what the protocol
//! says, and none forgets what another was told.

use crate::common;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::common::etcd::{self, Cluster};
use crate::common::homebrew::{by_all, formulae};
use crate::common::replicas::Replicas;
use package_indexer::Reply;
use package_indexer::testing::transcript::{Endpoint, Remote, Transcript};

/// Each connection is to another replica than the one before.
struct InTurn {
    addresses: Vec<SocketAddr>,
    next: usize,
}

impl Endpoint for InTurn {
    type Link = <Remote as Endpoint>::Link;

    fn connect(&mut self) -> io::Result<Self::Link> {
        let address = self.addresses[self.next % self.addresses.len()];
        self.next += 1;
        Remote(address).connect()
    }
}

/// Its connections are spread in every way.
#[test]
fn every_transcript_holds_when_spread_over_three_replicas() {
    let Some(cluster) = Cluster::start("transcripts") else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/transcripts");
    let mut failures = Vec::new();
    let mut held = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let transcript: Transcript = fs::read_to_string(&path).unwrap().parse().unwrap();
        // Each transcript begins with no package at all, by each of the three first.
        for next in 0..3 {
            let replicas = Replicas::start(&cluster, &format!("{name}-{next}"), 3, &[]);
            let addresses = replicas.addresses().all();
            match transcript.run(&mut InTurn { addresses, next }) {
                Ok(()) => held += 1,
                Err(mismatch) => failures.push(format!("{name}.txt, {next}: {mismatch}")),
            }
            replicas.agree();
            replicas.end();
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(held >= 3 * 10, "the transcripts are gone");
}

#[test]
fn three_replicas_at_once_index_verify_and_remove_homebrew() {
    let Some(cluster) = Cluster::start("homebrew") else { return };
    let replicas = Replicas::start(&cluster, "homebrew", 3, &[]);
    let seed = common::seed();
    let formulae = formulae();
    let addresses = replicas.addresses().all();
    let index = formulae.iter().map(|(name, list)| format!("INDEX|{name}|{}", list.join(",")));
    let query = formulae.iter().map(|(name, _)| format!("QUERY|{name}|"));
    let remove = formulae.iter().map(|(name, _)| format!("REMOVE|{name}|"));
    by_all(12, &addresses, seed, Reply::Ok, &index);
    assert_eq!(replicas.agree().packages, formulae.len());
    for address in &addresses {
        by_all(1, &[*address], seed, Reply::Ok, &query);
    }
    by_all(12, &addresses, seed, Reply::Ok, &remove);
    assert_eq!(replicas.agree().packages, 0);
    by_all(3, &addresses, seed, Reply::Fail, &query);
    replicas.end();
}

/// Indexes so many packages through a replica, each of which needs the one before.
fn index_chain(replicas: &Replicas, number: usize, packages: std::ops::Range<usize>) {
    let mut client = replicas.client(number);
    for package in packages {
        let before = package.checked_sub(1).map(|before| format!("chain-{before}"));
        let message = format!("INDEX|chain-{package}|{}", before.unwrap_or_default());
        assert_eq!(client.exchange(message.as_bytes()).unwrap(), Reply::Ok, "{message}");
    }
}

#[test]
fn what_one_replica_was_told_every_other_knows_at_once() {
    let Some(cluster) = Cluster::start("told") else { return };
    let replicas = Replicas::start(&cluster, "told", 3, &[]);
    for package in 0..60 {
        let (told, asked) = (package % 3, (package + 1) % 3);
        index_chain(&replicas, told, package..package + 1);
        assert_eq!(replicas.query(asked, &format!("chain-{package}")), Reply::Ok);
    }
    assert_eq!(replicas.ask(1, "REMOVE|chain-3|").unwrap(), Reply::Fail);
    assert_eq!(replicas.agree().packages, 60);
    replicas.end();
}

#[test]
fn a_replica_that_joins_later_knows_all_that_was_told_before() {
    let Some(cluster) = Cluster::start("joins") else { return };
    // Few bytes, so that the log begins after a snapshot when it joins.
    for (prefix, flags) in [("entries", &[][..]), ("snapshot", &["--snapshot-every", "1000"][..])] {
        let mut replicas = Replicas::start(&cluster, prefix, 2, flags);
        index_chain(&replicas, 0, 0..100);
        index_chain(&replicas, 1, 100..200);
        let joined = replicas.join();
        assert_eq!(replicas.ask(joined, "QUERY|chain-199|").unwrap(), Reply::Ok);
        assert_eq!(replicas.ask(joined, "REMOVE|chain-198|").unwrap(), Reply::Fail);
        index_chain(&replicas, joined, 200..210);
        assert_eq!(replicas.agree().packages, 210);
        replicas.end();
    }
}

#[test]
fn answers_outlive_every_replica_and_every_node() {
    let Some(mut cluster) = Cluster::start("restart") else { return };
    let mut replicas = Replicas::start(&cluster, "restart", 3, &["--snapshot-every", "10000"]);
    let mut before = 0;
    for number in 0..3 {
        index_chain(&replicas, number, before..before + 100);
        before += 100;
        for number in 0..3 {
            replicas.kill(number);
        }
        (0..etcd::NODES).for_each(|node| cluster.kill(node));
        cluster.start_again(&[0, 1, 2]);
        (0..3).for_each(|number| replicas.start_again(number));
        let last = format!("chain-{}", before - 1);
        assert_eq!(replicas.query(number, &last), Reply::Ok);
        assert_eq!(replicas.agree().packages, before);
    }
    replicas.end();
}

#[test]
fn indices_below_different_prefixes_are_apart() {
    let Some(cluster) = Cluster::start("prefixes") else { return };
    // One is the beginning of the other.
    let indices = ["one", "one-more", "onemore"];
    let indices = indices.map(|prefix| Replicas::start(&cluster, prefix, 2, &[]));
    for (packages, replicas) in (1..).zip(&indices) {
        assert_eq!(replicas.query(1, "chain-0"), Reply::Fail);
        index_chain(replicas, 0, 0..packages);
    }
    for (packages, replicas) in (1..).zip(indices) {
        assert_eq!(replicas.agree().packages, packages);
        replicas.end();
    }
}
