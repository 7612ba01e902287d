//! A run as JSON, for programs.

use std::time::Duration;

use serde_json::{Value, json};

use super::report::{Report, word};
use crate::conformance::{CheckOutcome, Evidence, Finding, rule_text};

/// One object. The names of its fields and their units do not change.
pub(super) fn object(report: &Report, time: Duration) -> Value {
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
    // Worst first. Each finding is listed with its check too.
    let findings = report.found.findings().into_iter().map(|(outcome, finding)| {
        json!({ "check": outcome.name, "rule": finding.rule, "severity": finding.severity.to_string() })
    });
    let mut object = json!({
        "findings": findings.collect::<Vec<_>>(),
        "address": report.listed(),
        "seed": report.settings.seed,
        "strict": report.settings.strict,
        "challenge": format!("{:?}", report.settings.challenge).to_lowercase(),
        "reply_seconds": report.found.reply_time.as_secs_f64(),
        "is_gone": report.found.is_gone,
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

fn found(finding: &Finding, report: &Report, outcome: &CheckOutcome) -> Value {
    let (transcript, messages, history) = match &finding.evidence {
        Evidence::Transcript { text, messages } => (Some(text), Some(messages), None),
        Evidence::History { short, .. } => (None, None, Some(short.to_string())),
        Evidence::Words => (None, None, None),
    };
    let mut object = json!({
        "what": finding.what,
        "rule": finding.rule,
        "rule_text": rule_text(&finding.rule),
        "severity": finding.severity.to_string(),
        "reproduced": finding.reproduced,
        "before": finding.before,
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
