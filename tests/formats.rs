//! What a server left in its directory stays readable, and what it writes there stays the same, byte by byte.
//!
//! `data/formats/` has two directories. Of each a server was told [`FIRST`] and stopped; the next one was told
//! [`THEN`] and stopped, or was killed. So what the first was told lies among the packages, and what the second
//! was told among the recent commits.

mod common;
#[path = "common/kept.rs"]
mod kept;

use std::fs;
use std::path::{Path, PathBuf};

use common::Folder;
use package_indexer::engine::Engine;
use package_indexer::index::Limits;
use package_indexer::store::{Disk, Store as _, load};
use package_indexer::{Command, PackageIndex};

/// Stands for the longest name.
const LONG: &str = "LONG";

const FIRST: &[&str] = &[
    "INDEX|lua|",
    "INDEX|ncurses|",
    "INDEX|vim|ncurses,lua",
    "INDEX|egg|",
    "INDEX|hen|egg",
    "INDEX|egg|vim,hen,egg",
    "INDEX|libstdc++6|",
    "INDEX|@types/node|libstdc++6",
    "INDEX|A_b-9.x|@types/node,vim",
    "INDEX|LONG|lua",
    "INDEX|gone|lua",
    "INDEX|emptied|lua,vim",
];

const THEN: &[&str] = &[
    "INDEX|python@3.12|ncurses,LONG",
    "INDEX|vim|python@3.12",
    "INDEX|emptied|",
    "REMOVE|gone|",
    "INDEX|brief|emptied",
    "INDEX|brief|lua",
    "REMOVE|brief|",
    "INDEX|self|",
    "INDEX|self|self",
];

/// What is indexed when both have been told.
const STATE: &[&str] = &[
    "@types/node: libstdc++6",
    "A_b-9.x: @types/node vim",
    "egg: egg hen vim",
    "emptied:",
    "hen: egg",
    "libstdc++6:",
    "lua:",
    "ncurses:",
    "python@3.12: ncurses LONG",
    "self: self",
    "vim: python@3.12",
    "LONG: lua",
];

/// The text with the longest name in its place.
fn lengthened(text: &str) -> String {
    text.replace(LONG, &"x".repeat(255))
}

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
fn printed(index: &PackageIndex) -> Vec<String> {
    let line = |(package, list): (_, package_indexer::index::Names)| {
        list.fold(format!("{package}:"), |line, name| format!("{line} {name}"))
    };
    index.entries().map(line).collect()
}

#[test]
fn a_directory_that_was_closed_or_whose_server_was_killed_is_read() {
    let folder = Folder::new("formats-read");
    for name in ["closed", "killed"] {
        let directory = directory(&folder, name);
        // Whose changes of the second server are still among the recent commits.
        assert_eq!(kept::rows(&directory).recent.lines().count(), THEN.len(), "{name}");
        let disk = Disk::open(&directory).unwrap();
        let index = load(&disk, Limits::default(), |_| ()).unwrap();
        let state: Vec<_> = STATE.iter().map(|line| lengthened(line)).collect();
        assert_eq!(printed(&index), state, "{name}");
        // And when the changes have found their place among the packages.
        Box::new(disk).close().unwrap();
        assert_eq!(kept::rows(&directory).recent, "", "{name}");
        let index = load(&Disk::open(&directory).unwrap(), Limits::default(), |_| ()).unwrap();
        assert_eq!(printed(&index), state, "{name}");
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
        for command in commands {
            let command: Command = lengthened(command).parse().unwrap();
            engine.apply(&command).unwrap();
        }
        engine.close().unwrap();
    }
    let written = kept::rows(&written);
    for name in ["closed", "killed"] {
        assert_eq!(written, kept::rows(&directory(&folder, name)), "{name}");
    }
}
