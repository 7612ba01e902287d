//! What a run has shown, as a table and as JSON.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Format, System, is_for_people, junit};
use crate::cli::output::Aside;
use crate::conformance::{
    self, Behaviour, Event, Evidence, Finding, Outcome, Settings, Stage, Verdict, rule_text,
};

/// A run, and what it was asked for.
pub(super) struct Report {
    /// Where it went, one address at least, as they were given.
    pub(super) addresses: Vec<String>,
    pub(super) settings: Settings,
    pub(super) found: conformance::Report,
}

impl Report {
    /// All addresses, as they are said.
    pub(super) fn listed(&self) -> String {
        self.addresses.join(", ")
    }

    /// All addresses, if there is more than one.
    pub(super) fn several(&self) -> &[String] {
        if self.addresses.len() > 1 { &self.addresses } else { &[] }
    }

    /// The command that tries a check again as here.
    pub(super) fn command(&self, outcome: &Outcome) -> String {
        let Settings { seed, clients, commands, strict, patience, time, .. } = &self.settings;
        let usual = Settings::default();
        let addresses = self.addresses.iter().map(|address| format!(" --addr {address}"));
        let mut command = format!("indexer check{} --seed {seed}", addresses.collect::<String>());
        if *clients != usual.clients {
            command += &format!(" --clients {clients}");
        }
        if *commands != usual.commands {
            command += &format!(" --commands {commands}");
        }
        if *strict {
            command += " --strict";
        }
        if *patience != usual.patience {
            command += &format!(" --patience {}", patience.as_secs_f64());
        }
        command += &format!(" --only {}", outcome.name);
        // How many cases there is time for is another number each time. Where clients contend, more
        // than the one case may have to be tried again.
        match (time, outcome.case.filter(|_| outcome.stage < Stage::Histories)) {
            (Some(_), Some(case)) => command + &format!(" --case {case}"),
            (Some(time), None) => command + &format!(" --time {}", time.as_secs_f64()),
            (None, _) => command,
        }
    }
}

/// What a verdict is called.
pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::LeftOut => "left out",
        Verdict::Undecided => "undecided",
        Verdict::Failed(_) => "FAILED",
        Verdict::NotRun => "not run",
    }
}

/// What was found, in lines.
pub(super) fn details(finding: &Finding) -> String {
    let Finding { what, rule, evidence, address: _ } = finding;
    let mut text = format!("{what}\n{rule}: {}\n", rule_text(rule));
    match evidence {
        Evidence::Transcript { text: transcript, .. } => text += &format!("\n{transcript}"),
        Evidence::History { whole, short, clients } => {
            let counts = (short.operations().len(), whole.operations().len());
            text += &format!("\n# {} of the {} commands show it:\n", counts.0, counts.1);
            for (client, address) in (1..).zip(clients) {
                if short.operations().iter().any(|operation| operation.client == client) {
                    text += &format!("# client {client} is at {address}\n");
                }
            }
            text += &short.to_string();
        }
        Evidence::Words => {}
    }
    text
}

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
            Format::Json => writeln!(output, "{}", object(report, time)),
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

fn row(output: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let Outcome { name, cases, undecided, time, verdict, .. } = outcome;
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
    let failed: Vec<&Outcome> =
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

/// One object; its names and its units stay.
fn object(report: &Report, time: Duration) -> Value {
    let behaviours = report.found.behaviours.iter().map(|behaviour| {
        json!({
            "what": behaviour.what,
            "rule": behaviour.rule,
            "expected": behaviour.expected,
            "observed": behaviour.observed,
            "as_specified": behaviour.is_as_specified(),
        })
    });
    let checks = report.found.outcomes.iter().map(|outcome| {
        json!({
            "name": outcome.name,
            "stage": outcome.stage.to_string(),
            "promise": outcome.promise,
            "cases": outcome.cases,
            "case": outcome.case,
            "undecided": outcome.undecided,
            "seconds": outcome.time.as_secs_f64(),
            "verdict": word(&outcome.verdict).to_lowercase(),
            "finding": outcome.finding().map(|finding| found(finding, report, outcome)),
        })
    });
    let mut object = json!({
        "address": report.listed(),
        "seed": report.settings.seed,
        "strict": report.settings.strict,
        "conforms": report.found.conforms(),
        "seconds": time.as_secs_f64(),
        "behaviours": behaviours.collect::<Vec<_>>(),
        "checks": checks.collect::<Vec<_>>(),
    });
    if !report.several().is_empty() {
        object["addresses"] = json!(report.addresses);
    }
    object
}

fn found(finding: &Finding, report: &Report, outcome: &Outcome) -> Value {
    let (transcript, messages, history) = match &finding.evidence {
        Evidence::Transcript { text, messages } => (Some(text), Some(messages), None),
        Evidence::History { short, .. } => (None, None, Some(short.to_string())),
        Evidence::Words => (None, None, None),
    };
    let mut object = json!({
        "what": finding.what,
        "rule": finding.rule,
        "rule_text": rule_text(&finding.rule),
        "transcript": transcript,
        "messages": messages,
        "history": history,
        "reproduce": report.command(outcome),
    });
    if !report.several().is_empty() {
        object["address"] = json!(finding.address);
    }
    object
}
