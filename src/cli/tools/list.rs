//! Package lists as other tools write them: which packages there are, and what each says it needs.
//!
//! Reading a list decides nothing: needs may name packages that do not exist, offer alternatives
//! and form cycles. Making something that can be indexed of it is `plan`'s work.

mod brew;
mod commands;
mod debian;
mod lossy;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::ToolFailure;
use crate::cli::Failure;
use crate::index::LimitError;
use crate::name::{Name, NameError};
use crate::shown::shown;
use crate::wire::ParseError;

/// Which list to read.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// The list; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The format of the list
    #[arg(long, value_enum)]
    format: Format,
}

/// The formats that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines `name: dependency dependency`, as of Homebrew's formulae
    Brew,
    /// A Debian `Packages` index
    Debian,
    /// INDEX messages of this protocol, in any order
    Commands,
}

/// Packages and what they say they need.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PackageList {
    /// Each package with its needs, in the order read.
    pub(super) packages: BTreeMap<Name, Vec<Need>>,
    /// Names that are no packages themselves, each with the packages that provide it.
    pub(super) provided: BTreeMap<Name, Vec<Name>>,
    /// What came for packages that were listed already.
    pub(super) repeated: Option<Repeated>,
}

/// Entries for packages that a list had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeated {
    pub(super) entries: usize,
    /// Which entry of a package counts, `first` or `last`.
    pub(super) counts: &'static str,
}

/// Something that a package needs: one of the alternatives, best first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need(pub(super) Vec<Name>);

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ListError {
    #[error("{0}")]
    Io(io::Error),
    #[error("it is compressed, as {tool} does it")]
    Compressed { tool: &'static str },
    #[error("it holds bytes that are not UTF-8")]
    NotText,
    #[error("line {line}: {}", shown(problem))]
    Line { line: usize, problem: String },
    #[error("line {line}: {:?} is no name, but what a tool says of one", shown(item))]
    Annotation { line: usize, item: String },
    #[error("line {line}: {error}")]
    Message { line: usize, error: ParseError },
    #[error("line {line}: a list holds INDEX messages alone")]
    NotIndex { line: usize },
    #[error("stanza {stanza} (of {:?}): {}", shown(package), shown(problem))]
    Stanza { stanza: usize, package: String, problem: String },
    #[error("the {:?} of {}: expected `(`, `[` or `<` after the name", shown(item), shown(of))]
    Item { item: String, of: String },
    #[error("the {:?} of {}: {error}", shown(name), shown(of))]
    Name { name: String, of: String, error: NameError },
}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::NotText,
            _ => Self::Io(error),
        }
    }
}

/// How compressed files begin, and what decompresses them.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\xfd7zXZ", "xz"),
    (b"\x1f\x8b", "gzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh91AY&SY", "bzip2"),
];

/// What some editors write before the first line: U+FEFF in UTF-8. It says nothing here.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Source {
    pub(super) fn read(&self) -> Result<PackageList, Failure> {
        self.open().map_err(ListError::from).and_then(|reader| self.format.read(reader)).map_err(
            |error| match (self.file.clone(), error) {
                (path, ListError::Io(error)) => Failure::Read { path, error },
                (path, error) => ToolFailure::List { path, error }.into(),
            },
        )
    }

    /// What to say when an index cannot hold the list.
    pub(super) fn too_large(&self, error: LimitError) -> Failure {
        ToolFailure::Limit { path: self.file.clone(), error }.into()
    }

    fn open(&self) -> io::Result<Box<dyn BufRead>> {
        if self.file == Path::new("-") {
            return Ok(Box::new(io::stdin().lock()));
        }
        Ok(Box::new(BufReader::with_capacity(1 << 16, File::open(&self.file)?)))
    }
}

impl Format {
    fn read(self, mut reader: impl BufRead) -> Result<PackageList, ListError> {
        let start = reader.fill_buf()?;
        if let Some(&(_, tool)) = COMPRESSED.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(ListError::Compressed { tool });
        }
        if start.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        match self {
            Self::Brew => brew::read(reader),
            // Names of people and descriptions are not used, and older lists have them in Latin-1.
            Self::Debian => debian::read(lossy::Lossy::new(reader)),
            Self::Commands => commands::read(reader),
        }
    }
}

impl PackageList {
    /// Lists a package unless it is listed already; says whether it did.
    fn add(&mut self, package: Name, needs: Vec<Need>) -> bool {
        match self.packages.entry(package) {
            Entry::Occupied(_first) => {
                self.repeat("first");
                false
            }
            Entry::Vacant(place) => {
                place.insert(needs);
                true
            }
        }
    }

    /// Lists a package; what was said of it before no longer counts.
    fn replace(&mut self, package: Name, needs: Vec<Need>) {
        if self.packages.insert(package, needs).is_some() {
            self.repeat("last");
        }
    }

    fn repeat(&mut self, counts: &'static str) {
        self.repeated.get_or_insert(Repeated { entries: 0, counts }).entries += 1;
    }
}

impl Need {
    /// The one package that will do.
    fn just(name: Name) -> Self {
        Self(vec![name])
    }
}

/// The name that `text` is, or where in the list it is not.
fn name(text: &str, of: &str) -> Result<Name, ListError> {
    let error = |error| ListError::Name { name: text.to_owned(), of: of.to_owned(), error };
    text.parse().map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a list says, in one line a package.
    pub(super) fn printed(list: &PackageList) -> String {
        let needs = |needs: &Vec<Need>| {
            needs.iter().map(|Need(names)| format!(" {names:?}")).collect::<String>()
        };
        list.packages.iter().map(|(name, list)| format!("{name}:{}\n", needs(list))).collect()
    }
}
