//! Reads the usual messages, which most clients send most of the time, in few steps.
//!
//! [`grammar`](super::grammar) says what a message is, and why a line is none. This module reads only an
//! INDEX, or a QUERY or REMOVE without a list. It returns `None` for anything else, and the caller then asks
//! `grammar`. What it reads, `grammar` reads in the same way: a test tries both on every short line.

use crate::command::{CommandRef, Dependencies};
use crate::name::{MAX_NAME_BYTES, NameRef, leading_name_bytes};

/// What was read, and the rest of the bytes.
type Read<'a, T> = Option<(T, &'a [u8])>;

/// Reads the message at the start of some bytes, if it is a usual one, and passes it on. O(its length),
/// allocates nothing.
#[allow(clippy::inline_always, reason = "one a message, and two who call it: counted")]
#[inline(always)]
pub(crate) fn first_message<'a, R>(
    bytes: &'a [u8],
    then: impl FnOnce(Read<'a, CommandRef<'a>>) -> R,
) -> R {
    first_message_within::<MAX_NAME_BYTES, R>(bytes, then)
}

/// As [`first_message`], with names of at most `MAX` bytes.
#[allow(clippy::inline_always, reason = "as above")]
#[inline(always)]
pub(super) fn first_message_within<'a, const MAX: usize, R>(
    bytes: &'a [u8],
    then: impl FnOnce(Read<'a, CommandRef<'a>>) -> R,
) -> R {
    // The most frequent first.
    if let Some(rest) = text(b"QUERY|", bytes) {
        query::<MAX, R>(rest, then)
    } else if let Some(rest) = text(b"INDEX|", bytes) {
        index::<MAX, R>(rest, then)
    } else if let Some(rest) = text(b"REMOVE|", bytes) {
        remove::<MAX, R>(rest, then)
    } else {
        then(None)
    }
}

// Each in a function of its own, with what follows it. Compiled into one, they would move everything through
// memory. Counted.

#[inline(never)]
fn query<'a, const MAX: usize, R>(
    input: &'a [u8],
    then: impl FnOnce(Read<'a, CommandRef<'a>>) -> R,
) -> R {
    then(package_alone::<MAX>(input).map(|(package, rest)| (CommandRef::Query { package }, rest)))
}

#[inline(never)]
fn remove<'a, const MAX: usize, R>(
    input: &'a [u8],
    then: impl FnOnce(Read<'a, CommandRef<'a>>) -> R,
) -> R {
    then(package_alone::<MAX>(input).map(|(package, rest)| (CommandRef::Remove { package }, rest)))
}

#[inline(never)]
fn index<'a, const MAX: usize, R>(
    input: &'a [u8],
    then: impl FnOnce(Read<'a, CommandRef<'a>>) -> R,
) -> R {
    let read = || {
        let (package, rest) = first_name::<MAX>(input)?;
        let rest = text(b"|", rest)?;
        if let Some(rest) = line_end(rest) {
            return Some((CommandRef::Index { package, dependencies: Dependencies::NONE }, rest));
        }
        let (dependencies, rest) = first_list::<MAX>(rest)?;
        let rest = line_end(rest)?;
        Some((CommandRef::Index { package, dependencies }, rest))
    };
    then(read())
}

#[allow(clippy::inline_always, reason = "into what reads a message: counted")]
#[inline(always)]
fn package_alone<const MAX: usize>(input: &[u8]) -> Read<'_, NameRef<'_>> {
    let (package, rest) = first_name::<MAX>(input)?;
    Some((package, line_end(text(b"|", rest)?)?))
}

/// A name of at most `MAX` bytes.
#[allow(clippy::inline_always, reason = "into what reads a message: counted")]
#[inline(always)]
pub(super) fn first_name<const MAX: usize>(input: &[u8]) -> Read<'_, NameRef<'_>> {
    let length = leading_name_bytes(input);
    if length == 0 || length > MAX {
        return None;
    }
    let (name, rest) = input.split_at_checked(length)?;
    Some((NameRef::from_checked(name), rest))
}

/// Names with a comma after each but perhaps the last.
#[allow(clippy::inline_always, reason = "into what reads a message: counted")]
#[inline(always)]
pub(super) fn first_list<const MAX: usize>(input: &[u8]) -> Read<'_, Dependencies<'_>> {
    let (_, mut rest) = first_name::<MAX>(input)?;
    let mut count = 1;
    while let Some(after) = text(b",", rest) {
        let Some((_, after_name)) = first_name::<MAX>(after) else {
            rest = after;
            break;
        };
        rest = after_name;
        count += 1;
    }
    let list = &input[..input.len() - rest.len()];
    Some((Dependencies::from_checked(list, count), rest))
}

/// The rest after the end of a line.
#[inline]
fn line_end(input: &[u8]) -> Option<&[u8]> {
    text(b"\n", input).or_else(|| text(b"\r\n", input))
}

/// The rest after exactly this text, which is compared as one or two numbers because its length is known.
#[inline]
fn text<'a, const N: usize>(expected: &[u8; N], input: &'a [u8]) -> Option<&'a [u8]> {
    let (found, rest) = input.split_first_chunk()?;
    (found == expected).then_some(rest)
}
