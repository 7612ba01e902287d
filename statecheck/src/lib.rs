//! Holds a state machine against a model of it.
//!
//! Whatever has commands and replies is a [`StateMachine`]; whatever drives one of them drives all. The
//! [`guide`] goes from nothing to all of it, step by step. From simple to less so:
//!
//! | module | what lives there |
//! |---|---|
//! | [`machine`] | the trait that joins all machines |
//! | [`input`], [`mod@trace`] | generated inputs, and traces of commands; how they are shrunk |
//! | [`model`], [`walk`] | a model that says which commands make sense, and traces of such; references to what was granted |
//! | [`lockstep`] | two machines, the same commands, compared after each |
//! | [`property`], [`table`] | a claim about every input; a table of them, which is also that of their tests |
//! | [`settings`] | how much of that is tried |
//! | [`canary`] | something wrong for each of them, which it has to report |
//! | [`classes`] | of what kinds the inputs should be, at least how many of each |
//! | [`fuzz`] | the fuzz targets of such a table, kept in step with it |
//! | [`explore`] | every command in every state that can be reached |
//! | [`interleaving`], [`history`] | what concurrent clients saw, explained by one order |
//!
//! The feature `drawing`, on by default, draws histories as pages of HTML. The feature `derive` lets commands be
//! made by `derive(arbitrary::Arbitrary)`.

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

// What inputs implement, in the versions that the drivers expect.
pub use {arbitrary, quickcheck};

/// The README's example is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
