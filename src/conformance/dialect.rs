//! Where honest servers differ: what this one does there, and what of a conversation is then not
//! said to it.
//!
//! The protocol settles more than the challenge that it comes from. A server that was written for
//! the challenge alone may read the rest otherwise, and is no worse for it.

use std::collections::BTreeSet;

use super::system::System;
use super::target::{Held, Target};
use crate::testing::transcript::{Step, Transcript};
use crate::wire::{self, DEFAULT_MAX_LINE_BYTES};

/// Something that a line can have and that servers may read in their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Feature {
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
}

/// What the features are tried with.
const PROBES: [(Feature, &str, &str, Probe); 16] = [
    (Feature::Cr, "L6", "CR before LF", Probe::Text("QUERY|a|\r\n")),
    (Feature::Signs, "N1", "+ - . _ in a name", Probe::Text("INDEX|l+i-b.x_y|\n")),
    (Feature::AtOrSlash, "N1", "@ and / in a name", Probe::Text("INDEX|@l/ib@3|\n")),
    (Feature::LongName, "N1", "a name of 255 bytes", Probe::Name(255)),
    (Feature::LongName, "N1", "a name of 256 bytes", Probe::Name(256)),
    (Feature::OtherCharacters, "N4", "a colon in a name", Probe::Text("INDEX|li:b|\n")),
    (Feature::OtherCharacters, "N4", "an equals sign in a name", Probe::Text("INDEX|li=b|\n")),
    (Feature::OtherCharacters, "N4", "a space in a name", Probe::Text("INDEX|li b|\n")),
    (Feature::ControlBytes, "M8", "a control byte in a name", Probe::Text("INDEX|li\tb|\n")),
    (
        Feature::HighBytes,
        "N4",
        "letters outside ASCII in a name",
        Probe::Text("INDEX|lib\u{e9}|\n"),
    ),
    (Feature::TrailingComma, "D2", "a comma behind the last name", Probe::Text("INDEX|b|a,\n")),
    (Feature::IdleDependencies, "D4", "dependencies on QUERY", Probe::Text("QUERY|a|b,c\n")),
    (Feature::IdleDependencies, "D4", "dependencies on REMOVE", Probe::Text("REMOVE|c|a,b\n")),
    (Feature::LongLine, "L2", "a line of 65,536 bytes", Probe::Line(DEFAULT_MAX_LINE_BYTES)),
    (Feature::LongLine, "L3", "a line of 65,537 bytes", Probe::Line(DEFAULT_MAX_LINE_BYTES + 1)),
    (Feature::Http, "C7", "a message after an HTTP request", Probe::Http),
];

/// What comes where a server ends its stream.
const END: &str = "the end of the stream";

/// Lines of no more bytes than this are no long ones to any honest server.
const ALWAYS_TAKEN: usize = 512;

/// About how many bytes a prefix has at most that each name gets on its way.
const MOST_PREFIX: usize = 24;

/// What is sent once `a` is indexed, but for the last.
enum Probe {
    Text(&'static str),
    /// INDEX of a name so long.
    Name(usize),
    /// INDEX with a list, of names that are not there, that makes the line so long.
    Line(usize),
    /// An HTTP request, first of all, and then a message.
    Http,
}

impl Probe {
    /// The conversation, as the rule has it: its last step is what servers may do otherwise.
    fn transcript(&self) -> Transcript {
        let send = |text: &str| Step::Send(text.as_bytes().to_vec());
        let reply = |text: &str| Step::Expect(text.to_owned());
        match self {
            Self::Http => Transcript::from_steps([
                send("GET / HTTP/1.1\n"),
                send("QUERY|a|\n"),
                reply("ERROR"),
                Step::ExpectEnd,
            ]),
            Self::Text(_) | Self::Name(_) | Self::Line(_) => {
                Transcript::sending(&["INDEX|a|\n", &self.line()]).answered()
            }
        }
    }

    /// The line in which servers differ.
    fn line(&self) -> String {
        match self {
            Self::Http => "GET / HTTP/1.1\n".to_owned(),
            Self::Text(text) => (*text).to_owned(),
            Self::Name(length) => format!("INDEX|{}|\n", "n".repeat(*length)),
            Self::Line(length) => {
                let list = length - "INDEX|p|\n".len();
                let names = "x,".repeat(list / 2);
                format!("INDEX|p|{}\n", if list.is_multiple_of(2) { names } else { names + "x" })
            }
        }
    }
}

/// What a server does where servers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// What was sent, in words.
    pub what: &'static str,
    /// The rule that settles it, by its id.
    pub rule: &'static str,
    /// The reply that the rule demands, or that the stream ends.
    pub expected: String,
    /// What came; where addresses of one system differ, what came at each.
    pub observed: String,
    feature: Feature,
    /// Whether all addresses did the same.
    addresses_agree: bool,
    /// The conversation that shows it, as the rule has it.
    conversation: String,
}

impl Behaviour {
    /// Whether it is what the rule demands.
    #[must_use]
    pub fn is_as_specified(&self) -> bool {
        self.observed == self.expected
    }

    /// Whether it is another reading of the rules. To end the connection is one where a line is
    /// too long, and otherwise a fault, which whatever has such lines shows.
    ///
    /// Where addresses differ, it is a fault of the system, however each reads it.
    fn is_a_reading(&self) -> bool {
        let is_reply = ["OK", "FAIL", "ERROR"].contains(&self.observed.as_str());
        let may_be = is_reply || self.feature == Feature::LongLine && self.addresses_agree;
        !self.is_as_specified() && may_be
    }

    /// A name for it, of letters and digits.
    pub(super) fn name(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric();
        self.what.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
    }

    /// What shows it, as a transcript.
    pub(super) fn transcript(&self) -> String {
        let Self { conversation, observed, .. } = self;
        format!("{conversation}# got {observed}\n")
    }
}

/// Tries everything in which servers differ.
pub(super) fn observe(target: &Target) -> Vec<Behaviour> {
    PROBES
        .iter()
        .map(|(feature, rule, what, probe)| {
            let transcript = probe.transcript();
            let expected = match probe {
                Probe::Http => END.to_owned(),
                Probe::Text(_) | Probe::Name(_) | Probe::Line(_) => {
                    transcript.last_reply().unwrap_or_default().to_owned()
                }
            };
            let observed: Vec<String> = (0..target.system.count())
                .map(|number| observed_at(target, number, &transcript, &expected))
                .collect();
            let (observed, addresses_agree) = together(&target.system, observed);
            let conversation = transcript.to_string();
            let feature = *feature;
            Behaviour { what, rule, expected, observed, feature, addresses_agree, conversation }
        })
        .collect()
}

/// What the last line of a transcript gets at one address.
fn observed_at(target: &Target, number: usize, transcript: &Transcript, expected: &str) -> String {
    let transcript = target.system.spread(transcript, number);
    match target.hold(&transcript, Transcript::answered) {
        Ok(()) => expected.to_owned(),
        Err(Held { shown, mismatch, .. }) if mismatch.line() == Some(last_line(&shown)) => {
            mismatch.actual()
        }
        Err(Held { mismatch, .. }) => format!("{} at another place", mismatch.actual()),
    }
}

/// The line of a transcript at which its last reply stands, counted from 1.
fn last_line(shown: &Transcript) -> usize {
    shown.steps().count()
}

/// What all addresses do, and whether it is the same; if it is not, with what each does.
fn together(system: &System, mut observed: Vec<String>) -> (String, bool) {
    if observed.windows(2).all(|two| two[0] == two[1]) {
        return (observed.swap_remove(0), true);
    }
    let each = observed.iter().zip(system.addresses());
    let each = each.map(|(observed, address)| format!("{observed} at {address}"));
    (each.collect::<Vec<_>>().join(", "), false)
}

/// How a server speaks: where it differs, and is not to be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    differing: BTreeSet<Feature>,
    /// The rules that it reads in its own way, by their ids.
    rules: BTreeSet<&'static str>,
}

impl Dialect {
    pub(super) fn of(behaviours: &[Behaviour]) -> Self {
        let differing = behaviours.iter().filter(|behaviour| behaviour.is_a_reading());
        let (differing, rules) = differing.map(|it| (it.feature, it.rule)).unzip();
        Self { differing, rules }
    }

    /// Whether nothing is to be said of a rule, this server having its own.
    pub(super) fn has_its_own(&self, rule: &str) -> bool {
        self.rules.contains(rule)
    }

    /// The transcript without what this server reads in its own way.
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
    // What a prefix makes of a shorter one is as long.
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
    let idle = [b"QUERY|".as_slice(), b"REMOVE|"].iter().any(|verb| text.starts_with(verb));
    if idle && !text.ends_with(b"|") {
        features.insert(Feature::IdleDependencies);
    }
    features
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
    use std::net::SocketAddr;

    use super::*;
    use crate::testing::reference;

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
        for plain in ["INDEX|a|b,c\n", "QUERY|a|\n", "index|a|\n", "INDEX|a|,b\n", "\n"] {
            assert_eq!(features(plain.as_bytes()), BTreeSet::new(), "{plain:?}");
        }
    }

    #[test]
    fn where_addresses_differ_is_no_reading_of_the_system() {
        let addresses = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)).into());
        let two = System::new(addresses).unwrap();
        for (observed, expected, is_a_reading) in [
            (["OK", "OK"], "OK", true),
            (["OK", "ERROR"], "OK at 127.0.0.1:1, ERROR at 127.0.0.1:2", false),
        ] {
            let (observed, addresses_agree) = together(&two, observed.map(str::to_owned).to_vec());
            assert_eq!(observed, expected);
            let behaviour = Behaviour {
                what: "a line of 65,537 bytes",
                rule: "L3",
                expected: "ERROR".into(),
                observed,
                feature: Feature::LongLine,
                addresses_agree,
                conversation: String::new(),
            };
            assert_eq!(behaviour.is_a_reading(), is_a_reading);
        }
    }

    #[test]
    fn a_line_that_shows_its_length_has_it() {
        for length in [65_536, 65_537] {
            assert_eq!(Probe::Line(length).line().len(), length);
            assert!(reference::parse(Probe::Line(length).line().as_bytes()).is_some());
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
