//! Which rules a message tests by how it is written. `past` knows which it tests by what came before
//! it.
//!
//! This knowledge serves three purposes. It names the rule that a wrong reply breaks. It keeps known
//! faults out of later conversations. It leaves out what the text of the challenge does not demand.

use std::collections::BTreeSet;

use crate::command::Command;
use crate::name::MAX_NAME_BYTES;
use crate::wire::DEFAULT_MAX_LINE_BYTES;

/// A set of rules, by their ids.
pub(super) type Rules = BTreeSet<&'static str>;

/// Names and lines over these lengths are sent for their length.
const LONG_NAME: usize = 200;
const LONG_LINE: usize = 4_096;

/// The ids of the rules that are known here. The second list is about how messages travel.
const ALL: [&str; 48] = [
    "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9", "M10", "M11", "N1", "N2", "N3", "N4",
    "D2", "D3", "D4", "D5", "D6", "L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "I1", "I2",
    "I3", "I4", "I5", "I6", "I7", "I8", "X1", "X2", "X3", "X4", "X5", "X6", "X7", "Q1", "Q2", "Q3",
    "C3",
];
const OF_MANNER: [&str; 8] = ["O1", "O2", "O3", "O6", "O9", "C5", "C6", "C7"];

/// The id of a rule, if the rule is known here.
pub(super) fn known(id: &str) -> Option<&'static str> {
    ALL.into_iter().chain(OF_MANNER).find(|rule| *rule == id)
}

/// The rules that a line breaks by how it is written, the most telling first. Empty if the line is a
/// message.
pub(super) fn broken_by(line: &[u8]) -> Vec<&'static str> {
    if line.len() > DEFAULT_MAX_LINE_BYTES {
        return vec!["L3"];
    }
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.is_empty() {
        return vec!["M7"];
    }
    let parts: Vec<&[u8]> = text.split(|byte| *byte == b'|').collect();
    let mut broken = Vec::new();
    let verb = parts[0];
    if !is_verb(verb) {
        // Without the padding around it, the text would be a command.
        broken.push(if is_verb(unpadded(verb)) { "M6" } else { "M2" });
    }
    if parts.len() != 3 {
        broken.push("M3");
    }
    if parts.get(1).is_some_and(|package| package.is_empty() || package.contains(&b',')) {
        broken.push("M4");
    }
    let list = parts.get(2).copied().unwrap_or_default();
    let names = list.strip_suffix(b",").unwrap_or(list).split(|byte| *byte == b',');
    let dependencies: Vec<&[u8]> = if list.is_empty() { Vec::new() } else { names.collect() };
    if dependencies.iter().any(|name| name.is_empty()) {
        broken.push("D3");
    }
    let packages = parts.get(1).into_iter().flat_map(|it| it.split(|byte| *byte == b','));
    for name in packages.chain(dependencies).filter(|name| !name.is_empty()) {
        broken.extend(broken_by_name(name));
    }
    if broken.contains(&"M2") {
        // The command has a CR in it.
        broken.extend(verb.contains(&b'\r').then_some("L7"));
    }
    broken
}

fn is_verb(text: &[u8]) -> bool {
    [b"INDEX".as_slice(), b"REMOVE", b"QUERY"].contains(&text)
}

/// The text without the spaces, tabs and quotes around it.
fn unpadded(text: &[u8]) -> &[u8] {
    let is_padding = |byte: &u8| b" \t\"'".contains(byte);
    let begin = text.iter().position(|byte| !is_padding(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_padding(byte)).map_or(begin, |last| last + 1);
    &text[begin..end]
}

fn broken_by_name(name: &[u8]) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let core = unpadded(name);
    if core.len() < name.len() {
        broken.push("M6");
    }
    if core.contains(&b'\r') {
        broken.push("L7");
    }
    if core.iter().any(|byte| byte.is_ascii_control() && *byte != b'\r') {
        broken.push("M8");
    }
    let may_stand = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._@/".contains(byte);
    if core.iter().any(|byte| !may_stand(byte) && !byte.is_ascii_control()) {
        broken.push("N4");
    }
    if name.len() > MAX_NAME_BYTES {
        broken.push("N1");
    }
    broken
}

/// The rules that allow a message to be written as it is.
pub(super) fn written_by(line: &[u8], command: &Command) -> Rules {
    let mut rules = Rules::new();
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.len() + 1 < line.len() {
        rules.insert("L6");
    }
    if text.len() > LONG_LINE {
        rules.insert("L2");
    }
    if text.ends_with(b",") {
        rules.insert("D2");
    }
    if !matches!(command, Command::Index { .. }) && !text.ends_with(b"|") {
        rules.extend(["M5", "D4"]);
    }
    let mut names = text.split(|byte| b"|,".contains(byte)).skip(1);
    if names
        .any(|name| name.len() > LONG_NAME || name.iter().any(|byte| !byte.is_ascii_alphanumeric()))
    {
        rules.extend(["N1", "N3"]);
    }
    if let Command::Index { dependencies, .. } = command {
        let different: BTreeSet<_> = dependencies.iter().collect();
        if different.len() < dependencies.len() {
            rules.insert("D5");
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::reference;

    #[test]
    fn a_line_breaks_no_rule_just_when_it_is_a_message() {
        const PARTS: [&[&str]; 5] = [
            &["INDEX", "REMOVE", "QUERY", "index", " QUERY", "QUERY\t", "", "IN\rDEX"],
            &["|", "|", "||", ""],
            &["a", "b.c", "a b", "", ",", "a,b", "\"a\"", "\u{e9}", "a\r", "x\u{0}"],
            &["|", "|", "||", ""],
            &["", "a", "a,", ",", ",a", "a,,b", "a,b", " a", "a\r", "a\r\r", "a:b", "\t"],
        ];
        let mut seen = BTreeSet::new();
        let all = PARTS.map(<[_]>::len).iter().product::<usize>();
        for number in 0..all {
            let (mut rest, mut line) = (number, String::new());
            for parts in PARTS {
                line += parts[rest % parts.len()];
                rest /= parts.len();
            }
            line += "\n";
            let broken = broken_by(line.as_bytes());
            let parsed = reference::parse(line.as_bytes());
            assert_eq!(broken.is_empty(), parsed.is_some(), "{line:?}: {broken:?}");
            seen.extend(broken);
        }
        let long = format!("QUERY|{}|\n", "n".repeat(256));
        seen.extend(broken_by(long.as_bytes()));
        seen.extend(broken_by(&vec![b'x'; DEFAULT_MAX_LINE_BYTES + 1]));
        seen.extend(broken_by(b"\n"));
        let all = ["D3", "L3", "L7", "M2", "M3", "M4", "M6", "M7", "M8", "N1", "N4"];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
    }
}
