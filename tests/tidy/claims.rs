//! What holds each promise: `docs/claims.md`, made of `docs/claims.txt`, which says how that is written.
//! `UPDATE=1 cargo test --test tidy committed` writes it again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::{env, fs};

use package_indexer::testing::properties::roster;

use crate::house::root;

const PROTOCOL: &str = "spec/protocol.md";

/// How a promise can be held, the strongest first.
const KINDS: [&str; 10] = [
    "proof",
    "model checked",
    "exhaustive",
    "property",
    "schedule",
    "fault test",
    "bench",
    "compiler",
    "transcript",
    "test",
];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The same words, with any breaks of lines.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Something that holds promises.
#[derive(Debug, Clone)]
struct Evidence {
    kind: String,
    what: String,
    command: String,
}

/// A promise: its id or nothing, its words, and the names of what holds it.
#[derive(Debug)]
struct Promise {
    document: String,
    id: String,
    words: String,
    held_by: Vec<String>,
}

#[derive(Debug, Default)]
struct Claims {
    evidence: BTreeMap<String, Evidence>,
    /// The names of evidence in the order in which they are declared.
    declared: Vec<String>,
    promises: Vec<Promise>,
}

/// The words of each rule of the protocol, without the marks of where it comes from.
fn rules() -> Vec<(String, String)> {
    let protocol = read(PROTOCOL);
    let rules = protocol.lines().filter_map(|line| line.strip_prefix("**")?.split_once("** "));
    let plain = |text: &str| {
        text.replace(", `[answer]`", "").replace(" `[challenge]`", "").replace(" `[answer]`", "")
    };
    rules.map(|(id, text)| (id.to_owned(), plain(text))).collect()
}

/// What the protocol says each rule is shown by: files of transcripts, and tests as `file::name`.
fn shown_by() -> BTreeMap<String, Vec<String>> {
    let protocol = read(PROTOCOL);
    let (_, table) = protocol.split_once("| rule | shown by |\n").unwrap();
    let rows = table.lines().skip(1).map_while(|row| row.strip_prefix("| ")?.split_once(" | "));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.map(|(id, cell)| (id.to_owned(), names(cell))).collect()
}

impl Claims {
    fn read() -> Self {
        let mut claims = Self::default();
        let rules: BTreeMap<String, String> = rules().into_iter().collect();
        let text = read("docs/claims.txt");
        let mut section = "";
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            if let Some(name) = line.strip_prefix('[') {
                section = name.strip_suffix(']').unwrap_or_else(|| panic!("no section: {line}"));
            } else if section == "evidence" {
                let cells: Vec<&str> = line.split(" | ").collect();
                let [name, kind, what, command] = cells[..] else { panic!("no evidence: {line}") };
                let [kind, what, command] = [kind, what, command].map(str::to_owned);
                let old = claims.evidence.insert(name.to_owned(), Evidence { kind, what, command });
                assert!(old.is_none(), "{name} is declared twice");
                claims.declared.push(name.to_owned());
            } else {
                let (words, names) = line.split_once(" => ").unwrap_or_else(|| panic!("{line}"));
                let held_by: Vec<String> = names.split(", ").map(str::to_owned).collect();
                let promise = |id: &str, words: &str| Promise {
                    document: section.to_owned(),
                    id: id.to_owned(),
                    words: words.to_owned(),
                    held_by: held_by.clone(),
                };
                match words.strip_prefix('"').and_then(|words| words.strip_suffix('"')) {
                    Some(words) => claims.promises.push(promise("", words)),
                    None => claims.promises.extend(words.split(' ').map(|id| {
                        let words = rules.get(id);
                        promise(id, words.unwrap_or_else(|| panic!("there is no rule {id}")))
                    })),
                }
            }
        }
        claims.add_what_the_protocol_says();
        claims
    }

    /// Every rule has a row, with the properties that cover it and what the protocol shows it by.
    fn add_what_the_protocol_says(&mut self) {
        let shown_by = shown_by();
        let mut rows = Vec::new();
        for (id, words) in rules() {
            let own = self.promises.iter().position(|promise| promise.id == id);
            let mut promise = own.map_or_else(
                || Promise {
                    document: PROTOCOL.to_owned(),
                    id: id.clone(),
                    words,
                    held_by: vec![],
                },
                |at| self.promises.remove(at),
            );
            let covers = roster().into_iter().filter(|it| it.rules.contains(&id.as_str()));
            promise.held_by.extend(covers.map(|property| property.name.to_owned()));
            for name in shown_by.get(&id).into_iter().flatten() {
                if !promise.held_by.contains(name) {
                    promise.held_by.push(name.clone());
                }
            }
            rows.push(promise);
        }
        let again: Vec<_> = self.promises.iter().filter(|promise| !promise.id.is_empty()).collect();
        assert!(again.is_empty(), "these have two rows: {again:?}");
        rows.append(&mut self.promises);
        self.promises = rows;
    }

    /// What stands after a name: the kind, how it is called, and the command that tries it alone.
    fn kind_of(&self, name: &str) -> (&str, String) {
        if let Some(evidence) = self.evidence.get(name) {
            (&evidence.kind, format!("[{name}](#{name})"))
        } else if let Some((file, test)) = name.split_once("::") {
            let text = read(file);
            assert!(text.contains(&format!("fn {test}(")), "{file} has no test {test}");
            let kind = if file.ends_with("schedules.rs") {
                "schedule"
            } else if file.starts_with("tests/faults") {
                "fault test"
            } else {
                "test"
            };
            (kind, format!("`{test}`"))
        } else if name.contains('.') {
            let path = format!("spec/transcripts/{name}");
            assert!(root().join(&path).exists(), "there is no {path}");
            ("transcript", format!("[{name}](../{path})"))
        } else {
            assert!(roster().iter().any(|it| it.name == name), "nothing is called {name}");
            ("property", format!("`{name}`"))
        }
    }

    /// The commands that try what is of one kind.
    fn commands(&self, kind: &str, names: &[&String]) -> Vec<String> {
        let declared =
            names.iter().filter_map(|name| Some(self.evidence.get(*name)?.command.clone()));
        let mut commands: BTreeSet<String> = declared.collect();
        let mut filters: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in names.iter().filter(|name| !self.evidence.contains_key(**name)) {
            let (command, filter) = match name.split_once("::") {
                _ if kind == "transcript" => ("cargo test --test library".into(), "transcripts"),
                // A flag of the compiler has these built again, so they are run with all others.
                Some(_) if kind == "schedule" => {
                    commands.insert(self.evidence["engine-schedules"].command.clone());
                    continue;
                }
                Some((file, test)) => match file.strip_prefix("tests/") {
                    Some(inside) => {
                        let target = inside.split('/').next().unwrap();
                        (format!("cargo test --test {target}"), test)
                    }
                    None => ("cargo test --lib".into(), test),
                },
                None => ("cargo test --lib".into(), name.as_str()),
            };
            let filters = filters.entry(command).or_default();
            if !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        commands.extend(filters.into_iter().map(|(command, filters)| match filters[..] {
            [filter] => format!("{command} {filter}"),
            _ => format!("{command} -- {}", filters.join(" ")),
        }));
        commands.into_iter().collect()
    }

    /// One promise, a line for each kind of what holds it.
    fn rows(&self, promise: &Promise) -> String {
        let cell = |text: &str| in_one_line(text).replace('|', "\\|");
        let mut begin = format!("| {} | {} |", promise.id, cell(&promise.words));
        let mut rows = String::new();
        let figures = figures();
        for kind in KINDS {
            let names = promise.held_by.iter().filter(|name| *name != "nothing");
            let names: Vec<&String> = names.filter(|name| self.kind_of(name).0 == kind).collect();
            if names.is_empty() {
                continue;
            }
            let shown: Vec<String> = names.iter().map(|name| self.kind_of(name).1).collect();
            let commands = self.commands(kind, &names);
            let commands: Vec<String> = commands.iter().map(|it| format!("`{it}`")).collect();
            let figure = |name: &&String| figures.get(*name).cloned();
            let figures: Vec<String> = names.iter().filter_map(figure).collect();
            let figure = if figures.is_empty() { "—".to_owned() } else { figures.join("; ") };
            let (held, commands) = (shown.join(", "), commands.join("<br>"));
            writeln!(rows, "{begin} {kind} | {held} | {commands} | {figure} |").unwrap();
            begin = String::from("| | |");
        }
        if rows.is_empty() {
            rows = format!("{begin} **nothing** | | | |\n");
        }
        rows
    }

    fn page(&self) -> String {
        let mut page = "# What is promised, and what holds it\n\n<!-- Generated from docs/claims.txt by \
            `UPDATE=1 cargo test --test tidy committed`. -->\n\nEach promise with all that would notice if \
            it were broken, the strongest first, and the command that tries it. A figure is what the last \
            campaign counted; there is none where none was run.\n"
            .to_owned();
        let documents: BTreeSet<&str> =
            self.promises.iter().map(|it| it.document.as_str()).collect();
        let lone: Vec<&Promise> = self
            .promises
            .iter()
            .filter(|it| it.held_by == ["nothing"] || it.held_by.is_empty())
            .collect();
        let table = "\n| | promise | how it is held | by | command | last figure |\n|---|---|---|---|---|---|\n";
        // The protocol first, which everything else rests on.
        for document in documents.into_iter().rev() {
            write!(page, "\n## [{document}](../{document})\n{table}").unwrap();
            let of_this = self.promises.iter().filter(|promise| promise.document == document);
            page.extend(of_this.map(|promise| self.rows(promise)));
        }
        page +=
            "\n## What nothing here holds\n\nNo test would notice if one of these were broken.\n\n";
        page.extend(
            lone.iter().map(|it| {
                format!("- {}: \u{201c}{}\u{201d}\n", it.document, in_one_line(&it.words))
            }),
        );
        page += "\n## The evidence\n\n| name | kind | what it is | command | last figure |\n|---|---|---|---|---|\n";
        let figures = figures();
        for name in &self.declared {
            let Evidence { kind, what, command } = &self.evidence[name];
            let figure = figures.get(name).map_or("—", String::as_str);
            writeln!(
                page,
                "| <a id=\"{name}\"></a>{name} | {kind} | {what} | `{command}` | {figure} |"
            )
            .unwrap();
        }
        page
    }
}

/// What the last campaign counted, by the name of the evidence; nothing if there has been none.
fn figures() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("docs/assurance.md")).unwrap_or_default();
    let rows = text.lines().filter_map(|row| row.strip_prefix("| `")?.split_once("` | "));
    let figure =
        |rest: &str| rest.split(" | ").next().unwrap_or_default().trim_end_matches(" |").to_owned();
    rows.map(|(name, rest)| (name.to_owned(), figure(rest))).collect()
}

#[test]
fn the_claims_that_are_committed_are_what_is_generated() {
    let (path, page) = (root().join("docs/claims.md"), Claims::read().page());
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let advice = "`UPDATE=1 cargo test --test tidy committed` writes docs/claims.md again";
    let differs = page.lines().zip(committed.lines()).find(|(one, other)| one != other);
    assert!(page == committed, "{advice}, first {differs:?}");
}

#[test]
fn every_promise_that_is_listed_stands_in_its_document() {
    let claims = Claims::read();
    for promise in claims.promises.iter().filter(|promise| promise.id.is_empty()) {
        let (document, words) =
            (in_one_line(&read(&promise.document)), in_one_line(&promise.words));
        let count = document.matches(&words).count();
        assert_eq!(count, 1, "{}: {words:?} stands there so often", promise.document);
    }
    let used: BTreeSet<&String> = claims.promises.iter().flat_map(|it| &it.held_by).collect();
    for (name, evidence) in &claims.evidence {
        assert!(KINDS.contains(&evidence.kind.as_str()), "{} is no kind", evidence.kind);
        assert!(used.contains(name), "{name} holds nothing");
    }
}

#[test]
fn every_promise_of_the_protocol_and_of_security_is_listed() {
    let claims = Claims::read();
    let listed: BTreeSet<&str> = claims.promises.iter().map(|it| it.id.as_str()).collect();
    // In any form of the list of rules: where an id is in bold, it is one.
    let protocol = read(PROTOCOL);
    let bold = protocol.split("**").skip(1).step_by(2);
    let is_id = |it: &&str| it.len() > 1 && it[1..].bytes().all(|byte| byte.is_ascii_digit());
    let ids: Vec<&str> = bold.filter(is_id).collect();
    assert!(ids.len() > 50, "only {ids:?}");
    let missing: Vec<&&str> = ids.iter().filter(|id| !listed.contains(**id)).collect();
    assert!(missing.is_empty(), "{missing:?} have no row");

    let quoted: Vec<String> = claims
        .promises
        .iter()
        .filter(|it| it.document == "SECURITY.md")
        .map(|it| in_one_line(&it.words))
        .collect();
    let security = read("SECURITY.md");
    let (_, promised) = security.split_once("## What is promised").unwrap();
    let (promised, rest) = promised.split_once("## What is not promised").unwrap();
    let heads = promised.split("\n- **").skip(1).map(|it| it.split("**").next().unwrap());
    let (_, limits) = rest.split_once("|---|---|---|\n").unwrap();
    let limits = limits.lines().map_while(|row| row.strip_prefix("| ")?.split(" | ").next());
    let all: Vec<String> = heads.chain(limits).map(in_one_line).collect();
    assert!(all.len() > 15, "only {all:?}");
    let is_listed = |it: &&String| quoted.iter().any(|words| words.contains(it.as_str()));
    let missing: Vec<&String> = all.iter().filter(|it| !is_listed(it)).collect();
    assert!(
        missing.is_empty(),
        "SECURITY.md promises, and docs/claims.txt does not list: {missing:#?}"
    );
}
