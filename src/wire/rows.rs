//! Rows as they are stored: a package, and what it depends on. They are written and read here alone.
//!
//! A row lies in one of two forms. In *two parts*, where a table has a key and a value: the name of the
//! package, and its list, which is names with commas between them. As a *line*: the message that would
//! index the package, LF included. A line may also say that a package is gone: the message that would
//! remove it.
//!
//! | where | form |
//! |---|---|
//! | the packages of a store | two parts |
//! | the recent commits of a store | lines, also of what is gone |
//! | snapshots in a log, backups | lines |
//! | entries of a log | lines, also of what is gone: the messages that lead to it |

use memchr::memchr;

use super::ParseError;
use super::grammar::parse_parts;
use crate::command::{CommandRef, Dependencies, Verb};
use crate::name::NameRef;
use crate::shown::shown;

/// A package, and what it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// The package.
    pub package: NameRef<'a>,
    /// What it depends on.
    pub dependencies: Dependencies<'a>,
}

/// Why something is no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// One of its parts is not what it should be.
    #[error("package \"{}\" with the list \"{}\": {error}", shown(package), shown(dependencies))]
    Malformed {
        /// What stands for the name.
        package: String,
        /// What stands for the list.
        dependencies: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// It is a line that says something else.
    #[error("the line \"{}\" is no package with a list", shown(line))]
    Other {
        /// The line, its LF included.
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

    /// Reads the package alone, with no list in place of its own, which is named beside a package that is none.
    #[cfg(feature = "store")]
    pub(crate) fn read_without_list(package: &'a [u8], list: &'a [u8]) -> Result<Self, RowError> {
        Self::read(package, b"").or_else(|_| Self::read(package, list))
    }

    /// Reads a line that has a row.
    pub(crate) fn read_line(line: &'a [u8]) -> Result<Self, RowError> {
        match Line::read(line)? {
            Line::Kept(row) => Ok(row),
            Line::Gone(_) => Err(other(line)),
        }
    }

    /// The command that makes it so, when all its dependencies are there.
    #[must_use]
    pub const fn command(self) -> CommandRef<'a> {
        CommandRef::Index { package: self.package, dependencies: self.dependencies }
    }

    /// The package with an empty list.
    #[must_use]
    pub(crate) const fn without_list(self) -> Self {
        Self { dependencies: Dependencies::NONE, ..self }
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
    /// Reads a line, its LF included. O(length).
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, RowError> {
        let Parts { package, list } = Parts::of(line).ok_or_else(|| other(line))?;
        let row = Row::read(package, list.unwrap_or_default())?;
        Ok(if list.is_some() { Self::Kept(row) } else { Self::Gone(row.package) })
    }
}

fn other(line: &[u8]) -> RowError {
    RowError::Other { line: line.escape_ascii().to_string() }
}

/// Writes the message of a command, its LF included.
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

/// Writes a list, which is the second part of a row.
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

/// The lines of some bytes, each with its LF, which the last one may lack.
pub(crate) fn lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let line = first_line(bytes);
        bytes = &bytes[line.len()..];
        (!line.is_empty()).then_some(line)
    })
}

/// The first of them.
pub(crate) fn first_line(bytes: &[u8]) -> &[u8] {
    memchr(b'\n', bytes).map_or(bytes, |end| &bytes[..=end])
}

/// The parts of a line, where they lie in it. Whether they are names nobody has looked at, which is enough
/// for lines that this process has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) package: &'a [u8],
    /// None of a package that is gone.
    pub(crate) list: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// The parts of a line, its LF included; `None` if it has others.
    pub(crate) fn of(line: &'a [u8]) -> Option<Self> {
        let (verb, package, rest) = first_parts(line)?;
        let list = rest.strip_suffix(b"\n")?;
        match verb {
            Verb::Index => Some(Self { package, list: Some(list) }),
            // There is none to be given up for it.
            Verb::Remove if list.is_empty() => Some(Self { package, list: None }),
            Verb::Remove | Verb::Query => None,
        }
    }
}

/// The package of the first of some lines that this process has written, without a look at its end.
#[cfg(feature = "store")]
pub(crate) fn first_package(bytes: &[u8]) -> &[u8] {
    first_parts(bytes).map_or(b"", |(_, package, _)| package)
}

/// What a line wants, its package, and what is after that.
fn first_parts(line: &[u8]) -> Option<(Verb, &[u8], &[u8])> {
    let (verb, rest) = [Verb::Index, Verb::Remove].into_iter().find_map(|verb| {
        let rest = line.strip_prefix(verb.as_str().as_bytes())?.strip_prefix(b"|")?;
        Some((verb, rest))
    })?;
    let bar = memchr(b'|', rest)?;
    Some((verb, &rest[..bar], &rest[bar + 1..]))
}

/// Rows that stay when what they were read from is gone.
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
    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
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

    /// Takes all of them out. Keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests;
