//! What the README shows is so: every console block is run, every row of the table of limits is
//! checked against its source, every link to a file followed. (The Rust block is a documentation
//! test of the library; numbers in running text are checked by whoever changes them.)

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{self, Serving};
use package_indexer::MAX_NAME_BYTES;
use package_indexer::engine::MAX_NAMES_AHEAD;
use package_indexer::index::Limits;
use package_indexer::server::{
    Config, DEFAULT_MAX_CONNECTIONS, DEFAULT_SHUTDOWN_GRACE, DEFAULT_WRITE_TIMEOUT,
};
use package_indexer::session::{MAX_BATCH, MAX_BATCH_NAMES};
use package_indexer::wire::DEFAULT_MAX_LINE_BYTES;

const ADDRESS: &str = "127.0.0.1:8080";

fn readme() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// The commands of all console blocks in order, each with what is shown below it.
fn console() -> Vec<(String, String)> {
    let readme = readme();
    let mut shown: Vec<(String, String)> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => shown.push((command.to_owned(), String::new())),
                None => shown.last_mut().unwrap().1 += &format!("{line}\n"),
            }
        }
    }
    shown
}

/// Runs a command line in a shell, with `indexer` as built and `serving` as the default server.
fn in_shell(line: &str, serving: &Serving) -> String {
    let address = serving.addresses[0].to_string();
    let program = env!("CARGO_BIN_EXE_indexer");
    // The commands that talk to a server do so at the default address; this one is elsewhere.
    let here = format!(
        r#"indexer() {{ case "$1" in
             send|import|ping) '{program}' "$@" --addr {address} ;;
             *) '{program}' "$@" ;;
           esac; }}
           {line}"#
    );
    let output = Command::new("sh")
        .args(["-euc", &here])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().replace(&address, ADDRESS)
}

/// Types the lines that are no replies, and returns the lines and the replies as they would show.
fn by_hand(shown: &str, serving: &Serving) -> String {
    let mut stream = TcpStream::connect(serving.addresses[0]).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut seen = String::new();
    for typed in shown.lines().filter(|line| !["OK", "FAIL", "ERROR"].contains(line)) {
        stream.write_all(format!("{typed}\n").as_bytes()).unwrap();
        seen += &format!("{typed}\n{}\n", replies.next().unwrap().unwrap());
    }
    seen
}

/// What a server with metrics says at its start, at the addresses that the page has.
fn with_metrics() -> String {
    let serving = Serving::start(&["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let text = serving.said[0].replace(&serving.endpoint().to_string(), "127.0.0.1:9090");
    format!("listening on {ADDRESS}\n{text}\n")
}

#[test]
fn every_console_block_shows_what_happens() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let mut ran = Vec::new();
    for (command, shown) in console() {
        let seen = match command.as_str() {
            // Served here on another port, and with the same words.
            "cargo run --release" => format!("listening on {ADDRESS}\n"),
            "indexer --metrics 127.0.0.1:9090" => with_metrics(),
            // This is it.
            "cargo test" => String::new(),
            "nc 127.0.0.1 8080" => by_hand(&shown, &serving),
            line => in_shell(line, &serving),
        };
        assert_eq!(seen, shown, "{command}");
        ran.push(command);
    }
    assert!(ran.len() >= 7, "{ran:?}");
}

/// What `no limit` counts as.
const NO_LIMIT: u128 = u128::MAX;

/// The number in a text such as `65,536 bytes`.
fn number(text: &str) -> u128 {
    if text == "no limit" {
        return NO_LIMIT;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Rule C1, beside the limits.
#[test]
fn the_limits_are_those_of_the_program() {
    // On one line: it breaks lines wherever the width of the terminal says.
    let help = common::run(&["serve", "--help"], b"").stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    // What each limit is in the library, and by which flag the program sets it.
    let sources = [
        ("a line, LF included", DEFAULT_MAX_LINE_BYTES as u128, "--max-line-bytes"),
        ("a name", MAX_NAME_BYTES as u128, ""),
        ("messages applied at once while others wait", MAX_BATCH as u128, ""),
        ("names of such a batch, unless one message has more", MAX_BATCH_NAMES as u128, ""),
        ("names of others out of turn", MAX_NAMES_AHEAD as u128, ""),
        ("clients at once", DEFAULT_MAX_CONNECTIONS as u128, "--max-connections"),
        ("time without a complete message", NO_LIMIT, "--idle-timeout"),
        ("time to take replies", u128::from(DEFAULT_WRITE_TIMEOUT.as_secs()), "--write-timeout"),
        (
            "time to take replies when the server stops",
            u128::from(DEFAULT_SHUTDOWN_GRACE.as_secs()),
            "--shutdown-grace",
        ),
        ("packages", Limits::default().max_packages as u128, "--max-packages"),
        (
            "dependencies of all packages together",
            Limits::default().max_dependencies as u128,
            "--max-dependencies",
        ),
        (
            "dependencies of one package",
            Limits::default().max_dependencies_per_package as u128,
            "--max-dependencies-per-package",
        ),
        (
            "bytes of state: 48 a package, 20 for each 16 bytes of a name past 11, 20 a dependency",
            Limits::default().max_state_bytes as u128,
            "--max-state-bytes",
        ),
    ];
    assert_eq!(Config::default().idle_timeout, None);
    let readme = readme();
    let (_, table) = readme.split_once("| what | default | flag |").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), sources.len());
    for (row, (what, limit, flag)) in rows.into_iter().zip(sources) {
        assert_eq!((row[1], number(row[2]), row[3].trim_matches('`')), (what, limit, flag));
        if !flag.is_empty() {
            let about = help.split(&format!("{flag} <")).nth(1);
            let about = about.unwrap_or_else(|| panic!("no {flag} in the help"));
            let stated = about.split("[default: ").nth(1).unwrap().split(']').next().unwrap();
            assert_eq!(number(stated), limit, "{flag}");
        }
    }
    assert!(help.contains(&format!("[default: {ADDRESS}]")));
}

#[test]
fn every_path_that_is_linked_exists() {
    for page in ["README.md", "docs/running.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let text = fs::read_to_string(&path).unwrap();
        let targets: Vec<_> =
            text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
        assert!(targets.len() >= 5, "{page}");
        for target in targets.into_iter().filter(|target| !target.starts_with("https://")) {
            let there = path.with_file_name(target);
            assert!(fs::exists(there).unwrap(), "{page}: {target} is linked and does not exist");
        }
    }
}
