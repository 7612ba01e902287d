//! Every transcript in `spec/transcripts/` holds on the reference model, on the index and on a
//! live server, and each rule of the protocol is shown by what the protocol's last table says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};
use package_indexer::testing::properties::roster;
use package_indexer::testing::transcript::{InMemory, Remote, Transcript};
use package_indexer::{Model, PackageIndex};

/// The transcripts by file name, each with its text.
fn transcripts() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/transcripts");
    let texts: BTreeMap<_, _> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(texts.len() >= 10, "the transcripts are gone: {:?}", texts.keys());
    texts
}

/// Runs every transcript with `run` and says where each one failed.
fn all_hold(run: impl Fn(&Transcript) -> Result<(), String>) {
    let mut failures = Vec::new();
    for (name, text) in transcripts() {
        let transcript: Transcript = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Err(mismatch) = run(&transcript) {
            failures.push(format!("{name}.txt: {mismatch}"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_transcript_holds_on_the_model() {
    all_hold(|transcript| {
        transcript.run(&mut InMemory::new(Model::default())).map_err(|error| error.to_string())
    });
}

#[test]
fn every_transcript_holds_on_the_index() {
    all_hold(|transcript| {
        transcript.run(&mut InMemory::new(PackageIndex::new())).map_err(|error| error.to_string())
    });
}

#[test]
fn every_transcript_holds_on_a_live_server() {
    all_hold(|transcript| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = Arc::new(Engine::default());
        let server = Server::start([listener], engine, Config::default()).unwrap();
        let address = server.addresses()[0];
        transcript.run(&mut Remote(address)).map_err(|error| error.to_string())
    });
}

/// The ids that begin lines of `spec/protocol.md`, as in `- **M1** ...`.
fn rules_of_the_protocol(protocol: &str) -> BTreeSet<String> {
    let id = |line: &str| {
        let (id, _) = line.trim_start_matches(['-', ' ']).strip_prefix("**")?.split_once("**")?;
        let (group, number) = id.split_at_checked(1)?;
        let is_id = group.chars().all(char::is_uppercase) && number.parse::<u32>().is_ok();
        is_id.then(|| id.to_owned())
    };
    protocol.lines().filter_map(id).collect()
}

/// The rows of the protocol's last table: what each rule is shown by.
fn shown_by(protocol: &str) -> BTreeMap<String, Vec<String>> {
    let table = protocol.split("| rule | shown by |").nth(1).expect("the table is there");
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.trim_end_matches([' ', '|']).split(" | ");
        let (rule, shown) = (cells.next()?, cells.next()?);
        let quoted = shown.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some((rule.to_owned(), quoted))
    });
    rows.collect()
}

/// Whether a comment names a rule, alone or within a range as in `D1 to D3`.
fn names_rule(comment: &str, rule: &str) -> bool {
    let (group, number) = rule.split_at(1);
    let number: u32 = number.parse().unwrap();
    let words: Vec<_> = comment.split(|c: char| !c.is_alphanumeric()).collect();
    let numbered = |word: &str| word.strip_prefix(group)?.parse::<u32>().ok();
    words.contains(&rule)
        || words.windows(3).any(|range| {
            range[1] == "to"
                && matches!((numbered(range[0]), numbered(range[2])),
                    (Some(first), Some(last)) if (first..=last).contains(&number))
        })
}

#[test]
fn every_rule_is_shown_where_the_protocol_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let protocol = fs::read_to_string(root.join("spec/protocol.md")).unwrap();
    let rules = rules_of_the_protocol(&protocol);
    assert!(rules.len() > 40, "{rules:?}");
    let table = shown_by(&protocol);
    let roster = roster();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), rules);

    let mut by_transcripts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in transcripts() {
        let header = text.lines().find_map(|line| line.strip_prefix("# Rules: "));
        for rule in header.unwrap_or_else(|| panic!("{name} names no rules")).split_whitespace() {
            let in_a_step = text.lines().any(|line| {
                line.starts_with("# ")
                    && !line.starts_with("# Rules: ")
                    && line.split(|c: char| !c.is_alphanumeric()).any(|word| word == rule)
            });
            assert!(in_a_step, "{name} names {rule} on top and in no step");
            by_transcripts.entry(rule.to_owned()).or_default().insert(format!("{name}.txt"));
        }
    }
    for (rule, shown) in table {
        let (transcripts, others): (BTreeSet<_>, BTreeSet<_>) =
            shown.into_iter().partition(|place| {
                Path::new(place).extension().is_some_and(|extension| extension == "txt")
            });
        let (tests, properties): (BTreeSet<_>, BTreeSet<_>) =
            others.into_iter().partition(|place| place.contains("::"));
        assert_eq!(transcripts, by_transcripts.remove(&rule).unwrap_or_default(), "{rule}");
        for name in properties {
            let property = roster.iter().find(|property| property.name == name);
            let property = property.unwrap_or_else(|| panic!("{rule}: there is no {name}"));
            assert!(property.rules.contains(&rule.as_str()), "{property:?} does not name {rule}");
        }
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let text = fs::read_to_string(root.join(file)).unwrap();
            let (before, _) = text
                .split_once(&format!("fn {name}()"))
                .unwrap_or_else(|| panic!("{rule}: {test} does not exist"));
            let comment = before.rsplit("///").next().unwrap();
            assert!(names_rule(comment, &rule), "{test} does not name {rule}");
        }
    }
    assert!(by_transcripts.is_empty(), "not in the protocol: {by_transcripts:?}");
}
