//! What the README and the pages of `docs/` show is so: every console block and every shell block is
//! run, and every row of the table of limits is checked against its source. (The Rust block is a
//! documentation test of the library; the recipe for a pipeline is run in `check`.)

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{self, Folder, Serving};
use package_indexer::MAX_NAME_BYTES;
use package_indexer::engine::MAX_NAMES_AHEAD;
use package_indexer::index::Limits;
use package_indexer::server::{
    Config, DEFAULT_MAX_CONNECTIONS, DEFAULT_SHUTDOWN_GRACE, DEFAULT_WRITE_TIMEOUT,
};
use package_indexer::session::{MAX_BATCH, MAX_BATCH_NAMES};
use package_indexer::wire::DEFAULT_MAX_LINE_BYTES;

const ADDRESS: &str = "127.0.0.1:8080";

/// A block of a page: its language, and what is in it.
struct Block {
    language: String,
    text: String,
}

fn page(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The README and all pages of `docs/`, each with its blocks in order.
fn pages() -> Vec<(String, Vec<Block>)> {
    let docs = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut paths: Vec<_> = docs.map(|name| format!("docs/{name}")).collect();
    paths.retain(|path| Path::new(path).extension().is_some_and(|extension| extension == "md"));
    paths.push("README.md".to_owned());
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), blocks(&page(&path)))).collect()
}

fn blocks(page: &str) -> Vec<Block> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap();
            Block { language: language.to_owned(), text: format!("{text}\n") }
        })
        .collect()
}

/// The commands of the console blocks in order, each with what is shown below it.
fn console(blocks: &[Block]) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = Vec::new();
    for block in blocks.iter().filter(|block| block.language == "console") {
        for line in block.text.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => shown.push((command.to_owned(), String::new())),
                None => shown.last_mut().unwrap().1 += &format!("{line}\n"),
            }
        }
    }
    shown
}

/// A server at three addresses, as three replicas would be.
fn serve() -> Serving {
    Serving::start(&[["--listen", "127.0.0.1:0"]; 3].concat())
}

/// Defines `indexer` in a shell: as built, with `serving` as the default server. It starts no other: of
/// `serve`, the options are checked. A check of a server tries one rule, and is not shown.
fn program(serving: &Serving) -> String {
    let (program, address) = (env!("CARGO_BIN_EXE_indexer"), serving.addresses[0]);
    let has_etcd = cfg!(feature = "etcd");
    format!(
        r#"indexer() {{ case "$*" in
             serve*--replicate*) {has_etcd} || return 0; '{program}' "$@" --check-config >/dev/null ;;
             serve*) '{program}' "$@" --check-config >/dev/null ;;
             check*) '{program}' "$@" --only rule_Q1 >/dev/null ;;
             *--addr*) '{program}' "$@" ;;
             send*|import*|ping*) '{program}' "$@" --addr {address} ;;
             *) '{program}' "$@" ;;
           esac; }}
           "#
    )
}

/// Runs a command line in a shell, and returns what it shows.
fn in_shell(line: &str, serving: &Serving) -> String {
    let mut here = program(serving) + line;
    for (number, address) in serving.addresses.iter().enumerate().rev() {
        here = here.replace(&format!("10.0.0.{}:8080", number + 1), &address.to_string());
    }
    let address = serving.addresses[0].to_string();
    let output = Command::new("sh")
        .args(["-euc", &here.replace(ADDRESS, &address)])
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
    let mut ran = Vec::new();
    for (path, blocks) in pages() {
        let serving = serve();
        for (command, shown) in console(&blocks) {
            let seen = match command.as_str() {
                // Served here on another port, and with the same words.
                "cargo run --release" => format!("listening on {ADDRESS}\n"),
                "indexer --metrics 127.0.0.1:9090" => with_metrics(),
                // This is it.
                "cargo test" => String::new(),
                "nc 127.0.0.1 8080" => by_hand(&shown, &serving),
                line => in_shell(line, &serving),
            };
            assert_eq!(seen, shown, "{path}: {command}");
            ran.push(command);
        }
    }
    assert!(ran.len() >= 12, "{ran:?}");
}

/// Stand-ins for what is not this project's. What needs a file gets one from these variables.
const STAND_INS: &str = r#"
    apt_get() { :; }; cargo() { :; }; docker() { :; }; install() { :; }; systemctl() { :; }
    apt_helper() { printf 'Package: lua\nVersion: 1\n'; }
    dot() { cat >/dev/null; }
    your_server() { exec tail -f /dev/null; }
    # A server that does not answer at once never will.
    sleep() { exit 1; }
    curl() { [ "$2" = http://127.0.0.1:9090/backup ] && cp "$BACKUP" "$4"; }
"#;

#[test]
#[cfg(unix)]
fn every_shell_block_runs() {
    let folder = Folder::new("readme");
    let kept = folder.0.join("kept");
    let metrics = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let backed_up = {
        let mut command = common::indexer_on(&kept, &[&["serve"][..], &metrics].concat());
        let serving = Serving::spawn(&mut command, 2);
        assert_eq!(serving.tell("INDEX|lua|\nINDEX|vim|lua\n"), "OK\nOK\n");
        let response = serving.get("/backup");
        serving.stop();
        // It comes in chunks, with the length of each on a line of its own.
        let commands = response.lines().filter(|line| line.starts_with("INDEX|"));
        commands.map(|line| format!("{line}\n")).collect::<String>()
    };
    let serving = serve();
    let mut ran = 0;
    for (path, blocks) in pages() {
        for block in blocks.iter().filter(|block| block.language == "sh") {
            // The recipe, which `check` runs.
            if block.text.contains("found.txt") {
                continue;
            }
            let mut script = program(&serving) + STAND_INS + &block.text;
            let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/");
            for (shown, here) in [
                ("/usr/lib/apt/apt-helper", "apt_helper"),
                ("apt-get install", "apt_get"),
                ("your-server", "your_server"),
                ("RUSTFLAGS=", "UNUSED="),
                (" tests/", &format!(" {tests}")),
                (" DIR", r#" "$KEPT""#),
            ] {
                script = script.replace(shown, here);
            }
            let output = Command::new("sh")
                .args(["-euc", &script])
                .current_dir(&folder.0)
                .env("ADDRESS", serving.addresses[0].to_string())
                .env("BACKUP", folder.file("fetched", &backed_up))
                .env("KEPT", &kept)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(output.status.success(), "{path}: {}\n{output:?}", block.text);
            ran += 1;
        }
    }
    assert!(ran >= 8, "{ran}");
    let commands = fs::read_to_string(folder.0.join("commands.txt")).unwrap();
    assert_eq!(commands, "INDEX|lua|\nINDEX|vim|lua\n");
    assert_eq!(serving.tell("QUERY|vim|\n"), "OK\n", "the backup was imported");
}

/// A block in another language would be run by no test. Rust is the README's, as the library's own
/// documentation includes it; the rest is to be looked at.
#[test]
fn every_block_is_in_a_language_that_is_run_or_looked_at() {
    for (path, blocks) in pages() {
        for block in blocks {
            let is_known = match block.language.as_str() {
                "console" | "sh" | "text" | "yaml" => true,
                "rust" => path == "README.md",
                _ => false,
            };
            assert!(is_known, "{path}: a block of '{}'", block.language);
        }
    }
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
    // On one line: it breaks lines where the width of the terminal says.
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
        ("time to read replies", u128::from(DEFAULT_WRITE_TIMEOUT.as_secs()), "--write-timeout"),
        (
            "time to read replies when the server stops",
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
        ("bytes of state", Limits::default().max_state_bytes as u128, "--max-state-bytes"),
    ];
    assert_eq!(Config::default().idle_timeout, None);
    let running = page("docs/running.md");
    let (_, table) = running.split_once("| what | default | flag |").unwrap();
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
