//! Floor 2: the wire, in two halves that are independent of each other.
//!
//! [`LineBuffer`] (framing) turns bytes in any segmentation into lines of bounded length. [`parse`] (grammar)
//! turns one line into a command that borrows from it. The machine decides what a command does.
//! [`is_http_request`] recognises a line of HTTP, which is refused. Stored data is written like messages too:
//! a [`Row`] is a package with its list.

mod framing;
mod grammar;
mod http;
pub(crate) mod rows;
mod usual;

pub use framing::{DEFAULT_MAX_LINE_BYTES, Frame, LineBuffer, Lines, MIN_LINE_BYTES};
#[cfg(test)]
pub(crate) use grammar::parse_within;
pub use grammar::{ParseError, Rule, parse, parse_reply};
pub use http::{begins_http_request, is_http_request};
pub use rows::{Row, RowError};
pub(crate) use usual::first_message;
