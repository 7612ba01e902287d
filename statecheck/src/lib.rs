//! Tests a state machine against a plain model of it.
//!
//! Machine and model get the same commands, and their replies and states are compared after each. To test a
//! machine of your own step by step, read the [`guide`].
//!
//! # Ten things to know
//!
//! | to | use |
//! |---|---|
//! | join machine and model to the drivers | [`StateMachine`] |
//! | say which commands make sense | [`Model`](model::Model) |
//! | run a list of commands on both | [`Walk`](walk::Walk) |
//! | try random commands | [`Property::refines`](property::Property::refines) |
//! | declare properties in a table, with a test for each | [`properties!`] |
//! | prove that each notices a bug | [`canaries!`] |
//! | prove that inputs reach what matters | [`label`](classes::label) |
//! | try every command in every state | [`explore::walks`](explore::walks()) |
//! | let threads use a machine at once | [`Concurrent`](history::Concurrent) |
//! | fuzz the same properties | [`FuzzFolder`](fuzz::FuzzFolder) |
//!
//! A **[`StateMachine`]** applies a command and replies:
//!
//! ```
//! use std::convert::Infallible;
//!
//! use statecheck::StateMachine;
//!
//! pub enum Command {
//!     Up,
//!     Reset,
//! }
//!
//! /// Counts up to 3.
//! #[derive(Default)]
//! pub struct Counter {
//!     count: u8,
//! }
//!
//! impl StateMachine for Counter {
//!     type Command = Command;
//!     type Reply = u8;
//!     type Error = Infallible;
//!
//!     fn apply(&mut self, command: &Command) -> Result<u8, Infallible> {
//!         match command {
//!             Command::Up if self.count < 3 => self.count += 1,
//!             Command::Up => {}
//!             Command::Reset => self.count = 0,
//!         }
//!         Ok(self.count)
//!     }
//! }
//! # assert_eq!(Counter::default().apply(&Command::Up), Ok(1));
//! # assert_eq!(Counter { count: 2 }.apply(&Command::Reset), Ok(0));
//! ```
//!
//! A **[`Model`](model::Model)** is a second machine, as plain as can be. It also offers the commands that make
//! sense in its state, each kind with a weight:
//!
//! ```
//! use std::convert::Infallible;
//!
//! use statecheck::StateMachine;
//! use statecheck::model::{Menu, Model, offered};
//!
//! # #[derive(Debug, Clone, PartialEq)]
//! # pub enum Command { Up, Reset }
//! # use Command::{Reset, Up};
//! /// A list with an item for each time.
//! #[derive(Clone, Default)]
//! pub struct Ups(Vec<()>);
//!
//! impl StateMachine for Ups {
//!     // The same as above, with a list.
//! #     type Command = Command;
//! #     type Reply = u8;
//! #     type Error = Infallible;
//! #     fn apply(&mut self, command: &Command) -> Result<u8, Infallible> {
//! #         match command {
//! #             Up => self.0.push(()),
//! #             Reset => self.0.clear(),
//! #         }
//! #         self.0.truncate(3);
//! #         Ok(self.0.len() as u8)
//! #     }
//! }
//!
//! impl Model for Ups {
//!     fn offer(&self, menu: &mut Menu<'_, Command>) {
//!         menu.list(1, [Reset]);
//!         menu.list(4, [Up]);
//!     }
//! }
//!
//! assert_eq!(offered(&Ups::default()), [Reset, Up]);
//! ```
//!
//! A **[`Walk`](walk::Walk)** is a list of commands that make sense. It compares machine and model along the
//! way. `count` and `ups` return what each of them holds:
//!
//! ```
#![doc = include_str!("front_page.txt")]
//! use statecheck::walk::Walk;
//!
//! let walk = Walk::<Ups>::exactly([Up, Up, Reset, Up]);
//! walk.compare(&mut Counter::default(), (count, ups))?;
//! # Ok::<(), String>(())
//! ```
//!
//! **[`Property::refines`](property::Property::refines)** draws random walks, and shrinks one that fails. This
//! counter does not stop at 3:
//!
//! ```
#![doc = include_str!("front_page.txt")]
//! use statecheck::property::Property;
//!
//! let faulty = || Counter { count: 0, is_faulty: true };
//! let same = Property::refines("same", "They count the same.", faulty, (count, ups));
//! let violation = same.quickcheck(1_000, 1).unwrap_err();
//! assert_eq!(violation.shown, "Up\nUp\nUp\nUp\n");
//! ```
//!
//! **[`properties!`]** declares properties in a table. `cargo test` then has a test for each row. A
//! **[`label`](classes::label)** names the class of an input, and the row says how often it must come.
//! **[`canaries!`]** gives each row something wrong to report, with the shortest input that shows it:
//!
//! ```
#![doc = include_str!("front_page.txt")]
//! use statecheck::classes::label;
//! use statecheck::walk::Walk;
//!
//! statecheck::properties! {
//!     /// It counts as the model does.
//!     counts(Walk<Ups>) * 1_000 where "full" >= 10 % = |walk| {
//!         walk.compare(&mut Counter::default(), (count, ups_or_full))
//!     };
//! }
//!
//! fn ups_or_full(model: &Ups) -> u8 {
//!     if model.0.len() == 3 {
//!         label("full");
//!     }
//!     ups(model)
//! }
//!
//! mod canaries {
//!     # use super::*;
//!     use statecheck::property::Property;
//!
//!     fn endless() -> Property {
//!         let faulty = || Counter { count: 0, is_faulty: true };
//!         Property::refines("endless", "It does not stop.", faulty, (count, ups))
//!     }
//!
//!     statecheck::canaries! {
//!         for super::roster();
//!         counts sees endless(), in "Up; Up; Up; Up";
//!     }
//! }
//! # fn main() {
//! # assert_eq!(counts().quickcheck(1_000, 1), Ok(()));
//! # }
//! ```
//!
//! **[`explore::walks`](explore::walks())** tries every command in every state, if there are few:
//!
//! ```
#![doc = include_str!("front_page.txt")]
//! use statecheck::explore::{self, Scope};
//!
//! let coverage = explore::walks(Counter::default, (count, ups), &Scope::of_states()).unwrap();
//! assert_eq!((coverage.states, coverage.transitions), (4, 8));
//! ```
//!
//! **[`Concurrent`](history::Concurrent)** lets several clients use a machine at once. One order of all their
//! commands must explain all replies:
//!
//! ```
#![doc = include_str!("front_page.txt")]
//! use std::sync::Mutex;
//!
//! use statecheck::history::Concurrent;
//!
//! let apply = |shared: &Mutex<Counter>, _granted: &mut Vec<()>, command: &Command| {
//!     let Ok(reply) = shared.lock().unwrap().apply(command);
//!     reply
//! };
//! let checked = Concurrent::<Ups, _, _>::new(Mutex::default, apply).check(20, 1).unwrap();
//! assert_eq!(checked.rounds, 20);
//! ```
//!
//! A **[`FuzzFolder`](fuzz::FuzzFolder)** writes a target of libFuzzer for each row of a table, and fails a test
//! when table and targets differ:
//!
//! ```no_run
//! # fn roster() -> Vec<statecheck::property::Property> { vec![] }
//! use statecheck::fuzz::FuzzFolder;
//!
//! FuzzFolder::of_file(env!("CARGO_MANIFEST_DIR"), "tests/properties.rs", roster()).keep()?;
//! # Ok::<(), statecheck::fuzz::FuzzError>(())
//! ```
//!
//! # All modules
//!
//! | module | what lives there |
//! |---|---|
//! | [`machine`] | the trait that joins all machines |
//! | [`input`], [`mod@trace`] | generated inputs, and traces of commands; how they are shrunk |
//! | [`model`], [`walk`] | a model that says which commands make sense, and traces of these; references to what was granted |
//! | [`lockstep`] | compares two machines after each of the same commands |
//! | [`property`], [`table`] | a claim about every input; a table of claims, which has their tests too |
//! | [`settings`] | how much a test tries |
//! | [`canary`] | something wrong for each property, which it has to report |
//! | [`classes`] | the kinds of inputs, and the least share of each |
//! | [`fuzz`] | the fuzz targets of a table, kept in step with it |
//! | [`explore`] | tries every command in every state that can be reached |
//! | [`interleaving`], [`history`] | one order that explains what concurrent clients saw |
//!
//! The feature `drawing`, on by default, draws histories as pages of HTML. The feature `derive` provides
//! `derive(arbitrary::Arbitrary)` for commands.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used)]

pub mod machine;

pub mod input;
pub mod model;
pub mod trace;
pub mod walk;

pub mod lockstep;

pub mod canary;
pub mod classes;
pub mod property;
pub mod settings;
pub mod table;

pub mod fuzz;

pub mod explore;

pub mod guide;

pub mod history;
pub mod interleaving;

mod regressions;
mod source;

#[cfg(test)]
mod fixture;

pub use machine::StateMachine;

// The traits that inputs implement, in the versions that the drivers expect.
pub use {arbitrary, quickcheck};

/// The README's example is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
