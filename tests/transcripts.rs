//! Every transcript in `spec/transcripts/` holds on the reference model, on the index and on a
//! live server, and every rule of the protocol is named where the protocol says that it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};
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

#[test]
fn the_protocol_and_the_transcripts_name_the_same_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/protocol.md");
    let protocol = fs::read_to_string(path).unwrap();
    let rules = rules_of_the_protocol(&protocol);
    assert!(rules.len() > 40, "{rules:?}");
    let mut shown = BTreeSet::new();
    for (name, text) in transcripts() {
        let header = text.lines().find_map(|line| line.strip_prefix("# Rules: "));
        for rule in header.unwrap_or_else(|| panic!("{name} names no rules")).split_whitespace() {
            assert!(rules.contains(rule), "{name} names {rule}, which the protocol does not have");
            shown.insert(rule.to_owned());
        }
    }
    // What no transcript can show; `spec/protocol.md` says which tests do.
    let by_tests_alone = BTreeSet::from(["C1", "C2", "O7", "O8"].map(String::from));
    assert_eq!(&rules - &shown, by_tests_alone);
}
