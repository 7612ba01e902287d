//! What is logged has a name that scripts and alerts can rely on, and the docs list all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::house::{root, rust_files, without_tests};

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// What the code logs: the levels of each event, and where one has no name.
#[derive(Default)]
struct Logged {
    events: BTreeMap<String, BTreeSet<String>>,
    nameless: Vec<String>,
}

impl Logged {
    /// Reads the invocations of `tracing`'s macros in a file. One whose level is a parameter of a macro of its
    /// own, `tracing::$level!`, has the levels with which that is called, `say!(info)`.
    fn read(&mut self, path: &str, text: &str) {
        for (begins, _) in text.match_indices("tracing::") {
            let rest = &text[begins + "tracing::".len()..];
            let Some((level, inside)) = rest.split_once("!(") else { continue };
            let is_parameter = level == "$level";
            if !is_parameter && !LEVELS.contains(&level) {
                continue;
            }
            let name = inside.trim_start().strip_prefix("event = \"");
            let Some((name, _)) = name.and_then(|rest| rest.split_once('"')) else {
                self.nameless.push(format!("{path}: {}", inside.lines().next().unwrap_or("")));
                continue;
            };
            let levels = self.events.entry(name.to_owned()).or_default();
            let called = |it: &&&str| text.contains(&format!("say!({it})"));
            let all = LEVELS.iter().filter(called).map(|it| (*it).to_owned());
            levels.extend(if is_parameter { all.collect() } else { vec![level.to_owned()] });
        }
    }
}

/// The events of the table in the docs, with their levels.
fn listed() -> BTreeMap<String, BTreeSet<String>> {
    let docs = fs::read_to_string(root().join("docs/running.md")).unwrap();
    let (_, table) = docs.split_once("| event | level | what has happened |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| {
            assert!(cells[3].len() > 3, "{} is not explained", cells[1]);
            let levels = cells[2].split(", ").map(str::to_owned).collect();
            (cells[1].trim_matches('`').to_owned(), levels)
        })
        .collect()
}

#[test]
fn every_line_of_the_log_has_a_name_and_the_docs_list_it() {
    let mut logged = Logged::default();
    for (path, text) in rust_files(&root().join("src")) {
        let is_test =
            path.ends_with("tests.rs") || path.components().any(|it| it.as_os_str() == "tests");
        if !is_test {
            logged.read(&path.display().to_string(), without_tests(&text));
        }
    }
    assert!(logged.nameless.is_empty(), "these have no event: {:#?}", logged.nameless);
    assert!(
        logged.events.len() > 30,
        "only {} were found: is the test looking?",
        logged.events.len()
    );
    assert_eq!(logged.events, listed(), "left: in the code, right: in docs/running.md");
}
