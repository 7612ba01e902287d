//! Keeps known faults out of later conversations, so that each finding is a new one. Rules that the
//! challenge does not demand are kept out in the same way.
//!
//! A rule about packages is avoided by leaving out the messages that test it. A rule about transport
//! is avoided by another way of sending. For example, each message is sent alone and in one piece,
//! without half-closes, or on a new connection after an ERROR.

use std::collections::BTreeMap;

use super::past::Past;
use super::rules::{Rules, broken_by};
use crate::command::Command;
use crate::name::Name;
use crate::testing::history::Script;
use crate::testing::transcript::{Step, Transcript};
use crate::wire::DEFAULT_MAX_LINE_BYTES;

/// Rules that no conversation of one client can avoid.
const BASIC: [&str; 7] = ["I1", "I5", "X2", "Q1", "Q2", "M1", "M11"];

/// Whether nothing can be tried without this rule.
pub(super) fn is_basic(rule: &str) -> bool {
    BASIC.contains(&rule)
}

/// The transcript without the steps that test any of these rules. The caller has to compute its
/// replies again.
pub(super) fn without(transcript: &Transcript, rules: &Rules) -> Transcript {
    if rules.is_empty() {
        return transcript.clone();
    }
    let has = |any: &[&str]| any.iter().any(|rule| rules.contains(rule));
    let mut steps: Vec<Step> = transcript.steps().cloned().collect();
    if has(&["C5", "O6"]) {
        // One connection alone remains. A transcript that closes one needs others, so nothing of it
        // remains.
        steps.retain(|step| !matches!(step, Step::Switch(_)));
        if steps.iter().any(|step| matches!(step, Step::HalfClose | Step::BreakOff)) {
            return Transcript::from_steps([]);
        }
    }
    if has(&["C3"]) {
        let instead = steps.into_iter().filter_map(|step| match step {
            Step::HalfClose => None,
            Step::ExpectEnd => Some(Step::BreakOff),
            step => Some(step),
        });
        steps = instead.collect();
    }
    let mut without = without_lines(steps, rules);
    if rules.iter().any(|rule| is_of_messages_ahead(rule)) {
        without = one_at_a_time(without, rules.contains("C6"));
    }
    Transcript::from_steps(without)
}

/// Whether a server that breaks this rule may mishandle messages that are sent ahead of earlier
/// replies.
pub(super) fn is_of_messages_ahead(rule: &str) -> bool {
    ["L8", "L9", "O1", "O2", "O3", "O9", "C6"].contains(&rule)
}

/// An unfinished line, and its pieces: the number of the step, and the range of its bytes.
type Begun = (Vec<u8>, Vec<(usize, usize, usize)>);

/// The steps without the lines that test one of these rules, with all the pieces of each line.
fn without_lines(steps: Vec<Step>, rules: &Rules) -> Vec<Step> {
    let mut past = Past::default();
    // The unfinished line of each connection.
    let mut begun: BTreeMap<String, Begun> = BTreeMap::new();
    let mut dropped: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    let mut current = "main".to_owned();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Switch(name) => current.clone_from(name),
            Step::BreakOff | Step::HalfClose | Step::ExpectEnd => {
                let (_, pieces) = begun.remove(&current).unwrap_or_default();
                // A line that is cut off has pieces as well.
                if rules.contains("L9") || rules.contains("L8") {
                    for (number, from, to) in pieces {
                        dropped.entry(number).or_default().push((from, to));
                    }
                }
            }
            Step::Send(bytes) => {
                let mut from = 0;
                for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                    let (line, pieces) = begun.entry(current.clone()).or_default();
                    line.extend_from_slice(piece);
                    pieces.push((number, from, from + piece.len()));
                    from += piece.len();
                    if !line.ends_with(b"\n") {
                        continue;
                    }
                    let (line, pieces) = begun.remove(&current).unwrap_or_default();
                    if past.exercised(&line).is_disjoint(rules) {
                        past.apply(&current, &line);
                    } else {
                        for (number, from, to) in pieces {
                            dropped.entry(number).or_default().push((from, to));
                        }
                    }
                }
            }
            Step::Expect(_) => {}
        }
    }
    if rules.contains("L3") {
        // A server answers a line over the limit before its LF.
        let is_too_long = |line: &Vec<u8>| line.len() >= DEFAULT_MAX_LINE_BYTES;
        let too_long = begun.into_values().filter(|(line, _)| is_too_long(line));
        for (number, from, to) in too_long.flat_map(|(_, pieces)| pieces) {
            dropped.entry(number).or_default().push((from, to));
        }
    }
    let kept = steps.into_iter().enumerate().filter_map(|(number, step)| match step {
        Step::Send(bytes) if dropped.contains_key(&number) => {
            let gone = &dropped[&number];
            let is_kept = |at: &usize| !gone.iter().any(|(from, to)| (*from..*to).contains(at));
            let kept: Vec<u8> = (0..bytes.len()).filter(is_kept).map(|at| bytes[at]).collect();
            Some(Step::Send(kept))
                .filter(|_| gone.iter().map(|(a, b)| b - a).sum::<usize>() < bytes.len())
        }
        step => Some(step),
    });
    kept.collect()
}

/// Sends each line in one piece, after the line before is answered. With `breaks_off`, a new
/// connection follows each malformed line.
pub(super) fn one_at_a_time(steps: Vec<Step>, breaks_off: bool) -> Vec<Step> {
    let mut begun: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut current = "main".to_owned();
    let mut single = Vec::new();
    for step in steps {
        match step {
            Step::Switch(name) => {
                current.clone_from(&name);
                single.push(Step::Switch(name));
            }
            Step::Send(bytes) => {
                for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                    let line = begun.entry(current.clone()).or_default();
                    line.extend_from_slice(piece);
                    if line.ends_with(b"\n") {
                        let line = std::mem::take(line);
                        let is_malformed = !broken_by(&line).is_empty();
                        single.extend([Step::Send(line), Step::Expect(String::new())]);
                        if breaks_off && is_malformed {
                            single.push(Step::BreakOff);
                        }
                    }
                }
            }
            Step::BreakOff | Step::HalfClose => {
                if let Some(line) = begun.remove(&current).filter(|line| !line.is_empty()) {
                    single.push(Step::Send(line));
                }
                single.push(step);
            }
            Step::Expect(_) | Step::ExpectEnd => single.push(step),
        }
    }
    single
}

/// Scripts of clients at once that test none of these rules, in any order of their commands. `None` if
/// there are no such scripts.
pub(super) fn scripts_without(
    scripts: Vec<Script<Command>>,
    rules: &Rules,
) -> Option<Vec<Script<Command>>> {
    let has = |any: &[&str]| any.iter().any(|rule| rules.contains(rule));
    if rules.iter().any(|rule| is_basic(rule)) || has(&["X1", "C5", "O6"]) {
        return None;
    }
    let mut lists: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
    let mut adapted = |command: Command| match command {
        Command::Index { package, mut dependencies } => {
            if has(&["X3", "X6", "X7", "I2", "I3", "I8"]) {
                dependencies.clear();
            }
            if has(&["I6", "X4"]) {
                dependencies.retain(|name| *name != package);
            }
            if has(&["I7", "X5"]) {
                dependencies.retain(|name| *name <= package);
            }
            if has(&["D5"]) {
                dependencies.sort();
                dependencies.dedup();
            }
            if has(&["I4"]) {
                let first = lists.entry(package.clone()).or_insert_with(|| dependencies.clone());
                dependencies.clone_from(first);
            }
            Command::Index { package, dependencies }
        }
        // Any QUERY may find its package missing.
        Command::Query { package } if has(&["Q3"]) => Command::Remove { package },
        command => command,
    };
    let one_at_a_time = has(&["L8", "O1", "O2", "O3", "O9"]);
    let adapted = scripts.into_iter().map(|script| {
        let bursts = script.into_iter().map(|burst| burst.into_iter().map(&mut adapted).collect());
        let bursts: Vec<Vec<Command>> = bursts.collect();
        if one_at_a_time {
            bursts.into_iter().flatten().map(|command| vec![command]).collect()
        } else {
            bursts
        }
    });
    Some(adapted.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(text: &str, rules: &[&'static str]) -> String {
        let transcript: Transcript = text.parse().unwrap();
        without(&transcript, &rules.iter().copied().collect()).answered().to_string()
    }

    #[test]
    fn messages_that_put_a_rule_to_the_test_are_left_out() {
        let text = "> INDEX|a|\n> INDEX|b|a\n> INDEX|b|\n> REMOVE|a|\n> REMOVE|b|\n> index|a|\n";
        // Without the second INDEX of b, b still needs a.
        assert_eq!(
            spoken(text, &["I4"]),
            "> INDEX|a|\n> INDEX|b|a\n> REMOVE|a|\n> REMOVE|b|\n> index|a|\n< OK\n< OK\n< FAIL\n< OK\n< ERROR\n"
        );
        assert!(!spoken(text, &["M2"]).contains("index"));
        assert_eq!(
            spoken("> REMOVE|a|\n> INDEX|a|\n> REMOVE|a|\n", &["X1"]).matches("REMOVE").count(),
            1
        );
    }

    #[test]
    fn a_line_in_pieces_is_left_out_with_all_its_pieces() {
        let text = ">~ QUERY|a|\\nque\n>~ ry|\n> a|\\nQUERY|b|\n";
        assert_eq!(
            spoken(text, &["M2"]),
            ">~ QUERY|a|\\n\n> QUERY|b|\n< FAIL\n< FAIL\n"
                .replace("\\n\n", "\n")
                .replace(">~", ">")
        );
    }

    #[test]
    fn messages_travel_in_another_manner() {
        let text = "> x\\nQUERY|a|\n>~ QUE\n> RY|b|\n>~ INDEX|c|\n>$\n";
        let one = "> x\n< ERROR\n> QUERY|a|\n< FAIL\n> QUERY|b|\n< FAIL\n";
        assert_eq!(spoken(text, &["L8"]), format!("{one}>$\n"));
        assert_eq!(spoken(text, &["O2"]), format!("{one}>~ INDEX|c|\n>$\n"));
        let anew = one.replace("< ERROR\n", "< ERROR\n>!\n");
        assert!(spoken(text, &["C6"]).starts_with(&anew), "{}", spoken(text, &["C6"]));
        assert!(!spoken(text, &["C3"]).contains('$'));
        assert!(!spoken(text, &["L9", "L8"]).contains("INDEX"));
    }

    #[test]
    fn one_connection_alone_sees_no_other() {
        let text = "> INDEX|a|\n< OK\n@ two\n> QUERY|a|\n< OK\n";
        assert_eq!(spoken(text, &["O6"]), "> INDEX|a|\n< OK\n> QUERY|a|\n< OK\n");
        assert_eq!(spoken("> INDEX|a|\n>!\n@ two\n> QUERY|a|\n", &["C5"]), "");
    }

    #[test]
    fn clients_at_once_put_no_rule_to_the_test_in_any_order() {
        let index = |package, list: &[&str]| Command::index(package, list.iter().copied()).unwrap();
        let scripts =
            || vec![vec![vec![index("a", &["b"]), index("a", &["a"])], vec![index("b", &["a"])]]];
        let without = |rules: &[&'static str]| {
            let adapted = scripts_without(scripts(), &rules.iter().copied().collect())?;
            let commands = adapted.iter().flatten().flatten().map(Command::to_string);
            Some(commands.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(without(&["I4"]).unwrap(), "INDEX|a|b INDEX|a|b INDEX|b|a");
        assert_eq!(without(&["X4"]).unwrap(), "INDEX|a|b INDEX|a| INDEX|b|a");
        assert_eq!(without(&["X5"]).unwrap(), "INDEX|a| INDEX|a|a INDEX|b|a");
        assert_eq!(without(&["I3"]).unwrap(), "INDEX|a| INDEX|a| INDEX|b|");
        assert_eq!(without(&["Q1"]), None);
        let one = scripts_without(scripts(), &["O2"].into()).unwrap();
        assert!(one[0].iter().all(|burst| burst.len() == 1));
    }
}
