//! Floor 2: the wire, in two halves that know nothing of each other.
//!
//! [`LineBuffer`] (framing) turns bytes in any segmentation into lines of bounded length;
//! [`parse`] (grammar) turns one line into a command that borrows from it. What a command does is
//! the machine's business.

mod framing;
mod grammar;

pub use framing::{DEFAULT_MAX_LINE_BYTES, Frame, LineBuffer, Lines, MIN_LINE_BYTES};
pub use grammar::{ParseError, Rule, parse, parse_reply};
