//! Floor 1: the vocabulary of the protocol, typed: what can be asked and what can be answered.
//!
//! [`CommandRef`] borrows the bytes of its message, [`Command`] owns its names. Everything here
//! prints as it goes over the wire, without the LF; reading it back (`FromStr`) is `wire`'s work.

use std::fmt;

use crate::bug::{Bug, planted};
use crate::name::{Name, NameError, NameRef, leading_name_bytes};

/// What a command wants, without its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`Command::Index`].
    Index,
    /// [`Command::Remove`].
    Remove,
    /// [`Command::Query`].
    Query,
}

impl Verb {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 3] = [Self::Index, Self::Remove, Self::Query];

    /// The word that stands for it in a message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Index => "INDEX",
            Self::Remove => "REMOVE",
            Self::Query => "QUERY",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A command that owns its names: what traces, transcripts and exports are made of.
///
/// ```
/// use package_indexer::Command;
///
/// let command = Command::index("vim", ["ncurses", "python@3.12"])?;
/// assert_eq!(command.to_string(), "INDEX|vim|ncurses,python@3.12");
/// # Ok::<(), package_indexer::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Command {
    /// Index `package` with exactly these dependencies, whatever it depended on before.
    Index {
        /// The package to index.
        package: Name,
        /// What it needs; names that occur twice count once.
        dependencies: Vec<Name>,
    },
    /// Remove `package` unless another package depends on it.
    Remove {
        /// The package to remove.
        package: Name,
    },
    /// Ask whether `package` is indexed.
    Query {
        /// The package in question.
        package: Name,
    },
}

impl Command {
    /// An INDEX command from text.
    ///
    /// # Errors
    /// The first name that is not one, as [`Name::new`].
    pub fn index<'a>(
        package: &str,
        dependencies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NameError> {
        let dependencies = dependencies.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self::Index { package: package.parse()?, dependencies })
    }

    /// A REMOVE command from text.
    ///
    /// # Errors
    /// As [`Name::new`].
    pub fn remove(package: &str) -> Result<Self, NameError> {
        Ok(Self::Remove { package: package.parse()? })
    }

    /// A QUERY command from text.
    ///
    /// # Errors
    /// As [`Name::new`].
    pub fn query(package: &str) -> Result<Self, NameError> {
        Ok(Self::Query { package: package.parse()? })
    }

    /// The package that the command is about.
    pub fn package(&self) -> &Name {
        match self {
            Self::Index { package, .. } | Self::Remove { package } | Self::Query { package } => {
                package
            }
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CommandRef::from(self).fmt(f)
    }
}

/// A command that borrows: from the bytes of a message, or from a [`Command`].
///
/// REMOVE and QUERY may carry dependencies on the wire; they mean nothing (protocol rule D4) and
/// are gone by the time a command is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandRef<'a> {
    /// Index `package` with exactly these dependencies, whatever it depended on before.
    Index {
        /// The package to index.
        package: NameRef<'a>,
        /// What it needs; names that occur twice count once.
        dependencies: Dependencies<'a>,
    },
    /// Remove `package` unless another package depends on it.
    Remove {
        /// The package to remove.
        package: NameRef<'a>,
    },
    /// Ask whether `package` is indexed.
    Query {
        /// The package in question.
        package: NameRef<'a>,
    },
}

impl CommandRef<'_> {
    /// What the command wants.
    #[must_use]
    pub const fn verb(self) -> Verb {
        match self {
            Self::Index { .. } => Verb::Index,
            Self::Remove { .. } => Verb::Remove,
            Self::Query { .. } => Verb::Query,
        }
    }

    /// Copies the command out of the bytes that it was read from.
    #[must_use]
    pub fn to_command(self) -> Command {
        match self {
            Self::Index { package, dependencies } => Command::Index {
                package: package.to_name(),
                dependencies: dependencies.iter().map(NameRef::to_name).collect(),
            },
            Self::Remove { package } => Command::Remove { package: package.to_name() },
            Self::Query { package } => Command::Query { package: package.to_name() },
        }
    }
}

impl<'a> From<&'a Command> for CommandRef<'a> {
    fn from(command: &'a Command) -> Self {
        match command {
            Command::Index { package, dependencies } => {
                Self::Index { package: package.borrowed(), dependencies: dependencies.into() }
            }
            Command::Remove { package } => Self::Remove { package: package.borrowed() },
            Command::Query { package } => Self::Query { package: package.borrowed() },
        }
    }
}

impl fmt::Display for CommandRef<'_> {
    /// The message without its LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.verb();
        match self {
            Self::Index { package, dependencies } => write!(f, "{verb}|{package}|{dependencies}"),
            Self::Remove { package } | Self::Query { package } => write!(f, "{verb}|{package}|"),
        }
    }
}

/// A borrowed list of dependencies, in the order in which it was written, repeats included.
#[derive(Debug, Clone, Copy)]
pub struct Dependencies<'a>(Source<'a>);

/// Where the names of a list stand.
#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    /// In a message: checked names, a comma after each but perhaps the last.
    Message(&'a [u8]),
    /// In an owned command.
    Names(&'a [Name]),
}

impl<'a> Dependencies<'a> {
    /// The list without names.
    pub const NONE: Self = Self(Source::Names(&[]));

    /// Takes the bytes of a list that the grammar has checked.
    pub(crate) fn from_checked(bytes: &'a [u8]) -> Self {
        let list = Self(Source::Message(bytes));
        // Each of the names is checked on its way out.
        debug_assert!(list.iter().count() > 0 || bytes.is_empty(), "{}", bytes.escape_ascii());
        list
    }

    /// The names in the order written, repeats included. Allocates nothing.
    pub fn iter(self) -> impl Iterator<Item = NameRef<'a>> {
        let (mut message, names) = match self.0 {
            Source::Message(bytes) => (bytes, [].as_slice()),
            Source::Names(names) => ([].as_slice(), names),
        };
        let in_message = std::iter::from_fn(move || {
            let length = leading_name_bytes(message);
            let (name, rest) = message.split_at(length);
            // Behind each name but perhaps the last there is a comma.
            message = rest.get(1..).unwrap_or_default();
            (length > 0).then(|| NameRef::from_checked(name))
        });
        in_message.chain(names.iter().map(Name::borrowed))
    }
}

/// Equal when the same names come in the same order, repeats included.
impl PartialEq for Dependencies<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Dependencies<'_> {}

impl<'a> From<&'a Vec<Name>> for Dependencies<'a> {
    fn from(names: &'a Vec<Name>) -> Self {
        names.as_slice().into()
    }
}

impl<'a> From<&'a [Name]> for Dependencies<'a> {
    fn from(names: &'a [Name]) -> Self {
        Self(Source::Names(names))
    }
}

impl fmt::Display for Dependencies<'_> {
    /// The names with single commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.iter().enumerate() {
            if position > 0 || planted(Bug::CommaIsPrintedFirst) {
                f.write_str(",")?;
            }
            f.write_str(name.as_str())?;
        }
        Ok(())
    }
}

/// What a machine answers to a well-formed command.
///
/// There is no third value: only the wire can say [`Reply::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "UPPERCASE"))]
pub enum Outcome {
    /// The command holds: the package is indexed, is gone, or was found.
    Ok,
    /// It does not, and nothing has changed.
    Fail,
}

impl Outcome {
    /// [`Outcome::Ok`] if `holds`, [`Outcome::Fail`] if not.
    #[must_use]
    pub const fn when(holds: bool) -> Self {
        if holds { Self::Ok } else { Self::Fail }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Reply::from(*self).fmt(f)
    }
}

/// What the wire answers to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "UPPERCASE"))]
pub enum Reply {
    /// The command was well formed and its outcome was [`Outcome::Ok`].
    Ok,
    /// The command was well formed and its outcome was [`Outcome::Fail`].
    Fail,
    /// The message was malformed, or a limit was hit; nothing has changed.
    Error,
}

impl Reply {
    /// The reply as a line of the wire, its LF included.
    #[must_use]
    pub const fn as_line(self) -> &'static [u8] {
        match self {
            Self::Ok => b"OK\n",
            Self::Fail => b"FAIL\n",
            Self::Error => b"ERROR\n",
        }
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok => Self::Ok,
            Outcome::Fail => Self::Fail,
        }
    }
}

impl fmt::Display for Reply {
    /// The reply without its LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_print_as_messages_without_lf() {
        let commands = [
            Command::index("vim", []).unwrap(),
            Command::index("vim", ["ncurses", "lua", "ncurses"]).unwrap(),
            Command::remove("vim").unwrap(),
            Command::query("vim").unwrap(),
        ];
        let printed = commands.each_ref().map(ToString::to_string);
        assert_eq!(
            printed,
            ["INDEX|vim|", "INDEX|vim|ncurses,lua,ncurses", "REMOVE|vim|", "QUERY|vim|"]
        );
    }

    #[test]
    fn borrowing_and_owning_again_gives_the_same_command() {
        let command = Command::index("vim", ["ncurses", "lua"]).unwrap();
        assert_eq!(CommandRef::from(&command).to_command(), command);
    }

    #[test]
    fn a_trailing_comma_adds_no_name() {
        let names: Vec<_> =
            Dependencies::from_checked(b"a,b,").iter().map(NameRef::as_str).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(Dependencies::from_checked(b"").iter().count(), 0);
    }

    #[test]
    fn lists_are_equal_when_they_have_the_same_names_in_the_same_order() {
        let list = Dependencies::from_checked;
        let names = ["a", "b"].map(|name| Name::new(name).unwrap());
        assert_eq!(list(b"a,b,"), Dependencies::from(names.as_slice()));
        assert_ne!(list(b"a,b"), list(b"b,a"));
        assert_ne!(list(b"a"), Dependencies::NONE);
    }

    #[test]
    fn an_outcome_prints_as_its_reply() {
        assert_eq!(format!("{}|{:>5}", Outcome::Ok, Outcome::Fail), "OK| FAIL");
    }

    #[test]
    fn a_reply_prints_as_its_line_without_lf() {
        for reply in [Reply::Ok, Reply::Fail, Reply::Error] {
            assert_eq!(format!("{reply}\n").as_bytes(), reply.as_line());
        }
    }
}
