//! What the repository holds: the house rules for code and for words, the files of the image, what is
//! generated, where pages lead, and what is said of tests that were left out.

#[path = "../common/optional.rs"]
mod optional;

mod circles;
mod claims;
#[cfg(unix)]
mod clusterfuzzlite;
mod events;
mod fuzz;
// With all commands that a page may show.
#[cfg(all(feature = "check", feature = "load", feature = "serve", feature = "tools"))]
mod help;
mod house;
#[cfg(unix)]
mod image;
mod left_out;
mod pages;
mod words;
