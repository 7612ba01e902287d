//! Random conversations, the same for the index and for the reference model: they answer alike and
//! hold the same after every command. A failed run prints the seed that repeats it.

mod common;

use std::num::NonZeroU8;

use fastrand::Rng;
use package_indexer::engine::Engine;
use package_indexer::session::Session;
use package_indexer::testing::transcript::{Endpoint, InMemory, Link};
use package_indexer::testing::{lockstep, state_of_index, state_of_model};
use package_indexer::{Command, Model, PackageIndex};

/// So few that commands meet.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn name(rng: &mut Rng) -> &'static str {
    NAMES[rng.usize(..NAMES.len())]
}

fn command(rng: &mut Rng) -> Command {
    let package = name(rng);
    let command = match rng.u8(..10) {
        0..6 => {
            let length = rng.usize(..4);
            let list: Vec<_> = (0..length).map(|_| name(rng)).collect();
            Command::index(package, list)
        }
        6..9 => Command::remove(package),
        _ => Command::query(package),
    };
    command.unwrap()
}

/// Rules I, X, Q and D5, D6, O4.
#[test]
fn index_and_model_agree_after_every_command_of_random_traces() {
    let mut rng = Rng::with_seed(common::seed());
    for max_fan_in in [0, 1, 2, 3].repeat(75) {
        let trace: Vec<_> = (0..rng.usize(1..100)).map(|_| command(&mut rng)).collect();
        // From the bound of every day down to one at which almost every dependent is behind a relay.
        let mut index = match NonZeroU8::new(max_fan_in) {
            None => PackageIndex::new(),
            Some(max_fan_in) => PackageIndex::with_max_fan_in(max_fan_in),
        };
        let checked = |index: &PackageIndex| {
            assert_eq!(index.check_invariants(), Ok(()));
            state_of_index(index)
        };
        let mut model = Model::default();
        lockstep::run(&trace, (&mut index, checked), (&mut model, state_of_model))
            .unwrap_or_else(|divergence| panic!("\n{divergence}"));
        let rebuilt: PackageIndex = index.to_commands().into_iter().collect();
        assert_eq!(rebuilt, index);
        assert_eq!(rebuilt.digest(), index.digest());
    }
}

/// A message, often one that is none, with its LF.
fn message(rng: &mut Rng) -> Vec<u8> {
    let mut message = command(rng).to_string().into_bytes();
    match rng.u8(..8) {
        0 => {
            let at = rng.usize(..=message.len());
            message.insert(at, rng.u8(..));
        }
        1 => drop(message.remove(rng.usize(..message.len()))),
        2 => message.push(b','),
        3 => message.push(b'\r'),
        4 => message.resize(rng.usize(290..310), b'x'),
        _ => {}
    }
    message.push(b'\n');
    message
}

/// Rules L1 to L8, M9, O1, O2.
#[test]
fn sessions_answer_random_bytes_in_random_pieces_as_the_model_does_line_by_line() {
    let max_line_bytes = 300;
    let mut rng = Rng::with_seed(common::seed());
    for _ in 0..300 {
        let bytes: Vec<u8> = (0..rng.usize(1..60)).flat_map(|_| message(&mut rng)).collect();

        let mut link =
            InMemory::with_max_line_bytes(Model::default(), max_line_bytes).connect().unwrap();
        link.send(&bytes).unwrap();
        link.half_close().unwrap();
        let mut expected = String::new();
        while let Some(reply) = link.receive().unwrap() {
            expected += &format!("{reply}\n");
        }

        let engine = Engine::default();
        let mut session = Session::new(max_line_bytes);
        let mut replies = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let piece = rng.usize(1..=rest.len().min(400));
            rest = &rest[session.fill(&rest[..piece])..];
            replies.extend_from_slice(session.answer(&engine, |_| ()).unwrap());
        }
        assert_eq!(String::from_utf8(replies).unwrap(), expected, "{}", bytes.escape_ascii());
    }
}
