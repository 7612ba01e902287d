//! The file to which a finding is saved.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::report::{Report, counted, details};
use crate::cli::Failure;
use crate::cli::output::diagnostics;
use crate::conformance::{CheckOutcome, Evidence, Finding};
use crate::shown::shown_path;
use crate::testing::contention;

/// Where to save it.
pub(super) struct KeptFile {
    path: PathBuf,
    file: File,
}

impl KeptFile {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| Failure::Write { path: path.to_owned(), error })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Saves the worst finding, and draws it if it is a history. Without a finding, the file stays empty.
    pub(super) fn keep(mut self, report: &Report) -> Result<(), Failure> {
        let failed = |error| Failure::Write { path: self.path.clone(), error };
        self.file.set_len(0).map_err(failed)?;
        let mut drawing = self.path.clone().into_os_string();
        drawing.push(".html");
        // A drawing of an earlier run would look like one of this run.
        let _none = fs::remove_file(&drawing);
        let Some((outcome, finding)) = report.found.findings().into_iter().next() else {
            return Ok(());
        };
        let written = self.file.write_all(text(report, outcome, finding).as_bytes());
        written.map_err(|error| Failure::Write { path: self.path.clone(), error })?;
        let Evidence::History { short, whole, .. } = &finding.evidence else { return Ok(()) };
        let unexplained = contention::checker().first_unexplained(short);
        let shown = counted(short.operations().len(), whole.operations().len());
        let title = format!("{}: {}; {shown}", outcome.name, finding.what);
        let written = fs::write(&drawing, short.to_html(&title, unexplained));
        let path = PathBuf::from(drawing);
        written.map_err(|error| Failure::Write { path: path.clone(), error })?;
        // On standard error, because the report may be for machines. A failed write does not matter.
        let said = format!("open this drawing in a browser: {}", shown_path(&path));
        let _unread = writeln!(diagnostics(), "{said}");
        Ok(())
    }
}

/// The finding, with comments that say what it is and how to repeat it.
fn text(report: &Report, outcome: &CheckOutcome, finding: &Finding) -> String {
    let mut text = format!("# {} does not hold on {}:\n", outcome.name, report.listed());
    let shown = match &finding.evidence {
        // Printed below, outside the comments.
        Evidence::Transcript { .. } => Finding { evidence: Evidence::Words, ..finding.clone() },
        Evidence::History { .. } | Evidence::Words => finding.clone(),
    };
    let details = details(&shown) + &report.command(outcome);
    text.extend(details.lines().map(|line| format!("# {line}\n")));
    if !finding.before.is_empty() {
        text += "# What was sent before, conversation by conversation:\n";
        let before = finding.before.iter().flat_map(|sent| sent.lines());
        text.extend(before.map(|line| format!("#   {line}\n")));
    }
    match &finding.evidence {
        Evidence::Transcript { text: transcript, .. } => text += transcript,
        Evidence::History { whole, .. } => text += &whole.to_string(),
        Evidence::Words => {}
    }
    text
}
