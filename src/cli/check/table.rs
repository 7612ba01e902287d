//! A run as a person reads it: while it lasts as a table, and the form that was asked for when it has ended.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::report::{Report, details, word};
use super::{Format, System, json, junit};
use crate::cli::output::{Aside, is_for_people};
use crate::conformance::{self, Behaviour, CheckOutcome, Event, Verdict};

/// All checks by name, of a system with so many addresses.
pub(super) fn list(addresses: usize) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for check in conformance::checks(addresses) {
        writeln!(output, "{:<34} {} ({})", check.name, check.promise, check.rules.join(" "))?;
    }
    Ok(())
}

/// Prints a run: as text while it lasts, in other forms when it has ended.
pub(super) struct Table {
    format: Format,
    /// Where it is, in words.
    place: String,
    seed: u64,
    begin: Instant,
    /// Nobody need read along: the exit status says it too.
    output: Aside<io::Stdout>,
}

impl Table {
    pub(super) fn new(format: Format, system: &System, seed: u64) -> Self {
        let (begin, output) = (Instant::now(), Aside::new(io::stdout()));
        let as_one = if system.addresses.len() > 1 { " as one system" } else { "" };
        Self { format, place: system.listed() + as_one, seed, begin, output }
    }

    pub(super) fn observe(&mut self, event: &Event<'_>) {
        if self.format != Format::Text {
            return;
        }
        let output = &mut self.output;
        // A failed write is kept until the end.
        let _kept = match event {
            Event::Observed(behaviours) => head(output, &self.place, self.seed, behaviours),
            Event::Ended(outcome) => row(output, outcome),
            Event::Begun(_) | Event::Tried => Ok(()),
        };
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<()> {
        let output = &mut self.output;
        let time = self.begin.elapsed();
        match self.format {
            Format::Text => summary(output, report, time),
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
        let compared = if observed == expected {
            format!("{observed}, as specified")
        } else {
            format!("{observed}; specified is {expected}")
        };
        writeln!(output, "  {rule:<3} {what:<32} {compared}")?;
    }
    writeln!(output, "\n{:<34} {:>7} {:>8}  verdict", "property", "cases", "time")
}

fn row(output: &mut impl Write, outcome: &CheckOutcome) -> io::Result<()> {
    let CheckOutcome { name, cases, undecided, time, verdict, .. } = outcome;
    let seconds = time.as_secs_f64();
    let verdict = match verdict {
        Verdict::Passed if *undecided > 0 => format!("passed, {undecided} undecided"),
        Verdict::LeftOut => "left out: this server reads it otherwise".into(),
        Verdict::Failed(_) if is_for_people() => format!("\x1b[1;31m{}\x1b[0m", word(verdict)),
        verdict => word(verdict).to_owned(),
    };
    writeln!(output, "{name:<34} {cases:>7} {seconds:>7.2}s  {verdict}")?;
    if let Some(finding) = outcome.finding() {
        for line in details(finding).lines() {
            writeln!(output, "    {line}")?;
        }
        writeln!(output)?;
    }
    output.flush()
}

fn summary(output: &mut impl Write, report: &Report, time: Duration) -> io::Result<()> {
    let outcomes = &report.found.outcomes;
    let seconds = time.as_secs_f64();
    let cases: u64 = outcomes.iter().map(|outcome| outcome.cases).sum();
    let failed: Vec<&CheckOutcome> =
        outcomes.iter().filter(|outcome| outcome.finding().is_some()).collect();
    let count = |wanted: &Verdict| outcomes.iter().filter(|it| it.verdict == *wanted).count();
    if failed.is_empty() {
        let passed = count(&Verdict::Passed);
        let verdict = if report.found.conforms() { "conforms" } else { "broken off" };
        writeln!(output, "\n{verdict}: {passed} checks passed, {cases} cases in {seconds:.1} s")?;
        for (verdict, what) in [
            (Verdict::LeftOut, "left out"),
            (Verdict::Undecided, "undecided"),
            (Verdict::NotRun, "not run"),
        ] {
            if count(&verdict) > 0 {
                writeln!(output, "{what}: {}", count(&verdict))?;
            }
        }
        return Ok(());
    }
    let not_run = count(&Verdict::NotRun);
    writeln!(
        output,
        "\ndoes not conform: {} of {} checks failed, {not_run} not run, in {seconds:.1} s\n\
         to try one again:",
        failed.len(),
        outcomes.len()
    )?;
    for outcome in failed {
        writeln!(output, "  {}", report.command(outcome))?;
    }
    Ok(())
}
