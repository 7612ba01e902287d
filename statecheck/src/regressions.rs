//! Files of regressions: what once failed, in a form for people. There is a file for each property, and for
//! each test of concurrent clients.
//!
//! A line begins with a word for the kind of what it keeps, below a comment that says what was seen. Bytes in
//! hexadecimal digits follow. Comments begin with `#`.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What a line keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An input of a property: all its bytes in one group.
    Case,
    /// What clients ask at once: a group of bytes for each client.
    Round,
}

/// The words of a line, and their kinds.
const KINDS: [(&str, Kind); 2] = [("case", Kind::Case), ("round", Kind::Round)];

/// What is wrong with a file of regressions.
#[derive(Debug)]
pub enum RegressionError {
    /// It cannot be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A line is neither a comment nor a regression.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The text of the line.
        text: String,
    },
}

impl Display for RegressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Line { path, line, text } => write!(
                f,
                "{} line {line}: {text:?} is neither a comment nor `case` or `round` with bytes in \
                 hexadecimal digits",
                path.display()
            ),
        }
    }
}

impl std::error::Error for RegressionError {}

/// The file of one property or test.
pub(crate) struct Regressions {
    name: String,
    path: PathBuf,
}

impl Regressions {
    pub(crate) fn of(folder: &Path, name: &str) -> Self {
        Self { name: name.to_owned(), path: folder.join(format!("{name}.txt")) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All regressions of a kind, the bytes of each in their groups. None if there is no file.
    pub(crate) fn read(&self, kind: Kind) -> Result<Vec<Vec<Vec<u8>>>, RegressionError> {
        let text = self.text()?.unwrap_or_default();
        let mut all = Vec::new();
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (found, bytes) = parse(line).ok_or_else(|| self.line(number, line))?;
            all.extend((found == kind).then_some(bytes));
        }
        Ok(all)
    }

    /// The text of the file, or `None` if there is no file.
    fn text(&self) -> Result<Option<String>, RegressionError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    /// Keeps a line, below a comment that says what was seen, unless it is there already.
    pub(crate) fn keep(&self, seen: &str, line: &str) -> Result<(), RegressionError> {
        let mut text = self.text()?.unwrap_or_else(|| {
            format!(
                "# What once broke {}: tried first at each run. Keep this file with the code.\n",
                self.name
            )
        });
        if text.lines().any(|kept| kept == line) {
            return Ok(());
        }
        text.push('\n');
        for line in seen.lines() {
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
        let folder = self.path.parent().map_or(Ok(()), fs::create_dir_all);
        folder.and_then(|()| fs::write(&self.path, text)).map_err(|error| self.io(error))
    }

    fn io(&self, error: io::Error) -> RegressionError {
        RegressionError::Io { path: self.path.clone(), error }
    }

    fn line(&self, line: usize, text: &str) -> RegressionError {
        RegressionError::Line { path: self.path.clone(), line, text: text.to_owned() }
    }
}

/// The line that keeps bytes in groups.
pub(crate) fn line(kind: Kind, groups: &[&[u8]]) -> String {
    let word = KINDS.iter().find(|(_, of)| *of == kind).map_or("", |(word, _)| word);
    let digits = |bytes: &&[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let words = std::iter::once(word.to_owned()).chain(groups.iter().map(digits));
    words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

/// The kind of a line, and its bytes, or `None` if it has another form.
fn parse(line: &str) -> Option<(Kind, Vec<Vec<u8>>)> {
    let mut words = line.split_whitespace();
    let word = words.next()?;
    let (_, kind) = KINDS.into_iter().find(|(of, _)| *of == word)?;
    let groups = words.map(from_hex).collect::<Option<Vec<_>>>()?;
    let fits = kind != Kind::Case || groups.len() <= 1;
    fits.then_some((kind, groups))
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    (digits.chars().all(|digit| digit.is_ascii_hexdigit()) && digits.len().is_multiple_of(2))
        .then(|| digits.as_bytes().chunks(2).map(byte).collect())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_both_kinds_of_lines_and_each_reader_its_own() {
        let folder = std::env::temp_dir().join(format!("statecheck-kinds-{}", std::process::id()));
        let kept = Regressions::of(&folder, "both");
        kept.keep("seen", "case 01").unwrap();
        kept.keep("seen\ntwice", "round 02 03").unwrap();
        let read = [Kind::Case, Kind::Round].map(|kind| kept.read(kind).unwrap());
        let text = fs::read_to_string(kept.path()).unwrap();
        fs::remove_dir_all(folder).unwrap();
        assert_eq!(read, [vec![vec![vec![1]]], vec![vec![vec![2], vec![3]]]]);
        assert!(text.ends_with("\n\n# seen\n# twice\nround 02 03\n"), "{text}");
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for (kind, groups, text) in [
            (Kind::Case, vec![vec![0x0a, 0xff]], "case 0aff"),
            (Kind::Round, vec![vec![1], vec![2, 3]], "round 01 0203"),
        ] {
            let slices: Vec<_> = groups.iter().map(Vec::as_slice).collect();
            assert_eq!(line(kind, &slices), text);
            assert_eq!(parse(text), Some((kind, groups)));
        }
        assert_eq!(line(Kind::Case, &[&[]]), "case");
        for wrong in ["case 01 02", "round 1", "cases 01", "7f", "case 0g"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
