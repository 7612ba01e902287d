//! The tables, in Markdown.

use std::time::Duration;

use crate::compare::{Bug, LIMIT_MILLIS, MOST, Measured, ROUNDS, Report, Speed};
use crate::glue;
use crate::with::{Machine, Tool};

/// What is locked is what was built.
const LOCK: &str = include_str!("../Cargo.lock");

impl Tool {
    fn package(self) -> &'static str {
        match self {
            Self::Statecheck => "statecheck",
            Self::Proptest => "proptest-state-machine",
            Self::Bolero => "bolero",
            Self::Quickcheck => "quickcheck",
        }
    }

    fn version(self) -> &'static str {
        let head = format!("name = \"{}\"\nversion = \"", self.package());
        let rest = LOCK.split_once(&head).map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or_default()
    }
}

pub fn of(measured: &Measured) -> String {
    let tools = &measured.tools;
    let mut text =
        row("", tools.iter().map(|tool| format!("{} {}", tool.package(), tool.version())));
    text += &row("---", tools.iter().map(|_| "---:".to_owned()));
    for Speed { machine, .. } in &measured.speeds {
        let lines = tools.iter().map(|tool| glue::lines(*tool, *machine).to_string());
        text += &row(&format!("lines of glue, {}", name(*machine)), lines);
    }
    let runs = measured.bugs.len() as u64 * measured.seeds;
    let total = |what: fn(&Bug, &Report) -> bool| {
        let of_tool = move |place: usize| {
            let of_bug = |bug: &Bug| bug.reports[place].iter().filter(|it| what(bug, it)).count();
            format!("{} of {runs}", measured.bugs.iter().map(of_bug).sum::<usize>())
        };
        (0..tools.len()).map(of_tool).collect::<Vec<_>>()
    };
    text += &row(&format!("found and shrunk in {} s", LIMIT_MILLIS / 1_000), total(|_, _| true));
    text += &row("shrunk to the least", total(|bug, report| report.length == bug.least));
    for speed in &measured.speeds {
        let what = format!("commands a second, {}", name(speed.machine));
        text += &row(&what, speed.of_tools.iter().map(|speed| thousands(*speed)));
    }
    text += &format!(
        "\nThe speed is the median of {ROUNDS} rounds, with up to {MOST} commands a trace for all tools.\n"
    );
    text += "\nOf each bug: in how many runs it was found, and the length of the trace that is reported, median \
             and worst.\n\n";
    let head =
        ["least".to_owned()].into_iter().chain(tools.iter().map(|tool| tool.package().to_owned()));
    text += &row("", head);
    text += &row("---", std::iter::repeat_n("---:".to_owned(), tools.len() + 1));
    for bug in &measured.bugs {
        let lengths = bug.reports.iter().map(|reports| lengths(reports));
        text += &row(&name_of(bug), [bug.least.to_string()].into_iter().chain(lengths));
    }
    text += "\nMilliseconds until it was found and shrunk, median and worst.\n\n";
    text += &row("", tools.iter().map(|tool| tool.package().to_owned()));
    text += &row("---", tools.iter().map(|_| "---:".to_owned()));
    for bug in &measured.bugs {
        text += &row(&name_of(bug), bug.reports.iter().map(|reports| times(reports)));
    }
    text
}

fn row(first: &str, rest: impl IntoIterator<Item = String>) -> String {
    let rest: Vec<_> = rest.into_iter().collect();
    format!("| {first} | {} |\n", rest.join(" | "))
}

fn name(machine: Machine) -> &'static str {
    match machine {
        Machine::Leases => "leases",
        Machine::Ledger => "ledger",
        Machine::Cache => "cache",
    }
}

fn name_of(bug: &Bug) -> String {
    format!("{}, bug {}", name(bug.machine), bug.number)
}

fn lengths(reports: &[Report]) -> String {
    let mut lengths: Vec<_> = reports.iter().map(|report| report.length).collect();
    lengths.sort_unstable();
    match lengths[..] {
        [] => "0: –".to_owned(),
        [.., worst] => format!("{}: {}, {worst}", lengths.len(), lengths[(lengths.len() - 1) / 2]),
    }
}

fn times(reports: &[Report]) -> String {
    let mut times: Vec<_> = reports.iter().map(|report| report.time).collect();
    times.sort_unstable();
    let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    match times[..] {
        [] => "–".to_owned(),
        [.., worst] => format!("{}, {}", millis(times[(times.len() - 1) / 2]), millis(worst)),
    }
}

/// Rounded to ten thousands, with commas.
fn thousands(number: u64) -> String {
    let thousands = (number + 5_000) / 10_000 * 10;
    match thousands / 1_000 {
        0 => format!("{thousands},000"),
        millions => format!("{millions},{:03},000", thousands % 1_000),
    }
}
