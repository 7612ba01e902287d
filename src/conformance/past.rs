//! What has happened to packages before a message comes. The past decides which rules the message
//! tests, and which of these a wrong reply breaks.

use std::collections::{BTreeMap, BTreeSet};

use super::namespace::LONG_LINE;
use super::rules::{Rules, broken_by, written_by};
use crate::command::{Command, Reply};
use crate::model::Model;
use crate::name::{MAX_NAME_BYTES, Name};
use crate::testing::reference;

/// What has happened to packages, as far as it can make a later reply wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    pub(super) model: Model,
    /// Packages that another one needed once, and needs no longer. Each has the rule by which it was
    /// let go, and the package that needed it.
    let_go: BTreeMap<Name, (&'static str, Name)>,
    /// Packages whose list was replaced while they were indexed.
    relisted: BTreeSet<Name>,
    /// Packages for which INDEX has failed.
    failed: BTreeSet<Name>,
    /// Packages that were removed.
    removed: BTreeSet<Name>,
    /// Names on lists, indexed or not.
    listed: BTreeSet<Name>,
    /// Packages that malformed lines, and in the second set cut-off lines, may have been meant to
    /// index.
    malformed: BTreeSet<Name>,
    cut_off: BTreeSet<Name>,
    /// The connection that last changed each package, and the connections that asked for each.
    changed_on: BTreeMap<Name, String>,
    asked_on: BTreeSet<(Name, String)>,
    /// Packages that were asked for while they were not indexed.
    asked_for: BTreeSet<Name>,
    /// The connections whose last reply was ERROR.
    after_error: BTreeSet<String>,
}

/// The command that a line is for a server, or `None` if it is malformed.
///
/// A long line changes when its names get their prefix. Other names replace its dependencies, and
/// these are not indexed.
fn sent(line: &[u8]) -> Option<Command> {
    let command = reference::parse(line).filter(|_| broken_by(line).is_empty())?;
    match command {
        Command::Index { package, dependencies } if line.len() > LONG_LINE => {
            // No transcript sends a name this long, except for its length.
            let other = "z".repeat(MAX_NAME_BYTES).parse().ok();
            let dependencies =
                if dependencies.is_empty() { Vec::new() } else { other.into_iter().collect() };
            Some(Command::Index { package, dependencies })
        }
        command => Some(command),
    }
}

impl Past {
    /// Applies a line that comes on a connection, and gives the reply of a correct machine.
    pub(super) fn apply(&mut self, connection: &str, line: &[u8]) -> Reply {
        let command = sent(line);
        let before = self.model.clone();
        let reply = reference::reply(command.as_ref(), &mut self.model);
        if reply == Reply::Error {
            self.after_error.insert(connection.to_owned());
            self.malformed.extend(meant_to_index(line));
        } else {
            self.after_error.remove(connection);
        }
        let Some(command) = command else { return reply };
        let package = command.package().clone();
        let old = before.packages().get(&package).cloned();
        match (&command, reply) {
            (Command::Index { dependencies, .. }, _) => {
                self.listed.extend(dependencies.iter().cloned());
                if reply == Reply::Fail {
                    self.failed.insert(package.clone());
                }
            }
            (Command::Query { .. }, _) => {
                self.asked_on.insert((package.clone(), connection.to_owned()));
                if reply == Reply::Fail {
                    self.asked_for.insert(package.clone());
                }
            }
            (Command::Remove { .. }, Reply::Ok) if old.is_some() => {
                self.removed.insert(package.clone());
            }
            (Command::Remove { .. }, _) => {}
        }
        if reply == Reply::Ok && !matches!(command, Command::Query { .. }) {
            let rule = if matches!(command, Command::Index { .. }) { "I4" } else { "X6" };
            if self.model.packages().get(&package) == old.as_ref() {
                // Nothing has happened to the package.
            } else if old.is_some() && rule == "I4" {
                self.relisted.insert(package.clone());
            } else {
                self.relisted.remove(&package);
            }
            let lost = old.into_iter().flatten().filter(|name| *name != package);
            self.let_go.extend(lost.map(|name| (name, (rule, package.clone()))));
            self.changed_on.insert(package, connection.to_owned());
        }
        reply
    }

    /// Notes that a line was cut off before its LF.
    pub(super) fn cut_off(&mut self, begun: &[u8]) {
        self.cut_off.extend(meant_to_index(begun));
        self.cut_off
            .extend(reference::parse(&[begun, b"\n"].concat()).map(|it| it.package().clone()));
    }

    pub(super) fn is_after_error(&self, connection: &str) -> bool {
        self.after_error.contains(connection)
    }

    fn is_indexed(&self, name: &Name) -> bool {
        self.model.packages().contains_key(name)
    }

    /// The packages that have this package on their list, apart from itself.
    fn dependents(&self, package: &Name) -> Vec<&Name> {
        let holds =
            |(name, list): &(&Name, &BTreeSet<Name>)| *name != package && list.contains(package);
        self.model.packages().iter().filter(holds).map(|(name, _)| name).collect()
    }

    /// Whether one package needs another, directly or through others.
    fn needs(&self, from: &Name, to: &Name) -> bool {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(name) = left.pop() {
            for needed in self.model.packages().get(&name).into_iter().flatten() {
                if needed == to {
                    return true;
                }
                if seen.insert(needed.clone()) {
                    left.push(needed.clone());
                }
            }
        }
        false
    }

    /// Whether another package is indexed whose name differs only in case.
    fn has_it_in_another_case(&self, name: &Name) -> bool {
        let alike =
            |other: &Name| other != name && other.as_str().eq_ignore_ascii_case(name.as_str());
        self.model.packages().keys().any(alike)
    }

    /// All rules that a line tests, as it is written and in this state.
    pub(super) fn exercised(&self, line: &[u8]) -> Rules {
        let broken = broken_by(line);
        let Some(command) = sent(line) else {
            let several = (broken.len() > 1).then_some("M10");
            return broken.into_iter().chain(["M9"]).chain(several).collect();
        };
        let mut rules = written_by(line, &command);
        let package = command.package();
        let old = self.model.packages().get(package);
        match &command {
            Command::Index { dependencies, .. } => {
                let list: BTreeSet<Name> = dependencies.iter().cloned().collect();
                if list.iter().any(|name| !self.is_indexed(name)) {
                    rules.extend(["I2", "I3", "I8"]);
                }
                if list.iter().any(|name| self.has_it_in_another_case(name)) {
                    rules.insert("N2");
                }
                if list.contains(package) {
                    rules.extend(["I6", "X4"]);
                }
                if old.is_some_and(|old| *old != list) {
                    rules.insert("I4");
                }
                let closes = |name: &Name| name != package && self.needs(name, package);
                if old.is_some() && list.iter().any(closes) {
                    rules.extend(["I7", "X5"]);
                }
                if self.removed.contains(package) {
                    rules.insert("X7");
                }
                rules.insert(if list.is_empty() { "I5" } else { "I1" });
                if list.len() > 1 {
                    rules.insert("D6");
                }
            }
            Command::Remove { .. } => {
                let holders = self.dependents(package);
                if old.is_none() {
                    rules.insert("X1");
                } else if holders.is_empty() {
                    rules.insert("X2");
                } else {
                    rules.insert("X3");
                }
                if old.is_some_and(|list| list.iter().any(|name| name != package)) {
                    rules.insert("X6");
                }
            }
            Command::Query { .. } => {
                // A QUERY can be seen to change something only if the package is missing.
                rules.extend(if old.is_some() { &["Q1"][..] } else { &["Q2", "Q3"] });
            }
        }
        if self.has_it_in_another_case(package) {
            rules.insert("N2");
        }
        rules
    }

    /// The rule that is most likely broken when a message gets a wrong reply. The message is whole,
    /// alone and in one piece.
    pub(super) fn broken(
        &self,
        connection: &str,
        line: &[u8],
        due: Reply,
        actual: Reply,
    ) -> &'static str {
        let broken = broken_by(line);
        let Some(command) = sent(line) else {
            return broken.first().copied().unwrap_or("M9");
        };
        let written = written_by(line, &command);
        if actual == Reply::Error {
            let first = ["L6", "D2", "D4", "L2", "N1", "D5"];
            let of_state = match (&command, due) {
                (Command::Index { .. }, Reply::Fail) => "I2",
                (Command::Remove { .. }, Reply::Fail) => "X3",
                _ => "M1",
            };
            return first.into_iter().find(|rule| written.contains(rule)).unwrap_or(of_state);
        }
        if written.contains("D4") {
            return "D4";
        }
        let package = command.package();
        if !matches!(command, Command::Index { .. })
            && let Some(by) = self.changed_on.get(package)
            && by != connection
        {
            let asked = self.asked_on.contains(&(package.clone(), connection.to_owned()));
            return if asked { "O6" } else { "C5" };
        }
        if self.has_it_in_another_case(package) {
            return "N2";
        }
        match &command {
            Command::Index { dependencies, .. } => self.broken_by_index(package, dependencies, due),
            Command::Remove { .. } => self.broken_by_remove(package, due),
            Command::Query { .. } if due == Reply::Ok => "Q1",
            Command::Query { .. } => [
                (&self.cut_off, "L9"),
                (&self.malformed, "M9"),
                (&self.failed, "I3"),
                (&self.removed, "X2"),
                (&self.listed, "I8"),
                (&self.asked_for, "Q3"),
            ]
            .into_iter()
            .find_map(|(names, rule)| names.contains(package).then_some(rule))
            .unwrap_or("Q2"),
        }
    }

    fn broken_by_index(&self, package: &Name, list: &[Name], due: Reply) -> &'static str {
        if list.contains(package) {
            return "I6";
        }
        if due == Reply::Fail {
            let wrongly = |names: &BTreeSet<Name>| {
                list.iter().any(|name| !self.is_indexed(name) && names.contains(name))
            };
            if list.iter().any(|name| self.has_it_in_another_case(name)) {
                return "N2";
            }
            let known = [
                (&self.cut_off, "L9"),
                (&self.malformed, "M9"),
                (&self.failed, "I3"),
                (&self.asked_for, "Q3"),
                (&self.listed, "I8"),
            ];
            let known = known.into_iter().find(|(names, _)| wrongly(names));
            return known.map_or("I2", |(_, rule)| rule);
        }
        let closes = |name: &Name| self.needs(name, package);
        let different: BTreeSet<_> = list.iter().collect();
        match list {
            [] => "I5",
            _ if self.is_indexed(package) && list.iter().any(closes) => "I7",
            _ if different.len() < list.len() => "D5",
            _ => "I1",
        }
    }

    fn broken_by_remove(&self, package: &Name, due: Reply) -> &'static str {
        if due == Reply::Fail {
            let holders = self.dependents(package);
            return match &holders[..] {
                _ if holders.iter().any(|name| self.malformed.contains(*name)) => "M9",
                _ if holders.iter().any(|name| self.failed.contains(*name)) => "I3",
                _ if holders.iter().all(|name| self.needs(package, name)) => "X5",
                // They need the package only since they were indexed again.
                _ if holders.iter().all(|name| self.relisted.contains(*name)) => "I4",
                _ => "X3",
            };
        }
        let Some(list) = self.model.packages().get(package) else { return "X1" };
        if list.contains(package) {
            return "X4";
        }
        match self.let_go.get(package) {
            // The package that let it go has come back with another list.
            Some(("X6", by)) if self.is_indexed(by) => "X7",
            Some((rule, _)) => rule,
            None if self.failed.iter().any(|it| it != package) && self.listed.contains(package) => {
                "I3"
            }
            None => "X2",
        }
    }
}

/// The package that a malformed or cut-off line may have been meant to index.
fn meant_to_index(line: &[u8]) -> Option<Name> {
    let name = line.split(|byte| b"|,\r\n".contains(byte)).nth(1)?;
    std::str::from_utf8(name).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_puts_to_the_test_depends_on_what_came_before() {
        let mut past = Past::default();
        for (line, expected) in [
            ("INDEX|a|\n", "I5"),
            ("INDEX|b|a\n", "I1"),
            ("INDEX|b|\n", "I4 I5"),
            ("INDEX|c|d,a\n", "D6 I1 I2 I3 I8"),
            ("INDEX|b|b\n", "I1 I4 I6 X4"),
            ("INDEX|b|a\n", "I1 I4"),
            ("INDEX|a|b\n", "I1 I4 I7 X5"),
            ("REMOVE|a|\n", "X3 X6"),
            ("REMOVE|c|x\n", "D4 M5 X1"),
            ("QUERY|A|\r\n", "L6 N2 Q2 Q3"),
            ("QUERY|a|\n", "Q1"),
            ("QUERY|a||x y\n", "M3 M9"),
            ("QUERY|a|x y,\n", "M9 N4"),
        ] {
            let rules: Vec<_> = past.exercised(line.as_bytes()).into_iter().collect();
            assert_eq!(rules.join(" "), expected, "{line}");
            past.apply("main", line.as_bytes());
        }
    }
}
