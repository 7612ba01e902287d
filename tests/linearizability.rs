//! What many clients see who contend for a few packages, recorded at a live server and held against
//! the reference model: is there one order that explains it? And would it be seen if there were none?

mod common;
#[path = "common/faulty_server.rs"]
mod faulty_server;
#[path = "../examples/histories.rs"]
#[allow(dead_code, reason = "its main function is the terminal's")]
mod histories;

use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use package_indexer::testing::contention::{self, Contention};
use package_indexer::testing::history::{Checker, History, Verdict};
use package_indexer::{Command, Model, Reply};

use common::Folder;
use faulty_server::Fault;

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
    let mut bytes = vec![0; 6 * contention.operations];
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
                    Verdict::NotLinearizable => panic!("no order explains\n{history}"),
                }
            }
        }
    }
    println!("{tried} histories, {undecided} of them undecided");
    assert!(undecided * 4 < tried, "{undecided} of {tried} are undecided");
}

/// The first history of a server that no order explains, among so many.
fn wrong_history(
    fault: Fault,
    contention: Contention,
    most: usize,
) -> Option<History<Command, Reply>> {
    let mut rng = fastrand::Rng::with_seed(common::seed());
    let address = faulty_server::serve(fault);
    (0..most).find_map(|number| {
        let history = record(address, contention, 2 + number % 2, &mut rng);
        (checker().check(&history) == Verdict::NotLinearizable).then_some(history)
    })
}

/// Finds such a history, and sees that it is shortened to something that still shows the fault.
fn is_caught(fault: Fault, contention: Contention) {
    let history = wrong_history(fault, contention, 200).expect("a history that no order explains");
    let short = checker().minimise(&history).expect("it can be shortened");
    println!(
        "{fault:?}: {} of {} commands\n{short}",
        short.operations().len(),
        history.operations().len()
    );
    assert_eq!(checker().check(&short), Verdict::NotLinearizable);
    assert!(short.operations().len() * 4 < history.operations().len());
}

#[test]
fn a_server_with_a_stale_copy_for_queries_is_caught() {
    is_caught(Fault::StaleCopy, Contention { clients: 8, operations: 200, burst: 1 });
}

#[test]
fn a_server_that_takes_the_lock_for_each_message_in_the_wrong_order_is_caught() {
    is_caught(Fault::WrongOrder, Contention { clients: 4, operations: 100, burst: 6 });
}

#[test]
fn a_server_that_loses_updates_is_caught() {
    is_caught(Fault::LostUpdates, Contention { clients: 8, operations: 200, burst: 1 });
}

#[test]
fn the_faulty_servers_without_their_faults_are_not_caught() {
    let contention = Contention { clients: 8, operations: 200, burst: 2 };
    assert_eq!(wrong_history(Fault::None, contention, 10), None);
}

/// Runs the example as from a terminal.
fn histories(arguments: &[&str]) -> ExitCode {
    histories::run(histories::Arguments::parse_from([&["histories"], arguments].concat()))
}

#[test]
fn what_cannot_be_explained_is_saved_and_can_be_checked_and_shortened_again() {
    let address = faulty_server::serve(Fault::StaleCopy).to_string();
    let folder = Folder::new("histories");
    let path = folder.0.to_str().unwrap();
    let record = ["record", "--clients", "8", "--operations", "200", "--save", path];
    assert_eq!(histories(&[&record[..], &[&address]].concat()), ExitCode::from(1));
    let mut saved: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The shortened one has the longer name.
    saved.sort();
    assert_eq!(saved.len(), 2, "{saved:?}");
    let lengths = saved.iter().map(|path| fs::read_to_string(path).unwrap().lines().count());
    let lengths: Vec<_> = lengths.collect();
    assert!(lengths[0] < lengths[1], "{saved:?}: {lengths:?}");
    for file in &saved {
        let file = file.to_str().unwrap();
        assert_eq!(histories(&["check", file]), ExitCode::from(1));
        assert_eq!(histories(&["minimise", file]), ExitCode::from(1));
    }
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
}
