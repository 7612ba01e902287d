//! What `fuzz/` holds is what the table of properties generates, and every property holds on what
//! is kept there. `UPDATE=1 cargo test --test fuzz committed` writes it anew.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use package_indexer::testing::properties::roster;
use package_indexer::testing::property::Property;
use package_indexer::testing::transcript::Transcript;
use package_indexer::{Command, PackageIndex};

/// Files by their paths from the project's root.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What stands before that part of `fuzz/Cargo.toml` and `fuzz/README.md` which is generated.
const MARKS: [(&str, &str); 2] = [
    (
        "fuzz/Cargo.toml",
        "# From here on generated from the table of properties; README.md says how.\n",
    ),
    ("fuzz/README.md", "<!-- From here on generated from the table of properties. -->\n"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder; none if there is no such folder.
fn files_in(folder: &str) -> Files {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Files::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let files = paths.flat_map(|path| {
        let inside = path.strip_prefix(root()).unwrap().to_owned();
        if path.is_dir() {
            return files_in(inside.to_str().unwrap());
        }
        Files::from([(inside, fs::read(path).unwrap())])
    });
    files.collect()
}

/// Everything that is generated.
fn generated() -> Files {
    let roster = roster();
    let mut files = Files::new();
    let mut add = |path: String, bytes: Vec<u8>| {
        assert!(files.insert(path.clone().into(), bytes).is_none(), "{path} is generated twice");
    };
    for property in &roster {
        add(format!("fuzz/fuzz_targets/{}.rs", property.name), target(property).into_bytes());
    }
    for ((path, mark), tail) in MARKS.into_iter().zip([bins(&roster), table(&roster)]) {
        let text = read(path);
        let (head, _) = text.split_once(mark).unwrap_or_else(|| panic!("{path} lacks: {mark}"));
        add(path.to_owned(), format!("{head}{mark}{tail}").into_bytes());
    }
    add("fuzz/protocol.dict".to_owned(), dictionary().into_bytes());
    for (name, bytes) in seeds(&roster) {
        add(format!("fuzz/seeds/{name}"), bytes);
    }
    files
}

fn target(property: &Property) -> String {
    format!(
        "//! {}\n//! Seeds: {}. Generated: see `fuzz/README.md`.\n\
         #![cfg_attr(fuzzing, no_main)]\n\n\
         package_indexer_fuzz::target!({});\n",
        property.promise,
        seed_folder(property),
        property.name
    )
}

fn bins(roster: &[Property]) -> String {
    roster.iter().fold(String::new(), |mut text, Property { name, .. }| {
        write!(
            text,
            "\n[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n\
             test = false\ndoc = false\nbench = false\n"
        )
        .unwrap();
        text
    })
}

fn table(roster: &[Property]) -> String {
    let mut text =
        "\n| target | what it checks | input | rules | to run it |\n|---|---|---|---|---|\n"
            .to_owned();
    for property in roster {
        let Property { name, promise, input, rules, .. } = property;
        let rules = rules.join(" ");
        writeln!(text, "| `{name}` | {promise} | `{input}` | {rules} | `fuzz/campaign {name}` |")
            .unwrap();
    }
    text
}

/// The terminals of the grammar in the protocol, in the form that libFuzzer reads.
fn dictionary() -> String {
    let protocol = read("spec/protocol.md");
    let grammar = protocol.split("```abnf").nth(1).unwrap().split("```").next().unwrap();
    let quoted: BTreeSet<&str> = grammar.split('"').skip(1).step_by(2).collect();
    assert!(quoted.len() > 10, "{quoted:?}");
    let control = [("CR", r"\x0d"), ("LF", r"\x0a")].into_iter();
    let control = control.filter(|(name, _)| grammar.contains(name)).map(|(_, escape)| escape);
    let entries = control.chain(quoted).map(|terminal| format!("\"{terminal}\"\n"));
    let head =
        "# The terminals of the grammar in spec/protocol.md. Generated: see fuzz/README.md.\n";
    head.to_owned() + &entries.collect::<String>()
}

fn seed_folder(property: &Property) -> String {
    format!("fuzz/seeds/{}", property.input.split('<').next().unwrap())
}

/// For each type of input what it makes of the transcripts and of Homebrew, by folder and name.
fn seeds(roster: &[Property]) -> BTreeMap<String, Vec<u8>> {
    /// Of an example that makes a seed of each line, so many are kept.
    const MOST: usize = 4;
    let mut seeds = BTreeMap::new();
    let folders: BTreeMap<_, _> = roster.iter().map(|p| (seed_folder(p), p)).collect();
    for (folder, property) in folders {
        let folder = folder.rsplit('/').next().unwrap().to_owned();
        for (example, stream) in examples() {
            let made = property.seeds(&stream);
            let step = made.len().div_ceil(MOST).max(1);
            for (number, seed) in made.into_iter().step_by(step).enumerate() {
                seeds.insert(format!("{folder}/{example}-{number}"), seed);
            }
        }
    }
    seeds
}

/// What clients send: in each transcript, and to index and remove some of Homebrew.
fn examples() -> BTreeMap<String, Vec<u8>> {
    let transcripts = files_in("spec/transcripts").into_iter().map(|(path, text)| {
        let transcript: Transcript = String::from_utf8(text).unwrap().parse().unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), transcript.sent())
    });
    let formulae =
        ["wget", "git"].map(|formula| (format!("brew-{formula}"), with_all_it_needs(formula)));
    transcripts.chain(formulae).collect()
}

/// Messages that index a formula after all that it needs, and remove all again.
fn with_all_it_needs(formula: &str) -> Vec<u8> {
    let text = fs::read_to_string(common::BREW).unwrap();
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
    let expected = generated();
    let mut present = files_in("fuzz/fuzz_targets");
    present.extend(files_in("fuzz/seeds"));
    for path in expected.keys().filter(|path| !present.contains_key(*path)).collect::<Vec<_>>() {
        if let Ok(bytes) = fs::read(root().join(path)) {
            present.insert(path.clone(), bytes);
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        for path in present.keys().filter(|path| !expected.contains_key(*path)) {
            fs::remove_file(root().join(path)).unwrap();
        }
        for (path, bytes) in &expected {
            let path = root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        return;
    }
    let paths: BTreeSet<_> = expected.keys().chain(present.keys()).collect();
    let differ = |path: &&&PathBuf| expected.get(**path) != present.get(**path);
    let differing: Vec<_> = paths.iter().filter(differ).collect();
    assert!(
        differing.is_empty(),
        "not what the table of properties generates: {differing:#?}\n\
         `UPDATE=1 cargo test --test fuzz committed` writes them anew"
    );
}

#[test]
fn every_property_holds_on_its_seeds_and_on_what_once_broke_it() {
    let mut replayed = 0;
    for property in roster() {
        let regressions = files_in(&format!("fuzz/regressions/{}", property.name));
        for (path, bytes) in files_in(&seed_folder(&property)).into_iter().chain(regressions) {
            property
                .replay(&bytes)
                .unwrap_or_else(|violation| panic!("{}:\n{violation}", path.display()));
            replayed += 1;
        }
    }
    assert!(replayed > 300, "only {replayed} inputs were found: is the test looking?");
}

#[test]
fn regressions_are_kept_for_properties_that_exist() {
    let names: BTreeSet<_> = roster().iter().map(|property| property.name).collect();
    for path in files_in("fuzz/regressions").into_keys() {
        let property = path.components().nth(2).unwrap().as_os_str().to_str().unwrap();
        assert!(names.contains(property), "{} is for no property", path.display());
    }
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
