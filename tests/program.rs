//! The `indexer` program as a person or a script meets it.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use common::{Finished, Serving, run};
use package_indexer::{Command, PackageIndex};

/// A folder of this test's own, removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}

#[test]
#[cfg(unix)]
fn a_signal_stops_the_server_after_its_replies_with_status_0_and_two_log_lines() {
    for (signal, arguments) in [
        ("TERM", ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"].as_slice()),
        ("INT", &["serve", "--listen", "127.0.0.1:0", "--log-level", "info"]),
    ] {
        let serving = Serving::start(arguments);
        let streams: Vec<_> = serving
            .addresses
            .iter()
            .map(|address| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(b"INDEX|a|\nnonsense\n").unwrap();
                let mut replies = [0; 9];
                stream.read_exact(&mut replies).unwrap();
                assert_eq!(&replies, b"OK\nERROR\n");
                stream
            })
            .collect();
        serving.signal(signal);
        for mut stream in streams {
            let mut rest = String::new();
            stream.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "");
        }
        let (status, log) = serving.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines[0].contains("INFO serving addresses=[127.0.0.1:"), "{log}");
        assert!(lines[1].contains(&format!("INFO stopped signal=\"SIG{signal}\"")), "{log}");
    }
}

#[test]
fn why_a_message_was_refused_is_logged_at_debug() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0", "--log-level", "debug"]);
    let sent = run(&["send", "--addr", &serving.addresses[0].to_string()], b"INDEX|a b|\n");
    assert_eq!((sent.code, sent.stdout.as_str()), (Some(1), "ERROR\n"));
    serving.signal("TERM");
    let (_, log) = serving.wait();
    assert!(log.contains("expected `|` after the package at byte 7, found ' '"), "{log}");
}

#[test]
fn an_address_in_use_is_said_with_what_to_do() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let second = run(&["--listen", &address], b"");
    assert_eq!(second.code, Some(2));
    assert!(
        second.stderr.starts_with(&format!("error: cannot listen on {address}: Address already")),
        "{second:?}"
    );
    assert!(second.stderr.contains("choose another address with --listen"), "{second:?}");
}

#[test]
fn limits_given_as_flags_hold() {
    let serving = Serving::start(&[
        "--listen",
        "127.0.0.1:0",
        "--max-line-bytes",
        "300",
        "--max-connections",
        "1",
    ]);
    let address = serving.addresses[0];
    let mut only = TcpStream::connect(address).unwrap();
    let long = format!("QUERY|p|{}\n{}\nQUERY|p|\n", "a,".repeat(145), "x".repeat(300));
    only.write_all(long.as_bytes()).unwrap();
    let mut replies = BufReader::new(only.try_clone().unwrap()).lines();
    for expected in ["FAIL", "ERROR", "FAIL"] {
        assert_eq!(replies.next().unwrap().unwrap(), expected);
    }
    let mut refused = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut refused).unwrap();
    assert_eq!(refused, "");
    let too_short = run(&["--max-line-bytes", "100"], b"");
    assert_eq!(too_short.code, Some(2));
    assert!(too_short.stderr.contains("a line needs 264 bytes"), "{too_short:?}");
}

#[test]
fn send_prints_replies_in_order_and_exits_with_1_if_any_is_error() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let clean = run(&["send", "--addr", &address], b"INDEX|a|\nINDEX|b|a\nQUERY|c|");
    let finished = |code, stdout: &str| Finished {
        code: Some(code),
        stdout: stdout.into(),
        stderr: String::new(),
    };
    assert_eq!(clean, finished(0, "OK\nOK\nFAIL\n"));
    let folder = Folder::new("send");
    let one = folder.file("one.txt", "REMOVE|a|\nREMOVE|a\n");
    let two = folder.file("two.txt", "REMOVE|b|");
    let mixed = run(&["send", "--addr", &address, &one, "-", &two], b"QUERY|b|");
    assert_eq!(mixed, finished(1, "FAIL\nERROR\nOK\nOK\n"));
}

#[test]
fn send_and_import_say_what_is_missing_and_exit_with_2() {
    // A port that was free a moment ago, and that nobody listens on now.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = run(&["send", "--addr", &free.to_string()], b"");
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.stderr.contains("start one with: indexer --listen"), "{nobody:?}");
    let no_file = run(&["import", "--format", "brew", "no-such-file"], b"");
    assert_eq!(no_file.code, Some(2));
    assert!(no_file.stderr.starts_with("error: cannot read no-such-file: "), "{no_file:?}");
    let no_list = run(&["import", "--format", "brew", "-"], b"not a list\n");
    assert_eq!(no_list.code, Some(2));
    assert_eq!(
        no_list.stderr,
        "error: cannot read - as a package list: line 1: expected `name: dependency dependency`\n  \
         is it in the format that --format says?\n"
    );
}

#[test]
fn import_indexes_all_of_homebrew_and_says_what_the_list_lacks() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let imported = run(&["import", "--format", "brew", common::BREW, "--addr", &address], b"");
    let expected = "packages: 3368, dependencies: 22812\n\
                    dependencies that are not in the list, left out: 2\n  \
                    docbook2X, needed by icecream\n  \
                    gpg, needed by duplicity duply multirust pass passpie and 3 more\n\
                    indexed: 3368 of 3368\n";
    assert_eq!(imported.stdout, expected);
    assert_eq!(imported.code, Some(0));
    let asked: String = fs::read_to_string(common::BREW)
        .unwrap()
        .lines()
        .map(|line| format!("QUERY|{}|\n", line.split_once(':').unwrap().0))
        .collect();
    let found = run(&["send", "--addr", &address], asked.as_bytes());
    assert_eq!(found.stdout, "OK\n".repeat(3_368));
}

/// A small excerpt in the form of a Debian `Packages` index.
const DEBIAN: &str = "\
Package: libc6
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10)
Description: a cycle with libgcc-s1
 Depends: this is text

Package: libgcc-s1
Depends: gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)

Package: gcc-12-base

Package: libcrypt1
Pre-Depends: libc6 (>= 2.36)

Package: exim4
Depends: debconf (>= 0.5) | debconf-2.0,
 libc6:any
Provides: mail-transport-agent

Package: cdebconf
Provides: debconf-2.0

Package: cron
Depends: mail-transport-agent | smail, nothing (>= 1)
";

#[test]
fn a_debian_index_is_imported_with_alternatives_provides_and_cycles() {
    let folder = Folder::new("debian");
    let packages = folder.file("Packages", DEBIAN);
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let imported = run(&["import", "--format", "debian", &packages, "--addr", &address], b"");
    let report = "packages: 7, dependencies: 8\n\
                  dependencies that are not in the list, left out: 1\n  \
                  nothing, needed by cron\n\
                  cycles, indexed first without what closes them: 1\n  \
                  libc6 libcrypt1 libgcc-s1\n";
    assert_eq!(imported.stdout, format!("{report}indexed: 7 of 7\n"));
    assert_eq!(imported.code, Some(0));

    let dry = run(&["import", "--format", "debian", &packages, "--dry-run"], b"");
    assert_eq!(dry.stderr, report);
    let commands = "INDEX|cdebconf|\n\
                    INDEX|gcc-12-base|\n\
                    INDEX|libc6|\n\
                    INDEX|libcrypt1|\n\
                    INDEX|libgcc-s1|gcc-12-base\n\
                    INDEX|libc6|libcrypt1,libgcc-s1\n\
                    INDEX|libcrypt1|libc6\n\
                    INDEX|libgcc-s1|gcc-12-base,libc6\n\
                    INDEX|exim4|cdebconf,libc6\n\
                    INDEX|cron|exim4\n";
    assert_eq!(dry.stdout, commands);
    // What it prints is a list that it can read again.
    let again = run(&["order", "--format", "commands", "-"], dry.stdout.as_bytes());
    assert_eq!(again.code, Some(0));
}

#[test]
fn a_server_that_refuses_is_reported_with_status_1() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0", "--max-line-bytes", "264"]);
    let address = serving.addresses[0].to_string();
    let names: Vec<_> = (0..30).map(|number| format!("dependency-{number:02}")).collect();
    let mut list: String = names.iter().map(|name| format!("{name}:\n")).collect();
    list += &format!("big: {}\nuser: big\n", names.join(" "));
    let imported = run(&["import", "--format", "brew", "-", "--addr", &address], list.as_bytes());
    assert_eq!(
        imported.stdout,
        "packages: 32, dependencies: 31\n\
         indexed: 30 of 32\n\
         answered FAIL: user\n\
         answered ERROR: big\n"
    );
    assert_eq!(imported.code, Some(1));
}

#[test]
fn order_and_dot_render_what_import_would_build() {
    let list = b"a: b\nb: c\nc: b\nd:\n";
    let order = run(&["order", "--format", "brew", "-"], list);
    assert_eq!((order.code, order.stdout.as_str()), (Some(0), "b c\na\nd\n"));
    let dot = run(&["dot", "--format", "brew", "-"], list);
    let index: PackageIndex = ["INDEX|b|", "INDEX|c|b", "INDEX|b|c", "INDEX|a|b", "INDEX|d|"]
        .map(|line| {
            let [_, package, list] = line.split('|').collect::<Vec<_>>()[..] else {
                unreachable!("two bars")
            };
            Command::index(package, list.split_terminator(',')).unwrap()
        })
        .into_iter()
        .collect();
    assert_eq!((dot.code, dot.stdout), (Some(0), index.dot().to_string()));
}

#[test]
fn ping_tells_a_server_from_none() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let alive = run(&["ping", "--addr", &address], b"");
    assert_eq!((alive.code, alive.stdout), (Some(0), format!("{address} answers\n")));
    drop(serving);
    assert_eq!(run(&["ping", "--addr", &address], b"").code, Some(2));
}

#[test]
fn completions_and_man_pages_come_from_the_same_definitions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["generate", "completions", shell], b"");
        assert_eq!(script.code, Some(0));
        assert!(script.stdout.contains("max-line-bytes"), "{shell}");
    }
    let folder = Folder::new("man");
    let path = folder.0.to_str().unwrap();
    assert_eq!(run(&["generate", "man", path], b"").code, Some(0));
    let page = fs::read_to_string(folder.0.join("indexer-import.1")).unwrap();
    assert!(page.contains("dry\\-run"), "{page}");
}

#[test]
fn help_and_usage_errors_teach() {
    let help = run(&["--help"], b"");
    assert_eq!(help.code, Some(0));
    for word in ["serve", "send", "import", "order", "dot", "ping", "--listen", "Exit status"] {
        assert!(help.stdout.contains(word), "{word} is not in\n{}", help.stdout);
    }
    let wrong = run(&["improt"], b"");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("a similar subcommand exists: 'import'"), "{wrong:?}");
}
