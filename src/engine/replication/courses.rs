//! Courses of several replicas drawn at random: lost, late and repeated appends, snapshots, crashes. What
//! their clients are told, and what the replicas hold, is compared with the reference model, told of all
//! entries in their order.

use fastrand::Rng;

use super::tests::{HOW, Tried, answers, replica};
use super::*;
use crate::command::Command;
use crate::log::memory::{Luck, Memory};
use crate::machine::StateMachine as _;
use crate::model::Model;
use crate::testing::{state_of_index, state_of_model};
use crate::wire;

/// So little that snapshots come all the time.
const BUSY: Replica = Replica { snapshot_every: 60, ..HOW };

/// What a client handed in.
struct Batch {
    submission: Arc<Submission>,
    messages: String,
}

fn name(rng: &mut Rng) -> &'static str {
    rng.choice(["a", "b", "c", "d"]).unwrap()
}

/// Some messages, the first of which nobody else sends.
fn messages(rng: &mut Rng, number: usize) -> String {
    let mut text = format!("INDEX|batch-{number}|\n");
    for _ in 0..rng.usize(..4) {
        let (package, needed) = (name(rng), name(rng));
        text += &match rng.u8(..4) {
            0 => format!("INDEX|{package}|\n"),
            1 => format!("INDEX|{package}|{needed}\n"),
            2 => format!("REMOVE|{package}|\n"),
            _ => format!("QUERY|{package}|\n"),
        };
    }
    text
}

fn outcome(model: &mut Model, line: &str) -> char {
    let command = wire::parse(format!("{line}\n").as_bytes()).unwrap().to_command();
    let Ok(outcome) = model.apply(&command);
    if outcome == Outcome::Ok { 'O' } else { 'F' }
}

/// The model after all entries, and what each batch among them was to be told, by its number.
fn expected(log: &Memory, batches: &[Batch]) -> (Model, Vec<Option<String>>) {
    let (mut model, mut told) = (Model::default(), vec![None; batches.len()]);
    for entry in log.history() {
        let text = String::from_utf8(entry.messages).unwrap();
        let mut lines = text.lines();
        while let Some(first) = lines.next() {
            let number = first.strip_prefix("INDEX|batch-").and_then(|l| l.strip_suffix('|'));
            let number: usize = number.unwrap().parse().unwrap();
            let mut letters = String::new();
            for (position, line) in batches[number].messages.lines().enumerate() {
                if position > 0 && !line.starts_with("QUERY") {
                    assert_eq!(lines.next(), Some(line), "in place of what batch {number} has");
                }
                letters.push(outcome(&mut model, line));
            }
            assert_eq!(told[number].replace(letters), None, "batch {number} is there twice");
        }
    }
    (model, told)
}

fn run(seed: u64) -> usize {
    let mut rng = Rng::with_seed(seed);
    let log = Memory::default();
    let mut replicas: Vec<Tried> = (0..3).map(|_| replica(&log, BUSY)).collect();
    let mut batches = Vec::new();
    for _ in 0..80 {
        let which = rng.usize(..replicas.len());
        let replica_here = &mut replicas[which];
        match rng.u8(..16) {
            0..4 => {
                let messages = messages(&mut rng, batches.len());
                let submission = replica_here.hand_in(&messages);
                batches.push(Batch { submission, messages });
            }
            4..9 => {
                let lucks = [Luck::Good, Luck::LostRequest, Luck::LostReply, Luck::Delayed];
                log.set_luck(lucks[rng.usize(..4)]);
                let _whatever_came = replica_here.append();
                log.set_luck(Luck::Good);
            }
            9..12 => drop(replica_here.engine.follow()),
            12 => log.deliver(),
            13 => drop(replica_here.engine.write_snapshot(false)),
            14 => {
                let package = name(&mut rng);
                let query = Command::query(package).unwrap();
                if let Ok(answer) = replica_here.engine.apply(&query) {
                    let Ok(wanted) = expected(&log, &batches).0.apply(&query);
                    assert_eq!(answer, wanted, "QUERY|{package}| at {which}");
                }
            }
            _ if rng.u8(..4) == 0 => *replica_here = replica(&log, BUSY),
            _ => {}
        }
    }
    log.deliver();
    for _ in 0..40 {
        for replica in &mut replicas {
            let _whatever_came = replica.append();
            let _whatever_came = replica.engine.follow();
        }
    }
    let (model, told) = expected(&log, &batches);
    let mut answered = 0;
    for (number, Batch { submission, messages }) in batches.iter().enumerate() {
        if let Some(Ok(letters)) = answers(submission) {
            assert_eq!(Some(letters), told[number], "batch {number}: {messages}");
            answered += 1;
        }
    }
    for replica in &replicas {
        assert_eq!(replica.engine.log_failure(), None);
        let state = replica.engine.read(state_of_index).unwrap();
        assert_eq!(state, state_of_model(&model));
    }
    answered
}

#[test]
fn whatever_becomes_of_replicas_one_order_explains_what_they_answered() {
    let answered: usize = (0..2_000).map(run).sum();
    println!("{answered} batches were answered");
    assert!(answered > 20_000, "{answered}");
}
