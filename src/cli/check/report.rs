//! A run and its results, with the words that every format uses for them.

use crate::conformance::{
    self, Challenge, CheckOutcome, Evidence, Finding, Settings, Stage, Verdict, rule_text,
};

/// A run, with its arguments and results.
pub(super) struct Report {
    /// Its addresses as they were given, one at least.
    pub(super) addresses: Vec<String>,
    pub(super) settings: Settings,
    pub(super) found: conformance::Report,
}

impl Report {
    /// All addresses, for messages.
    pub(super) fn listed(&self) -> String {
        self.addresses.join(", ")
    }

    /// All addresses, if there are several.
    pub(super) fn several(&self) -> &[String] {
        if self.addresses.len() > 1 { &self.addresses } else { &[] }
    }

    /// The command that repeats a check as in this run.
    pub(super) fn command(&self, outcome: &CheckOutcome) -> String {
        let Settings { seed, clients, commands, strict, patience, bound, time, .. } =
            &self.settings;
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
        if *bound != usual.bound {
            command += &format!(" --bound {}", bound.as_secs_f64());
        }
        match self.settings.challenge {
            Challenge::Own => {}
            Challenge::Newer => command += " --challenge newer",
            Challenge::Older => command += " --challenge older",
        }
        command += &format!(" --only {}", outcome.name);
        // With --time the number of cases differs from run to run, so the case is named. Where clients
        // contend, one case alone may not show the failure again.
        match (time, outcome.case.filter(|_| outcome.stage < Stage::Histories)) {
            (Some(_), Some(case)) => command + &format!(" --case {case}"),
            (Some(time), None) => command + &format!(" --time {}", time.as_secs_f64()),
            (None, _) => command,
        }
    }
}

/// The word for a verdict.
pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::LeftOut => "left out",
        Verdict::Undecided => "undecided",
        Verdict::Failed(_) => "FAILED",
        Verdict::Known { .. } => "known",
        Verdict::NotRun => "not run",
    }
}

/// How many commands of a history show what was found, and what that says of the others.
pub(super) fn counted(few: usize, all: usize) -> String {
    let others = if few < all { ", whether or not the others happened" } else { "" };
    format!("{few} of the {all} commands show it{others}")
}

/// A finding, in lines.
pub(super) fn details(finding: &Finding) -> String {
    let Finding { what, rule, evidence, reproduced, before, .. } = finding;
    let mut text = format!("{what}\n{rule}: {}\n", rule_text(rule));
    if !reproduced {
        text +=
            "This did not happen again when tried alone: it may depend on what was sent before.\n";
    }
    match evidence {
        Evidence::Transcript { text: transcript, .. } => text += &format!("\n{transcript}"),
        Evidence::History { whole, short, clients } => {
            text +=
                &format!("\n# {}:\n", counted(short.operations().len(), whole.operations().len()));
            for (client, address) in (1..).zip(clients) {
                if short.operations().iter().any(|operation| operation.client == client) {
                    text += &format!("# client {client} is at {address}\n");
                }
            }
            text += &short.to_string();
        }
        // The messages that show it, if they are known.
        Evidence::Words if !before.is_empty() => {
            let last = before.last().map(String::as_str).unwrap_or_default();
            text += &format!("\nWhat was sent last:\n{last}\n");
        }
        Evidence::Words => {}
    }
    text
}
