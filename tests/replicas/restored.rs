//! etcd is restored from a backup, which lacks what came later: a replica that has heard of nothing must
//! not go on as if its index were that of the others.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::common::etcd::Cluster;
use crate::common::replicas::Replicas;
use package_indexer::Reply;

/// How long it may take until a replica has seen it.
const PATIENCE: Duration = Duration::from_secs(60);

fn index(replicas: &Replicas, name: &str, packages: Range<usize>) {
    let mut client = replicas.client(0);
    for package in packages {
        let message = format!("INDEX|{name}-{package}|");
        assert_eq!(client.exchange(message.as_bytes()).unwrap(), Reply::Ok, "{message}");
    }
}

/// It does not answer when the log is as long again, either.
#[test]
fn a_replica_of_a_restored_log_answers_nothing() {
    let Some(mut cluster) = Cluster::start_one("restored", &[]) else { return };
    for reads in ["linearizable", "local"] {
        let mut replicas = Replicas::start(&cluster, reads, 2, &["--reads", reads]);
        index(&replicas, "kept", 0..10);
        cluster.kill(0);
        cluster.back_up(0);
        cluster.start_again(&[0]);
        // Anyone who appends from here on is in no backup, and what comes later does so just as often.
        replicas.kill(0);
        replicas.start_again(0);
        index(&replicas, "lost", 0..10);
        assert_eq!(replicas.query(0, "lost-9"), Reply::Ok);
        let seen = wait_for_place(&replicas, 1, replicas.digest(0).place);
        // It hears of nothing until the others have come further than it was.
        replicas.stop(1);
        replicas.kill(0);
        cluster.kill(0);
        cluster.restore(0);
        cluster.start_again(&[0]);
        replicas.start_again(0);
        index(&replicas, "new", 0..40);
        assert!(replicas.digest(0).place > seen);
        replicas.resume(1);
        if reads == "linearizable" {
            assert_eq!(replicas.ask(1, "QUERY|lost-9|").unwrap(), Reply::Error);
        }
        let begun = Instant::now();
        while !replicas.page(1, "/healthz").starts_with("HTTP/1.1 503 ") {
            assert!(begun.elapsed() < PATIENCE, "{reads}: it goes on");
        }
        for message in ["QUERY|kept-0|", "INDEX|other|"] {
            assert_eq!(replicas.ask(1, message).unwrap(), Reply::Error, "{reads}: {message}");
        }
        // Started again, it is what the others are.
        replicas.kill(1);
        replicas.start_again(1);
        assert_eq!(replicas.agree().packages, 50);
        replicas.end();
    }
}

/// Waits until a replica has come to a place, and returns where it is.
fn wait_for_place(replicas: &Replicas, number: usize, place: u64) -> u64 {
    let begun = Instant::now();
    loop {
        let own = replicas.digest(number).place;
        if own >= place {
            return own;
        }
        assert!(begun.elapsed() < PATIENCE, "it stays at {own}, before {place}");
    }
}
