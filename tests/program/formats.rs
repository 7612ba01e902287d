//! What a server left in its directory stays readable, and what it writes there stays the same, byte by byte.
//!
//! `data/formats/` has two directories. Of each a server was told [`FIRST`] and stopped; the next one was told
//! [`THEN`] and stopped, or was killed. So what the first was told lies among the packages, and what the second
//! was told among the recent commits.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Folder, kept};
use package_indexer::engine::Engine;
use package_indexer::index::{Limits, Names};
use package_indexer::store::{Disk, Store as _, load};
use package_indexer::{Command, PackageIndex};

const FIRST: &str = include_str!("../data/formats/first.txt");
const THEN: &str = include_str!("../data/formats/then.txt");

/// What is indexed when both have been told.
const STATE: &str = include_str!("../data/formats/state.txt");

/// A directory as a server left it.
fn directory(folder: &Folder, name: &str) -> PathBuf {
    let left = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats").join(name);
    let directory = folder.0.join(name);
    fs::create_dir_all(&directory).unwrap();
    for file in ["index.redb", "rollback"] {
        fs::copy(left.join(file), directory.join(file)).unwrap();
    }
    directory
}

/// What an index holds, a line a package.
fn printed(index: &PackageIndex) -> String {
    let line = |(package, list): (_, Names)| {
        list.fold(format!("{package}:"), |line, name| format!("{line} {name}")) + "\n"
    };
    index.entries().map(line).collect()
}

#[test]
fn a_directory_is_read_after_a_stop_and_after_a_kill() {
    let folder = Folder::new("formats-read");
    for name in ["closed", "killed"] {
        let directory = directory(&folder, name);
        // What the second server was told is still among the recent commits.
        assert_eq!(kept::rows(&directory).recent, THEN, "{name}");
        let disk = Disk::open(&directory).unwrap();
        let index = load(&disk, Limits::default(), |_| ()).unwrap();
        assert_eq!(printed(&index), STATE, "{name}");
        // And when it has found its place among the packages.
        Box::new(disk).close().unwrap();
        assert_eq!(kept::rows(&directory).recent, "", "{name}");
        let index = load(&Disk::open(&directory).unwrap(), Limits::default(), |_| ()).unwrap();
        assert_eq!(printed(&index), STATE, "{name}");
    }
}

#[test]
fn the_same_commands_are_kept_in_the_same_bytes() {
    let folder = Folder::new("formats-written");
    let written = folder.0.join("written");
    for commands in [FIRST, THEN] {
        let disk = Disk::create(&written).unwrap();
        let index = load(&disk, Limits::default(), |_| ()).unwrap();
        let engine = Engine::durable(index, Box::new(disk));
        for command in commands.lines() {
            engine.apply(&command.parse::<Command>().unwrap()).unwrap();
        }
        engine.close().unwrap();
    }
    let written = kept::rows(&written);
    for name in ["closed", "killed"] {
        assert_eq!(written, kept::rows(&directory(&folder, name)), "{name}");
    }
}
