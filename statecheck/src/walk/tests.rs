//! Tests of walks: what they are made of, how they are shrunk, and what commands refer to afterwards.

use std::collections::BTreeSet;
use std::convert::Infallible;

use super::*;
use crate::input::{Shrunk, from_bytes, shrink};
use crate::machine::StateMachine;
use crate::model::{Menu, offered};

/// A command for doors.
#[derive(Debug, Clone, PartialEq)]
enum Command {
    Open,
    Close(Ref),
    /// Makes sense only while all are closed.
    Paint(u8),
}

/// Doors that were opened, and whether they still are.
#[derive(Debug, Clone, Default)]
struct Doors(Vec<bool>);

impl Doors {
    fn open(&self) -> impl Iterator<Item = Ref> {
        (0..).map(Ref).zip(&self.0).filter(|(_, is_open)| **is_open).map(|(door, _)| door)
    }
}

impl StateMachine for Doors {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        match command {
            Command::Open => self.0.push(true),
            Command::Close(door) => {
                return Ok(door.of_mut(&mut self.0).is_some_and(std::mem::take));
            }
            Command::Paint(_) => {}
        }
        Ok(true)
    }
}

impl Model for Doors {
    const BYTES: usize = 2;

    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(1, [Command::Open]);
        menu.list(2, self.open().map(Command::Close));
        if self.open().count() == 0 {
            menu.draw(1, [Command::Paint(0)], |u| Ok(Command::Paint(u.arbitrary()?)));
        }
    }

    fn allows(&self, command: &Command) -> bool {
        match command {
            Command::Open => true,
            Command::Close(door) => self.open().any(|open| open == *door),
            Command::Paint(_) => self.open().count() == 0,
        }
    }

    fn granted(&self) -> usize {
        self.0.len()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Close(door) => vec![door],
            Command::Open | Command::Paint(_) => vec![],
        }
    }

    fn simpler(command: &Command) -> Vec<Command> {
        match command {
            Command::Paint(colour @ 1..) => vec![Command::Paint(colour - 1)],
            _ => vec![],
        }
    }
}

use Command::{Close, Open, Paint};

fn walk(commands: impl IntoIterator<Item = Command>) -> Walk<Doors> {
    Walk::along(commands)
}

/// Shrinks what fails.
fn shrunk(commands: &[Command], fails: impl Fn(&[Command]) -> bool) -> Shrunk<Walk<Doors>, ()> {
    let walk = walk(commands.iter().cloned());
    assert_eq!(walk.commands(), commands, "all of it makes sense");
    shrink(walk, (), |walk| if fails(walk.commands()) { Err(()) } else { Ok(()) })
}

fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| random.u8(..)).collect()
}

/// Whether each command makes sense after those before it.
fn makes_sense(walk: &Walk<Doors>) -> bool {
    walk.steps().all(|(doors, command)| doors.allows(command))
}

#[test]
fn a_walk_along_commands_leaves_out_those_that_make_no_sense() {
    let made = walk([Close(Ref(0)), Open, Paint(1), Close(Ref(1)), Close(Ref(0)), Paint(2)]);
    assert_eq!(made.commands(), [Open, Close(Ref(0)), Paint(2)]);
    assert_eq!(made.show(), "Open\nClose(Ref(0))\nPaint(2)\n");
    assert_eq!(format!("{made:?}"), "[Open, Close(Ref(0)), Paint(2)]");
}

#[test]
fn a_walk_from_bytes_makes_sense_and_all_kinds_come() {
    let mut kinds = BTreeSet::new();
    for seed in 0..200 {
        let made = from_bytes::<Walk<Doors>>(&random_bytes(seed, 200)).unwrap();
        assert!(makes_sense(&made), "{made:?}");
        kinds.extend(made.commands().iter().map(|command| match command {
            Open => "open",
            Close(_) => "close",
            Paint(_) => "paint",
        }));
    }
    assert_eq!(kinds.len(), 3);
    assert_eq!(from_bytes::<Walk<Doors>>(&[0; 100_000]).unwrap().commands().len(), 200);
}

#[test]
fn a_kind_is_taken_as_often_as_its_weight_says() {
    let doors = Doors(vec![true; 5]);
    let bytes = random_bytes(1, 40_000);
    let taken = bytes.chunks_exact(4).map(|bytes| chosen(&doors, bytes).unwrap());
    let closed: Vec<_> = taken.filter(|command| *command != Open).collect();
    // Two of three in ten thousand.
    assert!((6_500..6_850).contains(&closed.len()), "{}", closed.len());
    for door in Ref::all(5) {
        let of_one = closed.iter().filter(|command| **command == Close(door)).count();
        assert!((1_200..1_470).contains(&of_one), "{of_one}");
    }
}

#[test]
fn a_byte_that_changes_one_command_leaves_the_others() {
    // The colour does not matter to any other command.
    let paint = [0, 1, 7, 0];
    let bytes = [paint, [0, 0, 0, 0], [0, 1, 0, 0], paint].concat();
    let before = from_bytes::<Walk<Doors>>(&bytes).unwrap();
    assert_eq!(before.commands(), [Paint(7), Open, Close(Ref(0)), Paint(7)]);
    for (position, byte) in [(2, 9), (14, 9)] {
        let mut bytes = bytes.clone();
        bytes[position] = byte;
        let after = from_bytes::<Walk<Doors>>(&bytes).unwrap();
        let same =
            before.commands().iter().zip(after.commands()).filter(|(one, other)| one == other);
        assert_eq!((same.count(), after.commands().len()), (3, 4));
    }
}

/// A model that offers nothing.
#[derive(Debug, Clone, Default)]
struct Silent;

impl StateMachine for Silent {
    type Command = u8;
    type Reply = ();
    type Error = Infallible;

    fn apply(&mut self, _: &u8) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Model for Silent {
    fn offer(&self, _: &mut Menu<'_, u8>) {}
}

#[test]
fn a_walk_knows_its_bytes_unless_a_command_of_it_was_drawn() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(120).collect();
        let made: Walk<Doors> = from_bytes(&bytes).unwrap();
        let is_painted = made.commands().iter().any(|command| matches!(command, Paint(_)));
        let again = made.to_bytes().map(|bytes| from_bytes::<Walk<Doors>>(&bytes).unwrap());
        assert_eq!(again, (!is_painted).then_some(made));
    }
}

#[test]
fn one_command_less_and_another_simpler_are_tried_at_once() {
    // Fails with four doors and the last closed, or with three and the second closed, but not in between.
    let fails = |commands: &[Command]| {
        let doors = commands.iter().filter(|command| **command == Open).count();
        let closed = commands.iter().filter(|command| matches!(command, Close(_)));
        let closed: Vec<_> = closed.collect();
        doors == 4 && closed == [&Close(Ref(3))] || doors == 3 && closed == [&Close(Ref(1))]
    };
    let result = shrunk(&[Open, Open, Open, Open, Close(Ref(3))], fails);
    assert_eq!(result.input.commands(), [Open, Open, Open, Close(Ref(1))]);
}

#[test]
fn a_walk_is_written_in_rust() {
    assert_eq!(
        walk([Open, Close(Ref(0))]).to_rust().unwrap(),
        "use statecheck::walk::Walk;\nuse statecheck::model::Ref;\nuse Command::*;\n\n\
         let input = Walk::<Doors>::exactly([\n    Open,\n    Close(Ref(0)),\n]);\n"
    );
}

#[test]
fn a_command_whose_like_is_offered_to_nobody_is_left_out() {
    assert_eq!(offered(&Doors(vec![true])), [Open, Close(Ref(0))]);
    assert_eq!(offered(&Doors(vec![false])), [Open, Paint(0)]);
    assert_eq!(from_bytes::<Walk<Silent>>(&[0; 100]).unwrap().commands(), []);
    assert!(!Silent.allows(&1));
}

#[test]
fn when_a_command_is_left_out_the_others_refer_to_what_they_did() {
    let commands = [Open, Open, Open, Close(Ref(1)), Close(Ref(2)), Open];
    // Fails if one door is closed while one before it is open. The first two go, and the rest moves up.
    let fails = |commands: &[Command]| {
        commands.iter().any(|command| matches!(command, Close(Ref(door)) if *door > 0))
    };
    let result = shrunk(&commands, fails);
    assert_eq!(result.input.commands(), [Open, Open, Close(Ref(1))]);
    assert_eq!(shrunk(&commands, fails), result, "it is shrunk in the same way each time");
}

#[test]
fn a_dangling_reference_refers_to_another_or_is_left_out() {
    let made = walk([Open, Close(Ref(0)), Open, Open, Close(Ref(2))]);
    let without = |position| made.without(&made.grants(), |it| it == position);
    // Without the door that it closes, it goes too, or it closes the one that is left.
    assert_eq!(
        without(3),
        [walk([Open, Close(Ref(0)), Open]), walk([Open, Close(Ref(0)), Open, Close(Ref(1))])]
    );
    assert_eq!(without(2), [walk([Open, Close(Ref(0)), Open, Close(Ref(1))])]);
}

// It is simpler at the first command that differs.
#[test]
fn every_simpler_walk_makes_sense_and_is_shorter_or_simpler() {
    for seed in 0..50 {
        let made = from_bytes::<Walk<Doors>>(&random_bytes(seed, 120)).unwrap();
        for simpler in made.simpler() {
            assert!(makes_sense(&simpler), "{simpler:?}");
            let (before, after) = (made.commands(), simpler.commands());
            if after.len() < before.len() {
                continue;
            }
            assert_eq!(before.len(), after.len());
            let position = (0..before.len()).find(|it| before[*it] != after[*it]).unwrap();
            let doors = made.steps().nth(position).unwrap().0;
            let place = |command: &Command| match command {
                Paint(colour) => 100 + usize::from(*colour),
                _ => offered(&doors).iter().position(|offered| offered == command).unwrap(),
            };
            assert!(place(&after[position]) < place(&before[position]), "{made:?} {simpler:?}");
        }
    }
}

#[test]
fn two_commands_that_only_go_together_are_left_out_together() {
    // Fails while as many doors are opened as things are painted in the first colour.
    let fails = |commands: &[Command]| {
        let count = |it| commands.iter().filter(|command| **command == it).count();
        count(Open) == count(Paint(0)) && commands.last() == Some(&Paint(3))
    };
    let commands = [Open, Close(Ref(0)), Paint(0), Paint(3)];
    assert_eq!(shrunk(&commands, fails).input.commands(), [Paint(3)]);
}

#[test]
fn a_command_that_was_drawn_is_simplified_as_its_model_knows() {
    let fails =
        |commands: &[Command]| matches!(commands.last(), Some(Paint(colour)) if *colour >= 5);
    assert_eq!(shrunk(&[Open, Close(Ref(0)), Paint(200)], fails).input.commands(), [Paint(5)]);
}

/// Doors, three of which are open from the beginning.
#[derive(Clone)]
struct House(Doors);

impl Default for House {
    fn default() -> Self {
        Self(Doors(vec![true; 3]))
    }
}

impl StateMachine for House {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        self.0.apply(command)
    }
}

impl Model for House {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        self.0.offer(menu);
    }

    fn granted(&self) -> usize {
        self.0.granted()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        Doors::references(command)
    }
}

// To things that were there before the first command.
#[test]
fn shrinking_keeps_references_to_things_from_the_start() {
    let long = Walk::<House>::along([Open, Close(Ref(3)), Close(Ref(1))]);
    let closes_it = |walk: &Walk<House>| walk.commands().contains(&Close(Ref(1)));
    let shrunk = shrink(long, (), |walk| if closes_it(walk) { Err(()) } else { Ok(()) });
    assert_eq!(shrunk.input.commands(), [Close(Ref(1))]);
}
