//! How bad a fault is, by the rule that it breaks. Findings are shown in this order.

use std::fmt;

/// How bad a fault is. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing answers any more.
    Ends,
    /// The index is wrong: something is lost, kept or half done.
    State,
    /// A message that was understood gets the wrong answer.
    Answers,
    /// Replies are lost or out of order, or lines are not read as they were sent.
    Framing,
    /// The server takes lines that it should refuse, or refuses lines that it should take.
    Grammar,
    /// The challenge does not demand the broken rule.
    Beyond,
}

/// Rules about what is indexed, and not about one answer.
const OF_STATE: [&str; 13] =
    ["I3", "I4", "I8", "X6", "X7", "Q3", "M9", "L9", "O4", "O5", "O6", "O9", "C5"];

/// Rules that settle what the text of the challenge leaves open. A server that breaks them is not
/// wrong by that text.
pub(super) const BEYOND: [&str; 24] = [
    "M4", "M6", "M7", "M8", "N1", "N3", "N4", "D2", "D3", "D4", "L2", "L3", "L4", "L5", "L6", "L7",
    "L10", "I6", "X4", "O3", "O7", "O8", "C3", "C7",
];

impl Severity {
    /// The severity of breaking a rule, by its id.
    pub(super) fn of(rule: &str) -> Self {
        match rule {
            _ if OF_STATE.contains(&rule) => Self::State,
            _ if BEYOND.contains(&rule) => Self::Beyond,
            _ if rule.starts_with(['I', 'X', 'Q']) || ["N2", "D5", "D6"].contains(&rule) => {
                Self::Answers
            }
            _ if rule.starts_with(['O', 'L', 'C']) => Self::Framing,
            _ => Self::Grammar,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ends => "dies or hangs",
            Self::State => "loses or corrupts state",
            Self::Answers => "wrong answers",
            Self::Framing => "wrong order or framing",
            Self::Grammar => "wrong grammar",
            Self::Beyond => "beyond the challenge",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_corrupts_state_comes_before_what_is_said_wrongly() {
        let rules = ["I4", "X1", "O2", "M2", "M4"];
        let severities = rules.map(Severity::of);
        assert!(severities.is_sorted(), "{severities:?}");
        assert!(Severity::Ends < Severity::State && severities[4] == Severity::Beyond);
    }
}
