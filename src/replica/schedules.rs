//! Replicas over a log in memory, and their clients, on schedules that a checker chooses. Every duty is a
//! thread, and a thread with nothing to do sleeps. A lost wake-up is thus a deadlock.

mod watched;

use std::collections::BTreeMap;

use shuttle::thread::{self, yield_now};

use super::*;
use crate::bug::Bug;
use crate::command::Command;

use crate::index::PackageIndex;
use crate::log::memory::Luck;
use crate::sync::checker::{on_many_schedules, sees};
use watched::Watched;

/// Never over, because time stands still.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A replica that writes no snapshot.
const HOW: ReplicaConfig =
    ReplicaConfig { patience: PATIENCE, reads: Reads::Linearizable, snapshot_every: 1 << 30 };

/// A replica for which each entry makes a snapshot due.
const SNAPSHOTS: ReplicaConfig = ReplicaConfig { snapshot_every: 1, ..HOW };

/// Which thread reads the end of the log for QUERYs.
#[derive(Clone, Copy, PartialEq)]
enum Readers {
    /// A duty that begins before any QUERY.
    Duty,
    /// A duty that begins at any time.
    LateDuty,
    /// Each client that asks.
    Clients,
}

/// A replica, what its clients were told, and the log.
struct Tried {
    replica: Replica,
    log: Watched,
    readers: Readers,
    /// Of std: the schedule cannot change where notes are taken.
    told: std::sync::Mutex<Vec<(&'static str, Told)>>,
}

type Told = Result<Vec<Answer>, Unanswered>;

fn replica(log: &Watched, how: ReplicaConfig, readers: Readers) -> Tried {
    let shared = std::sync::Arc::new(log.clone());
    let replica = Replica::start(shared, Limits::default(), how, |_| ()).unwrap();
    let tried = Tried { replica, log: log.clone(), readers, told: std::sync::Mutex::default() };
    tried.share().lock().reads.has_duty = readers == Readers::Duty;
    tried
}

/// So many replicas, whose reads are a duty.
fn replicas<const COUNT: usize>(how: ReplicaConfig) -> [Tried; COUNT] {
    let log = Watched::default();
    [(); COUNT].map(|()| replica(&log, how, Readers::Duty))
}

impl Tried {
    fn share(&self) -> &Share {
        &self.replica.share
    }

    /// Repeats a duty until the replica is closed. It tries again at once if the log is unreachable.
    fn repeat(&self, mut duty: impl FnMut() -> Result<(), LogError>) {
        while !self.share().is_over() {
            if let Err(error) = duty() {
                assert!(!error.is_lasting(), "{error}");
                yield_now();
            }
        }
        assert_eq!(self.replica.log_failure(), None);
    }

    fn append(&self) {
        self.repeat(|| self.replica.append_when_due().map(drop));
    }

    fn follow(&self) {
        self.repeat(|| {
            let (seen, before) = (self.log.changes(), self.replica.applied());
            let over = self.share().is_over();
            self.replica.follow()?;
            // It went on from a snapshot, so it has not seen what comes after that.
            if !over && self.replica.applied() == before {
                self.log.wait_for_more(seen);
            }
            Ok(())
        });
    }

    fn close(&self) {
        self.replica.close();
        self.log.change();
    }

    fn note(&self, messages: &'static str, told: Told) -> Told {
        self.told.lock().unwrap().push((messages, told.clone()));
        told
    }

    /// Hands in messages, and waits for their answers.
    fn submit(&self, messages: &'static str) -> Told {
        self.note(messages, self.replica.submit(messages.into()))
    }

    fn query(&self, package: &str) -> Result<Outcome, ReplicaError> {
        self.replica.apply(&Command::query(package).unwrap())
    }

    /// Checks that the index is what the log says it is, and that clients were told the truth.
    fn check(&self) {
        let (index, by_message) = in_order(&self.log, self.replica.applied());
        assert_eq!(self.replica.read(PackageIndex::digest).unwrap(), index.digest());
        let (_, in_all) = in_order(&self.log, Place(u64::MAX));
        for (messages, told) in self.told.lock().unwrap().iter() {
            for (number, message) in messages.split_inclusive('\n').enumerate() {
                let applied = by_message.get(message).map_or(&[][..], Vec::as_slice);
                let times = in_all.get(message).map_or(0, Vec::len);
                assert!(times <= 1, "{message:?} is in the log {times} times");
                match told {
                    Ok(answers) => assert_eq!(applied, [answers[number]], "{message:?}"),
                    Err(Unanswered::Withdrawn(_)) => {
                        assert_eq!(times, 0, "{message:?} was withdrawn, and is in the log");
                    }
                    Err(Unanswered::Unknown(_)) => {
                        assert_eq!(
                            times, 1,
                            "{message:?} was not withdrawn, and is not in the log"
                        );
                    }
                    Err(_) => {}
                }
            }
        }
    }
}

/// The index that the log makes up to a place, and the answers to each message, at all its places.
fn in_order(log: &Watched, end: Place) -> (PackageIndex, BTreeMap<String, Vec<Answer>>) {
    let (mut index, mut by_message) = (PackageIndex::default(), BTreeMap::<_, Vec<_>>::new());
    for entry in log.memory.history().iter().filter(|entry| entry.place <= end) {
        for message in entry.messages.split_inclusive(|byte| *byte == b'\n') {
            let answer = index.apply(crate::wire::parse(message).unwrap());
            let message = String::from_utf8(message.to_vec()).unwrap();
            by_message.entry(message).or_default().push(answer);
        }
    }
    (index, by_message)
}

type Client<'a> = &'a (dyn Fn() + Sync);

/// Runs clients, each a thread, while the replicas have their duties. Closes the replicas when the clients
/// are done.
fn run(replicas: &[Tried], clients: &[Client<'_>]) {
    thread::scope(|scope| {
        for replica in replicas {
            scope.spawn(|| replica.append());
            scope.spawn(|| replica.follow());
            if replica.readers != Readers::Clients {
                scope.spawn(|| replica.repeat(|| replica.replica.read_head_when_due()));
            }
            scope.spawn(|| replica.repeat(|| replica.replica.write_snapshot_when_due().map(drop)));
        }
        let clients: Vec<_> = clients.iter().map(|client| scope.spawn(client)).collect();
        for client in clients {
            client.join().unwrap();
        }
        for replica in replicas {
            let state = replica.share().lock();
            assert!(state.core.is_at_rest(), "something is left");
            drop(state);
            replica.close();
        }
    });
    replicas.iter().for_each(Tried::check);
}

const FAILED: Result<Outcome, ReplicaError> = Err(ReplicaError::Unanswered(Unanswered::Failed));

/// Two clients of one replica that get into each other's way.
fn two_clients(how: ReplicaConfig) {
    let replicas: [_; 1] = replicas(how);
    let [a] = &replicas;
    let client = |batches: &'static [&str]| {
        move || batches.iter().for_each(|batch| drop(a.submit(batch).unwrap()))
    };
    run(
        &replicas,
        &[
            &client(&["INDEX|a|\nINDEX|b|a\n", "REMOVE|a|\n"]),
            &client(&["INDEX|c|b\nINDEX|d|\n", "INDEX|e|a\n"]),
        ],
    );
}

#[test]
fn the_batches_of_two_clients_are_answered_and_in_the_log_once() {
    for how in [HOW, SNAPSHOTS] {
        on_many_schedules(move || two_clients(how));
    }
}

/// A client that asks one replica for what another has answered, and one that asks all the time.
fn queries(readers: Readers) {
    let log = Watched::default();
    let replicas = [(); 2].map(|()| replica(&log, HOW, readers));
    let [a, b] = &replicas;
    let writes = || {
        a.submit("INDEX|lib|\n").unwrap();
        assert_eq!(b.query("lib"), Ok(Outcome::Ok), "a QUERY came before what was answered");
    };
    let asks = || {
        let before = b.query("lib").unwrap();
        let after = b.query("lib").unwrap();
        assert!(before == Outcome::Fail || after == Outcome::Ok, "the index went back");
    };
    run(&replicas, &[&writes, &asks]);
}

#[test]
fn a_query_sees_what_another_replica_answered_before_it() {
    for readers in [Readers::Duty, Readers::LateDuty, Readers::Clients] {
        on_many_schedules(move || queries(readers));
    }
}

#[test]
fn a_query_that_joins_a_read_that_had_begun_is_noticed() {
    let report = "a QUERY came before what was answered";
    sees(Bug::JoinsBegunRead, report, || on_many_schedules(|| queries(Readers::Duty)));
}

/// A client that loses patience at any time, and another one.
fn withdrawal() {
    let replicas: [_; 1] = replicas(HOW);
    let [a] = &replicas;
    let impatient = || {
        for messages in ["INDEX|a|\n", "INDEX|b|\n"] {
            let submission = a.share().hand_in(messages.into()).unwrap();
            yield_now();
            let told = a.note(messages, a.share().lose_patience(&submission));
            let allowed = [Unanswered::Withdrawn(PATIENCE), Unanswered::Unknown(PATIENCE)];
            assert!(told.is_ok() || told.is_err_and(|why| allowed.contains(&why)));
        }
        // What is appended in spite of that is appended before this.
        a.submit("INDEX|d|\n").unwrap();
    };
    run(&replicas, &[&impatient, &|| drop(a.submit("INDEX|c|\n").unwrap())]);
}

#[test]
fn what_is_withdrawn_is_never_in_the_log() {
    on_many_schedules(withdrawal);
}

#[test]
fn what_is_withdrawn_and_appended_is_noticed() {
    sees(Bug::WithdrawnStays, "was withdrawn, and is in the log", || on_many_schedules(withdrawal));
}

/// A client for each of two replicas that forget what comes after their snapshots.
fn passed_by_snapshots() {
    let replicas: [_; 2] = replicas(SNAPSHOTS);
    let client = |replica: &'static str, tried: &Tried, batches: &[&'static str]| {
        for batch in batches {
            let told = tried.submit(batch);
            assert!(told.is_ok() || told == Err(Unanswered::Skipped), "{replica}: {told:?}");
        }
    };
    let [a, b] = &replicas;
    run(
        &replicas,
        &[&|| client("a", a, &["INDEX|a|\n", "INDEX|b|a\n"]), &|| {
            client("b", b, &["INDEX|c|\n", "INDEX|d|\n", "INDEX|e|\n"]);
        }],
    );
}

// It was delivered, or passed by a snapshot, before.
#[test]
fn an_entry_whose_place_is_learned_late_is_answered_once() {
    on_many_schedules(passed_by_snapshots);
}

/// A replica that is closed while its clients wait, beside another one.
fn closed() {
    let replicas: [_; 2] = replicas(SNAPSHOTS);
    let [a, b] = &replicas;
    let submit = |tried: &Tried, messages| match tried.submit(messages) {
        Ok(_) | Err(Unanswered::Failed | Unanswered::Skipped) => {}
        Err(other) => panic!("{other}"),
    };
    run(
        &replicas,
        &[
            &|| ["INDEX|a|\n", "INDEX|b|\n"].into_iter().for_each(|messages| submit(a, messages)),
            &|| assert!([FAILED, Ok(Outcome::Ok), Ok(Outcome::Fail)].contains(&a.query("a"))),
            &|| submit(b, "INDEX|c|\n"),
            &|| a.close(),
        ],
    );
}

#[test]
fn closing_a_replica_answers_everybody_and_ends_all_duties() {
    on_many_schedules(closed);
}

/// A log that is unreachable for a while, and loses or delays the first append.
fn away(luck: Luck) {
    let replicas: [_; 1] = replicas(HOW);
    let [a] = &replicas;
    a.log.memory.set_luck(luck);
    run(
        &replicas,
        &[
            &|| ["INDEX|a|\n", "INDEX|b|\n"].into_iter().for_each(|b| drop(a.submit(b).unwrap())),
            &|| {
                a.submit("INDEX|c|\n").unwrap();
                assert_eq!(a.query("c"), Ok(Outcome::Ok));
            },
            &|| {
                a.log.memory.set_unreachable(0..u32::MAX);
                yield_now();
                a.log.memory.set_unreachable(0..0);
                a.log.memory.deliver();
                a.log.change();
            },
        ],
    );
}

// Nothing is in it twice.
#[test]
fn an_unreachable_log_that_returns_has_nobody_wait_for_ever() {
    for luck in [Luck::Good, Luck::LostRequest, Luck::LostReply, Luck::Delayed] {
        on_many_schedules(move || away(luck));
    }
}

#[test]
fn what_is_repeated_as_something_new_is_noticed() {
    let report = "is in the log 2 times";
    sees(Bug::RepeatsAreNew, report, || on_many_schedules(|| away(Luck::LostReply)));
}
