//! The grammar of a message, one combinator a rule, in the order of the grammar in
//! `spec/protocol.md`, so that the two can be read side by side.
//!
//! Parsing borrows from the line and allocates nothing. A line is read with errors that say nothing, and so
//! cost nothing; one that is malformed is then read once more, with those that say why.

use std::fmt;
use std::str::FromStr;

use nom::branch::alt;
use nom::combinator::{consumed, map, opt, value};
use nom::error::{ErrorKind, ParseError as NomError};
use nom::multi::many0_count;
use nom::sequence::{preceded, terminated};
use nom::{Err, IResult, Parser};

use crate::command::{Command, CommandRef, Dependencies, Reply, Verb};
use crate::name::{MAX_NAME_BYTES, NameRef, leading_name_bytes};

/// Reads one message: a whole line, its LF included. O(length), allocates nothing.
///
/// ```
/// use package_indexer::{Command, wire};
///
/// let command = wire::parse(b"INDEX|vim|ncurses,lua,\n")?.to_command();
/// assert_eq!(command, Command::index("vim", ["ncurses", "lua"]).unwrap());
///
/// let error = wire::parse(b"INDEX|emacs:yeah|\n").unwrap_err();
/// assert_eq!((error.rule, error.offset, error.found), (wire::Rule::Message, 11, Some(b':')));
/// assert_eq!(
///     error.to_string(),
///     "message: expected `|` after the package at byte 11, found ':'",
/// );
/// # Ok::<(), wire::ParseError>(())
/// ```
///
/// # Errors
/// A [`ParseError`] when the line is not a message (protocol rules M, N and D).
pub fn parse(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    whole::<_, ()>(line, message).or_else(|()| whole_or_why(line, message))
}

/// Reads one reply: a whole line, its LF included (protocol rule M11). O(1).
///
/// ```
/// use package_indexer::{Reply, wire};
///
/// assert_eq!(wire::parse_reply(b"FAIL\n"), Ok(Reply::Fail));
/// assert!(wire::parse_reply(b"FAIL\r\n").is_err());
/// ```
///
/// # Errors
/// A [`ParseError`] when the line is not a reply.
pub fn parse_reply(line: &[u8]) -> Result<Reply, ParseError> {
    whole::<_, ()>(line, reply).or_else(|()| whole_or_why(line, reply))
}

/// Reads a package and a list that stand apart, as in the message that would index the package. An error
/// is that of the message. O(length), allocates nothing unless it fails.
pub(super) fn parse_parts<'a>(
    package: &'a [u8],
    list: &'a [u8],
) -> Result<(NameRef<'a>, Dependencies<'a>), ParseError> {
    // No part of the list, but of the message.
    let names = list.strip_suffix(b"\r").unwrap_or(list);
    let names: Result<_, ()> =
        if names.is_empty() { Ok(Dependencies::NONE) } else { whole(names, dependencies) };
    if let (Ok(package), Ok(names)) = (whole::<_, ()>(package, self::package), names) {
        return Ok((package, names));
    }
    let message = [b"INDEX|", package, b"|", list, b"\n"].concat();
    Err(parse(&message).err().unwrap_or_else(|| Fault::at(&[]).in_line(&message)))
}

/// All of `line` by one rule.
#[allow(clippy::inline_always, reason = "where the rule is known: counted")]
#[inline(always)]
fn whole<'a, O, E: Reason>(
    line: &'a [u8],
    rule: impl Fn(&'a [u8]) -> Parsed<'a, O, E>,
) -> Result<O, E> {
    match rule(line) {
        Ok(([], value)) => Ok(value),
        Ok((rest, _)) => Err(E::at(rest).about(Rule::Message, "nothing after the end of the line")),
        Err(Err::Error(reason) | Err::Failure(reason)) => Err(reason),
        Err(Err::Incomplete(_)) => unreachable!("invariant: the combinators are the complete ones"),
    }
}

/// The same, with the reason if it is malformed.
#[cold]
fn whole_or_why<'a, O>(
    line: &'a [u8],
    rule: impl Fn(&'a [u8]) -> Parsed<'a, O, Fault>,
) -> Result<O, ParseError> {
    whole(line, rule).map_err(|fault| fault.in_line(line))
}

/// `message = command "|" package "|" [ dependencies ] [ CR ] LF`
fn message<E: Reason>(line: &[u8]) -> Parsed<'_, CommandRef<'_>, E> {
    let first_bar = expect(Rule::Message, "`|` after the command", text(b"|"));
    let second_bar = expect(Rule::Message, "`|` after the package", text(b"|"));
    let line_end = || (opt(text(b"\r")), text(b"\n"));
    let list = alt((value(Dependencies::NONE, line_end()), terminated(dependencies, line_end())));
    let list = expect(
        Rule::Dependencies,
        "names with single commas between them up to the end of the line",
        list,
    );
    let (rest, (verb, _, package, _, dependencies)) =
        (command, first_bar, package, second_bar, list).parse(line)?;
    let command = match verb {
        Verb::Index => CommandRef::Index { package, dependencies },
        Verb::Remove => CommandRef::Remove { package },
        Verb::Query => CommandRef::Query { package },
    };
    Ok((rest, command))
}

/// `command = "INDEX" / "REMOVE" / "QUERY"`
fn command<E: Reason>(input: &[u8]) -> Parsed<'_, Verb, E> {
    // The most frequent first: each that does not match is a fault made and thrown away.
    let verb = alt((
        value(Verb::Query, text(b"QUERY")),
        value(Verb::Index, text(b"INDEX")),
        value(Verb::Remove, text(b"REMOVE")),
    ));
    expect(Rule::Command, "INDEX, REMOVE or QUERY", verb).parse(input)
}

/// `package = name`
#[allow(clippy::inline_always, reason = "one a message, and two who call it: measured")]
#[inline(always)]
fn package<E: Reason>(input: &[u8]) -> Parsed<'_, NameRef<'_>, E> {
    map(expect(Rule::Package, "a package name", name), NameRef::from_checked).parse(input)
}

/// `dependencies = name *( "," name ) [ "," ]`
#[allow(clippy::inline_always, reason = "one a message, and two who call it: measured")]
#[inline(always)]
fn dependencies<E: Reason>(input: &[u8]) -> Parsed<'_, Dependencies<'_>, E> {
    let list = consumed((name, many0_count(preceded(text(b","), name)), opt(text(b","))));
    map(list, |(list, (_, more, _))| Dependencies::from_checked(list, 1 + more)).parse(input)
}

/// `name = 1*255( ALPHA / DIGIT / "+" / "-" / "." / "_" / "@" / "/" )`
#[allow(clippy::inline_always, reason = "one a message, and two who call it: measured")]
#[inline(always)]
fn name<E: Reason>(input: &[u8]) -> Parsed<'_, &[u8], E> {
    let length = leading_name_bytes(input);
    match length {
        0 => Err(Err::Error(E::at(input))),
        _ if length <= E::MAX_NAME_BYTES => {
            let (name, rest) = input.split_at(length);
            Ok((rest, name))
        }
        // A failure, not an error: no other reading of these bytes may be tried.
        _ => Err(Err::Failure(
            E::at(&input[E::MAX_NAME_BYTES..]).about(Rule::Name, "a name of at most 255 bytes"),
        )),
    }
}

/// Exactly this text: nom's own `tag`, but compared as a number or two, because the length is known
/// here, where nom compares byte by byte.
fn text<'a, const N: usize, E: Reason>(
    expected: &'static [u8; N],
) -> impl Parser<&'a [u8], Output = &'a [u8], Error = E> {
    move |input: &'a [u8]| match input.split_first_chunk() {
        Some((found, rest)) if found == expected => Ok((rest, found.as_slice())),
        _ => Err(Err::Error(E::at(input))),
    }
}

/// `reply = ( "OK" / "FAIL" / "ERROR" ) LF`
fn reply<E: Reason>(input: &[u8]) -> Parsed<'_, Reply, E> {
    let word = alt((
        value(Reply::Ok, text(b"OK")),
        value(Reply::Fail, text(b"FAIL")),
        value(Reply::Error, text(b"ERROR")),
    ));
    expect(Rule::Reply, "OK, FAIL or ERROR and the end of the line", terminated(word, text(b"\n")))
        .parse(input)
}

/// `parser`, whose error says that `rule` expected `expected` where it began.
fn expect<'a, O, E: Reason>(
    rule: Rule,
    expected: &'static str,
    mut parser: impl Parser<&'a [u8], Output = O, Error = E>,
) -> impl Parser<&'a [u8], Output = O, Error = E> {
    move |input| {
        parser.parse(input).map_err(|error| match error {
            Err::Error(reason) => Err::Error(reason.about(rule, expected)),
            failure => failure,
        })
    }
}

type Parsed<'a, O, E> = IResult<&'a [u8], O, E>;

/// What a [`Command`] prints as is read back; CR and LF are no part of it.
///
/// ```
/// use package_indexer::Command;
///
/// let command = Command::index("vim", ["lua"]).unwrap();
/// assert_eq!(command.to_string().parse(), Ok(command));
/// ```
impl FromStr for Command {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(format!("{text}\n").as_bytes()).map(CommandRef::to_command)
    }
}

/// What a [`Reply`] prints as is read back.
impl FromStr for Reply {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_reply(format!("{text}\n").as_bytes())
    }
}

/// A rule of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// `message`: the bars, and what stands around them.
    Message,
    /// `command`: the three words.
    Command,
    /// `package`: the name between the bars.
    Package,
    /// `dependencies`: the list behind the second bar, and that the line ends behind it.
    Dependencies,
    /// `name`: the length of a name.
    Name,
    /// `reply`: the three words.
    Reply,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Message => "message",
            Self::Command => "command",
            Self::Package => "package",
            Self::Dependencies => "dependencies",
            Self::Name => "name",
            Self::Reply => "reply",
        })
    }
}

/// Why a line is not a message: which rule broke, at which byte, and what stood to be read there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: expected {expected} at byte {offset}, found {}", Found(*.found))]
pub struct ParseError {
    /// The rule of the grammar that could not be met.
    pub rule: Rule,
    /// Where, counted in bytes of the line from 0.
    pub offset: usize,
    /// The byte that stood there; none if the line ended.
    pub found: Option<u8>,
    /// What the rule expected there, in words.
    pub expected: &'static str,
}

/// Prints a byte so that no client can write a control byte into a log.
struct Found(Option<u8>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(byte) => write!(f, "'{}'", byte.escape_ascii()),
            None => f.write_str("the end"),
        }
    }
}

/// Why a rule does not match, said or left unsaid.
trait Reason: for<'a> NomError<&'a [u8]> {
    /// Where names end. Less in tests, so that they can try all that there is up to there.
    const MAX_NAME_BYTES: usize = MAX_NAME_BYTES;

    /// It does not match here.
    fn at(input: &[u8]) -> Self {
        Self::from_error_kind(input, ErrorKind::Fail)
    }

    /// At the same place, where this rule expected this.
    fn about(self, rule: Rule, expected: &'static str) -> Self;
}

impl Reason for () {
    fn about(self, _: Rule, _: &'static str) {}
}

/// nom's view of a [`ParseError`]: it knows what is left of the line, not yet the offset.
#[derive(Debug, Clone, Copy)]
struct Fault {
    rest: usize,
    rule: Rule,
    expected: &'static str,
}

impl Reason for Fault {
    fn about(self, rule: Rule, expected: &'static str) -> Self {
        Self { rule, expected, ..self }
    }
}

impl Fault {
    fn in_line(self, line: &[u8]) -> ParseError {
        let Self { rest, rule, expected } = self;
        let offset = line.len().saturating_sub(rest);
        let found = line.get(offset).copied();
        ParseError { rule, offset, found, expected }
    }
}

impl NomError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self { rest: input.len(), rule: Rule::Message, expected: "a message" }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

#[cfg(test)]
pub(crate) mod short;
#[cfg(test)]
mod tests;
