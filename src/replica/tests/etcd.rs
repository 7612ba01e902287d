//! Tests of the format in etcd: a snapshot that an earlier replica left stays readable, and a replica writes
//! the same bytes, apart from their compression.
//!
//! `tests/data/formats/` has the two values of a snapshot. One replica was told all but the last of
//! [`COMMANDS`] and stopped. The next one was told the last, and wrote the snapshot.

use super::*;
use crate::log::{self, LogSnapshot};

const SNAPSHOT: &str = include_str!("../../../tests/data/formats/replica/snapshot");
const CHUNK: &[u8] = include_bytes!("../../../tests/data/formats/replica/chunk");

const COMMANDS: [&str; 3] = [
    include_str!("../../../tests/data/formats/first.txt"),
    include_str!("../../../tests/data/formats/then.txt"),
    "INDEX|last|self\n",
];

/// What is indexed after all commands but the last.
const STATE: &str = include_str!("../../../tests/data/formats/state.txt");

#[test]
fn a_snapshot_that_a_replica_left_is_read() {
    let (snapshot, messages) = log::kept(SNAPSHOT, CHUNK);
    let expected =
        LogSnapshot { id: 27, place: Place(26), log_bytes: 12_165, chunks: 1, packages: 13 };
    assert_eq!(snapshot, expected);
    let log = Memory::default();
    let id = log.begin_snapshot().unwrap();
    log.write_chunk(id, 0, &messages).unwrap();
    assert_eq!(log.publish(&LogSnapshot { id, ..snapshot }, None), Ok(true));
    let line = |(package, list): (_, crate::index::Names)| {
        list.fold(format!("{package}:"), |line, name| format!("{line} {name}"))
    };
    let replica = replica(&log, HOW).replica;
    let lines: Vec<_> = replica.read(|index| index.entries().map(line).collect()).unwrap();
    let mut expected: Vec<_> = STATE.lines().chain(["last: self"]).collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn the_same_state_is_written_in_the_same_bytes() {
    let log = Memory::default();
    let a = replica(&log, ReplicaConfig { snapshot_every: 1, ..HOW });
    a.tell(&COMMANDS.concat());
    let snapshot = a.replica.write_snapshot().unwrap().unwrap();
    let written = log.chunk(&snapshot, 0).unwrap().unwrap();
    let (_, kept) = log::kept(SNAPSHOT, CHUNK);
    assert_eq!(written.escape_ascii().to_string(), kept.escape_ascii().to_string());
}
