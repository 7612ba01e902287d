//! What was found: where a server did something else than it should, as a transcript or as a
//! history, and which rule that breaks.

use std::collections::{BTreeMap, BTreeSet};

use super::target::Held;
use crate::command::{Command, Reply};
use crate::model::Model;
use crate::name::Name;
use crate::testing::history::History;
use crate::testing::reference;
use crate::testing::transcript::{Mismatch, Step, Transcript};

/// Something that a server did and should not have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was seen, in a line.
    pub what: String,
    /// The rule that it breaks, by its id.
    pub rule: String,
    /// The address that gave the wrong reply, if there are several and it is known.
    pub address: Option<String>,
    /// What shows it.
    pub evidence: Evidence,
}

/// What shows a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A transcript: what was expected in its steps, what came in a comment.
    Transcript {
        /// Its text.
        text: String,
        /// How many messages it has.
        messages: usize,
    },
    /// A history that no order explains.
    History {
        /// What was recorded.
        whole: Box<History<Command, Reply>>,
        /// As little of it as shows the same.
        short: Box<History<Command, Reply>>,
        /// At which of several addresses each client was, the first being client 1; empty if there is
        /// but one address.
        clients: Vec<String>,
    },
    /// Nothing that could be repeated step by step.
    Words,
}

impl Finding {
    /// From a conversation that went another way.
    pub(super) fn of(held: &Held) -> Self {
        let Held { shown, mismatch, address, addresses } = held;
        let actual = mismatch.actual();
        let at = address.as_ref().map(|address| format!(" at {address}")).unwrap_or_default();
        let by = address.as_ref().map(|address| format!(" (at {address})")).unwrap_or_default();
        let mut text = String::new();
        for (number, line) in (1..).zip(shown.to_string().lines()) {
            text += &format!("{line}\n");
            if mismatch.line() == Some(number) {
                text += &format!("# got {actual}{at}\n");
            }
        }
        if mismatch.line().is_none() {
            text += &format!("# got {actual}{at}, unasked\n");
        }
        let (rule, what) = broken_rule(shown, mismatch.line(), &actual);
        let rule = match mismatch {
            // What no reply came of is no reply of a wrong form.
            Mismatch::Io { .. } if rule == "M11" => "O1",
            // Where one address is enough to show it, it has been shortened to that one.
            Mismatch::Reply { .. } if *addresses > 1 && is_of_state(rule) => "O6",
            _ => rule,
        };
        let (what, rule, address) = (what + &by, rule.into(), address.clone());
        let messages = shown.messages();
        Self { what, rule, address, evidence: Evidence::Transcript { text, messages } }
    }

    pub(super) fn in_words(rule: &str, what: impl Into<String>) -> Self {
        let (what, rule) = (what.into(), rule.into());
        Self { what, rule, address: None, evidence: Evidence::Words }
    }

    /// The same with the address that it is about, if there are several.
    pub(super) fn at(self, address: Option<String>) -> Self {
        Self { address, ..self }
    }
}

/// Whether a rule is one of what packages there are.
fn is_of_state(rule: &str) -> bool {
    rule.starts_with(['I', 'X', 'Q'])
}

/// A message that is waited for.
struct Waiting {
    line: Vec<u8>,
    /// Whether it came in more than one piece.
    in_pieces: bool,
    /// Whether it was sent before all earlier ones of its connection were answered.
    ahead: bool,
    /// What a machine that is not wrong does.
    reply: Reply,
    past: Past,
}

/// What has become of packages, as far as it can make a reply wrong.
#[derive(Debug, Clone, Default)]
struct Past {
    model: Model,
    /// Packages that have once had this one on their list, and have it no more, with the rule by
    /// which they lost it.
    let_go: BTreeMap<Name, &'static str>,
    /// Packages for which INDEX has failed.
    failed: Vec<Name>,
    /// Packages that are gone.
    removed: Vec<Name>,
    last_was_error: bool,
}

impl Past {
    fn apply(&mut self, line: &[u8]) -> Reply {
        let command = reference::parse(line);
        let before = self.model.clone();
        let reply = reference::reply(command.as_ref(), &mut self.model);
        self.last_was_error = reply == Reply::Error;
        let lost = |rule| {
            let old = command.as_ref().and_then(|it| before.packages().get(it.package()));
            old.into_iter().flatten().map(move |name| (name.clone(), rule)).collect::<Vec<_>>()
        };
        match (&command, reply) {
            (Some(Command::Index { package, .. }), Reply::Fail) => {
                self.failed.push(package.clone());
            }
            (Some(Command::Index { .. }), Reply::Ok) => self.let_go.extend(lost("I4")),
            (Some(Command::Remove { package }), Reply::Ok) => {
                self.let_go.extend(lost("X6"));
                self.removed.push(package.clone());
            }
            _ => {}
        }
        reply
    }
}

/// The rule that is broken most likely, and what was seen.
fn broken_rule(shown: &Transcript, at: Option<usize>, actual: &str) -> (&'static str, String) {
    let Some(at) = at else {
        return ("O1", format!("{actual} came, which no message asked for"));
    };
    let mut past = Past::default();
    let mut waiting: BTreeMap<&str, Vec<Waiting>> = BTreeMap::new();
    let mut begun: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut current = "main";
    let mut half_closed = BTreeSet::new();
    for (number, step) in (1..).zip(shown.steps()) {
        match step {
            Step::Switch(name) => current = name,
            Step::HalfClose => drop(half_closed.insert(current)),
            Step::Send(bytes) => {
                let line = begun.entry(current).or_default();
                let mut in_pieces = !line.is_empty();
                for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                    line.extend_from_slice(piece);
                    if line.ends_with(b"\n") {
                        let waiting = waiting.entry(current).or_default();
                        let past_before = past.clone();
                        let line = std::mem::take(line);
                        let reply = past.apply(&line);
                        let ahead = !waiting.is_empty();
                        waiting.push(Waiting { line, in_pieces, ahead, reply, past: past_before });
                        in_pieces = false;
                    }
                }
            }
            Step::BreakOff => {
                waiting.remove(current);
                begun.remove(current);
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
            let waiting = waiting.get(current).map(Vec::as_slice).unwrap_or_default();
            return match (waiting, step) {
                (_, Step::ExpectEnd) => {
                    // A server ends only after its client, or after HTTP.
                    let rule = if half_closed.contains(current) { "C3" } else { "C7" };
                    (rule, format!("{actual}, not the end of the stream"))
                }
                ([], _) => ("C4", format!("the connection could not be used: {actual}")),
                ([first, rest @ ..], _) => {
                    let rule = rule_of(first, rest, actual);
                    (rule, format!("{}: {actual}, not {}", named(&first.line), first.reply))
                }
            };
        }
    }
    ("O1", format!("{actual} came, which no message asked for"))
}

/// A line in words.
fn named(line: &[u8]) -> String {
    const MOST: usize = 60;
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    match text {
        [] => "an empty line".into(),
        _ if text.len() > MOST => format!("a line of {} bytes", line.len()),
        _ => text.escape_ascii().to_string(),
    }
}

fn rule_of(message: &Waiting, behind: &[Waiting], actual: &str) -> &'static str {
    let Some(reply) = reference::parse_reply(format!("{actual}\n").as_bytes()) else {
        return match actual {
            _ if message.past.last_was_error => "C6",
            "the end of the stream" | "no reply in time" => "O1",
            _ => "M11",
        };
    };
    if message.in_pieces {
        return "L8";
    }
    if message.ahead || !behind.is_empty() {
        return "O2";
    }
    let past = &message.past;
    let Some(command) = reference::parse(&message.line) else { return "M9" };
    let indexed = past.model.packages().contains_key(command.package());
    match (&command, message.reply, reply) {
        (_, _, Reply::Error) => "M1",
        (Command::Index { package, dependencies }, _, _) if dependencies.contains(package) => "I6",
        (Command::Index { dependencies, .. }, Reply::Ok, _) if dependencies.is_empty() => "I5",
        (Command::Index { .. }, Reply::Ok, _) => "I1",
        (Command::Index { .. }, _, _) => "I2",
        (Command::Remove { .. }, Reply::Ok, _) if !indexed => "X1",
        (Command::Remove { package }, Reply::Ok, _) => match past.let_go.get(package) {
            _ if past.model.packages().get(package).is_some_and(|list| list.contains(package)) => {
                "X4"
            }
            Some(rule) => rule,
            None => "X2",
        },
        (Command::Remove { .. }, _, _) => "X3",
        (Command::Query { package }, _, _) if past.failed.contains(package) => "I3",
        (Command::Query { .. }, Reply::Ok, _) => "Q1",
        (Command::Query { package }, _, _) if past.removed.contains(package) => "X2",
        (Command::Query { .. }, _, _) => "Q2",
    }
}

/// What a rule says, out of the protocol; nothing if there is none of that id.
#[must_use]
pub fn rule_text(id: &str) -> &'static str {
    const PROTOCOL: &str = include_str!("../../spec/protocol.md");
    let line = PROTOCOL.lines().find_map(|line| line.strip_prefix(&format!("**{id}** ")));
    line.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str, line: usize, actual: &str) -> String {
        let (rule, what) = broken_rule(&text.parse().unwrap(), Some(line), actual);
        format!("{rule}: {what}")
    }

    #[test]
    fn what_takes_several_addresses_to_show_breaks_the_rule_of_what_is_relied_on_anywhere() {
        let shown = "@ h:1\n> INDEX|a|\n< OK\n@ h:2\n> QUERY|a|\n< OK\n> x\n< ERROR\n";
        let found = |line, addresses| {
            let (expected, actual) = ("OK".into(), "FAIL".into());
            let mismatch = Mismatch::Reply { line, expected, actual };
            let shown = shown.parse().unwrap();
            Finding::of(&Held { shown, mismatch, address: Some("h:2".into()), addresses })
        };
        let finding = found(6, 2);
        assert_eq!((finding.rule.as_str(), finding.address.as_deref()), ("O6", Some("h:2")));
        assert_eq!(finding.what, "QUERY|a|: FAIL, not OK (at h:2)");
        let Evidence::Transcript { text, messages: 3 } = finding.evidence else { panic!() };
        assert!(text.contains("< OK\n# got FAIL at h:2\n> x\n"), "{text}");
        // One address is enough for these.
        assert_eq!((found(6, 1).rule.as_str(), found(8, 2).rule.as_str()), ("Q1", "M9"));
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
            ("> QUERY|a|\n< FAIL", "ERROR", "M1: QUERY|a|: ERROR, not FAIL"),
            ("> QUERY|a|\n< FAIL", "fail", "M11: QUERY|a|: fail, not FAIL"),
            ("> QUERY|a\n< ERROR", "OK", "M9: QUERY|a: OK, not ERROR"),
            ("> \n< ERROR", "no reply in time", "O1: an empty line: no reply in time, not ERROR"),
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
