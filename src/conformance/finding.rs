//! A finding: what a server did wrong, which rule that breaks, how bad it is, and the transcript or
//! history that shows it.

use super::naming::{broken_rule, came, is_of_state};
use super::severity::Severity;
use super::target::Held;
use crate::command::{Command, Reply};
use crate::testing::history::History;
use crate::testing::transcript::Mismatch;

/// Something that a server did and should not have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was seen, in one line.
    pub what: String,
    /// The id of the broken rule.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The address that gave the wrong reply, if there are several and this one is known.
    pub address: Option<String>,
    /// What shows the fault.
    pub evidence: Evidence,
    /// Whether the fault showed again when it was tried alone.
    pub reproduced: bool,
    /// The conversations before the fault, which it may need. Empty if the fault showed again.
    pub before: Vec<String>,
}

/// What shows a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A transcript with the expected replies, and with what came as a comment.
    Transcript {
        /// Its text.
        text: String,
        /// How many messages it sends.
        messages: usize,
    },
    /// A history that no order of its commands explains.
    History {
        /// What was recorded.
        whole: Box<History<Command, Reply>>,
        /// The shortest part of it that was found to show the same.
        short: Box<History<Command, Reply>>,
        /// The address of each client, beginning with client 1. Empty if the system has only one
        /// address.
        clients: Vec<String>,
    },
    /// No steps that could be repeated, only the words of the finding.
    Words,
}

impl Finding {
    /// A finding with this evidence, which counts as reproduced.
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

    /// The finding that a failed conversation shows.
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
            // The client does this after the last step of the transcript.
            let unasked = if matches!(mismatch, Mismatch::NoEnd { .. }) { "" } else { ", unasked" };
            text += &format!("@ {connection}\n>$\n<$\n# got {actual}{at}{unasked}\n");
        }
        let (rule, what) = broken_rule(shown, mismatch);
        let rule = match mismatch {
            // The conversation is shortened already. If it still needs several addresses, they do not
            // share what they should.
            Mismatch::Reply { .. } if *addresses > 1 && is_of_state(rule) => "O6",
            _ => rule,
        };
        let messages = shown.messages();
        Self::new(rule, what + &by, Evidence::Transcript { text, messages }).at(address.clone())
    }

    pub(super) fn in_words(rule: &str, what: impl Into<String>) -> Self {
        Self::new(rule, what, Evidence::Words)
    }

    /// The finding with the address that it is about, if there are several.
    pub(super) fn at(self, address: Option<String>) -> Self {
        Self { address, ..self }
    }

    /// The finding as a fault of the rule that the conversation was meant to test.
    pub(super) fn by(self, rule: &str) -> Self {
        Self { rule: rule.to_owned(), severity: Severity::of(rule), ..self }
    }

    /// The finding as the end of the server: nothing answers any more.
    pub(super) fn ending(self, how: &str) -> Self {
        let what = format!("{how}: {}", self.what);
        Self { what, severity: Severity::Ends, ..self }
    }

    /// The finding as one that did not show again alone, with what was sent before it.
    pub(super) fn not_reproduced(self, before: Vec<String>) -> Self {
        Self { reproduced: false, before, ..self }
    }
}

/// The text of a rule in the protocol, without the marks of its origin. Empty if no rule has this id.
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
        // One address is enough to show these.
        assert_eq!((found(6, 1).rule.as_str(), found(8, 2).rule.as_str()), ("C5", "M2"));
    }
}
