//! The library as its users meet it: what is public, and what holds of it. No test here runs the program.

#[path = "../common/optional.rs"]
mod optional;

mod drawing;
mod properties;
mod serialization;
mod transcripts;
