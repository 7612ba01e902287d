//! A row of the table: what came of one hunt.

use std::fmt::{self, Display};
use std::io;

use crate::hunts::Hunt;
use crate::run::Outcome;
use crate::sets::{Programs, Set};

/// From how many seeds each version is tried.
pub(crate) const SEEDS: u64 = 20;

/// What came of one hunt.
pub(crate) struct Row {
    hunt: &'static Hunt,
    /// The version with the bug.
    prey: Trial,
    /// If the bug was reported: the version without it, and the newest.
    others: Vec<Trial>,
}

/// What came of one version.
struct Trial {
    version: &'static str,
    cases: u64,
    /// From how many seeds something was found.
    found: usize,
    /// Of those, the middle one: after how many commands, and in how many tries it was shrunk.
    commands: usize,
    tries: usize,
    /// The shortest trace that was found, with what was seen.
    shortest: Option<(String, String)>,
}

impl Row {
    /// Runs a hunt from all seeds.
    pub(crate) fn of(hunt: &'static Hunt, programs: &Programs) -> io::Result<Self> {
        let trial = |set| Trial::of(hunt, set, programs);
        let (prey, others): (_, &[Set]) = match hunt.report {
            Some(_) => (Set::Bad, &[Set::Fixed, Set::Newest]),
            None => (Set::Newest, &[]),
        };
        let others = others.iter().map(|set| trial(*set)).collect::<io::Result<_>>()?;
        Ok(Self { hunt, prey: trial(prey)?, others })
    }

    /// Whether something was found in the version with the bug, and in each of the others.
    pub(crate) fn verdict(&self) -> Vec<bool> {
        let others = self.others.iter().map(|other| other.found > 0);
        std::iter::once(self.prey.found > 0).chain(others).collect()
    }

    /// The same of a row that was printed before; none if it is of another hunt.
    pub(crate) fn verdict_of(&self, printed: &str) -> Option<Vec<bool>> {
        let cells: Vec<_> = printed.split(" | ").collect();
        let [name, _, _, found, _, _, others @ ..] = &cells[..] else { return None };
        let is_this = name.strip_prefix("| ") == Some(self.hunt.name);
        let others = others.iter().take(self.others.len()).map(|other| other.contains("fails"));
        is_this.then(|| std::iter::once(!found.starts_with("0 ")).chain(others).collect())
    }

    /// The shortest traces, in Markdown.
    pub(crate) fn traces(&self) -> String {
        let all = std::iter::once(&self.prey).chain(&self.others);
        let trace = |trial: &Trial| {
            let (trace, what) = trial.shortest.as_ref()?;
            let head = format!("### {} {}", self.hunt.name, trial.version);
            Some(format!("{head}\n\n```text\n{trace}# {}\n```\n\n", what.trim()))
        };
        all.filter_map(trace).collect()
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hunt { name, report, bug, .. } = self.hunt;
        let Trial { version, found, commands, tries, .. } = &self.prey;
        write!(f, "| {name} | {version} | {bug}")?;
        if let Some(report) = report {
            write!(f, " ([report]({report}))")?;
        }
        write!(f, " | {found} of {SEEDS} | ")?;
        if *found > 0 {
            write!(f, "{commands} | {tries}")?;
        } else {
            write!(f, "– | –")?;
        }
        for other in &self.others {
            write!(f, " | {other}")?;
        }
        f.write_str(if self.others.is_empty() { " | – | – |" } else { " |" })
    }
}

impl Trial {
    fn of(hunt: &Hunt, set: Set, programs: &Programs) -> io::Result<Self> {
        let (mut commands, mut tries, mut traces, mut passed) = (vec![], vec![], vec![], 0);
        let mut is_apart = false;
        for seed in 0..SEEDS {
            let mut outcome = programs.try_from_seed(set, (hunt.name, seed), is_apart)?;
            if outcome.is_none() && !is_apart {
                // It hangs or crashes. So it will from other seeds.
                is_apart = true;
                outcome = programs.try_from_seed(set, (hunt.name, seed), is_apart)?;
            }
            let died = || io::Error::other(format!("{} died from seed {seed}", hunt.name));
            match outcome.ok_or_else(died)? {
                Outcome::Passed { cases, .. } => passed += cases,
                Outcome::Found { commands: after, tries: shrunk_in, what, trace } => {
                    commands.push(after);
                    tries.push(shrunk_in);
                    traces.push((trace, what));
                }
            }
        }
        let shortest = traces.iter().min_by_key(|(trace, _)| (trace.lines().count(), trace.len()));
        Ok(Self {
            version: set.version(hunt.package),
            cases: passed,
            found: traces.len(),
            commands: median(commands),
            tries: median(tries),
            shortest: shortest.cloned(),
        })
    }
}

impl Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, cases, found, .. } = self;
        match found {
            0 => write!(f, "{version} passes {cases} cases"),
            _ => write!(f, "{version} fails from {found} of {SEEDS}"),
        }
    }
}

/// The middle one; of two, the larger.
fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}
