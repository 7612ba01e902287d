//! etcd has no space left: changes are refused at once, QUERYs go on, health, metrics and log say why, and
//! service is back when etcd has room.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::common::etcd::{Cluster, post};
use crate::common::replicas::Replicas;
use package_indexer::Reply;
use serde_json::{Value, json};

/// How long it may take until a replica has noticed that there is room.
const PATIENCE: Duration = Duration::from_secs(60);

/// The least that this etcd takes some entries of.
const QUOTA: &str = "--quota-backend-bytes=4194304";

fn ask(cluster: &Cluster, path: &str, request: &Value) -> Result<Value, String> {
    let said = post(cluster.client(0).get(), path, &request.to_string());
    Ok(serde_json::from_str(&said.map_err(|error| error.to_string())?).unwrap())
}

/// Puts values of somebody else until etcd has no space left; returns the last revision.
fn fill(cluster: &Cluster) -> Value {
    let mut last = Value::Null;
    let request = json!({ "key": "ZmlsbA==", "value": "A".repeat(200_000) });
    loop {
        match ask(cluster, "/v3/kv/put", &request) {
            Ok(said) => last = said["header"]["revision"].clone(),
            Err(problem) => {
                assert!(problem.contains("database space exceeded"), "{problem}");
                return last;
            }
        }
    }
}

/// Does what the log advises.
fn make_room(cluster: &Cluster, revision: &Value) {
    ask(cluster, "/v3/kv/compaction", &json!({ "revision": revision, "physical": true })).unwrap();
    ask(cluster, "/v3/maintenance/defragment", &json!({})).unwrap();
    let alarms = ask(cluster, "/v3/maintenance/alarm", &json!({ "action": "GET" })).unwrap();
    for alarm in alarms["alarms"].as_array().unwrap() {
        let mut request = alarm.clone();
        request["action"] = "DEACTIVATE".into();
        ask(cluster, "/v3/maintenance/alarm", &request).unwrap();
    }
}

/// What one says of health, in the status and in the last line, and in both gauges.
fn state(replicas: &Replicas, number: usize) -> (String, String, Vec<String>) {
    let health = replicas.page(number, "/healthz");
    let status = health.split(' ').nth(1).unwrap().to_owned();
    let reason = health.lines().last().unwrap().to_owned();
    let gauges = ["indexer_read_only ", "indexer_log_full "];
    let metrics = replicas.page(number, "/metrics");
    let lines = metrics.lines().filter(|line| gauges.iter().any(|gauge| line.starts_with(gauge)));
    let mut values: Vec<_> = lines.map(str::to_owned).collect();
    values.sort();
    (status, reason, values)
}

/// The replies to messages that are sent together.
fn tell(replicas: &Replicas, number: usize, messages: &str) -> String {
    let mut stream = TcpStream::connect(replicas.address(number)).unwrap();
    stream.write_all(messages.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

#[test]
fn replicas_say_that_etcd_is_full_and_serve_once_it_is_not() {
    let Some(cluster) = Cluster::start_one("full", &[QUOTA]) else { return };
    let mut replicas = Replicas::start(&cluster, "full", 2, &["--patience", "30"]);
    assert_eq!(replicas.ask(0, "INDEX|lib|").unwrap(), Reply::Ok);
    let revision = fill(&cluster);
    for number in [0, 1] {
        assert_eq!(replicas.ask(number, "INDEX|first|").unwrap(), Reply::Error);
        let replies =
            tell(&replicas, number, "QUERY|lib|\nINDEX|more|\nQUERY|more|\nREMOVE|lib|\n");
        assert_eq!(replies, "OK\nERROR\nFAIL\nERROR\n");
        let (status, reason, gauges) = state(&replicas, number);
        let full = ["indexer_log_full 1".to_owned(), "indexer_read_only 1".to_owned()];
        assert_eq!((&*status, &gauges[..]), ("503", &full[..]));
        assert_eq!(reason, "the log takes no changes: it has no space left");
    }
    let joined = replicas.join();
    assert_eq!(replicas.query(joined, "lib"), Reply::Ok);

    make_room(&cluster, &revision);
    let begun = Instant::now();
    for number in 0..replicas.count() {
        let message = format!("INDEX|after-{number}|lib");
        while replicas.ask(number, &message).unwrap() != Reply::Ok {
            assert!(begun.elapsed() < PATIENCE, "replica {number} takes no changes");
        }
        let (status, reason, gauges) = state(&replicas, number);
        let room = ["indexer_log_full 0".to_owned(), "indexer_read_only 0".to_owned()];
        assert_eq!((&*status, &*reason, &gauges[..]), ("200", "ok", &room[..]));
    }
    println!("all serve {:?} after there is room", begun.elapsed());
    assert_eq!(replicas.agree().packages, 4);
    let logs = replicas.end();
    for log in &logs[..2] {
        let count = |words: &[&str]| {
            log.lines().filter(|line| words.iter().all(|words| line.contains(words))).count()
        };
        let advice = [" WARN ", "database space exceeded", "compact etcd", "etcdctl alarm disarm"];
        assert_eq!(count(&advice), 1, "{log}");
        assert_eq!(count(&[" INFO ", ": the log takes changes again "]), 1, "{log}");
    }
}
