//! What is asked before anything is tried: the conversations in which honest servers differ, and whether
//! the server minds a half-close.

use super::Settings;
use super::dialect::{Behaviour, ELSEWHERE, Feature};
use super::finding::{Evidence, Finding};
use super::restart::Restart;
use super::system::System;
use super::target::{Held, Target};
use crate::testing::transcript::{Mismatch, Step, Transcript};
use crate::wire::DEFAULT_MAX_LINE_BYTES;

/// What the features are tried with.
const PROBES: [(Feature, &str, &str, Probe); 20] = [
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
    (Feature::CommaInName, "M4", "a comma for a name", Probe::Text("QUERY|,|\n")),
    (Feature::CommaInName, "M4", "two names for one", Probe::Text("QUERY|a,b|\n")),
    (Feature::EmptyDependency, "D3", "an empty name in a list", Probe::Text("QUERY|a|a,,a\n")),
    (Feature::SecondIndex, "I4", "what a replaced list named", Probe::SecondIndex),
];

/// What comes where a server ends its stream.
const END: &str = "the end of the stream";

/// What is sent once `a` is indexed, but for the last.
enum Probe {
    Text(&'static str),
    /// INDEX of a name so long.
    Name(usize),
    /// INDEX with a list, of names that are not there, that makes the line so long.
    Line(usize),
    /// An HTTP request, first of all, and then a message.
    Http,
    /// REMOVE of what a package needed until it was indexed again without it.
    SecondIndex,
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
            Self::SecondIndex => {
                let lines = ["INDEX|a|\n", "INDEX|b|a\n", "INDEX|b|\n", "REMOVE|a|\n"];
                Transcript::sending(&lines).answered()
            }
            Self::Text(_) | Self::Name(_) | Self::Line(_) => {
                Transcript::sending(&["INDEX|a|\n", &self.line()]).answered()
            }
        }
    }

    /// The line in which servers differ.
    fn line(&self) -> String {
        match self {
            Self::Http => "GET / HTTP/1.1\n".to_owned(),
            Self::SecondIndex => "INDEX|b|\n".to_owned(),
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

/// What was seen before anything is tried.
pub(super) struct Probed {
    /// What the server does where servers differ.
    pub(super) behaviours: Vec<Behaviour>,
    /// Whether its stream ends after its client's.
    pub(super) ends_after_half_close: bool,
    /// Probes after which nothing answered.
    pub(super) ended: Vec<Finding>,
    /// Whether nothing answers now.
    pub(super) is_gone: bool,
}

/// Tries everything in which servers differ, for as long as there is a server.
pub(super) fn observe(target: &Target, settings: &Settings, restart: Option<&Restart>) -> Probed {
    let ends_after_half_close = target.within(settings.bound, || ends_after_half_close(target));
    if !ends_after_half_close {
        target.do_without_half_close();
    }
    let mut probed =
        Probed { behaviours: Vec::new(), ends_after_half_close, ended: Vec::new(), is_gone: false };
    for (feature, rule, what, probe) in &PROBES {
        let transcript = probe.transcript();
        let expected = match probe {
            Probe::Http => END.to_owned(),
            _ => transcript.last_reply().unwrap_or_default().to_owned(),
        };
        let observed = target.within(settings.bound, || {
            let numbers = 0..target.system.count();
            let each = numbers.map(|number| observed_at(target, number, &transcript, &expected));
            each.collect::<Vec<String>>()
        });
        let (observed, addresses_agree) = together(&target.system, observed);
        let conversation = transcript.to_string();
        let is_gone = target.reach().is_err();
        if is_gone {
            let text = format!("{conversation}# got {observed}\n");
            let evidence = Evidence::Transcript { text, messages: transcript.messages() };
            let finding =
                Finding::new(rule, format!("{what}: {observed}, not {expected}"), evidence);
            probed.ended.push(finding.ending("nothing answers any more"));
        }
        let feature = *feature;
        probed.behaviours.push(Behaviour {
            what,
            rule,
            expected,
            observed,
            feature,
            addresses_agree,
            conversation,
        });
        if is_gone && restart.is_none_or(|restart| restart.bring_back(target).is_err()) {
            probed.is_gone = true;
            break;
        }
    }
    probed
}

/// Whether the stream ends after a half-close, once all is answered.
fn ends_after_half_close(target: &Target) -> bool {
    let query = Transcript::sending(&["QUERY|a|\n"]).answered();
    let held = target.hold(&query, Transcript::answered);
    !matches!(held, Err(Held { mismatch: Mismatch::NoEnd { .. }, .. }))
}

/// What the last line of a transcript gets at one address.
fn observed_at(target: &Target, number: usize, transcript: &Transcript, expected: &str) -> String {
    let transcript = target.system.spread(transcript, number);
    match target.hold(&transcript, Transcript::answered) {
        Ok(()) => expected.to_owned(),
        Err(Held { shown, mismatch, .. }) if mismatch.line() == Some(last_line(&shown)) => {
            mismatch.actual()
        }
        Err(Held { mismatch, .. }) => format!("{}{ELSEWHERE}", mismatch.actual()),
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::conformance::Challenge;
    use crate::testing::reference;

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
            assert_eq!(behaviour.is_a_reading(Challenge::Own), is_a_reading);
        }
    }

    #[test]
    fn a_line_that_shows_its_length_has_it() {
        for length in [65_536, 65_537] {
            assert_eq!(Probe::Line(length).line().len(), length);
            assert!(reference::parse(Probe::Line(length).line().as_bytes()).is_some());
        }
    }
}
