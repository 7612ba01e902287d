//! Tests of clients at machines with known faults. If a test needs a certain history, it is written down, or
//! there is one client alone.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::checked::overlapping;
use super::*;
use crate::model::Menu;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Take,
    GiveBack(Ref),
}

/// Two tickets, in the order in which they were granted, each with whether it is out.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tickets(Vec<bool>);

impl StateMachine for Tickets {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        Ok(match command {
            Command::Take => {
                let is_free = self.0.iter().filter(|is_out| **is_out).count() < 2;
                self.0.extend(is_free.then_some(true));
                is_free
            }
            Command::GiveBack(ticket) => ticket.of_mut(&mut self.0).is_some_and(std::mem::take),
        })
    }
}

impl Model for Tickets {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(2, [Command::Take]);
        menu.list(1, Ref::all(self.0.len()).map(Command::GiveBack));
    }

    fn granted(&self) -> usize {
        self.0.len()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Take => vec![],
            Command::GiveBack(ticket) => vec![ticket],
        }
    }
}

pub(super) type Shared = Mutex<Tickets>;

/// A machine that is its model, except for what `odd` does to a reply.
pub(super) fn tickets(odd: fn(&Command, bool) -> bool) -> Concurrent<Tickets, Shared, Ref> {
    let apply = move |tickets: &Shared, hand: &mut Vec<Ref>, command: &Command| {
        let mut tickets = tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(reply) = match command {
            Command::Take => {
                let reply = tickets.apply(command);
                hand.extend((reply == Ok(true)).then(|| Ref(tickets.granted() - 1)));
                reply
            }
            Command::GiveBack(ticket) => tickets.apply(&Command::GiveBack(hand[ticket.0])),
        };
        odd(command, reply)
    };
    Concurrent::new(Shared::default, apply)
}

fn right() -> Concurrent<Tickets, Shared, Ref> {
    tickets(|_, reply| reply)
}

fn take(client: usize, granted: std::ops::Range<usize>) -> Asked<Command> {
    Asked { client, command: Command::Take, granted }
}

fn give_back(client: usize, ticket: usize) -> Asked<Command> {
    Asked { client, command: Command::GiveBack(Ref(ticket)), granted: 0..0 }
}

/// Adds a command that is answered before anything else is asked.
fn add(history: &mut Seen<Tickets>, asked: Asked<Command>, reply: bool) {
    let (client, granted) = (asked.client, asked.granted.clone());
    history.call(client, asked);
    history.reply(client, Said::Answered { reply, granted }).unwrap();
}

fn lines(history: &Seen<Tickets>) -> Vec<String> {
    let mut words = history.in_words(ToString::to_string, ToString::to_string);
    words.times.fill(None);
    words.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn a_right_machine_passes_and_all_that_was_asked_is_counted() {
    let checked = right().clients(4).check(30, 7).unwrap();
    assert_eq!((checked.rounds, checked.undecided), (30, 0));
    assert!(checked.commands > 30 * 4 * 6 && checked.commands <= 30 * 4 * 12, "{checked}");
    assert!(checked.to_string().starts_with("30 rounds, "), "{checked}");
    right().rounds(5).test();
}

#[test]
fn a_seed_says_what_is_asked() {
    let asked = |seed| right().scripts(seed);
    assert_eq!(asked(1), asked(1));
    assert_ne!(asked(1), asked(2));
    assert_eq!(asked(1).len(), 3);
    assert!(asked(1).iter().all(|script| (1..=12).contains(&script.len())));
    let refers = |command: &Command| matches!(command, Command::GiveBack(_));
    assert!(asked(1).iter().flatten().any(refers));
}

#[test]
fn a_command_refers_to_a_grant_of_its_client_or_is_not_sent() {
    let refers_to = |ticket, granted| {
        let mut command = Command::GiveBack(Ref(ticket));
        means_something::<Tickets>(&mut command, granted).then_some(command)
    };
    assert_eq!(refers_to(1, 3), Some(Command::GiveBack(Ref(1))));
    assert_eq!(refers_to(4, 3), Some(Command::GiveBack(Ref(1))));
    assert_eq!(refers_to(0, 0), None);
    assert!(means_something::<Tickets>(&mut Command::Take, 0));
}

#[test]
fn references_to_grants_are_judged_in_any_order_of_the_grants() {
    // Both are granted a ticket at once, and each gives its own back, once.
    let mut history = Seen::<Tickets>::default();
    let granted = || Said::Answered { reply: true, granted: 0..1 };
    history.call(1, take(1, 0..1));
    history.call(2, take(2, 0..1));
    history.reply(2, granted()).unwrap();
    history.reply(1, granted()).unwrap();
    add(&mut history, give_back(1, 0), true);
    add(&mut history, give_back(2, 0), true);
    assert_eq!(right().checker().check(&history), Verdict::Linearizable);
    assert_eq!(overlapping(&history), 2);
    add(&mut history, give_back(1, 0), true);
    assert_eq!(right().checker().check(&history), Verdict::NotLinearizable);
}

#[test]
fn a_machine_that_does_not_grant_what_its_model_does_is_wrong() {
    let mut history = Seen::<Tickets>::default();
    add(&mut history, take(1, 0..0), true);
    assert_eq!(right().checker().check(&history), Verdict::NotLinearizable);
}

/// A history in which client 1 may give a ticket back twice, among commands that have nothing to do with
/// that.
fn twice() -> Seen<Tickets> {
    let mut history = Seen::<Tickets>::default();
    add(&mut history, take(1, 0..1), true);
    add(&mut history, take(2, 0..1), true);
    add(&mut history, take(2, 1..1), false);
    add(&mut history, give_back(1, 0), true);
    add(&mut history, take(1, 1..2), true);
    add(&mut history, give_back(2, 0), true);
    add(&mut history, give_back(1, 1), true);
    add(&mut history, give_back(2, 0), false);
    add(&mut history, give_back(1, 1), true);
    add(&mut history, take(2, 1..2), true);
    history
}

// References that stay are counted again.
#[test]
fn leaving_out_a_grant_takes_along_what_refers_to_it() {
    let shortened = right().shortened(&twice());
    let expected = [
        "1> Take",
        "1< true, grants Ref(0)",
        "1> GiveBack(Ref(0))",
        "1< true",
        "1> GiveBack(Ref(0))",
        "1< true",
    ];
    assert_eq!(lines(&shortened), expected);
    assert_eq!(right().checker().check(&shortened), Verdict::NotLinearizable);
}

#[test]
fn a_refusal_that_is_left_out_is_still_known_as_a_refusal() {
    // If it had been granted, that would explain the last reply.
    let mut history = Seen::<Tickets>::default();
    add(&mut history, take(1, 0..1), true);
    add(&mut history, take(2, 0..1), true);
    history.call(3, take(3, 0..0));
    add(&mut history, give_back(1, 0), true);
    add(&mut history, give_back(2, 0), true);
    history.call(2, take(2, 1..2));
    history.reply(3, Said::Answered { reply: false, granted: 0..0 }).unwrap();
    history.reply(2, Said::Answered { reply: true, granted: 1..2 }).unwrap();
    add(&mut history, take(1, 1..1), false);
    let shortened = right().shortened(&history);
    assert!(!lines(&shortened).iter().any(|line| line.starts_with('3')), "{:?}", lines(&shortened));
}

#[test]
fn what_is_unexplained_prints_with_what_to_do_next_and_is_drawn() {
    let whole = twice();
    let history = right().shortened(&whole);
    let unexplained = Unexplained { history, whole, seed: Some(5), round: 3 };
    let text = "\
# No order of what clients asked explains what they were told.
# Found in round 3, and shortened from 10 commands to:
1> Take
1< true, grants Ref(0)
1> GiveBack(Ref(0))
1< true
1> GiveBack(Ref(0))
1< true
# The last reply, to client 1, is the first that no order explains.
# Commands are at once if neither was answered before the other was asked.
# A Ref counts what its own client was granted.
# Next, look for what may happen in the machine between two steps of a command.
# The command that caused it may be left out: the field `whole` has the whole round.
# SEED=5 repeats what was asked; the schedule takes luck, and many rounds
";
    assert_eq!(unexplained.to_string(), text);
    assert_eq!(format!("{unexplained:?}"), format!("\n{text}"));
    assert_eq!(unexplained.fault(), Some(2));
    #[cfg(feature = "drawing")]
    assert!(unexplained.to_html("Twice").contains("no order explains this reply"));
}

/// A machine that panics if a ticket is given back that was not out.
pub(super) fn touchy() -> Concurrent<Tickets, Shared, Ref> {
    tickets(|command, reply| {
        assert!(reply || *command == Command::Take, "not\nout");
        reply
    })
}

#[test]
fn a_panic_is_wrong_and_shortened_to_what_leads_to_it() {
    let unexplained = touchy().clients(1).check(100, 1).unwrap_err();
    let expected = [
        "1> Take",
        "1< true, grants Ref(0)",
        "1> GiveBack(Ref(0))",
        "1< true",
        "1> GiveBack(Ref(0))",
        "1< panicked: not out",
    ];
    assert_eq!(lines(&unexplained.history), expected);
    assert!(unexplained.to_string().contains("# The command of client 1 panicked.\n"));
}

#[test]
#[should_panic(expected = "1< panicked: not out\n# The command of client 1 panicked.\n")]
fn a_test_panics_with_what_is_unexplained() {
    touchy().clients(1).test();
}

#[test]
fn the_seed_of_what_was_found_finds_it_in_the_first_round() {
    let wrong = || tickets(|command, reply| reply || *command != Command::Take).clients(1);
    let found = wrong().commands(5).check(1_000, 3).unwrap_err();
    let seed = found.seed.unwrap();
    assert!(seed >= 3 && seed - 3 == found.round - 1, "{found}");
    let again = wrong().commands(5).check(1, seed).unwrap_err();
    assert_eq!(again.history.operations().len(), found.history.operations().len());
}

/// With one step, nothing is decided that a quick look does not explain.
fn undecided() -> Concurrent<Tickets, Shared, Ref> {
    tickets(|command, reply| reply && *command == Command::Take).clients(1).steps(1).rounds(20)
}

#[test]
fn rounds_of_which_nothing_is_known_are_counted() {
    assert!(undecided().check(20, 1).unwrap().undecided > 5);
}

#[test]
#[should_panic(expected = "rounds undecided: nothing is known of those")]
fn a_test_does_not_pass_where_nothing_is_known() {
    undecided().test();
}

#[test]
#[should_panic(expected = "1 thing is there from the start")]
fn clients_cannot_refer_to_what_is_there_from_the_start() {
    /// A model with one ticket out before anybody asked.
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    struct Begun(Tickets);

    impl Default for Begun {
        fn default() -> Self {
            Self(Tickets(vec![true]))
        }
    }

    impl StateMachine for Begun {
        type Command = Command;
        type Reply = bool;
        type Error = Infallible;

        fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
            self.0.apply(command)
        }
    }

    impl Model for Begun {
        fn offer(&self, menu: &mut Menu<'_, Command>) {
            self.0.offer(menu);
        }

        fn granted(&self) -> usize {
            self.0.granted()
        }
    }

    let _concurrent = Concurrent::<Begun, (), ()>::new(|| (), |(), _, _| true);
}

#[test]
#[should_panic(expected = "nothing was asked in 200 rounds")]
fn a_test_in_which_nothing_is_asked_does_not_pass() {
    right().commands(0).test();
}
