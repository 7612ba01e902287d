//! The log in etcd is what replicas take it for, also where somebody else compacts that etcd.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::common::etcd::{Cluster, NODES};
use crate::common::proxy::Cut;
use crate::common::replicas::Replicas;
use package_indexer::Reply;
use package_indexer::log::{Entry, Etcd, EtcdAddress, Identity, Log, LogError, LogSnapshot, Place};
use package_indexer::testing::log_contract::hold_to_contract;

/// How long a replica watches a node that says nothing, and then again, with time to spare.
const WATCH_AGAIN: Duration = Duration::from_millis(2_500);

/// More entries than there are.
const ALL: usize = usize::MAX;

/// A log in a cluster, under a prefix.
fn log_in(cluster: &Cluster, prefix: &str) -> Etcd {
    let nodes = (0..NODES).map(|node| cluster.client(node).get().to_string()).collect();
    let address = EtcdAddress { tls: false, nodes, prefix: prefix.to_owned() };
    Etcd::new(&address, None, &Identity::default()).unwrap()
}

/// The others are in the same etcd.
#[test]
fn the_log_in_etcd_keeps_its_contract_beside_others() {
    let Some(cluster) = Cluster::start("contract") else { return };
    // One is the beginning of the other; the first has forgotten much when the second begins.
    for prefix in ["one", "one-more"] {
        hold_to_contract(&log_in(&cluster, prefix)).unwrap();
    }
}

/// What one call shows after a place, so many entries at most.
fn shown(log: &Etcd, after: Place, most: usize) -> Result<Vec<Entry>, LogError> {
    let mut entries = Vec::new();
    log.follow(after, &mut |entry| {
        entries.push(entry);
        if entries.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(entries)
}

#[test]
fn a_log_shows_all_its_entries_however_etcd_was_compacted() {
    let Some(cluster) = Cluster::start("compacted") else { return };
    let log = log_in(&cluster, "entries");
    // Of two, so that the order of their keys is not that of their places.
    let mut writers = [log.register().unwrap(), log.register().unwrap()];
    let mut entries = Vec::new();
    let mut append = |number: usize| {
        let (writer, messages) = (&mut writers[1 - number % 2], format!("INDEX|{number}|\n"));
        let place = log.append(writer, messages.as_bytes()).unwrap().unwrap();
        let entry = Entry { place, id: writer.next(), messages: messages.into_bytes() };
        *writer = writer.after(place);
        entries.push(entry);
        entries.clone()
    };
    (0..5).for_each(|number| drop(append(number)));
    let entries = append(5);
    cluster.compact();
    for count in 1..=entries.len() {
        let (reached, rest) = entries.split_at(count);
        assert_eq!(shown(&log, Place::default(), count).unwrap(), reached);
        assert_eq!(shown(&log, reached[count - 1].place, ALL).unwrap(), rest);
    }
    // It has looked up to there, and now waits for what comes, rather than to look again at once.
    let end = entries[5].place;
    let begun = Instant::now();
    assert_eq!(shown(&log, end, ALL), Ok(Vec::new()));
    assert!(begun.elapsed() > Duration::from_millis(500), "it was asked in vain");
    // What comes right after it has looked, and what comes after more was compacted.
    let entries = append(6);
    assert_eq!(shown(&log, end, ALL).unwrap(), entries[6..]);
    cluster.compact();
    let entries = append(7);
    assert_eq!(shown(&log, entries[6].place, ALL).unwrap(), entries[7..]);

    // What goes by a snapshot is missed by the one who needs it, and by nobody else.
    let id = log.begin_snapshot().unwrap();
    let snapshot =
        LogSnapshot { id, place: entries[3].place, log_bytes: 4, chunks: 0, packages: 0 };
    assert!(log.publish(&snapshot, None).unwrap());
    log.forget(&snapshot, None).unwrap();
    cluster.compact();
    for after in [Place::default(), entries[0].place, entries[2].place] {
        assert_eq!(shown(&log, after, ALL), Err(LogError::Forgotten { after }));
    }
    assert_eq!(shown(&log, entries[3].place, ALL).unwrap(), entries[4..]);
}

#[test]
fn replicas_go_on_and_join_while_another_compacts_etcd() {
    let Some(cluster) = Cluster::start("somebody-else") else { return };
    for (prefix, flags) in [("entries", &[][..]), ("snapshot", &["--snapshot-every", "500"][..])] {
        let mut replicas = Replicas::start(&cluster, prefix, 2, flags);
        let mut packages = 0;
        let mut index = |replicas: &Replicas, number: usize| {
            for package in packages..packages + 20 {
                let message = format!("INDEX|package-{package}|");
                assert_eq!(replicas.ask(number, &message).unwrap(), Reply::Ok);
            }
            packages += 20;
            packages
        };
        // It follows what is gone by the time that it asks again.
        index(&replicas, 0);
        cluster.compact();
        replicas.query_for(WATCH_AGAIN, &[0, 1], "package-0");
        index(&replicas, 1);
        index(&replicas, 0);
        // It has not heard of what is gone.
        replicas.cut_off(0, Cut::Reset);
        index(&replicas, 1);
        cluster.compact();
        replicas.mend(0);
        assert_eq!(replicas.query(0, "package-79"), Reply::Ok);
        // It was not there.
        let joined = replicas.join();
        assert_eq!(replicas.ask(joined, "QUERY|package-79|").unwrap(), Reply::Ok);
        cluster.compact();
        index(&replicas, joined);
        let packages = index(&replicas, 0);
        assert_eq!(replicas.agree().packages, packages);
        replicas.end();
    }
}
