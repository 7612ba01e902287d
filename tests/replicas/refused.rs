//! What etcd refuses for other reasons than space, and what is no etcd, or not one: a replica says so, and what
//! somebody has to do about it.

use std::time::{Duration, Instant};

use crate::common::Serving;
use crate::common::etcd::{Cluster, post};
use crate::common::proxy::Cut;
use crate::common::replicas::Replicas;
use crate::secured::{assert_said, refusals};
use package_indexer::Reply;
use serde_json::{Value, json};

/// How long it may take until a replica has seen it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An INDEX of about so many bytes, which no compression makes less.
fn index_of(bytes: usize) -> String {
    let name = || (0..200).map(|_| fastrand::alphanumeric()).collect::<String>();
    let names: Vec<_> = (0..bytes / 200).map(|_| name()).collect();
    format!("INDEX|large|{}", names.join(","))
}

fn ask(cluster: &Cluster, path: &str, request: &Value) -> Value {
    serde_json::from_str(&post(cluster.client(0).get(), path, &request.to_string()).unwrap())
        .unwrap()
}

/// Waits until a page of the first replica says this.
fn wait_for(replicas: &Replicas, page: &str, words: &str) {
    let begun = Instant::now();
    loop {
        let said = replicas.page(0, page);
        if said.contains(words) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{said}");
    }
}

#[test]
fn only_an_entry_that_is_too_large_for_etcd_is_refused() {
    let Some(cluster) = Cluster::start_one("large", &["--max-request-bytes=20000"]) else { return };
    let replicas = Replicas::start(&cluster, "large", 1, &["--max-line-bytes", "1000000"]);
    // The second one is too large for what stands before etcd itself.
    for bytes in [40_000, 900_000] {
        assert_eq!(replicas.ask(0, &index_of(bytes)).unwrap(), Reply::Error, "{bytes}");
        assert!(replicas.page(0, "/healthz").starts_with("HTTP/1.1 200 "));
        assert_eq!(replicas.ask(0, &format!("INDEX|small-{bytes}|")).unwrap(), Reply::Ok);
    }
    assert_eq!(replicas.ask(0, &index_of(10_000)).unwrap(), Reply::Fail);
    for log in replicas.end() {
        assert_said(
            &log,
            &["request is too large", "received message larger than max", "--max-request-bytes"],
        );
    }
}

#[test]
fn replicas_take_no_changes_while_nodes_of_etcd_differ() {
    let Some(cluster) = Cluster::start_one("corrupt", &[]) else { return };
    let replicas = Replicas::start(&cluster, "corrupt", 1, &[]);
    assert_eq!(replicas.ask(0, "INDEX|a|").unwrap(), Reply::Ok);
    let member =
        ask(&cluster, "/v3/cluster/member/list", &json!({}))["header"]["member_id"].clone();
    let alarm = |action: &str| json!({ "action": action, "memberID": member, "alarm": "CORRUPT" });
    ask(&cluster, "/v3/maintenance/alarm", &alarm("ACTIVATE"));
    assert_eq!(replicas.ask(0, "INDEX|b|").unwrap(), Reply::Error);
    assert_eq!(replicas.query(0, "a"), Reply::Ok);
    wait_for(&replicas, "/healthz", "its nodes hold different data");
    ask(&cluster, "/v3/maintenance/alarm", &alarm("DEACTIVATE"));
    wait_for(&replicas, "/healthz", "HTTP/1.1 200 ");
    assert_eq!(replicas.ask(0, "INDEX|b|").unwrap(), Reply::Ok);
    replicas.end();
}

/// It says why.
#[test]
fn a_start_with_two_clusters_or_no_etcd_ends_at_once() {
    let Some(cluster) = Cluster::start_one("mixed-one", &[]) else { return };
    let Some(other) = Cluster::start_one("mixed-other", &[]) else { return };
    let nodes = [cluster.client(0).get(), other.client(0).get()];
    let [one, two] = nodes.map(|node| format!("http://{node} (cluster "));
    let log = format!("etcd://{},{}/packages", nodes[0], nodes[1]);
    let [mixed] = refusals(&log, [vec![]]);
    assert_said(&mixed, &[&one, &two, "are not nodes of one cluster", "nodes of one etcd alone"]);
    let page = Serving::start(&["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let [stranger] = refusals(&format!("etcd://{}/packages", page.endpoint()), [vec![]]);
    assert_said(&stranger, &["this version cannot use it as a log", "addresses of an etcd"]);
    for said in [mixed, stranger] {
        assert!(!said.contains("waiting for etcd"), "{said}");
    }
}

#[test]
fn a_replica_whose_nodes_change_cluster_answers_nothing() {
    let Some(cluster) = Cluster::start_one("turned-one", &[]) else { return };
    let Some(other) = Cluster::start_one("turned-other", &[]) else { return };
    for reads in ["linearizable", "local"] {
        let mut replicas = Replicas::start(&cluster, reads, 1, &["--reads", reads]);
        assert_eq!(replicas.ask(0, "INDEX|a|").unwrap(), Reply::Ok);
        let node = cluster.client(0);
        let before = node.get();
        node.set(other.client(0).get());
        replicas.cut_off(0, Cut::Reset);
        replicas.mend(0);
        wait_for(&replicas, "/healthz", "HTTP/1.1 503 ");
        for message in ["QUERY|a|", "INDEX|b|"] {
            assert_eq!(replicas.ask(0, message).unwrap(), Reply::Error, "{reads}: {message}");
        }
        let log = replicas.kill(0);
        assert_said(
            &log,
            &["the replica has failed", "are not nodes of one cluster", "was set up again"],
        );
        node.set(before);
    }
}
