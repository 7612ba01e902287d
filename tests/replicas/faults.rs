//! Any fault of replicas, of the nodes of etcd, and of the network between them: one order explains what
//! all clients see, nothing that was answered is lost, and in the end all replicas have the same state.
//!
//! `REPLICA_ROUNDS` says how many rounds there are, each with a fault or two: 3 unless it says otherwise, which
//! is for every change; a hundred and more are for a change of how replicas work, as in
//! `REPLICA_ROUNDS=100 cargo test --features etcd --test replicas faults:: -- --nocapture`. `SEED` repeats
//! what is sent and which faults there are, though not who came when.

use crate::common::{self, histories};
use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use package_indexer::testing::contention::{self, Contention};
use package_indexer::testing::history::{DEFAULT_STEPS as STEPS, History, Script, Verdict};
use package_indexer::{Command, Name, Reply};

use super::fault::{Fault, REPLICAS, Stage};
use crate::common::etcd::{Cluster, NODES};
use crate::common::proxy::Cut;
use crate::common::replicas::Replicas;

/// What the replicas here are told: to say soon that they cannot know, and to make snapshots often.
const FLAGS: [&str; 4] = ["--patience", "1", "--snapshot-every", "20000"];

/// How long a client waits for a replica: longer than a replica is patient, so that most learn that
/// they do not know, and those of one that stands still go elsewhere.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many clients contend in a round: where few are, less is under way at once, and more that is wrong
/// has no excuse; where many are, more happens.
const CONTENDING: [usize; 3] = [3, 6, 9];

/// How many commands each of them sends.
const COMMANDS: usize = 50;

/// How many clients index packages in a round that nobody removes, and how many each.
const KEEPERS: usize = 3;
const KEPT: usize = 40;

/// What clients of a round saw.
struct Seen {
    /// Of those that contend.
    history: History<Command, Reply>,
    /// The packages of the others that were answered OK.
    kept: Vec<String>,
}

/// Counts answered commands until there are enough of them, or no more come, or it has been long enough.
fn count(answered: &Receiver<()>, enough: usize, length: Duration) {
    let begun = Instant::now();
    for _ in 0..enough {
        // A fault is as long as it is said to be when nothing is answered meanwhile. This wait is a part
        // of the fault: nothing is expected to have happened by its end.
        if answered.recv_timeout(length.saturating_sub(begun.elapsed())).is_err() {
            return;
        }
    }
}

/// What keepers send in a round.
fn keeping(round: usize) -> Vec<Script<Command>> {
    let package = |keeper, number| Command::index(&format!("kept-{round}-{keeper}-{number}"), []);
    let script = |keeper| (0..KEPT).map(|number| vec![package(keeper, number).unwrap()]).collect();
    (0..KEEPERS).map(script).collect()
}

/// Has clients of all replicas contend while a fault begins and ends.
fn contend(
    stage: &mut Stage,
    round: usize,
    packages: &[Name],
    rng: &mut Rng,
) -> (Seen, Vec<Fault>) {
    let clients = CONTENDING[rng.usize(..CONTENDING.len())];
    let contention = Contention { clients, operations: clients * COMMANDS, burst: 2 };
    let mut bytes = vec![0; contention.bytes()];
    rng.fill(&mut bytes);
    let scripts = contention.scripts(&bytes, packages).unwrap();
    let faults = Fault::some(rng);
    let before = rng.usize(10..120);
    // Half of the faults end while there is still much to do, if not all has come to a halt.
    let during = rng.bool().then(|| rng.usize(10..100));
    let length = Duration::from_millis(rng.u64(100..4_000));
    println!(
        "round {round}: {clients} clients, {faults:?} after {before} answers, for {during:?} more or {length:?}"
    );
    let (answer, answered) = mpsc::channel();
    let addresses = stage.replicas.addresses();
    let seen = thread::scope(|scope| {
        let record = |scripts| {
            let (addresses, answer) = (addresses.clone(), answer.clone());
            scope.spawn(move || {
                let tell = |_| answer.send(()).expect("somebody counts until the end");
                contention::record_anywhere(|| addresses.all(), PATIENCE, scripts, tell)
            })
        };
        let (contending, keeping) = (record(scripts), record(keeping(round)));
        drop(answer);
        count(&answered, before, Duration::from_secs(60));
        let ongoing = Fault::begin(&faults, stage);
        count(&answered, during.unwrap_or(usize::MAX), length);
        ongoing.end(stage);
        let kept = keeping.join().unwrap();
        let is_kept = |reply| reply == Reply::Ok;
        let kept =
            kept.operations().iter().filter(|it| it.answer.is_some_and(|it| is_kept(it.reply)));
        let kept = kept.map(|it| it.command.package().to_string()).collect();
        Seen { history: contending.join().unwrap(), kept }
    });
    (seen, faults)
}

/// Asks each replica for packages at the end of a history, as one client more.
fn look(replicas: &Replicas, packages: &[Name], history: &mut History<Command, Reply>) {
    let client = history.operations().iter().map(|it| it.client).max().unwrap_or_default() + 1;
    for replica in 0..REPLICAS {
        for package in packages {
            history.call(client, Command::query(package.as_str()).unwrap());
            history.reply(client, replicas.query(replica, package.as_str())).unwrap();
        }
    }
}

/// Whether all replicas have these packages.
fn have(replicas: &Replicas, kept: &[String]) {
    for replica in 0..REPLICAS {
        let mut client = replicas.client(replica);
        let query = |package: &String| Command::query(package).unwrap();
        let mut replies = Vec::new();
        client.apply_all(kept.iter().map(query), |reply| replies.push(reply)).unwrap();
        let missing = kept.iter().zip(replies).find(|(_, reply)| *reply != Reply::Ok);
        assert!(missing.is_none(), "replica {replica} answers {missing:?}");
    }
}

#[test]
fn one_order_explains_what_clients_of_failing_replicas_see() {
    let rounds: usize = match std::env::var("REPLICA_ROUNDS") {
        Ok(text) => text.parse().expect("REPLICA_ROUNDS is a number"),
        Err(_) => 3,
    };
    let seed = common::seed();
    let Some(cluster) = Cluster::start("faults") else { return };
    let replicas = Replicas::start(&cluster, "faults", REPLICAS, &FLAGS);
    let mut stage = Stage { cluster, replicas };
    let (mut undecided, mut answered, mut unanswered) = (0, 0, 0);
    let mut kept = Vec::new();
    for round in 0..rounds {
        // So that a round can be repeated without those before it.
        let seed = seed.wrapping_add(round as u64);
        let mut rng = Rng::with_seed(seed);
        let prefix = format!("round-{round}-");
        let packages = contention::packages(&prefix, rng.usize(2..6)).unwrap();
        let (Seen { mut history, kept: of_round }, faults) =
            contend(&mut stage, round, &packages, &mut rng);
        look(&stage.replicas, &packages, &mut history);
        let answers = history.operations().iter().filter(|it| it.answer.is_some()).count();
        answered += answers;
        unanswered += history.operations().len() - answers;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        match contention::checker().check(&history) {
            Verdict::Linearizable => {}
            Verdict::Undecided => {
                // With more steps it may be decided.
                let file = folder.join(format!("replicas-{seed}-undecided.txt"));
                fs::write(&file, history.to_string()).unwrap();
                println!("undecided: {}", file.display());
                undecided += 1;
            }
            Verdict::NotLinearizable => {
                println!("{faults:?}, SEED={seed} REPLICA_ROUNDS=1 tries it again");
                println!("not linearizable; it may take minutes to shorten it:\n{history}");
                panic!("{}", histories::save(folder, &format!("replicas-{seed}"), &history, STEPS))
            }
        }
        have(&stage.replicas, &of_round);
        kept.extend(of_round);
        stage.replicas.agree();
    }
    have(&stage.replicas, &kept);
    let digest = stage.replicas.agree();
    stage.replicas.end();
    println!(
        "{rounds} rounds: {answered} commands answered and {unanswered} not, {undecided} histories \
         undecided, {} packages kept, in the end {digest:?}",
        kept.len()
    );
    assert!(undecided * 20 <= rounds, "{undecided} of {rounds} are undecided");
}

/// Local QUERYs are answered as before.
#[test]
fn without_a_majority_commands_get_error_in_time() {
    let Some(mut cluster) = Cluster::start("majority") else { return };
    let careful = Replicas::start(&cluster, "majority", 1, &["--patience", "1"]);
    let flags = ["--patience", "1", "--reads", "local"];
    let local = Replicas::start(&cluster, "majority", 1, &flags);
    assert_eq!(local.ask(0, "INDEX|here|").unwrap(), Reply::Ok);
    assert_eq!(careful.query(0, "here"), Reply::Ok);
    (1..NODES).for_each(|node| cluster.kill(node));
    for replicas in [&careful, &local] {
        assert_eq!(replicas.ask(0, "INDEX|perhaps|").unwrap(), Reply::Error);
        assert_eq!(replicas.ask(0, "REMOVE|nowhere|").unwrap(), Reply::Error);
    }
    assert_eq!(careful.ask(0, "QUERY|here|").unwrap(), Reply::Error);
    for _ in 0..100 {
        assert_eq!(local.ask(0, "QUERY|here|").unwrap(), Reply::Ok);
        assert_eq!(local.ask(0, "QUERY|nowhere|").unwrap(), Reply::Fail);
    }
    // What is malformed needs nobody.
    assert_eq!(careful.ask(0, "nonsense").unwrap(), Reply::Error);
    cluster.start_again(&[1, 2]);
    assert_eq!(careful.query(0, "here"), Reply::Ok);
    for (replicas, package) in [(&careful, "one"), (&local, "two")] {
        while replicas.ask(0, &format!("INDEX|{package}|here")).unwrap() == Reply::Error {}
    }
    assert_eq!(careful.query(0, "two"), Reply::Ok);
    assert_eq!(careful.ask(0, "REMOVE|here|").unwrap(), Reply::Fail);
    local.end();
    careful.end();
}

#[test]
fn a_replica_that_is_cut_off_says_so_and_catches_up() {
    let Some(cluster) = Cluster::start("cut-off") else { return };
    let replicas = Replicas::start(&cluster, "cut-off", 2, &FLAGS);
    for (cut, package) in [(Cut::Silent, "silent"), (Cut::Reset, "reset")] {
        replicas.cut_off(0, cut);
        assert_eq!(replicas.ask(1, &format!("INDEX|{package}|")).unwrap(), Reply::Ok);
        assert_eq!(replicas.ask(0, &format!("QUERY|{package}|")).unwrap(), Reply::Error, "{cut:?}");
        assert_eq!(replicas.ask(0, &format!("INDEX|not-{package}|")).unwrap(), Reply::Error);
        replicas.mend(0);
        assert_eq!(replicas.query(0, package), Reply::Ok, "{cut:?}");
        replicas.agree();
    }
    replicas.end();
}

#[test]
fn a_replica_that_stood_still_first_learns_what_it_has_missed() {
    let Some(cluster) = Cluster::start("stood-still") else { return };
    let replicas = Replicas::start(&cluster, "stood-still", 2, &FLAGS);
    assert_eq!(replicas.ask(0, "INDEX|old|").unwrap(), Reply::Ok);
    replicas.stop(0);
    assert_eq!(replicas.ask(1, "REMOVE|old|").unwrap(), Reply::Ok);
    assert_eq!(replicas.ask(1, "INDEX|new|").unwrap(), Reply::Ok);
    replicas.resume(0);
    assert_eq!(replicas.query(0, "old"), Reply::Fail);
    assert_eq!(replicas.query(0, "new"), Reply::Ok);
    replicas.agree();
    replicas.end();
}

/// It would answer from the past.
#[test]
fn a_replica_that_reaches_only_a_former_leader_answers_nothing() {
    let Some(cluster) = Cluster::start("deposed") else { return };
    let replicas = Replicas::start(&cluster, "deposed", 2, &FLAGS);
    for cut in [Cut::Silent, Cut::Reset] {
        assert_eq!(replicas.query(0, "new"), Reply::Fail);
        let leader = loop {
            if let Some(leader) = cluster.leader() {
                break leader;
            }
        };
        (0..NODES).filter(|node| *node != leader).for_each(|node| replicas.cut(0, node, cut));
        cluster.isolate(leader, cut);
        // Until the other two have a leader of their own; what was answered ERROR may be in effect.
        while replicas.ask(1, "INDEX|new|").unwrap() == Reply::Error {}
        for _ in 0..3 {
            assert_eq!(replicas.ask(0, "QUERY|new|").unwrap(), Reply::Error, "{cut:?}");
        }
        cluster.mend();
        replicas.mend(0);
        assert_eq!(replicas.query(0, "new"), Reply::Ok);
        while replicas.ask(0, "REMOVE|new|").unwrap() == Reply::Error {}
        replicas.agree();
    }
    replicas.end();
}
