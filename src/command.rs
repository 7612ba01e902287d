//! Floor 1: the vocabulary of the protocol as types: commands and replies.
//!
//! [`CommandRef`] borrows the bytes of its message, [`Command`] owns its names. Everything here prints as it
//! goes over the wire, without the LF. Module `wire` reads it back (`FromStr`).

mod dependencies;

use std::fmt;

use crate::name::{Name, NameError, NameRef};

pub use dependencies::Dependencies;

/// The verb of a command, without its package.
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
    /// All verbs, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Index, Self::Remove, Self::Query];

    /// The word for it in a message.
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

/// A command that owns its names, for traces, transcripts and exports.
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
    /// Index `package` with exactly these dependencies, and drop its earlier ones.
    Index {
        /// The package to index.
        package: Name,
        /// Its dependencies. Names that occur twice count once.
        dependencies: Vec<Name>,
    },
    /// Remove `package` unless another package depends on it.
    Remove {
        /// The package to remove.
        package: Name,
    },
    /// Ask whether `package` is indexed.
    Query {
        /// The package to ask for.
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
/// REMOVE and QUERY may list dependencies on the wire. They mean nothing (protocol rule D4), and a typed
/// command has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandRef<'a> {
    /// Index `package` with exactly these dependencies, and drop its earlier ones.
    Index {
        /// The package to index.
        package: NameRef<'a>,
        /// Its dependencies. Names that occur twice count once.
        dependencies: Dependencies<'a>,
    },
    /// Remove `package` unless another package depends on it.
    Remove {
        /// The package to remove.
        package: NameRef<'a>,
    },
    /// Ask whether `package` is indexed.
    Query {
        /// The package to ask for.
        package: NameRef<'a>,
    },
}

impl<'a> CommandRef<'a> {
    /// The package that the command is about.
    #[must_use]
    pub const fn package(self) -> NameRef<'a> {
        match self {
            Self::Index { package, .. } | Self::Remove { package } | Self::Query { package } => {
                package
            }
        }
    }

    /// Every name in the command: the package, and then the dependencies as they were written.
    /// Allocates nothing.
    ///
    /// ```
    /// # use package_indexer::{Command, CommandRef, NameRef};
    /// let command = Command::index("vim", ["ncurses", "lua"])?;
    /// let names = CommandRef::from(&command).names().map(NameRef::as_str);
    /// assert!(names.eq(["vim", "ncurses", "lua"]));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    pub fn names(self) -> impl Iterator<Item = NameRef<'a>> {
        let dependencies = match self {
            Self::Index { dependencies, .. } => dependencies,
            Self::Remove { .. } | Self::Query { .. } => Dependencies::NONE,
        };
        std::iter::once(self.package()).chain(dependencies.iter())
    }

    /// How many names those are: the cost of the command, without the list that it replaces. O(1).
    pub(crate) const fn name_count(self) -> usize {
        match self {
            Self::Index { dependencies, .. } => 1 + dependencies.count(),
            Self::Remove { .. } | Self::Query { .. } => 1,
        }
    }

    /// The verb of the command.
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

/// The answer of a machine to a well-formed command.
///
/// There is no third value: only the wire has [`Reply::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "UPPERCASE"))]
pub enum Outcome {
    /// The command holds: the package is indexed, was removed, or was found.
    Ok,
    /// It does not hold, and nothing has changed.
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

/// The answer of the wire to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "UPPERCASE"))]
pub enum Reply {
    /// The command was well formed and its outcome was [`Outcome::Ok`].
    Ok,
    /// The command was well formed and its outcome was [`Outcome::Fail`].
    Fail,
    /// The message was malformed or hit a limit. Nothing has changed.
    Error,
}

impl Reply {
    /// The reply as a line of the wire, with its LF.
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
