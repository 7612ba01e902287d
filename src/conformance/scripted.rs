//! Fixed conversations: the transcripts of the specification, and what each of them shows about one
//! rule.

use std::cell::RefCell;
use std::rc::Rc;

use statecheck::StateMachine;

use super::check::{Check, Stage};
use super::finding::rule_text;
use crate::command::{Command, Outcome};
use crate::index::PackageIndex;
use crate::testing::transcript::{Step, Transcript};

/// The transcripts of `spec/transcripts/` by their names.
const TRANSCRIPTS: [(&str, &str); 13] = [
    ("tour", include_str!("../../spec/transcripts/tour.txt")),
    ("messages", include_str!("../../spec/transcripts/messages.txt")),
    ("names", include_str!("../../spec/transcripts/names.txt")),
    ("dependencies", include_str!("../../spec/transcripts/dependencies.txt")),
    ("lines", include_str!("../../spec/transcripts/lines.txt")),
    ("long_lines", include_str!("../../spec/transcripts/long-lines.txt")),
    ("index", include_str!("../../spec/transcripts/index.txt")),
    ("remove", include_str!("../../spec/transcripts/remove.txt")),
    ("query", include_str!("../../spec/transcripts/query.txt")),
    ("cycles", include_str!("../../spec/transcripts/cycles.txt")),
    ("order", include_str!("../../spec/transcripts/order.txt")),
    ("connections", include_str!("../../spec/transcripts/connections.txt")),
    ("http", include_str!("../../spec/transcripts/http.txt")),
];

/// All transcripts.
pub(super) fn all() -> Vec<Transcript> {
    TRANSCRIPTS.iter().map(|(name, text)| parsed(name, text)).collect()
}

/// A check for each transcript.
pub(super) fn transcripts() -> Vec<Check> {
    TRANSCRIPTS
        .iter()
        .map(|(name, text)| {
            let transcript = parsed(name, text);
            let promise = text.lines().next().unwrap_or_default().trim_start_matches("# ");
            let rules = text.lines().find_map(|line| line.strip_prefix("# Rules: "));
            let rules = rules.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            let name = format!("transcript_{name}");
            Check::listed(Stage::Transcripts, name, promise, rules, vec![transcript])
        })
        .collect()
}

/// A check for each rule that a transcript shows. Its cases are the sections about this rule, each on
/// its own.
pub(super) fn rules() -> Vec<Check> {
    let mut shown: Vec<(String, Vec<Transcript>)> = Vec::new();
    for (name, text) in TRANSCRIPTS {
        for (rules, transcript) in sections(text, &parsed(name, text)) {
            for rule in rules {
                match shown.iter_mut().find(|(known, _)| *known == rule) {
                    Some((_, transcripts)) => transcripts.push(transcript.clone()),
                    None => shown.push((rule, vec![transcript.clone()])),
                }
            }
        }
    }
    let check = |(rule, transcripts): (String, Vec<Transcript>)| {
        let promise = rule_text(&rule);
        Check::listed(Stage::Rules, format!("rule_{rule}"), &promise, vec![rule], transcripts)
    };
    shown.into_iter().map(check).collect()
}

fn parsed(name: &str, text: &str) -> Transcript {
    text.parse().unwrap_or_else(|error| panic!("spec/transcripts/{name}.txt: {error}"))
}

/// The sections of a transcript, one for each comment that names rules. Commands come first in each,
/// and lead to the state in which the section begins.
fn sections(text: &str, transcript: &Transcript) -> Vec<(Vec<String>, Transcript)> {
    let headings = (1..).zip(text.lines());
    let headings: Vec<(usize, Vec<String>)> =
        headings.filter_map(|(number, line)| Some((number, rules_in(line)?))).collect();
    let ends = headings.iter().skip(1).map(|(number, _)| *number).chain([usize::MAX]);
    headings
        .iter()
        .zip(ends)
        .map(|((begin, rules), end)| {
            let index = Shared::default();
            let before: Vec<Step> = transcript.steps_between(0, *begin).cloned().collect();
            let connection = before.iter().rev().find_map(|step| match step {
                Step::Switch(name) => Some(name.clone()),
                _ => None,
            });
            let _replies = Transcript::from_steps(before).answered_by(index.clone());
            let commands = index.0.borrow().to_commands();
            let setup =
                commands.into_iter().map(|command| Step::Send(format!("{command}\n").into_bytes()));
            // Each of these replies is read before the next command, so that only the section itself
            // sends ahead.
            let setup = setup.flat_map(|send| [send, Step::Expect("OK".into())]);
            let steps: Vec<Step> = connection
                .map(Step::Switch)
                .into_iter()
                .chain(setup)
                .chain(transcript.steps_between(*begin, end).cloned())
                .collect();
            (rules.clone(), Transcript::from_steps(steps))
        })
        .collect()
}

/// The rules that a comment such as `# D1, D2: names.` is about.
fn rules_in(line: &str) -> Option<Vec<String>> {
    let (ids, _) = line.strip_prefix("# ")?.split_once(": ")?;
    let is_rule = |id: &str| {
        let (group, number) = id.split_at_checked(1)?;
        (group.chars().all(char::is_uppercase) && number.parse::<u8>().is_ok()).then_some(())
    };
    let ids: Vec<String> = ids.split(", ").map(str::to_owned).collect();
    ids.iter().all(|id| is_rule(id).is_some()).then_some(ids)
}

/// An index that can be looked at while others use it.
#[derive(Debug, Clone, Default)]
struct Shared(Rc<RefCell<PackageIndex>>);

impl StateMachine for Shared {
    type Command = Command;
    type Reply = Outcome;
    type Error = crate::index::LimitError;

    fn apply(&mut self, command: &Command) -> Result<Outcome, Self::Error> {
        self.0.borrow_mut().apply(command)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::testing::transcript::InMemory;

    #[test]
    fn every_transcript_of_the_specification_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/spec/transcripts");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let stem = |path: std::path::PathBuf| {
            path.file_stem().unwrap().to_str().unwrap().replace('-', "_")
        };
        let files: BTreeSet<_> = files.map(stem).collect();
        let known: BTreeSet<_> = TRANSCRIPTS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(known, files);
    }

    #[test]
    fn a_section_is_said_in_the_state_of_its_transcript() {
        let text = "> INDEX|a|\n< OK\n# X1: first\n> REMOVE|a|\n< OK\n> INDEX|b|\n< OK\n\
                    # X2, X3: second\n> REMOVE|b|\n< OK\n";
        let sections = sections(text, &text.parse().unwrap());
        let texts: Vec<_> =
            sections.iter().map(|(rules, it)| (rules.join(" "), it.to_string())).collect();
        assert_eq!(
            texts,
            [
                (
                    "X1".to_owned(),
                    "> INDEX|a|\n< OK\n> REMOVE|a|\n< OK\n> INDEX|b|\n< OK\n".to_owned()
                ),
                ("X2 X3".to_owned(), "> INDEX|b|\n< OK\n> REMOVE|b|\n< OK\n".to_owned()),
            ]
        );
    }

    #[test]
    fn the_sections_of_all_transcripts_hold_on_their_own() {
        let mut count = 0;
        for (name, text) in TRANSCRIPTS {
            for (rules, section) in sections(text, &parsed(name, text)) {
                let section = section.answered();
                let ran = section.run(&mut InMemory::new(PackageIndex::new()));
                ran.unwrap_or_else(|mismatch| panic!("{name} {rules:?}: {mismatch}\n{section}"));
                count += 1;
            }
        }
        assert!(count > 150, "{count}");
    }
}
