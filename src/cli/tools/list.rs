//! Package lists as other tools write them: which packages there are, and what each needs.
//!
//! Reading a list decides nothing. A list may name packages that do not exist, offer alternatives and contain
//! cycles. Module `plan` turns it into something that can be indexed.

mod brew;
mod cargo;
mod commands;
mod debian;
mod error;
mod guess;
mod interned;
mod json;
mod npm;
mod packages;
mod source;
mod stanza;
mod tree;

use std::fmt;
use std::io::{self, BufRead};

use clap::ValueEnum;

use error::Line;

pub(in crate::cli) use error::ListError;
pub(super) use interned::Names;
pub(super) use packages::{Alternative, PackageList, Repeated};
pub(super) use source::Source;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// Homebrew: the output of `brew deps --installed` or `brew deps --tree`, or lines `name: dependency
    /// dependency`
    Brew,
    /// A Debian `Packages` index, or `/var/lib/dpkg/status`
    Debian,
    /// INDEX messages of this protocol, in any order
    Commands,
    /// The output of `cargo metadata --format-version 1`; packages are named `name@version`
    #[value(alias = "cargo-metadata")]
    Cargo,
    /// A `package-lock.json` of npm 7 or later; packages are named `name@version`
    #[value(alias = "package-lock")]
    Npm,
}

impl Format {
    pub(super) fn read(self, reader: impl BufRead, start: &[u8]) -> Result<PackageList, ListError> {
        match self {
            Self::Brew if tree::is_tree(start) => tree::read(reader),
            Self::Brew => brew::read(reader),
            Self::Debian => debian::read(reader),
            Self::Commands => commands::read(reader),
            Self::Cargo => cargo::read(reader),
            Self::Npm => npm::read(reader),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// The values of `--format`, with bars between.
fn formats() -> String {
    let names: Vec<_> = Format::value_variants().iter().map(ToString::to_string).collect();
    names.join("|")
}

/// Passes on each line, without its end.
fn each_line(
    mut reader: impl BufRead,
    mut read: impl FnMut(Line<'_>) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        read(Line { bytes: line, number })?;
    }
    Ok(())
}

/// Reads everything, for formats that are one value.
fn whole(mut reader: impl BufRead) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    reader.read_to_end(&mut text)?;
    Ok(text)
}
