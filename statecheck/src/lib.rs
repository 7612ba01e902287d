//! Holds a state machine against a model of it.
//!
//! Whatever has commands and replies is a [`StateMachine`]; whatever drives one of them drives all.
//!
//! | module | what lives there |
//! |---|---|
//! | [`machine`] | the trait that joins all machines |
//! | [`input`], [`mod@trace`] | generated inputs, and traces of commands; how they are shrunk |
//! | [`lockstep`] | two machines, the same commands, compared after each |
//! | [`property`], [`table`] | a claim about every input; a table of them, which is also that of their tests |
//! | [`explore`] | every command in every state that can be reached |
//! | [`interleaving`], [`history`] | what concurrent clients saw, explained by one order |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used)]

pub mod machine;

pub mod input;
pub mod trace;

pub mod lockstep;

pub mod property;
pub mod table;

pub mod explore;

pub mod history;
pub mod interleaving;

#[cfg(test)]
mod fixture;

pub use machine::StateMachine;

// What inputs implement, in the versions that the drivers expect.
pub use {arbitrary, quickcheck};
