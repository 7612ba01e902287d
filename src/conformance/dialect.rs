//! Where honest servers differ: what this server does there, and which lines are then not sent to it.
//!
//! The protocol settles more than the challenge from which it comes. A server that was written for the
//! challenge alone may read the rest otherwise, and is no worse for it.

use std::collections::BTreeSet;

use super::challenge::Challenge;
use crate::testing::transcript::Transcript;
use crate::wire;

/// A feature of a line that servers may read in their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Feature {
    Cr,
    Signs,
    AtOrSlash,
    LongName,
    OtherCharacters,
    ControlBytes,
    HighBytes,
    TrailingComma,
    IdleDependencies,
    LongLine,
    /// An HTTP request line, which ends the conversation only if it comes first.
    Http,
    /// A comma where one name should be.
    CommaInName,
    EmptyDependency,
    /// A second INDEX of a package, with another list. Earlier lines decide this, not the line itself.
    SecondIndex,
}

/// Marks a failure at another line than the one that servers may answer differently.
pub(super) const ELSEWHERE: &str = " at another place";

/// Every honest server takes lines of up to this many bytes.
const ALWAYS_TAKEN: usize = 512;

/// The longest prefix that a name gets when it is sent, in bytes, roughly.
const MOST_PREFIX: usize = 24;

/// What a server does where honest servers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// What was sent, in words.
    pub what: &'static str,
    /// The id of the rule that settles it.
    pub rule: &'static str,
    /// The reply that the rule demands, or the end of the stream.
    pub expected: String,
    /// What came. If the addresses of one system differ, what came at each.
    pub observed: String,
    pub(super) feature: Feature,
    /// Whether all addresses did the same.
    pub(super) addresses_agree: bool,
    /// The conversation that shows it, with the replies that the rule demands.
    pub(super) conversation: String,
}

impl Behaviour {
    /// Whether the server does what the rule demands.
    #[must_use]
    pub fn is_as_specified(&self) -> bool {
        self.observed == self.expected
    }

    /// Whether the behaviour is another reading of the rules, and so no fault.
    ///
    /// A server may end the connection only if a line is too long. Otherwise that is a fault, and any
    /// check with such lines reports it.
    ///
    /// If addresses differ, the system has a fault, even if each address alone reads the line in its
    /// own way.
    pub(super) fn is_a_reading(&self, challenge: Challenge) -> bool {
        if self.feature == Feature::SecondIndex && challenge != Challenge::Older {
            return false;
        }
        let is_reply = ["OK", "FAIL", "ERROR"].contains(&self.observed.as_str());
        let is_an_end = !self.observed.ends_with(ELSEWHERE) && self.addresses_agree;
        let may_be = is_reply || self.feature == Feature::LongLine && is_an_end;
        !self.is_as_specified() && may_be
    }

    /// A name for the behaviour, of letters, digits and underscores.
    pub(super) fn name(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric();
        self.what.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
    }

    /// The transcript that shows the behaviour.
    pub(super) fn transcript(&self) -> String {
        let Self { conversation, observed, .. } = self;
        format!("{conversation}# got {observed}\n")
    }
}

/// What a server reads in its own way. Conversations leave it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    differing: BTreeSet<Feature>,
    /// The ids of the rules that the server reads in its own way.
    rules: BTreeSet<&'static str>,
}

impl Dialect {
    pub(super) fn of(behaviours: &[Behaviour], challenge: Challenge) -> Self {
        let differing = behaviours.iter().filter(|behaviour| behaviour.is_a_reading(challenge));
        let (differing, rules) = differing.map(|it| (it.feature, it.rule)).unzip();
        Self { differing, rules }
    }

    /// Whether the server reads a rule in its own way, so that no check tests the rule.
    pub(super) fn has_its_own(&self, rule: &str) -> bool {
        self.rules.contains(rule)
    }

    /// The transcript without the lines that this server reads in its own way.
    pub(super) fn spoken(&self, transcript: &Transcript) -> Transcript {
        if self.differing.is_empty() {
            return transcript.clone();
        }
        transcript.without_lines(|line| !self.differing.is_disjoint(&features(line)))
    }
}

fn features(line: &[u8]) -> BTreeSet<Feature> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let mut features: BTreeSet<_> = text.iter().filter_map(|byte| feature_of(*byte)).collect();
    let longest = text.split(|byte| b"|,\r".contains(byte)).map(<[u8]>::len).max();
    // The prefix makes a shorter name just as long.
    if longest.is_some_and(|longest| longest > 200) {
        features.insert(Feature::LongName);
    }
    if wire::is_http_request(line) || wire::begins_http_request(line) {
        features.insert(Feature::Http);
    }
    let names = line.iter().filter(|byte| b"|,".contains(byte)).count();
    if line.len() + names * MOST_PREFIX > ALWAYS_TAKEN {
        features.insert(Feature::LongLine);
    }
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.ends_with(b",") {
        features.insert(Feature::TrailingComma);
    }
    let mut parts = text.split(|byte| *byte == b'|').skip(1);
    if parts.next().is_some_and(|package| package.contains(&b',')) {
        features.insert(Feature::CommaInName);
    }
    if parts.next().is_some_and(has_empty_name) {
        features.insert(Feature::EmptyDependency);
    }
    let idle = [b"QUERY|".as_slice(), b"REMOVE|"].iter().any(|verb| text.starts_with(verb));
    if idle && !text.ends_with(b"|") {
        features.insert(Feature::IdleDependencies);
    }
    features
}

/// Whether a list has an empty name, apart from the one after a trailing comma.
fn has_empty_name(list: &[u8]) -> bool {
    let list = list.strip_suffix(b",").unwrap_or(list);
    list.contains(&b',') && list.split(|byte| *byte == b',').any(<[u8]>::is_empty)
}

fn feature_of(byte: u8) -> Option<Feature> {
    match byte {
        b'|' | b',' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => None,
        b'\r' => Some(Feature::Cr),
        b'+' | b'-' | b'.' | b'_' => Some(Feature::Signs),
        b'@' | b'/' => Some(Feature::AtOrSlash),
        0..=0x1f | 0x7f => Some(Feature::ControlBytes),
        0x80.. => Some(Feature::HighBytes),
        _ => Some(Feature::OtherCharacters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_read_in_their_own_way_is_seen_in_a_line() {
        for (line, feature) in [
            ("QUERY|a|\r\n", Feature::Cr),
            ("QUERY|a-b|\n", Feature::Signs),
            ("INDEX|a|@b\n", Feature::AtOrSlash),
            ("INDEX|a:|\n", Feature::OtherCharacters),
            ("INDEX|a\0|\n", Feature::ControlBytes),
            ("INDEX|\u{e9}|\n", Feature::HighBytes),
            ("INDEX|a|b,\n", Feature::TrailingComma),
            ("QUERY|a|b\n", Feature::IdleDependencies),
            ("REMOVE|a|b\n", Feature::IdleDependencies),
            ("GET / HTTP/1.1\n", Feature::Http),
            ("QUERY|a,b|\n", Feature::CommaInName),
            ("INDEX|a|,b\n", Feature::EmptyDependency),
            ("INDEX|a|b,,c\n", Feature::EmptyDependency),
        ] {
            assert!(features(line.as_bytes()).contains(&feature), "{line:?}");
        }
        assert!(
            features(format!("INDEX|{}|\n", "n".repeat(250)).as_bytes())
                .contains(&Feature::LongName)
        );
        assert!(features(&[b'x'; ALWAYS_TAKEN + 1]).contains(&Feature::LongLine));
        let grows = format!("INDEX|a|{}\n", "b,".repeat(30));
        assert!(features(grows.as_bytes()).contains(&Feature::LongLine));
        for plain in ["INDEX|a|b,c\n", "QUERY|a|\n", "index|a|\n", "\n"] {
            assert_eq!(features(plain.as_bytes()), BTreeSet::new(), "{plain:?}");
        }
    }

    #[test]
    fn what_a_server_reads_in_its_own_way_is_not_said_to_it() {
        let differing = BTreeSet::from([Feature::Cr]);
        let transcript: Transcript =
            "> INDEX|a|\\r\n>~ QUERY|\n@ two\n> QUERY|b|\n@ main\n> a|\\r\n> QUERY|c|\n"
                .parse()
                .unwrap();
        let spoken = Dialect { differing, ..Dialect::default() }.spoken(&transcript);
        assert_eq!(spoken.to_string(), "@ two\n> QUERY|b|\n@ main\n> QUERY|c|\n");
    }
}
