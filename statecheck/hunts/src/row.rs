//! A row of the table: what came of one hunt.

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

use crate::hunts::Hunt;
use crate::run::Outcome;
use crate::sets::{Set, try_from_seed};

/// From how many seeds each version is tried.
pub(crate) const SEEDS: u64 = 20;

/// What came of one hunt.
pub(crate) struct Row {
    name: &'static str,
    report: Option<&'static str>,
    bug: &'static str,
    version: &'static str,
    /// From how many seeds the bug was found.
    found: usize,
    /// Of those, the middle one: after how many commands, and in how many tries it was shrunk.
    commands: usize,
    tries: usize,
    /// The shortest that was found, with what was seen.
    shortest: Option<(String, String)>,
    /// How the version without the bug did, if there is one.
    fixed: Option<Fixed>,
}

/// The version without the bug.
struct Fixed {
    version: &'static str,
    /// From how many seeds something was found all the same.
    found: usize,
    cases: u64,
}

/// Where the programs are.
pub(crate) struct Programs<'a> {
    pub(crate) bad: &'a Path,
    pub(crate) fixed: &'a Path,
    pub(crate) newest: &'a Path,
}

impl Row {
    /// Runs a hunt from all seeds.
    pub(crate) fn of(hunt: &Hunt, programs: &Programs<'_>) -> io::Result<Self> {
        let Hunt { name, report, bug, .. } = *hunt;
        let (set, program) = match report {
            Some(_) => (Set::Bad, programs.bad),
            None => (Set::Newest, programs.newest),
        };
        let outcomes = |program| -> io::Result<Vec<Outcome>> {
            (0..SEEDS).map(|seed| try_from_seed(program, name, seed)).collect()
        };
        let (mut commands, mut tries, mut traces) = (vec![], vec![], vec![]);
        for outcome in outcomes(program)? {
            if let Outcome::Found { commands: after, tries: shrunk_in, what, trace } = outcome {
                commands.push(after);
                tries.push(shrunk_in);
                traces.push((trace, what));
            }
        }
        let fixed = match report {
            None => None,
            Some(_) => Some(Fixed::of(name, outcomes(programs.fixed)?)),
        };
        let shortest = traces.iter().min_by_key(|(trace, _)| (trace.lines().count(), trace.len()));
        Ok(Self {
            name,
            report,
            bug,
            version: set.version(name),
            found: traces.len(),
            commands: median(commands),
            tries: median(tries),
            shortest: shortest.cloned(),
            fixed,
        })
    }

    /// Whether the bug was found, and whether the version without it passed.
    pub(crate) fn verdict(&self) -> (bool, bool) {
        (self.found > 0, self.fixed.as_ref().is_none_or(|fixed| fixed.found == 0))
    }

    /// The same of a row that was printed before; none if it is of another hunt.
    pub(crate) fn verdict_of(&self, printed: &str) -> Option<(bool, bool)> {
        let cells: Vec<_> = printed.split('|').map(str::trim).collect();
        let [_, name, _, _, found, _, _, fixed, _] = cells[..] else { return None };
        (name == self.name).then(|| (!found.starts_with("0 "), !fixed.contains("fails")))
    }

    /// The shortest trace, in Markdown.
    pub(crate) fn trace(&self) -> Option<String> {
        let (trace, what) = self.shortest.as_ref()?;
        let (name, version) = (self.name, self.version);
        Some(format!("### {name} {version}\n\n```text\n{trace}# {}\n```\n", what.trim()))
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, bug, found, commands, tries, .. } = self;
        write!(f, "| {name} | {version} | {bug}")?;
        if let Some(report) = self.report {
            write!(f, " ([report]({report}))")?;
        }
        write!(f, " | {found} of {SEEDS} | ")?;
        if *found > 0 {
            write!(f, "{commands} | {tries} | ")?;
        } else {
            write!(f, "– | – | ")?;
        }
        match &self.fixed {
            None => write!(f, "–"),
            Some(Fixed { version, found: 0, cases }) => {
                write!(f, "{version} passes {cases} cases")
            }
            Some(Fixed { version, found, .. }) => write!(f, "{version} fails from {found} seeds"),
        }?;
        write!(f, " |")
    }
}

impl Fixed {
    fn of(name: &str, outcomes: Vec<Outcome>) -> Self {
        let (mut found, mut passed) = (0, 0);
        for outcome in outcomes {
            match outcome {
                Outcome::Passed { cases, .. } => passed += cases,
                Outcome::Found { what, trace, .. } => {
                    found += 1;
                    eprintln!("{name} without the bug, all the same: {what}\n{trace}");
                }
            }
        }
        Self { version: Set::Fixed.version(name), found, cases: passed }
    }
}

/// The middle one; of two, the larger.
fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}
