//! What was found: where a server did something else than it should, as a transcript or as a
//! history, which rule that breaks, and how bad it is.

use super::naming::{broken_rule, came, is_of_state};
use super::severity::Severity;
use super::target::Held;
use crate::command::{Command, Reply};
use crate::testing::history::History;
use crate::testing::transcript::Mismatch;

/// Something that a server did and should not have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was seen, in a line.
    pub what: String,
    /// The rule that it breaks, by its id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The address that gave the wrong reply, if there are several and it is known.
    pub address: Option<String>,
    /// What shows it.
    pub evidence: Evidence,
    /// Whether it was seen again when it was tried once more on its own.
    pub reproduced: bool,
    /// What was sent before it, conversation by conversation, if it was not seen again: it may be what
    /// the fault takes.
    pub before: Vec<String>,
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
    /// A fault that was seen as it is shown.
    pub(super) fn new(rule: &str, what: impl Into<String>, evidence: Evidence) -> Self {
        Self {
            what: what.into(),
            rule: rule.to_owned(),
            severity: Severity::of(rule),
            address: None,
            evidence,
            reproduced: true,
            before: Vec::new(),
        }
    }

    /// From a conversation that went another way.
    pub(super) fn of(held: &Held) -> Self {
        let Held { shown, mismatch, address, addresses } = held;
        let actual = came(mismatch);
        let at = address.as_ref().map(|address| format!(" at {address}")).unwrap_or_default();
        let by = address.as_ref().map(|address| format!(" (at {address})")).unwrap_or_default();
        let mut text = String::new();
        for (number, line) in (1..).zip(shown.to_string().lines()) {
            text += &format!("{line}\n");
            if mismatch.line() == Some(number) {
                text += &format!("# got {actual}{at}\n");
            }
        }
        if let Mismatch::Surplus { connection, .. } | Mismatch::NoEnd { connection, .. } = mismatch
        {
            // What is done last and stands in no transcript.
            let unasked = if matches!(mismatch, Mismatch::NoEnd { .. }) { "" } else { ", unasked" };
            text += &format!("@ {connection}\n>$\n<$\n# got {actual}{at}{unasked}\n");
        }
        let (rule, what) = broken_rule(shown, mismatch);
        let rule = match mismatch {
            // Where one address is enough to show it, it has been shortened to that one.
            Mismatch::Reply { .. } if *addresses > 1 && is_of_state(rule) => "O6",
            _ => rule,
        };
        let messages = shown.messages();
        Self::new(rule, what + &by, Evidence::Transcript { text, messages }).at(address.clone())
    }

    pub(super) fn in_words(rule: &str, what: impl Into<String>) -> Self {
        Self::new(rule, what, Evidence::Words)
    }

    /// The same with the address that it is about, if there are several.
    pub(super) fn at(self, address: Option<String>) -> Self {
        Self { address, ..self }
    }

    /// The same as a fault of another rule, which is what it was tried for.
    pub(super) fn by(self, rule: &str) -> Self {
        Self { rule: rule.to_owned(), severity: Severity::of(rule), ..self }
    }

    /// The same as the end of the server: nothing answers any more.
    pub(super) fn ending(self, how: &str) -> Self {
        let what = format!("{how}: {}", self.what);
        Self { what, severity: Severity::Ends, ..self }
    }

    /// The same, which was not seen when it was tried again alone, after what was sent before.
    pub(super) fn not_reproduced(self, before: Vec<String>) -> Self {
        Self { reproduced: false, before, ..self }
    }
}

/// What a rule says, out of the protocol, without the marks of where it comes from; nothing if there is
/// none of that id.
#[must_use]
pub fn rule_text(id: &str) -> String {
    const PROTOCOL: &str = include_str!("../../spec/protocol.md");
    let line = PROTOCOL.lines().find_map(|line| line.strip_prefix(&format!("**{id}** ")));
    ["`[challenge]`", "`[answer]`"]
        .iter()
        .fold(line.unwrap_or_default().to_owned(), |text, mark| {
            text.replace(&format!(" {mark}"), "")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The rule of what a client relies on at any address.
    #[test]
    fn what_needs_several_addresses_to_show_breaks_rule_o6() {
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
        assert_eq!((found(6, 1).rule.as_str(), found(8, 2).rule.as_str()), ("C5", "M2"));
    }
}
