//! What many clients see who contend for a few packages, recorded at a live server and held against
//! the reference model: is there one order that explains it? And would it be seen if there were none?

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Parser;
use package_indexer::testing::contention::{self, Contention};
use package_indexer::testing::history::{Checker, History, Verdict};
use package_indexer::{Command, Model, Reply};

use crate::common::faulty_server::{self, Fault};
use crate::common::{self, Folder, NOBODY, histories};

/// Fewer steps than the search takes by default: what is not decided by then is not held against
/// anybody here.
const STEPS: u64 = 50_000;

fn checker() -> Checker<Model, Reply> {
    contention::checker().steps(STEPS)
}

fn record(
    address: SocketAddr,
    contention: Contention,
    packages: usize,
    rng: &mut fastrand::Rng,
) -> History<Command, Reply> {
    let mut bytes = vec![0; contention.bytes()];
    rng.fill(&mut bytes);
    let packages = contention::packages(&format!("{:x}-", rng.u32(..)), packages).unwrap();
    let scripts = contention.scripts(&bytes, &packages).unwrap();
    let recording = contention::record_at(address, scripts).unwrap();
    assert!(recording.cut_off.is_empty(), "{:?}", recording.cut_off);
    recording.history
}

/// Rules O5, O6, O9.
#[test]
fn one_order_explains_what_eight_to_sixty_four_clients_see() {
    let mut rng = fastrand::Rng::with_seed(common::seed());
    let (_server, address, _) = common::serve();
    let (mut tried, mut undecided) = (0, 0);
    for (clients, burst) in [(8, 1), (8, 3), (16, 1), (32, 1), (64, 1)] {
        for packages in [2, 3, 4, 5, 6] {
            for _ in 0..2 {
                let contention = Contention { clients, operations: 300, burst };
                let history = record(address, contention, packages, &mut rng);
                assert_eq!(history.operations().len(), 300);
                tried += 1;
                match checker().check(&history) {
                    Verdict::Linearizable => {}
                    Verdict::Undecided => undecided += 1,
                    Verdict::NotLinearizable => {
                        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
                        let name = format!("history-{tried}");
                        panic!("{}", histories::save(folder, &name, &history, STEPS))
                    }
                }
            }
        }
    }
    println!("{tried} histories, {undecided} of them undecided");
    assert!(undecided * 2 < tried, "{undecided} of {tried} are undecided");
}

/// Histories of a server with this fault, recorded as they are asked for.
fn histories_of(
    fault: Fault,
    contention: Contention,
) -> impl Iterator<Item = History<Command, Reply>> {
    let mut rng = fastrand::Rng::with_seed(common::seed());
    let address = faulty_server::serve(fault);
    (0..).map(move |number| record(address, contention, 2 + number % 2, &mut rng))
}

/// Finds a history that no order explains, and sees that it can be shortened to one that still shows
/// the fault.
fn is_caught(fault: Fault, contention: Contention) {
    let wrong = |history: &History<_, _>| checker().check(history) == Verdict::NotLinearizable;
    let history = histories_of(fault, contention).take(200).find(wrong);
    let history = history.expect("a history that no order explains");
    let short = checker().minimise(&history).expect("it can be shortened");
    let lengths = (short.operations().len(), history.operations().len());
    println!("{fault:?}: {} of {} commands\n{short}", lengths.0, lengths.1);
    assert!(wrong(&short) && lengths.0 < lengths.1);
}

#[test]
fn a_server_with_a_stale_copy_for_queries_is_caught() {
    is_caught(Fault::StaleCopy, Contention { clients: 8, operations: 200, burst: 1 });
}

/// It takes the lock for each message.
#[test]
fn a_server_that_locks_in_the_wrong_order_is_caught() {
    is_caught(Fault::WrongOrder, Contention { clients: 4, operations: 100, burst: 6 });
}

#[test]
fn a_server_that_loses_updates_is_caught() {
    is_caught(Fault::LostUpdates, Contention { clients: 8, operations: 200, burst: 1 });
}

#[test]
fn the_faulty_servers_without_their_faults_are_not_caught() {
    let contention = Contention { clients: 8, operations: 200, burst: 2 };
    let histories = histories_of(Fault::None, contention).take(10);
    let verdicts: Vec<_> = histories.map(|history| checker().check(&history)).collect();
    assert!(!verdicts.contains(&Verdict::NotLinearizable), "{verdicts:?}");
    assert!(verdicts.contains(&Verdict::Linearizable), "{verdicts:?}");
}

/// A history of clients that go on when they are cut off, at two addresses, and how many of its
/// commands have no answer.
fn record_anywhere(
    addresses: [SocketAddr; 2],
    clients: usize,
    rng: &mut fastrand::Rng,
) -> (History<Command, Reply>, usize) {
    let contention = Contention { clients, operations: 100, burst: 2 };
    let mut bytes = vec![0; contention.bytes()];
    rng.fill(&mut bytes);
    let packages = contention::packages(&format!("{:x}-", rng.u32(..)), 3).unwrap();
    let scripts = contention.scripts(&bytes, &packages).unwrap();
    let patience = Duration::from_secs(60);
    let answered = AtomicUsize::new(0);
    let history = contention::record_anywhere(
        || addresses.to_vec(),
        patience,
        scripts,
        |_| {
            answered.fetch_add(1, Ordering::Relaxed);
        },
    );
    let (calls, answered) = (history.operations().len(), answered.into_inner());
    assert_eq!((calls, history.events()), (100, 100 + answered));
    (history, calls - answered)
}

/// They go on as other clients.
#[test]
fn one_order_explains_what_clients_see_that_are_cut_off() {
    let mut rng = fastrand::Rng::with_seed(common::seed());
    let (mut undecided, mut unanswered) = (0, 0);
    for _ in 0..10 {
        let address = faulty_server::serve(Fault::Dies);
        let (history, lost) = record_anywhere([NOBODY.parse().unwrap(), address], 3, &mut rng);
        unanswered += lost;
        match checker().check(&history) {
            Verdict::Linearizable => {}
            Verdict::Undecided => undecided += 1,
            Verdict::NotLinearizable => panic!("{history}"),
        }
    }
    println!("{unanswered} of 1000 commands without an answer, {undecided} histories undecided");
    assert!(unanswered > 0);
}

#[test]
fn two_servers_that_are_not_of_one_index_are_caught() {
    let mut rng = fastrand::Rng::with_seed(common::seed());
    let addresses = [(); 2].map(|()| faulty_server::serve(Fault::None));
    let histories = (0..20).map(|_| record_anywhere(addresses, 4, &mut rng).0);
    let mut verdicts = histories.map(|history| checker().check(&history));
    assert!(verdicts.any(|verdict| verdict == Verdict::NotLinearizable));
}

/// Runs the example as from a terminal.
fn histories(arguments: &[&str]) -> ExitCode {
    histories::run(histories::Arguments::parse_from([&["histories"], arguments].concat()))
}

#[test]
fn an_unexplained_history_is_saved_checked_and_shortened() {
    let address = faulty_server::serve(Fault::StaleCopy).to_string();
    let folder = Folder::new("histories");
    // A folder that is not there yet.
    let path = folder.0.join("saved");
    let save = path.to_str().unwrap();
    let record = ["record", "--clients", "8", "--operations", "200", "--seed", "5", "--save", save];
    assert_eq!(histories(&[&record[..], &[&address]].concat()), ExitCode::from(1));
    let saved = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
    let ends = |path: &Path, end| path.to_str().unwrap().ends_with(end);
    let (drawn, texts): (Vec<_>, Vec<_>) = saved.partition(|path| ends(path, "-short.html"));
    let (short, whole): (Vec<_>, Vec<_>) =
        texts.into_iter().partition(|path| ends(path, "-short.txt"));
    assert_eq!((drawn.len(), short.len(), whole.len()), (1, 1, 1), "{drawn:?} {short:?} {whole:?}");
    // Recorded with times, and shortened with them.
    let page = fs::read_to_string(&drawn[0]).unwrap();
    for said in ["no order explains this reply", ">µs<", "shortened to"] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    let lines = |path| fs::read_to_string(path).unwrap().lines().count();
    assert!(lines(&short[0]) < lines(&whole[0]));
    for file in [&short[0], &whole[0]] {
        let file = file.to_str().unwrap();
        assert_eq!(histories(&["check", file]), ExitCode::from(1));
        assert_eq!(histories(&["minimise", file]), ExitCode::from(1));
    }
}

#[test]
fn what_cannot_be_saved_is_still_a_fault_that_was_found() {
    let address = faulty_server::serve(Fault::StaleCopy).to_string();
    let folder = Folder::new("no-folder");
    let file = folder.file("in-the-way", "");
    let record = ["record", "--clients", "8", "--operations", "200", "--save", &file];
    assert_eq!(histories(&[&record[..], &[&address]].concat()), ExitCode::from(1));
}

#[test]
fn a_server_that_kept_names_is_checked_again_with_the_seed() {
    let (_server, address, _) = common::serve();
    let address = address.to_string();
    let record = ["record", &address, "--histories", "4", "--operations", "50", "--seed", "5"];
    for _ in 0..2 {
        assert_eq!(histories(&record), ExitCode::SUCCESS);
    }
}

/// What they saw is still checked.
#[test]
fn clients_that_are_cut_off_are_a_failure() {
    let address = faulty_server::serve(Fault::Dies).to_string();
    let record = ["record", &address, "--histories", "2", "--operations", "50", "--clients", "8"];
    assert_eq!(histories(&record), ExitCode::from(2));
}

#[test]
fn a_server_of_our_own_is_recorded_and_explained() {
    let few = ["--histories", "6", "--operations", "50", "--clients", "8,16"];
    assert_eq!(histories(&[&["record"], &few[..]].concat()), ExitCode::SUCCESS);
}

#[test]
fn what_is_no_history_is_refused_with_status_2() {
    let folder = Folder::new("no-history");
    let file = folder.file("history.txt", "1> INDEX|a|\n2< OK\n");
    assert_eq!(histories(&["check", &file]), ExitCode::from(2));
    assert_eq!(histories(&["check", "nowhere.txt"]), ExitCode::from(2));
    let fine = folder.file("fine.txt", "1> INDEX|a|\n1< OK\n");
    assert_eq!(histories(&["check", &fine]), ExitCode::SUCCESS);
    assert_eq!(histories(&["minimise", &fine]), ExitCode::SUCCESS);
}
