//! A run as XML in the form that CI servers read: a test case for each check.
//!
//! The form has no standard. These are the elements and attributes that all readers know.

use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::report::{Report, details, word};
use crate::conformance::{CheckOutcome, Verdict};

/// Writes the run as XML, with LF at the end.
pub(super) fn write(output: &mut impl Write, report: &Report, time: Duration) -> io::Result<()> {
    let outcomes = &report.found.outcomes;
    let count = |wanted: fn(&CheckOutcome) -> bool| {
        outcomes.iter().filter(|outcome| wanted(outcome)).count().to_string()
    };
    let totals = [
        ("tests", outcomes.len().to_string()),
        ("failures", count(has_failed)),
        ("errors", "0".into()),
        ("skipped", count(is_skipped)),
        ("time", seconds(time)),
    ];
    let totals = || totals.iter().map(|(name, value)| (*name, value.as_str()));
    let suite = format!("indexer check {}", report.listed());
    let mut writer = Writer::new_with_indent(&mut *output, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("testsuites").with_attributes(totals()).write_inner_content(
        |writer| {
            let suite = writer.create_element("testsuite").with_attribute(("name", &*suite));
            suite.with_attributes(totals()).write_inner_content(|writer| {
                properties(writer, report)?;
                outcomes.iter().try_for_each(|outcome| case(writer, report, outcome))
            })?;
            Ok(())
        },
    )?;
    writeln!(output)
}

/// A failed check, with its new finding or with the one that is known.
fn has_failed(outcome: &CheckOutcome) -> bool {
    matches!(outcome.verdict, Verdict::Failed(_) | Verdict::Known { .. })
}

/// A check that says nothing about the server.
fn is_skipped(outcome: &CheckOutcome) -> bool {
    match outcome.verdict {
        Verdict::LeftOut | Verdict::Undecided | Verdict::NotRun => true,
        Verdict::Passed | Verdict::Failed(_) | Verdict::Known { .. } => false,
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// The seed, the addresses if there are several, and what the server does where honest servers differ.
fn properties(writer: &mut Writer<impl Write>, report: &Report) -> io::Result<()> {
    let seed = ("seed".to_owned(), report.settings.seed.to_string());
    let addresses = report.several().iter().map(|it| ("address".to_owned(), it.clone()));
    let behaviours = report.found.behaviours.iter().map(|it| {
        (format!("{}: {}", it.rule, it.what), format!("{}, specified {}", it.observed, it.expected))
    });
    let all: Vec<_> = std::iter::once(seed).chain(addresses).chain(behaviours).collect();
    writer.create_element("properties").write_inner_content(|writer| {
        for (name, value) in &all {
            let property = writer.create_element("property");
            property.with_attributes([("name", &**name), ("value", value)]).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn case(
    writer: &mut Writer<impl Write>,
    report: &Report,
    outcome: &CheckOutcome,
) -> io::Result<()> {
    let (stage, time) = (outcome.stage.to_string(), seconds(outcome.time));
    let attributes = [("classname", &*stage), ("name", &*outcome.name), ("time", &*time)];
    let element = writer.create_element("testcase").with_attributes(attributes);
    match outcome.finding() {
        Some(finding) => {
            let again = format!("to repeat: {}\n", report.command(outcome));
            let text = details(finding) + &again;
            let attributes = [("type", &*finding.rule), ("message", &*finding.what)];
            element.write_inner_content(|writer| {
                let failure = writer.create_element("failure").with_attributes(attributes);
                failure.write_text_content(BytesText::new(&text))?;
                Ok(())
            })?;
        }
        None if has_failed(outcome) => {
            let message =
                [("type", "known"), ("message", "fails because of what another check found")];
            element.write_inner_content(|writer| {
                writer.create_element("failure").with_attributes(message).write_empty()?;
                Ok(())
            })?;
        }
        None if is_skipped(outcome) => {
            let message = [("message", word(&outcome.verdict))];
            element.write_inner_content(|writer| {
                writer.create_element("skipped").with_attributes(message).write_empty()?;
                Ok(())
            })?;
        }
        None => drop(element.write_empty()?),
    }
    Ok(())
}
