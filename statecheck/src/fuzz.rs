//! Keeps a folder of fuzz targets in step with a table of properties. One test writes the folder and fails
//! when it differs. Another replays the inputs that are kept there. This module also has what all targets
//! share.

mod folder;
mod heads;
mod mutator;
mod target;
#[cfg(test)]
mod tests;

use std::fmt::{self, Debug, Display};
use std::io;
use std::path::{Path, PathBuf};

use crate::property::Violation;

pub use folder::FuzzFolder;
pub use mutator::{cross_over, mutate};
pub use target::{check, replay};

/// What is wrong with a [`FuzzFolder`]. Paths begin at the project's root.
pub enum FuzzError {
    /// A file cannot be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A file lacks the line after which the generated part begins.
    NoMark {
        /// The file.
        path: PathBuf,
        /// The line.
        mark: &'static str,
    },
    /// Two generated files would have the same name.
    Twice {
        /// The file.
        path: PathBuf,
    },
    /// These files differ from what the table generates, should not be there, or are missing.
    Stale {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// A property does not hold on an input that is kept.
    Violated {
        /// The file with the input.
        path: PathBuf,
        /// What was seen.
        violation: Box<Violation>,
    },
}

impl FuzzError {
    fn at(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }
}

impl Display for FuzzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", shown(path)),
            Self::NoMark { path, mark } => write!(f, "{} lacks: {mark}", shown(path)),
            Self::Twice { path } => write!(f, "{} is generated twice", shown(path)),
            Self::Stale { paths } => {
                f.write_str("not what the table of properties generates:")?;
                paths.iter().try_for_each(|path| write!(f, "\n  {}", shown(path)))?;
                f.write_str("\nThe same test with UPDATE=1 in the environment writes them again.")
            }
            Self::Violated { path, violation } => write!(f, "{}:\n{violation}", shown(path)),
        }
    }
}

impl std::error::Error for FuzzError {}

impl Debug for FuzzError {
    /// The same as `Display`: test frameworks report by `Debug`, and a person has to read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

/// The name of a file, without control characters.
fn shown(path: &Path) -> String {
    path.to_string_lossy().chars().flat_map(char::escape_debug).collect()
}
