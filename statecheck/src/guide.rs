//! The guide, in reading order: [the steps](self#guide), what a [failure](failures) means, and how terms of
//! [other tools](coming_from) map to those here. There is no code in it.
#![cfg_attr(not(doctest), doc = include_str!("../docs/guide.md"))]

/// What a failure means, and what to do.
#[cfg_attr(not(doctest), doc = "")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/failures.md"))]
pub mod failures {}

/// How terms of other tools map to those here.
#[cfg_attr(not(doctest), doc = "")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/coming-from.md"))]
pub mod coming_from {}
