//! Where pages lead: every link to a file and a heading that are there, every command to a target and to
//! tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::house::{root, rust_files};

/// Folders with pages.
const FOLDERS: [&str; 8] = [
    ".",
    "docs",
    "spec",
    "fuzz",
    "statecheck",
    "statecheck/docs",
    "statecheck/compare",
    "statecheck/hunts",
];

/// All pages, with their text.
fn pages() -> Vec<(PathBuf, String)> {
    let files = FOLDERS.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let mut pages: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    assert!(pages.len() > 18, "{pages:?}");
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    pages.into_iter().map(read).collect()
}

/// What a link calls the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut checked = 0;
    for (page, text) in pages() {
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            // The guide is also part of the documentation of its crate, which checks its own links.
            let is_elsewhere = ["https://", "crate::", "failures", "coming_from"];
            if is_elsewhere.iter().any(|start| target.starts_with(start)) && !target.contains(".md")
            {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let says = format!("{}: {target}", page.display());
            assert!(there.exists(), "{says} is linked and does not exist");
            if !heading.is_empty() {
                let text = fs::read_to_string(there).unwrap();
                let is_there = anchors(&text).contains(heading)
                    || text.contains(&format!("<a id=\"{heading}\">"));
                assert!(is_there, "{says}: there is no such heading");
            }
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} were found: is the test looking?");
}

/// The commands with `cargo` in code spans and blocks, each as its words.
fn cargo_commands(page: &str) -> Vec<Vec<&str>> {
    let code = page.split('`').skip(1).step_by(2);
    let blocks = page.split("\n```").skip(1).step_by(2);
    let lines = code.chain(blocks).flat_map(str::lines);
    lines.filter_map(|line| line.split_once("cargo ")).map(|it| it.1.split(' ').collect()).collect()
}

/// The identifier that a text begins with.
fn identifier(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
}

/// All that a filter of tests can match: the path of each module, and what is named in it.
fn names_in(folder: &Path) -> String {
    let mut names = "quickcheck:: canaries::\n".to_owned();
    for (path, text) in rust_files(folder) {
        let path = path.strip_prefix(folder).unwrap().with_extension("");
        names += &format!("{}::\n", path.to_str().unwrap().replace('/', "::"));
        let named = ["fn ", "mod "].map(|keyword| text.split(keyword).skip(1));
        let rows = text.contains("properties! {").then(|| text.lines().map(str::trim));
        for name in named.into_iter().flatten().chain(rows.into_iter().flatten()) {
            names += &format!("{}\n", identifier(name));
        }
    }
    names
}

#[test]
fn every_command_of_a_page_names_what_exists() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut checked = 0;
    for (page, text) in pages() {
        // Their commands are about packages of their own.
        if page.starts_with(root().join("statecheck")) {
            continue;
        }
        for command in cargo_commands(&text) {
            let says = format!("{}: cargo {}", page.display(), command.join(" "));
            let mut folder = None;
            let mut words = command.iter();
            while let Some(word) = words.next() {
                match *word {
                    "--test" | "--bench" | "--example" => {
                        let Some(name) = words.next() else { panic!("{says}") };
                        let kind = word.trim_start_matches('-');
                        let table = format!("[[{kind}]]\nname = \"{name}\"\n");
                        let file = root().join(format!("{kind}s/{name}.rs"));
                        let is_there = manifest.contains(&table) || file.exists();
                        assert!(is_there, "{says}: there is no {kind} {name}");
                        folder = (kind == "test").then(|| root().join("tests").join(name));
                        checked += 1;
                    }
                    "--lib" => folder = Some(root().join("src")),
                    "--features" | "--target-dir" | "--manifest-path" | "-p" => {
                        words.next();
                    }
                    filter
                        if folder.is_some() && !filter.starts_with('-') && command[0] == "test" =>
                    {
                        let names = names_in(folder.as_ref().unwrap());
                        // NAME is for the reader to fill in.
                        let is_known = |part: &str| part == "NAME" || names.contains(part);
                        let both = command.iter().filter(|word| **word == "--test").count() > 1;
                        let matches = both || filter.split("::").all(is_known);
                        assert!(matches, "{says}: no test is {filter}");
                        checked += 1;
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(checked > 40, "only {checked} were found: is the test looking?");
}
