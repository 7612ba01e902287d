//! A run as a person reads it: a table that grows during the run, and the summary at its end.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::report::{Report, details, word};
use super::{Format, System, json, junit};
use crate::cli::output::{Aside, is_for_people};
use crate::conformance::{self, Behaviour, CheckOutcome, Settings, Verdict};

/// Lists all checks for this many addresses.
pub(super) fn list(addresses: usize) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for check in conformance::checks(addresses) {
        writeln!(output, "{:<34} {} ({})", check.name, check.promise, check.rules.join(" "))?;
    }
    Ok(())
}

/// Prints a run: as text while it lasts, in other forms at its end.
pub(super) struct Table {
    format: Format,
    /// The address, for messages.
    place: String,
    seed: u64,
    begin: Instant,
    /// The output beside the exit status, which says the same.
    output: Aside<io::Stdout>,
}

impl Table {
    pub(super) fn new(format: Format, system: &System, settings: &Settings) -> Self {
        let (begin, output) = (Instant::now(), Aside::new(io::stdout()));
        let as_one = if system.addresses.len() > 1 { " as one system" } else { "" };
        let place = system.listed() + as_one;
        Self { format, place, seed: settings.seed, begin, output }
    }

    pub(super) fn observe_behaviours(&mut self, behaviours: &[Behaviour]) {
        if self.format == Format::Text {
            // A failed write is reported at the end.
            let _kept = head(&mut self.output, &self.place, self.seed, behaviours);
        }
    }

    pub(super) fn observe_outcome(&mut self, outcome: &CheckOutcome) {
        // Checks that did not run are counted at the end.
        if self.format == Format::Text && outcome.verdict != Verdict::NotRun {
            let _kept = row(&mut self.output, outcome);
        }
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<()> {
        let output = &mut self.output;
        let time = self.begin.elapsed();
        match self.format {
            Format::Text => findings(output, report).and_then(|()| summary(output, report, time)),
            Format::Json => writeln!(output, "{}", json::object(report, time)),
            Format::Junit => junit::write(output, report, time),
        }?;
        self.output.end()
    }
}

fn head(
    output: &mut impl Write,
    place: &str,
    seed: u64,
    behaviours: &[Behaviour],
) -> io::Result<()> {
    writeln!(output, "{place}, seed {seed}\n\nwhere honest servers differ:")?;
    for Behaviour { what, rule, expected, observed, .. } in behaviours {
        let observed = if observed.is_empty() { "an empty line" } else { observed };
        let compared = if observed == expected {
            format!("{observed}, as specified")
        } else {
            format!("{observed}; specified is {expected}")
        };
        writeln!(output, "  {rule:<3} {what:<32} {compared}")?;
    }
    writeln!(output, "\n{:<34} {:>7} {:>9}  verdict", "property", "cases", "time")
}

fn row(output: &mut impl Write, outcome: &CheckOutcome) -> io::Result<()> {
    let CheckOutcome { name, cases, undecided, time, verdict, .. } = outcome;
    let verdict = match verdict {
        Verdict::Passed if *undecided > 0 => format!("passed, {undecided} undecided"),
        Verdict::Undecided => {
            "undecided: it takes longer than --bound, or too many commands run at once".into()
        }
        Verdict::LeftOut => "left out: nothing in it applies to this server".into(),
        Verdict::Known { rule } if rule.is_empty() => "fails because of a known fault".into(),
        Verdict::Known { rule } => format!("fails because of a known fault: {rule}"),
        Verdict::Failed(finding) => {
            let failed = word(verdict);
            let failed = if is_for_people() {
                format!("\x1b[1;31m{failed}\x1b[0m")
            } else {
                failed.to_owned()
            };
            format!("{failed} {}", finding.rule)
        }
        verdict => word(verdict).to_owned(),
    };
    writeln!(output, "{name:<34} {cases:>7} {:>9}  {verdict}", duration(*time))?;
    output.flush()
}

/// A time with its unit. Short times keep their measured precision.
fn duration(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1_000.0;
    match milliseconds {
        _ if milliseconds < 10.0 => format!("{milliseconds:.2} ms"),
        _ if milliseconds < 1_000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// Prints the findings, worst first.
fn findings(output: &mut impl Write, report: &Report) -> io::Result<()> {
    let findings = report.found.findings();
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(output, "\nfindings, worst first:")?;
    for (number, (outcome, finding)) in (1..).zip(findings) {
        writeln!(
            output,
            "\n{number}. {} ({}), by {}:",
            finding.rule, finding.severity, outcome.name
        )?;
        for line in details(finding).lines() {
            writeln!(output, "{}", format!("    {line}").trim_end())?;
        }
        writeln!(output, "    to repeat: {}", report.command(outcome))?;
    }
    Ok(())
}

/// Verdicts that are counted, with a name for each group.
type Counted = (fn(&Verdict) -> bool, &'static str);

/// A server whose replies take longer than this is called slow.
const SLOW: Duration = Duration::from_millis(20);

fn summary(output: &mut impl Write, report: &Report, time: Duration) -> io::Result<()> {
    let conformance::Report { outcomes, reply_time, is_gone, .. } = &report.found;
    let seconds = time.as_secs_f64();
    let cases: u64 = outcomes.iter().map(|outcome| outcome.cases).sum();
    let count =
        |wanted: fn(&Verdict) -> bool| outcomes.iter().filter(|it| wanted(&it.verdict)).count();
    let passed = count(|verdict| *verdict == Verdict::Passed);
    writeln!(output)?;
    if *reply_time >= SLOW {
        writeln!(output, "the server is slow: a reply takes {}", duration(*reply_time))?;
    }
    let findings = report.found.findings();
    if !findings.is_empty() {
        let mut rules: Vec<&str> = findings.iter().map(|(_, finding)| &*finding.rule).collect();
        rules.dedup();
        let (rules, found) = (rules.join(", "), findings.len());
        let known = count(|verdict| matches!(verdict, Verdict::Known { .. }));
        writeln!(
            output,
            "does not conform: {found} found ({rules}), {passed} of {} checks passed, in {seconds:.1} s",
            outcomes.len()
        )?;
        if known > 0 {
            writeln!(output, "failed because of known faults: {known}")?;
        }
        if *is_gone {
            writeln!(
                output,
                "the server does not answer any more; --restart says how to bring it back"
            )?;
        }
    } else if report.found.shows_nothing() && report.found.conforms() {
        writeln!(output, "nothing was decided: {cases} cases in {seconds:.1} s")?;
    } else {
        let verdict = if report.found.conforms() { "conforms" } else { "broken off" };
        writeln!(output, "{verdict}: {passed} checks passed, {cases} cases in {seconds:.1} s")?;
    }
    let rest: [Counted; 3] = [
        (|verdict| *verdict == Verdict::LeftOut, "left out"),
        (|verdict| *verdict == Verdict::Undecided, "undecided"),
        (|verdict| *verdict == Verdict::NotRun, "not run"),
    ];
    for (wanted, what) in rest {
        if count(wanted) > 0 {
            writeln!(output, "{what}: {}", count(wanted))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_are_not_shown_as_none() {
        let shown = [40, 9_900, 20_000, 1_500_000].map(|it| duration(Duration::from_micros(it)));
        assert_eq!(shown, ["0.04 ms", "9.90 ms", "20 ms", "1.50 s"]);
    }
}
