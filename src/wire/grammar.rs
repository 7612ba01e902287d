//! The grammar of a message, one combinator a rule, in the order of the grammar in `spec/protocol.md`, so
//! that the two can be read side by side.
//!
//! Parsing borrows from the line and allocates nothing. [`usual`](super::usual) reads the usual messages in
//! fewer steps, and leaves all others to this module, which also explains what is wrong with a line.

use std::fmt;
use std::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::combinator::{consumed, map, opt, value};
use nom::error::{ErrorKind, ParseError as NomError};
use nom::multi::many0_count;
use nom::sequence::{preceded, terminated};
use nom::{Err, IResult, Parser};

use crate::command::{Command, CommandRef, Dependencies, Reply, Verb};
use crate::name::{MAX_NAME_BYTES, NameRef, leading_name_bytes};
use crate::wire::usual::{first_list, first_message_within, first_name};

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
/// A [`ParseError`] if the line is not a message (protocol rules M, N and D).
pub fn parse(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    parse_within::<MAX_NAME_BYTES>(line)
}

/// As [`parse`], with names of at most `MAX` bytes. With names of at most three bytes, a test can try all
/// interesting lines.
#[allow(clippy::inline_always, reason = "into the one that all call: counted")]
#[inline(always)]
pub(crate) fn parse_within<const MAX: usize>(line: &[u8]) -> Result<CommandRef<'_>, ParseError> {
    first_message_within::<MAX, _>(line, |read| match read {
        Some((command, [])) => Ok(command),
        _ => whole(line, message::<MAX>),
    })
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
    whole(line, reply)
}

/// Reads a package and a list that are stored apart, as in the message that would index the package. An error
/// counts bytes as in that message. O(length), allocates nothing unless it fails.
pub(super) fn parse_parts<'a>(
    package: &'a [u8],
    list: &'a [u8],
) -> Result<(NameRef<'a>, Dependencies<'a>), ParseError> {
    // The end is not part of the list, but of the message.
    let names = list.strip_suffix(b"\r").unwrap_or(list);
    let names = if names.is_empty() {
        Some((Dependencies::NONE, names))
    } else {
        first_list::<MAX_NAME_BYTES>(names)
    };
    if let (Some((package, [])), Some((names, []))) = (first_name::<MAX_NAME_BYTES>(package), names)
    {
        return Ok((package, names));
    }
    let message = [b"INDEX|", package, b"|", list, b"\n"].concat();
    Err(whole(&message, self::message::<MAX_NAME_BYTES>)
        .err()
        .unwrap_or_else(|| Fault::at(&[]).in_line(&message)))
}

/// Parses all of `line` by one rule.
#[cold]
fn whole<'a, O>(line: &'a [u8], rule: impl Fn(&'a [u8]) -> Parsed<'a, O>) -> Result<O, ParseError> {
    let fault = match rule(line) {
        Ok(([], value)) => return Ok(value),
        Ok((rest, _)) => Fault::at(rest).about(Rule::Message, "nothing after the end of the line"),
        Err(Err::Error(fault) | Err::Failure(fault)) => fault,
        Err(Err::Incomplete(_)) => unreachable!("invariant: the combinators are the complete ones"),
    };
    Err(fault.in_line(line))
}

/// `message = command "|" package "|" [ dependencies ] [ CR ] LF`
fn message<const MAX: usize>(line: &[u8]) -> Parsed<'_, CommandRef<'_>> {
    let first_bar = expect(Rule::Message, "`|` after the command", text(b"|"));
    let second_bar = expect(Rule::Message, "`|` after the package", text(b"|"));
    let line_end = || (opt(text(b"\r")), text(b"\n"));
    let list =
        alt((value(Dependencies::NONE, line_end()), terminated(dependencies::<MAX>, line_end())));
    let list = expect(
        Rule::Dependencies,
        "names with single commas between them up to the end of the line",
        list,
    );
    let (rest, (verb, _, package, _, dependencies)) =
        (command, first_bar, package::<MAX>, second_bar, list).parse(line)?;
    let command = match verb {
        Verb::Index => CommandRef::Index { package, dependencies },
        Verb::Remove => CommandRef::Remove { package },
        Verb::Query => CommandRef::Query { package },
    };
    Ok((rest, command))
}

/// `command = "INDEX" / "REMOVE" / "QUERY"`
fn command(input: &[u8]) -> Parsed<'_, Verb> {
    let verb = alt((
        value(Verb::Index, text(b"INDEX")),
        value(Verb::Remove, text(b"REMOVE")),
        value(Verb::Query, text(b"QUERY")),
    ));
    expect(Rule::Command, "INDEX, REMOVE or QUERY", verb).parse(input)
}

/// `package = name`
fn package<const MAX: usize>(input: &[u8]) -> Parsed<'_, NameRef<'_>> {
    map(expect(Rule::Package, "a package name", name::<MAX>), NameRef::from_checked).parse(input)
}

/// `dependencies = name *( "," name ) [ "," ]`
fn dependencies<const MAX: usize>(input: &[u8]) -> Parsed<'_, Dependencies<'_>> {
    let list =
        consumed((name::<MAX>, many0_count(preceded(text(b","), name::<MAX>)), opt(text(b","))));
    map(list, |(list, (_, more, _))| Dependencies::from_checked(list, 1 + more)).parse(input)
}

/// `name = 1*255( ALPHA / DIGIT / "+" / "-" / "." / "_" / "@" / "/" )`
fn name<const MAX: usize>(input: &[u8]) -> Parsed<'_, &[u8]> {
    let length = leading_name_bytes(input);
    match length {
        0 => Err(Err::Error(Fault::at(input))),
        _ if length <= MAX => {
            let (name, rest) = input.split_at(length);
            Ok((rest, name))
        }
        // A failure, not an error: no other reading of these bytes may be tried.
        _ => Err(Err::Failure(
            Fault::at(&input[MAX..]).about(Rule::Name, "a name of at most 255 bytes"),
        )),
    }
}

/// Exactly this text.
fn text<'a>(expected: &'static [u8]) -> impl Parser<&'a [u8], Output = &'a [u8], Error = Fault> {
    tag(expected)
}

/// `reply = ( "OK" / "FAIL" / "ERROR" ) LF`
fn reply(input: &[u8]) -> Parsed<'_, Reply> {
    let word = alt((
        value(Reply::Ok, text(b"OK")),
        value(Reply::Fail, text(b"FAIL")),
        value(Reply::Error, text(b"ERROR")),
    ));
    expect(Rule::Reply, "OK, FAIL or ERROR and the end of the line", terminated(word, text(b"\n")))
        .parse(input)
}

/// Like `parser`, but its error says that `rule` expected `expected` where it began.
fn expect<'a, O>(
    rule: Rule,
    expected: &'static str,
    mut parser: impl Parser<&'a [u8], Output = O, Error = Fault>,
) -> impl Parser<&'a [u8], Output = O, Error = Fault> {
    move |input| {
        parser.parse(input).map_err(|error| match error {
            Err::Error(reason) => Err::Error(reason.about(rule, expected)),
            failure => failure,
        })
    }
}

type Parsed<'a, O> = IResult<&'a [u8], O, Fault>;

/// Reads the text that a [`Command`] prints as. CR and LF are not part of it.
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

/// Reads the text that a [`Reply`] prints as.
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
    /// `message`: the bars, and the text around them.
    Message,
    /// `command`: the three words.
    Command,
    /// `package`: the name between the bars.
    Package,
    /// `dependencies`: the list after the second bar, up to the end of the line.
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

/// Why a line is not a message: which rule it breaks, at which byte, and what was expected there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: expected {expected} at byte {offset}, found {}", Found(*.found))]
pub struct ParseError {
    /// The rule of the grammar that is broken.
    pub rule: Rule,
    /// The place, in bytes of the line from 0.
    pub offset: usize,
    /// The byte at that place. `None` if the line ended.
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

/// nom's view of a [`ParseError`]. It knows how many bytes are left, but not yet the offset.
#[derive(Debug, Clone, Copy)]
struct Fault {
    rest: usize,
    rule: Rule,
    expected: &'static str,
}

impl Fault {
    /// It does not match here.
    fn at(input: &[u8]) -> Self {
        Self::from_error_kind(input, ErrorKind::Fail)
    }

    /// The same place, where this rule expected this.
    fn about(self, rule: Rule, expected: &'static str) -> Self {
        Self { rule, expected, ..self }
    }

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
mod tests;
