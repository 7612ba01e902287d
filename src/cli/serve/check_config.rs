//! `indexer serve --check-config`: check whether a server could start with these options.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use super::{Arguments, ServeFailure};
use crate::cli::environment::{Origin, Setting};
use crate::cli::{Failure, Fulfilled};

/// Prints each option in effect, and checks the addresses, directories and files that they name. It does not
/// listen, lock the directory or connect to anything, so a server may be running with the same options.
pub(super) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let mut output = io::stdout();
    for setting in &arguments.settings {
        writeln!(output, "{}", line(setting)).map_err(Failure::Output)?;
    }
    arguments.addresses().check()?;
    if let Some(directory) = &arguments.data_dir {
        check_directory(directory)
            .map_err(|error| ServeFailure::DataDir { path: directory.clone(), error })?;
    }
    #[cfg(feature = "etcd")]
    arguments.replication.check(arguments.max_line_bytes)?;
    writeln!(output, "a server can be started with these options").map_err(Failure::Output)?;
    Ok(Fulfilled::Yes)
}

fn line(Setting { option, values, origin }: &Setting) -> String {
    let values = if values.is_empty() { "not set".to_owned() } else { values.join(", ") };
    match origin {
        Origin::Default => format!("{option}: {values}"),
        Origin::Environment { variable } => format!("{option}: {values} (from {variable})"),
        Origin::CommandLine => format!("{option}: {values} (from --{option})"),
    }
}

/// Whether a directory can be used. If it does not exist, its nearest existing parent must be a directory.
fn check_directory(directory: &Path) -> io::Result<()> {
    for there in directory.ancestors() {
        let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        match fs::read_dir(there) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => return other.map(drop),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_printed_with_where_it_comes_from() {
        let setting = |values: &[&str], origin| Setting {
            option: "listen".into(),
            values: values.iter().map(|it| (*it).to_owned()).collect(),
            origin,
        };
        let variable = "INDEXER_LISTEN".to_owned();
        for (setting, expected) in [
            (setting(&[], Origin::Default), "listen: not set"),
            (setting(&["a:1"], Origin::CommandLine), "listen: a:1 (from --listen)"),
            (
                setting(&["a:1", "b:2"], Origin::Environment { variable }),
                "listen: a:1, b:2 (from INDEXER_LISTEN)",
            ),
        ] {
            assert_eq!(line(&setting), expected);
        }
    }
}
