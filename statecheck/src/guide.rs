//! The guide, in reading order: [the steps](self#guide), what a [failure](failures) means, and what is called
//! how by those who are [coming from](coming_from) another tool. Nothing here is code.
#![cfg_attr(not(doctest), doc = include_str!("../docs/guide.md"))]

/// What a failure means, and what to do.
#[cfg_attr(not(doctest), doc = "")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/failures.md"))]
pub mod failures {}

/// What those know who come from other tools, and how it is called here.
#[cfg_attr(not(doctest), doc = "")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/coming-from.md"))]
pub mod coming_from {}
