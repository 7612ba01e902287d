//! Guesses which rule a failed conversation breaks, and in which way it fails. The guess depends on
//! the message with the wrong reply, how it was sent, and what came before it.

use std::collections::{BTreeMap, BTreeSet};

use super::past::Past;
use super::target::Held;
use crate::command::{Command, Reply};
use crate::testing::reference;
use crate::testing::transcript::{Mismatch, Step, Transcript};
use crate::wire::DEFAULT_MAX_LINE_BYTES;

/// What came instead of the expected reply, in words.
pub(super) fn came(mismatch: &Mismatch) -> String {
    match mismatch.actual() {
        empty if empty.is_empty() => "an empty line".into(),
        actual => actual,
    }
}

/// Whether a rule is about which packages are indexed.
pub(super) fn is_of_state(rule: &str) -> bool {
    rule.starts_with(['I', 'X', 'Q']) || ["C5", "N2"].contains(&rule)
}

/// The way in which a conversation fails, because a shorter one must fail in the same way. It is the
/// kind of message, the reply it should have got, and the reply it got.
pub(super) fn kind(held: &Held) -> (String, String, String) {
    let Held { shown, mismatch, .. } = held;
    let actual = came(mismatch);
    let is_reply = |text: &str| ["OK", "FAIL", "ERROR"].contains(&text);
    let (kind, due) = match seen(shown, mismatch) {
        Seen::Reply { first, .. } => {
            let command = reference::parse(&first.line);
            let kind = command.map_or("malformed", |command| match command {
                Command::Index { .. } => "INDEX",
                Command::Remove { .. } => "REMOVE",
                Command::Query { .. } => "QUERY",
            });
            (kind, first.reply.to_string())
        }
        Seen::Surplus { .. } => ("unasked", String::new()),
        Seen::NoEnd => ("no end", String::new()),
        Seen::End { .. } => ("end", String::new()),
        Seen::TooLong => ("too long", String::new()),
        Seen::Nothing { .. } => ("unused", String::new()),
    };
    (kind.to_owned(), due, if is_reply(&actual) { actual } else { "none".to_owned() })
}

/// A message that waits for its reply.
struct Waiting {
    line: Vec<u8>,
    /// Whether it came in more than one piece.
    in_pieces: bool,
    /// Whether it was sent before all earlier ones of its connection were answered.
    ahead: bool,
    /// Whether the line directly before it was too long.
    after_too_long: bool,
    /// The reply of a correct machine.
    reply: Reply,
    past: Past,
}

/// Where a conversation went wrong.
enum Seen {
    /// A message got a wrong reply, or none.
    Reply { connection: String, first: Box<Waiting>, others: bool },
    /// Something came that no message asked for, after these lines.
    Surplus { lines: Vec<Vec<u8>> },
    /// The stream did not end after a half-close, although all replies had come.
    NoEnd,
    /// Something came where the stream should have ended, with a half-close or without one.
    End { half_closed: bool },
    /// A line over the limit did not get ERROR before its LF.
    TooLong,
    /// A connection failed with no message under way.
    Nothing { after_error: bool, after_break_off: bool },
}

/// Follows the conversation to the place where it went wrong.
fn seen(shown: &Transcript, mismatch: &Mismatch) -> Seen {
    let at = match mismatch {
        Mismatch::NoEnd { .. } => return Seen::NoEnd,
        Mismatch::Surplus { .. } => return Seen::Surplus { lines: shown.lines() },
        Mismatch::Reply { line, .. } | Mismatch::Io { line, .. } => *line,
    };
    let mut past = Past::default();
    let mut waiting: BTreeMap<&str, Vec<Waiting>> = BTreeMap::new();
    let mut begun: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut after_too_long = BTreeSet::new();
    let mut current = "main";
    let (mut half_closed, mut broken_off) = (BTreeSet::new(), false);
    for (number, step) in (1..).zip(shown.steps()) {
        match step {
            Step::Switch(name) => current = name,
            Step::HalfClose => {
                half_closed.insert(current);
                past.cut_off(begun.get(current).map(Vec::as_slice).unwrap_or_default());
            }
            Step::Send(bytes) => {
                let line = begun.entry(current).or_default();
                let mut in_pieces = !line.is_empty();
                for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                    line.extend_from_slice(piece);
                    if line.ends_with(b"\n") {
                        let waiting = waiting.entry(current).or_default();
                        let past_before = past.clone();
                        let line = std::mem::take(line);
                        let reply = past.apply(current, &line);
                        let ahead = !waiting.is_empty();
                        let is_too_long = line.len() > DEFAULT_MAX_LINE_BYTES;
                        waiting.push(Waiting {
                            line,
                            in_pieces,
                            ahead,
                            after_too_long: after_too_long.contains(current),
                            reply,
                            past: past_before,
                        });
                        if is_too_long {
                            after_too_long.insert(current);
                        } else {
                            after_too_long.remove(current);
                        }
                        in_pieces = false;
                    }
                }
            }
            Step::BreakOff => {
                waiting.remove(current);
                past.cut_off(&begun.remove(current).unwrap_or_default());
                broken_off = true;
            }
            Step::Expect(_) if number < at => {
                if let Some(waiting) = waiting.get_mut(current)
                    && !waiting.is_empty()
                {
                    waiting.remove(0);
                }
            }
            Step::Expect(_) | Step::ExpectEnd => {}
        }
        if number == at {
            if *step == Step::ExpectEnd {
                return Seen::End { half_closed: half_closed.contains(current) };
            }
            let mut waiting = waiting.remove(current).unwrap_or_default();
            if waiting.is_empty() {
                let is_too_long = |line: &Vec<u8>| line.len() >= DEFAULT_MAX_LINE_BYTES;
                if begun.get(current).is_some_and(is_too_long) {
                    return Seen::TooLong;
                }
                let after_error = past.is_after_error(current);
                return Seen::Nothing { after_error, after_break_off: broken_off };
            }
            let first = Box::new(waiting.remove(0));
            let connection = current.to_owned();
            return Seen::Reply { connection, first, others: !waiting.is_empty() };
        }
    }
    Seen::Surplus { lines: shown.lines() }
}

/// The rule that is most likely broken, and what was seen.
pub(super) fn broken_rule(shown: &Transcript, mismatch: &Mismatch) -> (&'static str, String) {
    let actual = came(mismatch);
    match seen(shown, mismatch) {
        Seen::NoEnd => ("C3", "the stream does not end after a half-close".to_owned()),
        Seen::Surplus { lines } => {
            let is_too_long = |line: &Vec<u8>| line.len() > DEFAULT_MAX_LINE_BYTES;
            let has_cr = |line: &Vec<u8>| line.iter().rev().skip(2).any(|byte| *byte == b'\r');
            let rule = match &lines {
                _ if lines.iter().any(is_too_long) => "L4",
                _ if lines.iter().any(has_cr) => "L1",
                _ => "O1",
            };
            (rule, format!("{actual} came, which no message asked for"))
        }
        Seen::End { half_closed } => {
            // A server ends the stream only after its client does, or after HTTP.
            let rule = if half_closed { "C3" } else { "C7" };
            (rule, format!("{actual}, not the end of the stream"))
        }
        Seen::TooLong => ("L3", format!("a line that has passed the limit: {actual}, not ERROR")),
        Seen::Nothing { after_error, after_break_off } => {
            let rule = if after_error {
                "C6"
            } else if after_break_off {
                "C4"
            } else {
                "O1"
            };
            (rule, format!("the connection could not be used: {actual}"))
        }
        Seen::Reply { connection, first, others } => {
            let is_silence = matches!(mismatch, Mismatch::Io { .. });
            let rule = rule_of(&connection, &first, others, &actual, is_silence);
            (rule, format!("{}: {actual}, not {}", named(&first.line), first.reply))
        }
    }
}

/// A line, as a finding shows it.
fn named(line: &[u8]) -> String {
    const MOST: usize = 60;
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    match text {
        [] => "an empty line".into(),
        _ if text.len() > MOST => format!("a line of {} bytes", line.len()),
        _ => text.escape_ascii().to_string(),
    }
}

fn rule_of(
    connection: &str,
    message: &Waiting,
    others: bool,
    actual: &str,
    is_silence: bool,
) -> &'static str {
    let is_one_of_several = message.ahead || others;
    let Some(reply) = reference::parse_reply(format!("{actual}\n").as_bytes()) else {
        let has_ended =
            actual == "the end of the stream" || is_silence && actual != "no reply in time";
        return match () {
            () if has_ended && message.past.is_after_error(connection) => "C6",
            () if message.line.len() > DEFAULT_MAX_LINE_BYTES => "L3",
            () if is_one_of_several && (has_ended || is_silence) => "O1",
            () if is_silence && message.line == b"\n" => "M7",
            () if message.after_too_long => "L5",
            () if has_ended || is_silence => "O1",
            // Something came that is no valid reply.
            () => "M11",
        };
    };
    if message.in_pieces {
        return "L8";
    }
    if message.after_too_long && reply == Reply::Error {
        return "L4";
    }
    if is_one_of_several {
        // Alone, the message would not be malformed. So the server read several messages as one.
        let is_whole = reply == Reply::Error && reference::parse(&message.line).is_some();
        return if is_whole { "L8" } else { "O2" };
    }
    if reply == Reply::Error && message.past.is_after_error(connection) && message.reply != reply {
        // Without the malformed line before it, the message would get the right reply.
        return "O1";
    }
    message.past.broken(connection, &message.line, message.reply, reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::rule_text;

    fn rule(text: &str, line: usize, actual: &str) -> String {
        let mismatch = match actual {
            "no reply in time" => {
                let error = std::io::ErrorKind::TimedOut.into();
                Mismatch::Io { line, error }
            }
            actual => Mismatch::Reply { line, expected: String::new(), actual: actual.to_owned() },
        };
        let (rule, what) = broken_rule(&text.parse().unwrap(), &mismatch);
        format!("{rule}: {what}")
    }

    #[test]
    fn the_rule_that_is_broken_is_guessed_from_what_came_before() {
        for (text, actual, expected) in [
            ("> INDEX|a|\n< OK", "FAIL", "I5: INDEX|a|: FAIL, not OK"),
            ("> INDEX|a|b\n< FAIL", "OK", "I2: INDEX|a|b: OK, not FAIL"),
            ("> INDEX|a|a\n< FAIL", "OK", "I6: INDEX|a|a: OK, not FAIL"),
            ("> INDEX|a|b\n< FAIL\n> QUERY|a|\n< FAIL", "OK", "I3: QUERY|a|: OK, not FAIL"),
            ("> REMOVE|a|\n< OK", "FAIL", "X1: REMOVE|a|: FAIL, not OK"),
            ("> QUERY|a|\n< FAIL", "OK", "Q2: QUERY|a|: OK, not FAIL"),
            ("> QUERY|a|\n< FAIL", "", "M11: QUERY|a|: an empty line, not FAIL"),
            ("> INDEX|a|b\n< FAIL", "ERROR", "I2: INDEX|a|b: ERROR, not FAIL"),
            ("> INDEX|b|\n< OK\n> INDEX|a|b,b\n< OK", "FAIL", "D5: INDEX|a|b,b: FAIL, not OK"),
            ("> INDEX|a|b\n< FAIL\n> QUERY|b|\n< FAIL", "OK", "I8: QUERY|b|: OK, not FAIL"),
            ("> QUERY|b|\n< FAIL\n> QUERY|b|\n< FAIL", "OK", "Q3: QUERY|b|: OK, not FAIL"),
            ("> INDEX|b\n< ERROR\n> QUERY|b|\n< FAIL", "OK", "M9: QUERY|b|: OK, not FAIL"),
            (">~ INDEX|b|\n>!\n> QUERY|b|\n< FAIL", "OK", "L9: QUERY|b|: OK, not FAIL"),
            ("> INDEX|B|\n< OK\n> QUERY|b|\n< FAIL", "OK", "N2: QUERY|b|: OK, not FAIL"),
            ("> INDEX|b|\n< OK\n@ t\n> QUERY|b|\n< OK", "FAIL", "C5: QUERY|b|: FAIL, not OK"),
            (
                "@ t\n> QUERY|b|\n< FAIL\n@ m\n> INDEX|b|\n< OK\n@ t\n> QUERY|b|\n< OK",
                "FAIL",
                "O6: QUERY|b|: FAIL, not OK",
            ),
            (
                "> INDEX|a|\n< OK\n> INDEX|b|a\n< OK\n> INDEX|a|b\n< OK",
                "FAIL",
                "I7: INDEX|a|b: FAIL, not OK",
            ),
            (
                "> INDEX|a|\n> INDEX|b|a\n> INDEX|a|b\n< OK\n< OK\n< OK\n> REMOVE|a|\n< FAIL",
                "OK",
                "X5: REMOVE|a|: OK, not FAIL",
            ),
            (
                "> INDEX|a|\n> INDEX|b|a\n> REMOVE|b|\n> INDEX|b|\n< OK\n< OK\n< OK\n< OK\n> REMOVE|a|\n< OK",
                "FAIL",
                "X7: REMOVE|a|: FAIL, not OK",
            ),
            ("> x\n< ERROR\n> QUERY|a|\n< FAIL", "ERROR", "O1: QUERY|a|: ERROR, not FAIL"),
            ("> INDEX|a|b\n< FAIL\n> INDEX|c|b\n< FAIL", "OK", "I8: INDEX|c|b: OK, not FAIL"),
            (
                ">~ \\{70000:x}\n< ERROR",
                "no reply in time",
                "L3: a line that has passed the limit: no reply in time, not ERROR",
            ),
            (
                "> \\{70000:x}\n< ERROR\n> QUERY|a|\n< FAIL",
                "ERROR",
                "L4: QUERY|a|: ERROR, not FAIL",
            ),
            (
                "> \\{70000:x}\n< ERROR\n> QUERY|a|\n< FAIL",
                "no reply in time",
                "L5: QUERY|a|: no reply in time, not FAIL",
            ),
            (
                "> x\n< ERROR\n> QUERY|a|\n< FAIL",
                "no reply in time",
                "O1: QUERY|a|: no reply in time, not FAIL",
            ),
            ("> INDEX|a|\\nQUERY|a|\n< OK\n< OK", "ERROR", "L8: QUERY|a|: ERROR, not OK"),
            ("> INDEX|a||\n< ERROR", "OK", "M3: INDEX|a||: OK, not ERROR"),
            ("> index|a|\n< ERROR", "OK", "M2: index|a|: OK, not ERROR"),
            ("> QUERY|a|\n< FAIL", "ERROR", "M1: QUERY|a|: ERROR, not FAIL"),
            ("> QUERY|a|\n< FAIL", "fail", "M11: QUERY|a|: fail, not FAIL"),
            ("> QUERY|a\n< ERROR", "OK", "M3: QUERY|a: OK, not ERROR"),
            ("> \n< ERROR", "no reply in time", "M7: an empty line: no reply in time, not ERROR"),
            (
                "> x\n< ERROR\n> QUERY|a|\n< FAIL",
                "the end of the stream",
                "C6: QUERY|a|: the end of the stream, not FAIL",
            ),
            ("> x\n> QUERY|a|\n< ERROR", "FAIL", "O2: x: FAIL, not ERROR"),
            (">~ QUE\n> RY|a|\n< FAIL", "ERROR", "L8: QUERY|a|: ERROR, not FAIL"),
            (">$\n<$", "OK", "C3: OK, not the end of the stream"),
            (
                "> INDEX|a|\n< OK\n> INDEX|b|a\n< OK\n> INDEX|b|\n< OK\n> REMOVE|a|\n< OK",
                "FAIL",
                "I4: REMOVE|a|: FAIL, not OK",
            ),
            (
                "> INDEX|a|\n< OK\n> INDEX|b|a\n< OK\n> REMOVE|b|\n< OK\n> REMOVE|a|\n< OK",
                "FAIL",
                "X6: REMOVE|a|: FAIL, not OK",
            ),
            (
                "> INDEX|a|\n< OK\n> INDEX|a|a\n< OK\n> REMOVE|a|\n< OK",
                "FAIL",
                "X4: REMOVE|a|: FAIL, not OK",
            ),
            (
                "> INDEX|a|\n< OK\n> INDEX|b|a\n< OK\n> REMOVE|a|\n< FAIL",
                "OK",
                "X3: REMOVE|a|: OK, not FAIL",
            ),
        ] {
            assert_eq!(rule(text, text.lines().count(), actual), expected, "{text}");
        }
        assert!(!rule_text("X4").is_empty() && rule_text("X99").is_empty());
    }
}
