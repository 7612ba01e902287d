//! The questions before all checks: how the server answers where honest servers differ, and whether it
//! minds a half-close.

use super::Settings;
use super::dialect::{Behaviour, ELSEWHERE, Feature};
use super::finding::{Evidence, Finding};
use super::restart::Restart;
use super::system::System;
use super::target::{Held, Target};
use crate::testing::transcript::{Mismatch, Step, Transcript};
use crate::wire::DEFAULT_MAX_LINE_BYTES;

/// The probes, each with the feature that it tries, the rule that settles it, and what it sends in
/// words.
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
    (Feature::TrailingComma, "D2", "a comma after the last name", Probe::Text("INDEX|b|a,\n")),
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

/// What comes if a server ends its stream.
const END: &str = "the end of the stream";

/// What is sent after INDEX of `a`. The last two are conversations of their own.
enum Probe {
    Text(&'static str),
    /// INDEX of a name of this many bytes.
    Name(usize),
    /// INDEX with a list of unknown names that makes the line this many bytes long.
    Line(usize),
    /// An HTTP request as the first line, and then a message.
    Http,
    /// REMOVE of a package that another one needed until INDEX replaced its list.
    SecondIndex,
}

impl Probe {
    /// The conversation with the replies that the rule demands. Servers may differ at its last step.
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

    /// The line that servers read differently.
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

/// What the probes have shown.
pub(super) struct Probed {
    /// What the server does where honest servers differ.
    pub(super) behaviours: Vec<Behaviour>,
    /// Whether the server ends its stream after its client does.
    pub(super) ends_after_half_close: bool,
    /// The findings of probes after which nothing answered.
    pub(super) ended: Vec<Finding>,
    /// Whether nothing answers now.
    pub(super) is_gone: bool,
}

/// Tries all probes, as long as there is a server.
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

/// Whether the stream ends after a half-close, when all messages are answered.
fn ends_after_half_close(target: &Target) -> bool {
    let query = Transcript::sending(&["QUERY|a|\n"]).answered();
    let held = target.hold(&query, Transcript::answered);
    !matches!(held, Err(Held { mismatch: Mismatch::NoEnd { .. }, .. }))
}

/// The reply at one address to the last line of a transcript.
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

/// The number of the line with the last reply of a transcript, counted from 1.
fn last_line(shown: &Transcript) -> usize {
    shown.steps().count()
}

/// What the addresses do, and whether all do the same. If not, the text says what each does.
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
