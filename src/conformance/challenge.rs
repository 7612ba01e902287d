//! The texts of the challenge from which the protocol comes, and the rules that each of them waives.

use super::rules::Rules;
use super::severity::BEYOND;

/// The text by which a server is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Challenge {
    /// This project's protocol, which settles what the challenge leaves open.
    #[default]
    Own,
    /// The newer text of the challenge: INDEX of an indexed package replaces its list.
    Newer,
    /// The older text: INDEX of an indexed package is OK, and its list may stay as it was.
    Older,
}

impl Challenge {
    /// The rules that a server need not keep under this text.
    pub(super) fn waived(self) -> Rules {
        match self {
            Self::Own => Rules::new(),
            Self::Newer => BEYOND.into(),
            Self::Older => BEYOND.into_iter().chain(["I4"]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_text_demands_less_than_the_newer_and_ours_most() {
        let waived = [Challenge::Own, Challenge::Newer, Challenge::Older].map(Challenge::waived);
        assert!(waived[0].is_empty() && waived[1].is_subset(&waived[2]));
        assert!(waived[2].contains("I4") && !waived[1].contains("I4"));
        assert!(!waived[2].contains("X3") && !waived[2].contains("M9"));
    }
}
