//! Tests with a log that takes no changes, for want of space or because one is too large.

use super::*;
use crate::log::{LogRefusal, LogSnapshot};

const FULL: LogRefusal = LogRefusal::Full;

/// Why a submission is refused at once, or `None` if it is not.
fn refused(tried: &Tried) -> Option<Unanswered> {
    tried.share().hand_in(b"INDEX|more|\n".to_vec()).err()
}

#[test]
fn changes_are_refused_at_once_and_queries_go_on() {
    let log = Memory::default();
    // With patience for an hour, a client that waited for it would be noticed.
    let a = replica(&log, ReplicaConfig { patience: Duration::from_secs(3_600), ..HOW });
    a.tell("INDEX|lib|\n");
    let [tried, waits] =
        [a.hand_in("INDEX|a|\n"), a.hand_in(&"INDEX|b|\n".repeat(ENTRY_BYTES / 9))];
    log.set_refusal(Some(FULL));
    assert_eq!(a.append().unwrap_err().refusal(), Some(FULL));
    assert_eq!(a.share().wait(&tried), Err(Unanswered::Abandoned(FULL)));
    assert_eq!(a.share().wait(&waits), Err(Unanswered::Refused(FULL)));
    assert_eq!(refused(&a), Some(Unanswered::Refused(FULL)));
    assert_eq!(a.replica.log_refusal(), Some(FULL));
    #[cfg(feature = "metrics")]
    assert_eq!(a.replica.health(), Err(Unanswered::Refused(FULL).into()));
    let query = Command::query("lib").unwrap();
    assert_eq!(a.replica.apply(&query), Ok(Outcome::Ok));
    assert_eq!(a.replica.log_failure(), None);
}

#[test]
fn a_log_that_has_room_again_is_found_out_by_the_next_attempt() {
    for refusal in [FULL, LogRefusal::Denied, LogRefusal::Corrupt] {
        let log = Memory::default();
        let a = replica(&log, HOW);
        a.hand_in("INDEX|lost|\n");
        log.set_refusal(Some(refusal));
        a.append().unwrap_err();
        // Nobody has to hand anything in for that.
        assert_eq!(a.append().unwrap_err().refusal(), Some(refusal));
        log.set_refusal(None);
        assert_eq!(a.append(), Ok(true));
        assert_eq!(a.replica.log_refusal(), None);
        let submission = a.hand_in("QUERY|lost|\nINDEX|lib|\n");
        a.append().unwrap();
        a.follow();
        assert_eq!(answers(&submission), Some(Ok("FO".into())), "{refusal:?}");
    }
}

#[test]
fn a_refused_entry_that_comes_late_is_not_taken_for_the_next() {
    let cases = [FULL, LogRefusal::TooLarge]
        .map(|refusal| [Luck::LostReply, Luck::Delayed].map(|luck| (luck, refusal)));
    for (luck, refusal) in cases.into_iter().flatten() {
        let log = Memory::default();
        let [a, b] = [replica(&log, HOW), replica(&log, HOW)];
        let late = a.hand_in("INDEX|late|\n");
        log.set_luck(luck);
        a.append().unwrap_err();
        log.set_refusal(Some(refusal));
        assert_eq!(a.append().unwrap_err().refusal(), Some(refusal));
        assert_eq!(answers(&late), Some(Err(Unanswered::Abandoned(refusal))));
        log.set_refusal(None);
        log.deliver();
        a.append().unwrap();
        let next = a.hand_in("QUERY|late|\nINDEX|next|\n");
        a.append().unwrap();
        a.follow();
        b.follow();
        assert_eq!(answers(&next), Some(Ok("OO".into())), "{luck:?}, {refusal:?}");
        assert_eq!(a.digest(), b.digest(), "{luck:?}, {refusal:?}");
    }
}

#[test]
fn an_entry_that_is_too_large_is_refused_alone() {
    let log = Memory::default();
    let a = replica(&log, HOW);
    let [large, other] =
        [a.hand_in(&"INDEX|b|\n".repeat(ENTRY_BYTES / 9)), a.hand_in("INDEX|a|\n")];
    log.set_refusal(Some(LogRefusal::TooLarge));
    assert_eq!(a.append().unwrap_err().refusal(), Some(LogRefusal::TooLarge));
    log.set_refusal(None);
    assert_eq!(answers(&large), Some(Err(Unanswered::Abandoned(LogRefusal::TooLarge))));
    assert_eq!((answers(&other), a.replica.log_refusal()), (None, None));
    a.append().unwrap();
    a.follow();
    assert_eq!(answers(&other), Some(Ok("O".into())));
}

#[test]
fn a_replica_starts_while_its_log_is_full_if_it_has_a_setup() {
    let log = Memory::default();
    log.set_refusal(Some(FULL));
    let refused = Replica::start(Arc::new(log.clone()), Limits::default(), HOW, |_| ());
    assert_eq!(refused.unwrap_err().to_string(), "the log refuses it: it has no space left");
    log.set_refusal(None);
    let a = replica(&log, HOW);
    a.tell("INDEX|lib|\n");
    log.set_refusal(Some(FULL));
    assert_eq!(replica(&log, HOW).digest(), a.digest());
}

#[test]
fn a_snapshot_waits_until_the_log_has_room() {
    let log = Memory::default();
    let a = replica(&log, ReplicaConfig { snapshot_every: 1, ..HOW });
    a.tell("INDEX|lib|\n");
    log.set_refusal(Some(FULL));
    assert_eq!(a.replica.write_snapshot(), Ok(None));
    // It has found out by itself.
    assert_eq!(refused(&a), Some(Unanswered::Refused(FULL)));
    log.set_refusal(None);
    assert_eq!(a.replica.write_snapshot(), Ok(None));
    a.append().unwrap();
    let snapshot = a.replica.write_snapshot().unwrap().unwrap();
    assert_eq!((snapshot.packages, log.entries()), (1, vec![]));
}

#[test]
fn what_is_in_doubt_is_settled_before_a_full_log_is_given_up() {
    let log = Memory::default();
    let a = replica(&log, ReplicaConfig { snapshot_every: 1, ..HOW });
    a.tell("INDEX|lib|\n");
    let submission = a.hand_in("INDEX|app|lib\n");
    log.set_luck(Luck::LostReply);
    a.append().unwrap_err();
    // The snapshot is refused, and the entry is there already.
    log.set_refusal(Some(FULL));
    assert_eq!(a.replica.write_snapshot(), Ok(None));
    log.set_refusal(None);
    a.append().unwrap();
    a.follow();
    assert_eq!(answers(&submission), Some(Ok("O".into())));
    assert_eq!(a.replica.log_refusal(), None);
}

// The refusal names the line.
#[test]
fn a_snapshot_of_other_lines_than_packages_is_refused() {
    for (messages, problem) in [
        ("INDEX|a|\nREMOVE|a|\n", r#"the line "REMOVE|a|\n" is not a package with a list"#),
        ("INDEX|a|\nINDEX|b|a", r#"the line "INDEX|b|a" is not a package with a list"#),
        ("INDEX|a|\nINDEX|b|a,\x1b\n", r#"package "b" with the list "a,\x1b": "#),
    ] {
        let log = Memory::default();
        let (id, place) = (log.begin_snapshot().unwrap(), Place(26));
        log.write_chunk(id, 0, messages.as_bytes()).unwrap();
        let snapshot = LogSnapshot { id, place, log_bytes: 0, chunks: 1, packages: 2 };
        assert_eq!(log.publish(&snapshot, None), Ok(true));
        let log = Arc::new(log);
        let refused = Replica::start(log, Limits::default(), HOW, |_| ()).err().unwrap();
        let expected = format!("the snapshot at 26: {problem}");
        assert!(refused.to_string().starts_with(&expected), "{refused}");
    }
}
