//! What once broke a property, kept in a file that a person can read.
//!
//! A file has a line `case` for each such input, with the bytes that make it, below a comment that says
//! what was seen. Comments begin with `#`.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Violation;

/// What is wrong with a file of inputs that once broke a property.
#[derive(Debug)]
pub enum RegressionError {
    /// It cannot be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A line is neither a comment nor a case.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What it says.
        text: String,
    },
}

impl Display for RegressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Line { path, line, text } => write!(
                f,
                "{} line {line}: {text:?} is neither a comment nor `case` with bytes in hexadecimal digits",
                path.display()
            ),
        }
    }
}

impl std::error::Error for RegressionError {}

/// The file of one property.
pub(super) struct Regressions(PathBuf);

impl Regressions {
    pub(super) fn of(folder: &Path, property: &str) -> Self {
        Self(folder.join(format!("{property}.txt")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The bytes of all that are kept; none if there is no file.
    pub(super) fn read(&self) -> Result<Vec<Vec<u8>>, RegressionError> {
        let text = self.text()?.unwrap_or_default();
        let lines = (1..).zip(text.lines().map(str::trim));
        let told = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let cases = told.map(|(number, line)| {
            let digits = line.strip_prefix("case").filter(|digits| !digits.starts_with(is_hex));
            let bytes = digits.and_then(|digits| from_hex(digits.trim()));
            bytes.ok_or_else(|| self.line(number, line))
        });
        cases.collect()
    }

    /// What the file says; `None` if there is no file.
    fn text(&self) -> Result<Option<String>, RegressionError> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    /// Keeps what breaks the property now, unless it is kept already.
    pub(super) fn keep(&self, violation: &Violation) -> Result<(), RegressionError> {
        let mut text = self.text()?.unwrap_or_else(|| {
            format!(
                "# What once broke {}: tried first at each run. Keep this file with the code.\n",
                violation.property
            )
        });
        let case = line(violation);
        if text.lines().any(|line| line == case) {
            return Ok(());
        }
        text.push('\n');
        for line in violation.what.lines().chain(violation.shown.lines()) {
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        }
        text.push_str(&case);
        text.push('\n');
        let folder = self.0.parent().map_or(Ok(()), fs::create_dir_all);
        folder.and_then(|()| fs::write(&self.0, text)).map_err(|error| self.io(error))
    }

    fn io(&self, error: io::Error) -> RegressionError {
        RegressionError::Io { path: self.0.clone(), error }
    }

    fn line(&self, line: usize, text: &str) -> RegressionError {
        RegressionError::Line { path: self.0.clone(), line, text: text.to_owned() }
    }
}

/// The line that keeps what breaks a property.
pub(crate) fn line(violation: &Violation) -> String {
    let digits: String = violation.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("case {digits}").trim_end().to_owned()
}

fn is_hex(digit: char) -> bool {
    digit.is_ascii_hexdigit()
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    (digits.chars().all(is_hex) && digits.len().is_multiple_of(2))
        .then(|| digits.as_bytes().chunks(2).map(byte).collect())
        .flatten()
}
