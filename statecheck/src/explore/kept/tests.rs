//! Tests with a counter that stops early: what an exploration of it keeps and prints.

use std::convert::Infallible;
use std::path::PathBuf;
use std::{env, fs, process};

use super::*;
use crate::model::Menu;

/// Counts up to a limit: three, in the model.
#[derive(Clone)]
struct Counter<const LIMIT: u8>(u8);

impl<const LIMIT: u8> Default for Counter<LIMIT> {
    fn default() -> Self {
        Self(0)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Add,
    Clear,
}

impl<const LIMIT: u8> StateMachine for Counter<LIMIT> {
    type Command = Command;
    type Reply = u8;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<u8, Infallible> {
        self.0 = if *command == Command::Add { LIMIT.min(self.0 + 1) } else { 0 };
        Ok(self.0)
    }
}

impl Model for Counter<3> {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(1, [Command::Add, Command::Clear]);
    }
}

fn counts<const LIMIT: u8>() -> Property {
    let states = (|counter: &Counter<LIMIT>| counter.0, |model: &Counter<3>| model.0);
    Property::refines("counts", "It counts to three.", Counter::<LIMIT>::default, states)
}

fn explored<const LIMIT: u8>(property: &Property) -> Coverage {
    let states = (|counter: &Counter<LIMIT>| counter.0, |model: &Counter<3>| model.0);
    test(property, Counter::<LIMIT>::default, states, &Scope::of_states())
}

#[test]
fn a_machine_that_is_right_is_covered() {
    assert_eq!(explored::<3>(&counts::<3>()).states, 4);
}

#[test]
#[should_panic(expected = "counts is to be a property of Walk<Counter<3>>")]
fn a_property_of_something_else_is_refused() {
    explored::<3>(&Property::new("counts", "", |_: &crate::trace::Trace<u8>| Ok(())));
}

#[test]
fn what_is_found_is_kept_for_the_property_and_printed_as_a_test() {
    let folder = env::temp_dir().join(format!("statecheck-explored-{}", process::id()));
    let settings = |regressions: Option<PathBuf>| Settings {
        cases: Some(0),
        time: None,
        rounds: None,
        seed: 1,
        regressions,
    };
    let states = (|counter: &Counter<2>| counter.0, |model: &Counter<3>| model.0);
    let found = walks(Counter::<2>::default, states, &Scope::of_states()).unwrap_err();
    let text = told::<Counter<3>>(&counts::<2>(), found, &settings(Some(folder.clone())));
    let file = folder.join("counts.txt");
    assert!(
        text.contains(
            "# No shorter walk shows it.\n# It shows with:\nAdd\nAdd\nAdd\n# It is kept in "
        ),
        "{text}"
    );
    assert!(text.contains("fn counts_again()"), "{text}");
    assert!(!text.contains("SEED="), "{text}");
    // The property's test tries it, and nothing else.
    let again = counts::<2>().run(&settings(Some(folder.clone())));
    fs::remove_file(file).unwrap();
    let without = counts::<2>().run(&settings(Some(folder.clone())));
    fs::remove_dir(folder).unwrap();
    assert!(matches!(again, Err(Failure::Violated { seed: None, .. })), "{again:?}");
    assert_eq!(without.unwrap().regressions, 0);
}
