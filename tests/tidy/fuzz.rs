//! What `fuzz/` holds is what the table of properties generates, and every property holds on what
//! is kept there. `UPDATE=1 cargo test --test tidy committed` writes it again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use package_indexer::testing::fuzz::FuzzFolder;
use package_indexer::testing::properties::roster;
use package_indexer::testing::transcript::Transcript;
use package_indexer::{Command, PackageIndex};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn folder() -> FuzzFolder {
    let comment = "The terminals of the grammar in spec/protocol.md.";
    let folder = FuzzFolder::of_library(root(), "package_indexer::testing::properties", roster())
        .command("fuzz/campaign")
        .dictionary("protocol.dict", comment, terminals());
    examples().into_iter().fold(folder, |folder, (name, bytes)| folder.example(&name, bytes))
}

/// The terminals of the grammar in the protocol, in the form that libFuzzer reads.
fn terminals() -> Vec<String> {
    let protocol = read("spec/protocol.md");
    let grammar = protocol.split("```abnf").nth(1).unwrap().split("```").next().unwrap();
    let quoted: BTreeSet<&str> = grammar.split('"').skip(1).step_by(2).collect();
    assert!(quoted.len() > 10, "{quoted:?}");
    let control = [("CR", r"\x0d"), ("LF", r"\x0a")].into_iter();
    let control = control.filter(|(name, _)| grammar.contains(name)).map(|(_, escape)| escape);
    control.chain(quoted).map(str::to_owned).collect()
}

/// What clients send: in each transcript, and to index and remove some of Homebrew.
fn examples() -> BTreeMap<String, Vec<u8>> {
    let transcripts = fs::read_dir(root().join("spec/transcripts")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let transcript: Transcript = fs::read_to_string(&path).unwrap().parse().unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), transcript.sent())
    });
    let formulae =
        ["wget", "git"].map(|formula| (format!("brew-{formula}"), with_all_it_needs(formula)));
    transcripts.chain(formulae).collect()
}

/// Messages that index a formula after all that it needs, and remove all again.
fn with_all_it_needs(formula: &str) -> Vec<u8> {
    let text = read("tests/data/brew-dependencies.txt");
    let lists: BTreeMap<&str, Vec<&str>> = text
        .lines()
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, list)| (name, list.split_whitespace().collect()))
        .collect();
    let mut ahead = vec![formula];
    let mut index = PackageIndex::new();
    while let Some(next) = ahead.last() {
        let command = Command::index(next, lists[next].iter().copied()).unwrap();
        let missing = lists[next].iter().filter(|name| !index.contains(name));
        let missing: Vec<&str> = missing.copied().collect();
        if missing.is_empty() {
            index.extend([command]);
            ahead.pop();
        } else {
            ahead.extend(missing);
        }
    }
    let indexed = index.to_commands();
    let removed = indexed.iter().rev().map(|command| format!("REMOVE|{}|\n", command.package()));
    let messages = indexed.iter().map(|command| format!("{command}\n")).chain(removed);
    messages.collect::<String>().into_bytes()
}

#[test]
fn what_is_committed_is_what_the_table_generates() {
    if let Err(error) = folder().keep() {
        panic!("{error}\n`UPDATE=1 cargo test --test tidy committed` writes them again");
    }
}

#[test]
fn every_property_holds_on_its_seeds_and_on_what_once_broke_it() {
    let replayed = folder().replay().unwrap_or_else(|error| panic!("{error}"));
    assert!(replayed > 300, "only {replayed} inputs were found: is the test looking?");
}

#[test]
fn regressions_are_kept_for_properties_that_exist() {
    let strays = folder().strays().unwrap();
    assert!(strays.is_empty(), "{strays:?} are for no property");
}

#[test]
fn the_rules_of_every_property_are_in_the_protocol() {
    let protocol = read("spec/protocol.md");
    for property in roster() {
        assert!(!property.rules.is_empty(), "{property:?} covers no rule");
        for rule in property.rules {
            assert!(protocol.contains(&format!("**{rule}**")), "{property:?}: there is no {rule}");
        }
    }
}
