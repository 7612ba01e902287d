//! The grammar with names of fewer bytes, for tests: with names of three bytes there are so few lines of interest
//! that all of them can be tried. Everything but that number is what messages are read with.

use nom::error::{ErrorKind, ParseError as NomError};

use super::{CommandRef, Fault, ParseError, Reason, Rule, message, whole};

/// As [`parse`](super::parse), where a name has at most `MAX` bytes.
pub(crate) fn parse_short<const MAX: usize>(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    let why = |_: Short<MAX, ()>| {
        whole(line, message).map_err(|Short(fault): Short<MAX, Fault>| fault.in_line(line))
    };
    whole(line, message).or_else(why)
}

struct Short<const MAX: usize, E>(E);

impl<const MAX: usize, E: Reason> Reason for Short<MAX, E> {
    const MAX_NAME_BYTES: usize = MAX;

    fn about(self, rule: Rule, expected: &'static str) -> Self {
        Self(self.0.about(rule, expected))
    }
}

impl<'a, const MAX: usize, E: NomError<&'a [u8]>> NomError<&'a [u8]> for Short<MAX, E> {
    fn from_error_kind(input: &'a [u8], kind: ErrorKind) -> Self {
        Self(E::from_error_kind(input, kind))
    }

    fn append(input: &'a [u8], kind: ErrorKind, other: Self) -> Self {
        Self(E::append(input, kind, other.0))
    }
}
