//! Replicas over a log in memory, whose duties are done step by step.

#[cfg(feature = "etcd")]
mod etcd;
mod refused;

use super::*;
use crate::command::Command;

use crate::index::PackageIndex;
use crate::log::memory::{Luck, Memory};

/// A replica whose duties are done when a test says so.
struct Tried {
    replica: Replica,
}

const HOW: ReplicaConfig =
    ReplicaConfig { patience: Duration::ZERO, reads: Reads::Linearizable, snapshot_every: 1 << 30 };

fn replica(log: &Memory, how: ReplicaConfig) -> Tried {
    let log = Arc::new(log.clone());
    let replica = Replica::start(log, Limits::default(), how, |_| ()).unwrap();
    Tried { replica }
}

impl Tried {
    fn hand_in(&self, messages: &str) -> Arc<Submission> {
        self.share().hand_in(messages.as_bytes().to_vec()).unwrap()
    }

    fn share(&self) -> &Share {
        &self.replica.share
    }

    fn append(&self) -> Result<bool, LogError> {
        self.replica.append()
    }

    fn follow(&self) {
        self.replica.follow().unwrap();
    }

    /// Appends and applies messages.
    fn tell(&self, messages: &str) {
        self.hand_in(messages);
        self.append().unwrap();
        self.follow();
    }

    fn digest(&self) -> String {
        self.replica.read(|index| index.digest().to_string()).unwrap()
    }
}

/// The answers, as letters O and F, or `None` while there is no answer.
fn answers(submission: &Submission) -> Option<Result<String, Unanswered>> {
    let answers = submission.answers.lock().unwrap().clone()?;
    let letter = |answer: &Answer| if *answer == Ok(Outcome::Ok) { 'O' } else { 'F' };
    Some(answers.map(|answers| answers.iter().map(letter).collect()))
}

#[test]
fn nothing_is_applied_or_answered_before_it_has_its_place() {
    let log = Memory::default();
    let [a, b] = [replica(&log, HOW), replica(&log, HOW)];
    let first = a.hand_in("INDEX|lib|\nQUERY|lib|\nINDEX|app|lib\n");
    let second = b.hand_in("REMOVE|lib|\nQUERY|lib|\n");
    assert_eq!(a.append(), Ok(true));
    assert_eq!(b.append(), Ok(true));
    assert_eq!(answers(&first), None);
    assert_eq!(a.replica.read(PackageIndex::len), Ok(0));
    b.follow();
    assert_eq!(answers(&second), Some(Ok("FO".into())));
    a.follow();
    assert_eq!(answers(&first), Some(Ok("OOO".into())));
    assert_eq!(a.digest(), b.digest());
    // QUERYs do not reach the log.
    let messages: Vec<_> = log.entries().into_iter().map(|entry| entry.messages).collect();
    assert_eq!(messages, [&b"INDEX|lib|\nINDEX|app|lib\n"[..], b"REMOVE|lib|\n"]);
    assert_eq!(a.append(), Ok(false));
}

#[test]
fn what_waits_shares_an_entry_up_to_its_size() {
    let log = Memory::default();
    let a = replica(&log, HOW);
    let large = "INDEX|a|\n".repeat(ENTRY_BYTES / 9);
    let [one, two] = [a.hand_in("INDEX|b|\n"), a.hand_in("INDEX|c|b\n")];
    a.hand_in(&large);
    while a.append().unwrap() {}
    a.follow();
    assert_eq!(log.entries().len(), 2);
    assert_eq!([&one, &two].map(|s| answers(s)), [Some(Ok("O".into())), Some(Ok("O".into()))]);
}

#[test]
fn an_entry_that_was_lost_or_late_is_there_once() {
    for luck in [Luck::LostRequest, Luck::LostReply, Luck::Delayed] {
        let log = Memory::default();
        let [a, b] = [replica(&log, HOW), replica(&log, HOW)];
        let submission = a.hand_in("INDEX|lib|\nREMOVE|lib|\n");
        log.set_luck(luck);
        a.append().unwrap_err();
        // Another replica appends in between.
        b.hand_in("INDEX|other|\n");
        b.append().unwrap();
        a.append().unwrap();
        log.deliver();
        a.follow();
        b.follow();
        assert_eq!(answers(&submission), Some(Ok("OO".into())), "{luck:?}");
        assert_eq!(log.entries().len(), 2, "{luck:?}");
        assert_eq!(a.digest(), b.digest());
    }
}

#[test]
fn a_forgotten_replica_is_a_new_writer_and_repeats_nothing() {
    for luck in [Luck::LostRequest, Luck::LostReply, Luck::Delayed] {
        let log = Memory::default();
        let every = ReplicaConfig { snapshot_every: 1, ..HOW };
        let [idle, busy] = [replica(&log, every), replica(&log, every)];
        idle.hand_in("INDEX|first|\n");
        idle.append().unwrap();
        let submission = idle.hand_in("INDEX|lib|\nINDEX|lib|\n");
        log.set_luck(luck);
        idle.append().unwrap_err();
        // So many snapshots of another replica that the log has forgotten this writer.
        for _ in 0..4 {
            busy.tell("INDEX|other|\n");
            busy.replica.write_snapshot().unwrap().unwrap();
        }
        for _ in 0..3 {
            idle.append().unwrap();
            idle.follow();
        }
        log.deliver();
        busy.follow();
        let written =
            log.entries().iter().filter(|e| e.messages.starts_with(b"INDEX|lib|")).count();
        // It was applied or not: nobody can tell, because the entries are gone.
        let told = answers(&submission).unwrap();
        assert_eq!((told, written), (Err(Unanswered::Skipped), 0), "{luck:?}");
        idle.follow();
        assert_eq!(idle.digest(), busy.digest(), "{luck:?}");
    }
}

#[test]
fn a_writer_known_to_be_forgotten_appends_after_all() {
    let log = Memory::default();
    let every = ReplicaConfig { snapshot_every: 1, ..HOW };
    let [idle, busy] = [replica(&log, every), replica(&log, every)];
    idle.tell("INDEX|first|\n");
    for _ in 0..3 {
        busy.tell("INDEX|other|\n");
        busy.replica.write_snapshot().unwrap().unwrap();
        // It follows the log, so it misses nothing.
        idle.follow();
    }
    let submission = idle.hand_in("INDEX|lib|\n");
    for _ in 0..3 {
        idle.append().unwrap();
        idle.follow();
    }
    assert_eq!(answers(&submission), Some(Ok("O".into())));
    busy.follow();
    assert_eq!(idle.digest(), busy.digest());
}

#[test]
fn a_late_replica_loads_the_snapshot_and_the_entries_after_it() {
    let log = Memory::default();
    let a = replica(&log, ReplicaConfig { snapshot_every: 1_000, ..HOW });
    for text in ["INDEX|lib|\nINDEX|app|lib\n", "INDEX|lib|app\nINDEX|b|\n", "REMOVE|b|\n"] {
        a.tell(text);
        a.replica.write_snapshot().unwrap();
    }
    assert_eq!(log.entries().len(), 1);
    let b = replica(&log, HOW);
    assert_eq!(b.digest(), a.digest());
    assert_eq!(b.replica.applied(), a.replica.applied());
}

#[test]
fn a_snapshot_that_has_lost_a_chunk_for_good_is_refused() {
    let log = Memory::default();
    let a = replica(&log, ReplicaConfig { snapshot_every: 1, ..HOW });
    a.tell("INDEX|lib|\n");
    let snapshot = a.replica.write_snapshot().unwrap().unwrap();
    log.lose_chunks();
    let refused = Replica::start(Arc::new(log), Limits::default(), HOW, |_| ()).unwrap_err();
    let expected = format!("the snapshot at {} is damaged: a chunk is missing", snapshot.place);
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn a_query_waits_for_what_was_answered_elsewhere() {
    let log = Memory::default();
    let [a, b] = [replica(&log, HOW), replica(&log, HOW)];
    let query = Command::query("lib").unwrap();
    assert_eq!(b.replica.apply(&query), Ok(Outcome::Fail));
    a.tell("INDEX|lib|\n");
    let behind = Err(ReplicaError::Unanswered(Unanswered::Behind(Duration::ZERO)));
    assert_eq!(b.replica.apply(&query), behind);
    b.follow();
    assert_eq!(b.replica.apply(&query), Ok(Outcome::Ok));
    let local = replica(&log, ReplicaConfig { reads: Reads::Local, ..HOW });
    log.set_unreachable(0..u32::MAX);
    assert_eq!(local.replica.apply(&query), Ok(Outcome::Ok));
    assert_eq!(b.replica.apply(&query), behind);
}

#[test]
fn what_cannot_be_appended_in_time_is_withdrawn_or_in_doubt() {
    let log = Memory::default();
    let a = replica(&log, HOW);
    log.set_unreachable(0..u32::MAX);
    let tried = a.hand_in("INDEX|lib|\n");
    a.append().unwrap_err();
    let waits = a.hand_in("INDEX|app|lib\n");
    assert_eq!(a.share().wait(&tried), Err(Unanswered::Unknown(Duration::ZERO)));
    assert_eq!(a.share().wait(&waits), Err(Unanswered::Withdrawn(Duration::ZERO)));
    log.set_unreachable(0..0);
    while a.append().unwrap() {}
    a.follow();
    let names = |index: &PackageIndex| {
        index.entries().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(a.replica.read(names), Ok(vec!["lib".to_owned()]));
}

#[test]
fn replicas_with_other_limits_are_refused() {
    let log = Memory::default();
    let _first = replica(&log, HOW);
    let limits = Limits { max_packages: 7, ..Limits::default() };
    let other = Replica::start(Arc::new(log), limits, HOW, |_| ()).unwrap_err().to_string();
    assert!(other.contains("and this one has format 2, max-packages 7,"), "{other}");
}

#[test]
fn a_log_that_went_back_and_a_closed_replica_answer_nothing() {
    let log = Memory::default();
    let a = replica(&log, HOW);
    a.tell("INDEX|lib|\n");
    log.restore_empty();
    let query = Command::query("lib").unwrap();
    let failed = Err(ReplicaError::Unanswered(Unanswered::Failed));
    assert_eq!(a.replica.apply(&query), failed);
    let seen = a.replica.applied();
    let why = LogError::WentBack { head: Place(0), seen };
    assert_eq!(a.replica.log_failure(), Some(why));
    let log = Memory::default();
    let b = replica(&log, HOW);
    let waits = b.hand_in("INDEX|lib|\n");
    b.replica.close();
    assert_eq!(answers(&waits), Some(Err(Unanswered::Failed)));
    assert_eq!(b.replica.apply(&query), failed);
    assert!(b.share().hand_in(b"INDEX|lib|\n".to_vec()).is_err());
}

#[test]
fn an_entry_that_is_none_stops_the_replica() {
    let log = Memory::default();
    let a = replica(&log, HOW);
    let writer = log.register().unwrap();
    log.append(&writer, b"INDEX|lib|\nINDEX\n").unwrap();
    let error = a.replica.follow().unwrap_err();
    assert!(error.is_lasting(), "{error}");
    assert_eq!(a.replica.read(PackageIndex::len), Ok(0));
    assert_eq!(a.replica.log_failure(), Some(error));
}

#[test]
fn a_replica_stops_when_the_log_changes_what_it_appended() {
    for changed in
        [&b"INDEX|lib|\n"[..], b"INDEX|lib|\nINDEX|apq|lib\n", b"INDEX|lib|\nINDEX|app|lib", b""]
    {
        let log = Memory::default();
        let a = replica(&log, HOW);
        let submission = a.hand_in("INDEX|lib|\nQUERY|lib|\nINDEX|app|lib\n");
        a.append().unwrap();
        log.change_last(|messages| *messages = changed.to_vec());
        let error = a.replica.follow().unwrap_err().to_string();
        assert!(error.ends_with(" is damaged: it does not hold what was appended here"), "{error}");
        assert_eq!(a.replica.read(PackageIndex::len), Ok(0));
        assert_eq!(answers(&submission), Some(Err(Unanswered::Failed)));
    }
}

#[test]
fn a_replica_starts_although_some_calls_of_the_log_fail() {
    let log = Memory::default();
    let a = replica(&log, HOW);
    a.tell("INDEX|lib|\n");
    // The calls of a start come in this order: setup, end, snapshot, entries.
    log.set_unreachable(3..5);
    let b = replica(&log, ReplicaConfig { patience: Duration::from_secs(60), ..HOW });
    assert_eq!(b.digest(), a.digest());
    log.set_unreachable(3..u32::MAX);
    let refused = Replica::start(Arc::new(log), Limits::default(), HOW, |_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "the log is unreachable: it does not answer");
}

// In the end it is there, and what it replaces is forgotten.
#[test]
fn any_call_may_fail_while_a_snapshot_is_written() {
    let every = ReplicaConfig { snapshot_every: 1, ..HOW };
    for failing in 0.. {
        let log = Memory::default();
        let a = replica(&log, every);
        for text in ["INDEX|lib|\n", "INDEX|app|lib\n", "REMOVE|app|\n", "INDEX|last|\n"] {
            a.tell(text);
            if text.starts_with("REMOVE") {
                log.set_unreachable(failing..failing + 1);
                if a.replica.write_snapshot().is_ok() {
                    // Every call that there is has failed once.
                    return assert!(failing > 4, "{failing}");
                }
            }
            a.replica.write_snapshot().unwrap().expect("it is due");
        }
        // The last one, and the one before it, which somebody may still read.
        assert_eq!((log.entries(), log.snapshots()), (vec![], 2), "call {failing}");
        assert_eq!(replica(&log, HOW).digest(), a.digest());
    }
}

#[test]
fn a_lost_reply_to_a_publication_makes_the_log_forget_as_well() {
    let log = Memory::default();
    let a = replica(&log, ReplicaConfig { snapshot_every: 1, ..HOW });
    a.tell("INDEX|lib|\n");
    log.set_luck(Luck::LostReply);
    a.replica.write_snapshot().unwrap_err();
    assert_eq!(log.entries().len(), 1);
    let snapshot = a.replica.write_snapshot().unwrap().unwrap();
    assert_eq!((snapshot.packages, log.entries(), log.snapshots()), (1, vec![], 1));
    assert_eq!(a.replica.write_snapshot(), Ok(None));
}

#[test]
fn a_replica_that_appends_and_cannot_follow_comes_to_a_halt() {
    let log = Memory::default();
    let a = replica(&log, HOW);
    let large = "INDEX|a|\n".repeat(ENTRY_BYTES / 9);
    let most = MOST_IN_FLIGHT / large.len() + 1;
    let handed: Vec<_> = (0..2 * most).map(|_| a.hand_in(&large)).collect();
    while a.append().unwrap() {}
    assert!((most - 1..=most).contains(&log.entries().len()));
    let withdrawn = Err(Unanswered::Withdrawn(Duration::ZERO));
    assert_eq!(a.share().wait(handed.last().unwrap()), withdrawn);
    assert_eq!(a.append(), Ok(false));
    a.follow();
    assert_eq!(a.append(), Ok(true));
}

#[test]
fn nobody_waits_for_a_log_that_has_been_away_for_long() {
    let log = Memory::default();
    let a = replica(&log, ReplicaConfig { patience: Duration::from_secs(60), ..HOW });
    let long_ago = Instant::now().checked_sub(Duration::from_secs(61)).unwrap();
    *a.share().reached.lock().unwrap() = long_ago;
    let is_away = |told: Result<(), Unanswered>| matches!(told, Err(Unanswered::Away(_)));
    assert!(is_away(a.share().hand_in(b"INDEX|lib|\n".to_vec()).map(drop)));
    assert!(is_away(a.replica.catch_up()));
    // Once a duty has reached the log, it counts as reachable again.
    a.follow();
    assert_eq!(a.replica.catch_up(), Ok(()));
    let local = replica(&log, ReplicaConfig { reads: Reads::Local, ..HOW });
    *local.share().reached.lock().unwrap() = long_ago;
    assert_eq!(local.replica.catch_up(), Ok(()));
}
