//! While two nodes of etcd have each other and every replica reaches them, every command is answered at
//! every replica, in any state of the third node; and a replica can be started then.

use std::thread;
use std::time::{Duration, Instant};

use super::fault::{Fault, Node, REPLICAS, Stage};
use crate::common::etcd::{Cluster, NODES};
use crate::common::proxy::Cut;
use crate::common::replicas::Replicas;
use package_indexer::Reply;

/// How long nothing is appended: by then a replica would like to watch the node that is unreachable, having heard
/// nothing from one or both of the others for a second each.
const IDLE: Duration = Duration::from_millis(3_500);

/// Has a replica answer one command of each kind, and returns how long the longest took.
fn answers(replicas: &Replicas, number: usize, package: &str, fault: Fault) -> Duration {
    let commands = [
        ("INDEX", Reply::Ok),
        ("QUERY", Reply::Ok),
        ("REMOVE", Reply::Ok),
        ("QUERY", Reply::Fail),
        // What is not there is removed already.
        ("REMOVE", Reply::Ok),
    ];
    let took = commands.map(|(verb, expected)| {
        let begun = Instant::now();
        let reply = replicas.ask(number, &format!("{verb}|{package}|")).unwrap();
        assert_eq!(reply, expected, "{verb} at replica {number} while {fault:?}");
        begun.elapsed()
    });
    took.into_iter().max().unwrap_or_default()
}

/// Has all replicas answer at once, and returns how long the longest took.
fn all_answer(replicas: &Replicas, name: &str, fault: Fault) -> Duration {
    let one = |number| answers(replicas, number, &format!("{name}-{number}"), fault);
    let took: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..REPLICAS).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    took.into_iter().max().unwrap_or_default()
}

/// Has all replicas answer while a fault lasts: as soon as it has begun, and when for a while nothing came
/// of any, and one was not even asked.
fn all_answer_during(stage: &mut Stage, fault: Fault, number: usize) {
    let ongoing = Fault::begin(&[fault], stage);
    let replicas = &stage.replicas;
    let at_once = all_answer(replicas, &format!("at-once-{number}"), fault);
    let others: Vec<_> = (0..REPLICAS).filter(|other| *other != number % REPLICAS).collect();
    replicas.query_for(IDLE, &others, "always");
    let after_idling = all_answer(replicas, &format!("after-idling-{number}"), fault);
    println!("{fault:?}: up to {at_once:?} at once, {after_idling:?} after idling");
    ongoing.end(stage);
    stage.replicas.agree();
}

/// Has all replicas answer during a fault of the node that leads, and of one that does not.
fn all_answer_without(name: &str, faults: &[fn(Node) -> Fault]) {
    let Some(cluster) = Cluster::start(name) else { return };
    let mut stage = Stage { replicas: Replicas::start(&cluster, name, 0, &[]), cluster };
    for (number, fault) in faults.iter().flat_map(|fault| [fault; 2]).enumerate() {
        // New ones, so that each still keeps to the first of its nodes, and one to that which goes away.
        let prefix = format!("{name}-{number}");
        stage.replicas = Replicas::start(&stage.cluster, &prefix, REPLICAS, &[]);
        assert_eq!(stage.replicas.ask(0, "INDEX|always|").unwrap(), Reply::Ok);
        let leader = loop {
            if let Some(leader) = stage.cluster.leader() {
                break leader;
            }
        };
        let node = if number % 2 == 0 { leader } else { (leader + 1) % NODES };
        all_answer_during(&mut stage, fault(Node::Numbered(node)), number);
    }
    stage.replicas.end();
}

#[test]
fn every_replica_answers_while_a_node_is_dead() {
    all_answer_without("dead", &[Fault::KillNode]);
}

#[test]
fn every_replica_answers_while_a_node_stands_still() {
    all_answer_without("still", &[Fault::StopNode]);
}

#[test]
fn every_replica_answers_while_none_reaches_one_of_the_nodes() {
    let silent = |node| Fault::CutClients(node, Cut::Silent);
    let reset = |node| Fault::CutClients(node, Cut::Reset);
    all_answer_without("unreached", &[silent, reset]);
}

#[test]
fn a_replica_starts_while_its_first_node_is_unreachable() {
    let Some(cluster) = Cluster::start("first-away") else { return };
    let mut stage = Stage { replicas: Replicas::start(&cluster, "none", 0, &[]), cluster };
    // Few bytes, so that it has to start from a snapshot as well.
    for (prefix, flags) in [("entries", &[][..]), ("snapshot", &["--snapshot-every", "300"][..])] {
        stage.replicas = Replicas::start(&stage.cluster, prefix, REPLICAS, flags);
        for (number, fault) in [Fault::KillNode, Fault::StopNode].into_iter().enumerate() {
            // A replica has the node of its own number first in its list.
            let fault = fault(Node::Numbered(number));
            stage.replicas.kill(number);
            for package in 0..20 {
                let message = format!("INDEX|before-{number}-{package}|");
                assert_eq!(stage.replicas.ask(2, &message).unwrap(), Reply::Ok);
            }
            let ongoing = Fault::begin(&[fault], &mut stage);
            let begun = Instant::now();
            stage.replicas.start_again(number);
            println!("{prefix}, {fault:?}: started in {:?}", begun.elapsed());
            let known = stage.replicas.ask(number, &format!("QUERY|before-{number}-19|"));
            assert_eq!(known.unwrap(), Reply::Ok, "{prefix}, {fault:?}");
            answers(&stage.replicas, number, "fresh", fault);
            ongoing.end(&mut stage);
            assert_eq!(stage.replicas.agree().packages, 20 * (number + 1));
        }
    }
}
