//! Rows as they are stored: a package and its dependencies. This module alone writes and reads them.
//!
//! A row has one of two forms. In *two parts*, for a table with keys and values: the name of the package, and
//! its list, which is names with commas between. As a *line*: the message that would index the package, with
//! LF. A line may also say that a package is gone, with the message that would remove it.
//!
//! | where | form |
//! |---|---|
//! | the packages of a store | two parts |
//! | the recent commits of a store | lines, also of removed packages |
//! | snapshots in a log, backups | lines |
//! | entries of a log | lines, also of removed packages: the messages of the entry |

use memchr::memchr;

use super::ParseError;
use super::grammar::parse_parts;
use crate::command::{CommandRef, Dependencies, Verb};
use crate::name::NameRef;
use crate::shown::shown;

/// A package and its dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// The package.
    pub package: NameRef<'a>,
    /// Its dependencies.
    pub dependencies: Dependencies<'a>,
}

/// Why something is not a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// One of its parts is invalid.
    #[error("package \"{}\" with the list \"{}\": {error}", shown(package), shown(dependencies))]
    Malformed {
        /// The text in place of the name.
        package: String,
        /// The text in place of the list.
        dependencies: String,
        /// What is wrong.
        error: ParseError,
    },
    /// The line says something else.
    #[error("the line \"{}\" is not a package with a list", shown(line))]
    Other {
        /// The line, with its LF.
        line: String,
    },
}

impl<'a> Row<'a> {
    /// Reads the two parts of a row. O(length), allocates nothing.
    ///
    /// ```
    /// use package_indexer::wire::Row;
    ///
    /// let row = Row::read(b"vim", b"ncurses,lua")?;
    /// assert_eq!(row.command().to_string(), "INDEX|vim|ncurses,lua");
    /// assert_eq!(
    ///     Row::read(b"vim", b"ncurses,,lua").unwrap_err().to_string(),
    ///     "package \"vim\" with the list \"ncurses,,lua\": dependencies: expected names with single \
    ///      commas between them up to the end of the line at byte 18, found ','",
    /// );
    /// # Ok::<(), package_indexer::wire::RowError>(())
    /// ```
    ///
    /// # Errors
    /// [`RowError::Malformed`], which counts bytes as in the message that would index the package.
    pub fn read(package: &'a [u8], list: &'a [u8]) -> Result<Self, RowError> {
        match parse_parts(package, list) {
            Ok((package, dependencies)) => Ok(Self { package, dependencies }),
            Err(error) => Err(RowError::Malformed {
                package: package.escape_ascii().to_string(),
                dependencies: list.escape_ascii().to_string(),
                error,
            }),
        }
    }

    /// Reads a line that has a row.
    pub(crate) fn read_line(line: &'a [u8]) -> Result<Self, RowError> {
        match Line::read(line)? {
            Line::Kept(row) => Ok(row),
            Line::Gone(_) => Err(other(line)),
        }
    }

    /// The command that indexes the package, when all its dependencies are there.
    #[must_use]
    pub const fn command(self) -> CommandRef<'a> {
        CommandRef::Index { package: self.package, dependencies: self.dependencies }
    }

    /// Writes the line.
    pub(crate) fn write_line(self, bytes: &mut Vec<u8>) {
        write_message(bytes, self.command());
    }
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// The package has this list.
    Kept(Row<'a>),
    /// There is no such package.
    Gone(NameRef<'a>),
}

impl<'a> Line<'a> {
    /// Reads a line with its LF. O(length).
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, RowError> {
        let Parts { package, list } = Parts::of(line).ok_or_else(|| other(line))?;
        let row = Row::read(package, list.unwrap_or_default())?;
        Ok(if list.is_some() { Self::Kept(row) } else { Self::Gone(row.package) })
    }
}

fn other(line: &[u8]) -> RowError {
    RowError::Other { line: line.escape_ascii().to_string() }
}

/// Writes the message of a command, with its LF.
pub(crate) fn write_message(bytes: &mut Vec<u8>, command: CommandRef<'_>) {
    let list = match command {
        CommandRef::Index { dependencies, .. } => dependencies,
        CommandRef::Remove { .. } | CommandRef::Query { .. } => Dependencies::NONE,
    };
    for part in [command.verb().as_str().as_bytes(), b"|", command.package().as_bytes(), b"|"] {
        bytes.extend_from_slice(part);
    }
    write_list(bytes, list);
    bytes.push(b'\n');
}

/// Writes a list, the second part of a row.
pub(crate) fn write_list(bytes: &mut Vec<u8>, list: Dependencies<'_>) {
    if let Some(written) = list.as_written() {
        bytes.extend_from_slice(written);
        return;
    }
    for (position, name) in list.iter().enumerate() {
        if position > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(name.as_bytes());
    }
}

/// The lines of some bytes, each with its LF. The last one may lack it.
pub(crate) fn lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let line = first_line(bytes);
        bytes = &bytes[line.len()..];
        (!line.is_empty()).then_some(line)
    })
}

/// The first line.
pub(crate) fn first_line(bytes: &[u8]) -> &[u8] {
    memchr(b'\n', bytes).map_or(bytes, |end| &bytes[..=end])
}

/// The parts of a line, in place. The names are not checked, because this process has written the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) package: &'a [u8],
    /// `None` if the package is gone.
    pub(crate) list: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// The parts of a line with its LF, or `None` if it has others.
    pub(crate) fn of(line: &'a [u8]) -> Option<Self> {
        let (verb, package, rest) = first_parts(line)?;
        let list = rest.strip_suffix(b"\n")?;
        match verb {
            Verb::Index => Some(Self { package, list: Some(list) }),
            // REMOVE has no list.
            Verb::Remove if list.is_empty() => Some(Self { package, list: None }),
            Verb::Remove | Verb::Query => None,
        }
    }
}

/// The package of the first of some lines that this process has written. The end of the line is not looked
/// at.
#[cfg(feature = "store")]
pub(crate) fn first_package(bytes: &[u8]) -> &[u8] {
    first_parts(bytes).map_or(b"", |(_, package, _)| package)
}

/// The verb of a line, its package, and the rest.
fn first_parts(line: &[u8]) -> Option<(Verb, &[u8], &[u8])> {
    let (verb, rest) = [Verb::Index, Verb::Remove].into_iter().find_map(|verb| {
        let rest = line.strip_prefix(verb.as_str().as_bytes())?.strip_prefix(b"|")?;
        Some((verb, rest))
    })?;
    let bar = memchr(b'|', rest)?;
    Some((verb, &rest[..bar], &rest[bar + 1..]))
}

/// Rows that outlive the bytes that they were read from.
#[derive(Debug, Default)]
pub(crate) struct RowBuffer {
    bytes: Vec<u8>,
    rows: Vec<Span>,
}

/// Where a row lies in the bytes, and how many names its list has.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    list: usize,
    end: usize,
    names: usize,
}

impl RowBuffer {
    /// Adds a row. O(length).
    pub(crate) fn push(&mut self, row: Row<'_>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row.package.as_bytes());
        let list = self.bytes.len();
        write_list(&mut self.bytes, row.dependencies);
        let (end, names) = (self.bytes.len(), row.dependencies.count());
        self.rows.push(Span { start, list, end, names });
    }

    /// The rows in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> + Clone {
        self.rows.iter().map(|&Span { start, list, end, names }| Row {
            package: NameRef::from_checked(&self.bytes[start..list]),
            dependencies: match names {
                0 => Dependencies::NONE,
                _ => Dependencies::from_checked(&self.bytes[list..end], names),
            },
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes they have.
    pub(crate) fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Removes all rows. Keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests;
