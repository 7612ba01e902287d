//! Tests of commands that are drawn: their samples, and which of them make sense.

use std::convert::Infallible;

use super::*;
use crate::input::shrink;
use crate::walk::Walk;

/// Puts a number. Its samples are not in the order from simple to less simple.
#[derive(Debug, Clone, Default)]
struct Put {
    puts: usize,
    heaviest: u32,
}

impl StateMachine for Put {
    type Command = u8;
    type Reply = ();
    type Error = Infallible;

    fn apply(&mut self, _: &u8) -> Result<(), Infallible> {
        self.puts += 1;
        assert!(self.puts <= 100, "too many");
        Ok(())
    }
}

impl Model for Put {
    fn offer(&self, menu: &mut Menu<'_, u8>) {
        menu.draw(self.heaviest.max(1), [255, 0], |u| u.int_in_range(0..=u8::MAX));
        menu.list(self.heaviest, []);
    }

    fn allows(&self, _: &u8) -> bool {
        self.puts < 2
    }

    fn simpler(number: &u8) -> Vec<u8> {
        number.checked_sub(1).into_iter().collect()
    }
}

// Less simple than what is drawn.
#[test]
fn samples_are_tried_everywhere_and_count_as_less_simple() {
    let walk = Walk::<Put>::exactly([7, 3]);
    let shrunk = shrink(walk, (), |walk| {
        if walk.commands().iter().any(|number| *number >= 3) { Err(()) } else { Ok(()) }
    });
    assert_eq!(shrunk.input.commands(), [3]);
    // What the model does not allow is not offered.
    assert_eq!(offered(&Put::default()), [255, 0]);
    assert_eq!(offered(&Put { puts: 2, heaviest: 0 }), []);
}

#[test]
#[should_panic(expected = "3 makes no sense there")]
fn a_walk_along_given_commands_makes_sense_or_is_none() {
    let _walk = Walk::<Put>::exactly([1, 2, 3]);
}

#[test]
#[should_panic(expected = "the weights of all kinds are 70000 together")]
fn weights_that_no_bytes_can_tell_apart_are_refused() {
    let _command = chosen(&Put { puts: 0, heaviest: 70_000 }, &[0; 10]);
}

#[test]
fn of_what_is_drawn_all_that_is_like_a_sample_makes_sense() {
    #[derive(Debug, Clone, PartialEq)]
    enum Command {
        Open,
        Close,
        Paint(u8),
    }

    /// Doors that only their menu describes.
    #[derive(Debug, Clone, Default)]
    struct Doors;

    impl StateMachine for Doors {
        type Command = Command;
        type Reply = ();
        type Error = Infallible;

        fn apply(&mut self, _: &Command) -> Result<(), Infallible> {
            Ok(())
        }
    }

    impl Model for Doors {
        fn offer(&self, menu: &mut Menu<'_, Command>) {
            menu.draw(1, [Command::Paint(0)], |u| Ok(Command::Paint(u.arbitrary()?)));
            menu.list(1, [Command::Open]);
        }
    }

    assert!(Doors.allows(&Command::Paint(200)) && Doors.allows(&Command::Open));
    assert!(!Doors.allows(&Command::Close));
}

#[test]
fn what_is_drawn_and_not_allowed_is_no_command() {
    let walk: Walk<Put> = crate::input::from_bytes(&[0; 100]).unwrap();
    assert_eq!(walk.commands(), [0, 0]);
}

#[test]
fn bytes_choose_a_command_after_a_kind_that_has_none() {
    /// Only even numbers, of two kinds, and no odd ones before them.
    #[derive(Debug, Clone, Default)]
    struct Even;

    impl StateMachine for Even {
        type Command = u8;
        type Reply = ();
        type Error = Infallible;

        fn apply(&mut self, _: &u8) -> Result<(), Infallible> {
            Ok(())
        }
    }

    impl Model for Even {
        fn offer(&self, menu: &mut Menu<'_, u8>) {
            menu.list(3, []);
            menu.list(1, [0, 2]);
            menu.list(1, [4, 6]);
        }
    }

    for number in [0, 2, 4, 6] {
        let bytes = bytes_for(&Even, &number).unwrap();
        assert_eq!(chosen(&Even, &bytes), Some(number));
    }
    assert_eq!(bytes_for(&Even, &1), None);
}
