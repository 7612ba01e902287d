//! Tests with lamps that are switched, whose number of states is known.

use std::collections::BTreeSet;
use std::convert::Infallible;

use super::*;
use crate::model::Menu;

const LAMPS: [char; 4] = ['a', 'b', 'c', 'd'];

/// The lamps that are lit. Broken ones stay dark.
#[derive(Debug, Clone, Default)]
struct Lamps {
    lit: BTreeSet<char>,
    /// What the machine does when all lamps would be lit.
    all: Option<fn()>,
}

impl StateMachine for Lamps {
    type Command = char;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, lamp: &char) -> Result<bool, Infallible> {
        let is_lit = !self.lit.remove(lamp) && self.lit.insert(*lamp);
        if let Some(all) = self.all.filter(|_| self.lit.len() == LAMPS.len()) {
            self.lit.remove(lamp);
            all();
        }
        Ok(is_lit)
    }
}

impl Model for Lamps {
    fn offer(&self, menu: &mut Menu<'_, char>) {
        menu.list(1, LAMPS);
    }
}

type Lit = BTreeSet<char>;

fn explored(all: Option<fn()>, scope: &Scope<Lit>) -> Result<Coverage, Found<char>> {
    let lit = |lamps: &Lamps| lamps.lit.clone();
    walks(|| Lamps { lit: Lit::new(), all }, (lit, lit), scope)
}

fn divergence(found: Result<Coverage, Found<char>>) -> Divergence<char> {
    match found {
        Err(Found::Divergence(divergence)) => divergence,
        other => panic!("it is {other:?}"),
    }
}

/// All that the lit lamps become when their names rotate in a ring, and when they are reversed.
fn renamed(lit: &Lit) -> Vec<Lit> {
    let places: BTreeSet<_> = LAMPS.iter().positions(lit).collect();
    let moved = |place: usize, by: usize, back: bool| {
        LAMPS[(if back { LAMPS.len() - place } else { place } + by) % LAMPS.len()]
    };
    let renamings =
        [false, true].into_iter().flat_map(|back| (0..LAMPS.len()).map(move |by| (by, back)));
    renamings
        .map(|(by, back)| places.iter().map(|place| moved(*place, by, back)).collect())
        .collect()
}

trait Positions {
    fn positions(self, lit: &Lit) -> impl Iterator<Item = usize>;
}

impl<'a, I: Iterator<Item = &'a char>> Positions for I {
    fn positions(self, lit: &Lit) -> impl Iterator<Item = usize> {
        self.enumerate().filter(|(_, lamp)| lit.contains(lamp)).map(|(place, _)| place)
    }
}

#[test]
fn every_state_is_seen_and_every_command_tried_in_it() {
    let coverage = explored(None, &Scope::of_states()).unwrap();
    let all = Coverage { states: 16, transitions: 64, depth: 4, checked: 0, unseen: None };
    assert_eq!(coverage, all);
    assert_eq!(coverage.to_string(), "16 states, 64 transitions, 4 commands deep: all there are");
}

#[test]
fn a_difference_or_panic_is_shown_by_the_fewest_commands() {
    let silent = divergence(explored(Some(|| ()), &Scope::of_states()));
    assert_eq!(silent.trace, LAMPS);
    assert!(silent.difference.starts_with("one holds"), "{silent:?}");
    let panics = divergence(explored(Some(|| panic!("a fuse blows")), &Scope::of_states()));
    assert_eq!((&panics.trace[..], &*panics.difference), (&LAMPS[..], "panicked: a fuse blows"));
    let shown = Found::Divergence(panics).to_string();
    assert_eq!(shown, "'a'\n'b'\n'c'\n'd'\n# panicked: a fuse blows");
}

#[test]
fn what_is_beyond_the_depth_is_not_seen_and_that_is_said() {
    let coverage = explored(Some(|| ()), &Scope::of_states().within_commands(3)).unwrap();
    let unseen = Unseen { unexplored: 4, dropped: 0, complete_to: 3 };
    // One lamp is off in each of four states, and none of their commands is tried.
    let seen = Coverage { states: 15, transitions: 44, depth: 3, checked: 0, unseen: Some(unseen) };
    assert_eq!(coverage, seen);
    assert_eq!(
        coverage.to_string(),
        "15 states, 44 transitions, 3 commands deep: all walks of 3 commands, but not all longer ones: 4 \
         states were not explored further, and 0 commands led to states for which there was no room"
    );
    let nothing = explored(None, &Scope::of_states().within_commands(0)).unwrap();
    assert_eq!((nothing.states, nothing.transitions), (1, 0));
}

#[test]
fn states_for_which_there_is_no_room_are_counted() {
    let within = |scope: &Scope<Lit>| explored(None, scope).unwrap();
    let coverage = within(&Scope::of_states().within_states(7));
    // Five states of depth 0 and 1, and two of the six of depth 2. From those, eight ways lead on.
    let unseen = coverage.unseen.unwrap();
    assert_eq!((coverage.states, unseen.unexplored, unseen.complete_to), (7, 0, 2));
    assert_eq!(unseen.dropped, 8 + 4);
    assert_eq!(
        within(&Scope::of_states().within_bytes(7 * crate::explore::map::BYTES_A_STATE)),
        coverage
    );
}

#[test]
fn of_states_that_are_renamings_of_each_other_one_is_seen() {
    let coverage = explored(None, &Scope::up_to_renaming(renamed)).unwrap();
    // None lit, one, two side by side, two apart, three, four.
    assert_eq!((coverage.states, coverage.transitions, coverage.unseen), (6, 24, None));
    assert_eq!(coverage.checked, 12, "{coverage:?}");
    let by_key = explored(None, &Scope::by_key(BTreeSet::len)).unwrap();
    assert_eq!((by_key.states, by_key.unseen), (5, None));
}

#[test]
fn a_key_that_is_too_coarse_is_found_out() {
    // Whether an even number is lit does not say how many are.
    let found =
        explored(None, &Scope::by_key(|lit: &Lit| lit.len().is_multiple_of(2) && !lit.is_empty()));
    let Err(Found::Unsound { one, other }) = found else { panic!("it is {found:?}") };
    let shown = Found::Unsound { one: one.clone(), other: other.clone() }.to_string();
    assert!(shown.ends_with(&format!("after {one:?}, and after {other:?}")), "{shown}");
    assert_ne!(one, other);
}

#[test]
fn replies_reveal_a_key_that_takes_all_states_for_one() {
    let found = explored(None, &Scope::by_key(|_: &Lit| ()));
    assert!(matches!(found, Err(Found::Unsound { .. })), "{found:?}");
    // If replies do not matter, nothing tells the states apart.
    let ignored = explored(None, &Scope::by_key(|_: &Lit| ()).ignoring_replies()).unwrap();
    assert_eq!((ignored.states, ignored.unseen), (1, None));
    assert!(ignored.checked > 0);
}

#[test]
fn no_command_shows_a_machine_that_begins_in_another_state() {
    let lit = |lamps: &Lamps| lamps.lit.clone();
    let begun = || Lamps { lit: Lit::from(['a']), all: None };
    let found = divergence(walks(begun, (lit, lit), &Scope::of_states()));
    assert_eq!(found.trace, []);
    assert_eq!(found.difference, "one holds {'a'}, the other {}");
}

#[test]
fn the_last_bound_counts_and_a_larger_one_gives_more_room() {
    let states = |scope: Scope<Lit>| explored(None, &scope).unwrap().states;
    let (little, much) = (2 * crate::explore::map::BYTES_A_STATE, 1 << 30);
    assert_eq!(states(Scope::of_states().within_bytes(little)), 2);
    assert_eq!(states(Scope::of_states().within_bytes(little).within_bytes(much)), 15 + 1);
    assert_eq!(states(Scope::of_states().within_states(3).within_bytes(much)), 3);
    assert_eq!(states(Scope::of_states().within_states(3).within_states(4)), 4);
}

#[test]
fn what_is_found_is_reported_as_it_prints() {
    let found = explored(None, &Scope::by_key(|_: &Lit| ())).unwrap_err();
    assert_eq!(format!("{found:?}"), format!("\n{found}"));
}
