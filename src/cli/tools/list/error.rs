//! Why a list cannot be read: what is wrong, with its line and column.

use std::io;

use super::{Format, formats};
use crate::index::LimitError;
use crate::name::NameError;
use crate::shown::shown;
use crate::wire::ParseError;

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ListError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is compressed with {tool}")]
    Compressed { tool: &'static str },
    #[error("its format is not clear from its beginning, which could be {could_be}")]
    Unclear { could_be: &'static str },
    #[error("{0}")]
    Limit(#[from] LimitError),
    /// Line and column count from 1. A column is a character.
    #[error("line {line}, column {column}: {problem}")]
    At { line: usize, column: usize, problem: Problem },
}

/// What is wrong at that place.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Problem {
    #[error("{:?} is not a package name: {error}", shown(text))]
    Name { text: Vec<u8>, error: NameError },
    #[error("expected `{expected}`")]
    Expected { expected: &'static str },
    #[error("{:?} is neither a name nor an annotation such as [build]", shown(text))]
    Annotation { text: Vec<u8> },
    #[error("{error}")]
    Message { error: ParseError },
    #[error("expected an INDEX message")]
    NotIndex,
    #[error("the stanza that begins here has no field `Package`")]
    NoPackage,
    #[error("the field `{field}` comes a second time in its stanza")]
    TwoFields { field: &'static str },
    #[error("expected a comma, or `(`, `[` or `<`, after the name in {:?}", shown(text))]
    Item { text: Vec<u8> },
    #[error("{}", shown(text))]
    Json { text: String },
    #[error("{what}")]
    Lacking { what: &'static str, advice: &'static str },
}

impl ListError {
    /// A hint at what to do next, for a list whose format was given or guessed.
    pub(in crate::cli) fn hint(&self, format: Option<Format>, is_guessed: bool) -> String {
        match self {
            Self::Compressed { tool } => {
                format!("decompress it first: {tool} -dc FILE | indexer import ... -")
            }
            Self::At { problem: Problem::Lacking { advice, .. }, .. } => (*advice).to_owned(),
            Self::Unclear { .. } => format!("give its format: --format {}", formats()),
            _ => match format {
                Some(format) if is_guessed => format!(
                    "its format was guessed as {format}: correct that place, or give --format {}",
                    formats()
                ),
                _ => "correct that place, or give another --format".into(),
            },
        }
    }

    /// Errors that hold some text from outside, if they can hold any.
    #[cfg(test)]
    pub(in crate::cli) fn with(text: &str) -> Vec<Self> {
        let text = || text.into();
        let problems = [
            Problem::Name { text: text(), error: NameError::Empty },
            Problem::Annotation { text: text() },
            Problem::Item { text: text() },
            Problem::Json { text: String::from_utf8(text()).unwrap_or_default() },
        ];
        problems.map(|problem| Self::At { line: 1, column: 1, problem }).into()
    }
}

/// The column of a byte in a line. It counts characters from 1, and each byte that is not a character counts
/// as one.
pub(super) fn column(line: &[u8], offset: usize) -> usize {
    let before = line.get(..offset).unwrap_or(line);
    let characters =
        |chunk: std::str::Utf8Chunk<'_>| chunk.valid().chars().count() + chunk.invalid().len();
    1 + before.utf8_chunks().map(characters).sum::<usize>()
}

/// A line of a list, with its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Counted from 1.
    pub(super) number: usize,
}

impl Line<'_> {
    /// A problem at a byte of this line.
    pub(super) fn error(self, offset: usize, problem: Problem) -> ListError {
        ListError::At { line: self.number, column: column(self.bytes, offset), problem }
    }

    /// A problem at the first byte of `part`, which is a piece of this line.
    pub(super) fn error_at(self, part: &[u8], problem: Problem) -> ListError {
        self.error(self.offset(part), problem)
    }

    /// Where a piece of this line begins in it.
    fn offset(self, part: &[u8]) -> usize {
        part.as_ptr().addr().saturating_sub(self.bytes.as_ptr().addr()).min(self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_stray_bytes_count_as_one() {
        let line = "é—x".as_bytes();
        assert_eq!([0, 2, 5].map(|offset| column(line, offset)), [1, 2, 3]);
        assert_eq!(column(b"\xe9\xffx", 2), 3);
        assert_eq!(column(b"ab", 9), 3);
    }
}
