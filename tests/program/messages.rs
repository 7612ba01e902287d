//! What messages hold of text from outside: no control character, no line of its own, no megabytes.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use std::thread;

use crate::common::{Finished, indexer, run};

/// Steers a terminal, forges a line, or does either in other ways.
const HOSTILE: [&str; 3] =
    ["\x1b[31m\x1b]0;forged\x07", "a\n  INFO forged\r", "\u{9b}31m\u{85}\u{2028}\u{202e}\x7f"];

/// Whether a message is one of the program's alone.
fn check(what: &dyn std::fmt::Debug, finished: &Finished) {
    let Finished { code, stdout, stderr } = finished;
    assert_eq!(*code, Some(2), "{what:?}: {finished:?}");
    for text in [stdout, stderr] {
        let is_hostile =
            |c: char| c != '\n' && (c.is_control() || ['\u{2028}', '\u{202e}'].contains(&c));
        assert!(!text.contains(is_hostile), "{what:?}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("  INFO")), "{what:?}: {text:?}");
        assert!(text.len() < 2_000, "{what:?}: {} bytes", text.len());
    }
    assert!(stderr.starts_with("error: "), "{what:?}: {stderr}");
}

fn long(text: &str, bytes: usize) -> String {
    text.repeat(bytes / text.len())
}

#[test]
fn what_a_list_holds_is_escaped_and_shortened_in_messages() {
    for hostile in
        HOSTILE.map(|text| long(text, text.len())).into_iter().chain([long("x", 2_000_000)])
    {
        // As one line, it is a list's; as several, some line is none.
        for (format, list) in [
            ("brew", format!("{hostile}\n")),
            ("brew", format!("a: {hostile}|\n")),
            ("brew", format!("{hostile}: b\n")),
            ("debian", format!("Package: {hostile}|\n")),
            ("debian", format!("Package: a\nDepends: b {hostile}|\n")),
            ("debian", format!("Package: a{hostile}|\nDepends: b |, c |d e\n")),
            ("debian", format!("Package: a\nProvides: {hostile}|\n")),
            ("debian", format!("{hostile}\n")),
            ("commands", format!("INDEX|{hostile}|\n")),
            ("commands", format!("{hostile}\n")),
        ] {
            // A bar asks for an alternative in these, and is no part of a name.
            let list = if format == "debian" { list.replace('|', "#") } else { list };
            let refused = run(&["import", "--dry-run", "--format", format, "-"], list.as_bytes());
            check(&(format, hostile.chars().take(40).collect::<String>()), &refused);
        }
    }
}

/// This holds for all messages.
#[test]
fn arguments_and_file_names_are_escaped_and_shortened() {
    let hostile = HOSTILE.map(str::as_bytes).into_iter().chain([b"\xff\x1b".as_slice()]);
    let long = b"x".repeat(100_000);
    for text in hostile.chain([long.as_slice()]) {
        let flag = [b"--", text].concat();
        for before in [
            [].as_slice(),
            &["order", "--format"],
            &["order", "--format", "brew"],
            &["send"],
            &["send", "--addr"],
            &["ping", "--timeout"],
            &["ping", "--addr"],
            &["replay"],
            &["verify", "--data-dir"],
            &["load", "--mix"],
            &["load", "--time"],
            &["check", "--addr"],
            &["serve", "--listen"],
            &["serve", "--log-level"],
            &["serve", "--data-dir", "/dev/null", "--metrics"],
        ] {
            for argument in [text, &flag] {
                let mut command = indexer(before);
                let run = command.arg(OsStr::from_bytes(argument)).stdin(Stdio::null()).output();
                let start = argument[..argument.len().min(40)].escape_ascii().to_string();
                check(&(before, start), &run.unwrap().into());
            }
        }
    }
    for value in HOSTILE {
        let run = indexer(&["--listen", "127.0.0.1:0"]).env("INDEXER_LOG", value).output();
        check(&value, &run.unwrap().into());
    }
}

#[test]
fn what_a_server_replies_is_escaped_in_messages() {
    for command in ["send", "ping"] {
        for reply in HOSTILE {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.write_all(format!("{reply}\n").as_bytes()).unwrap();
                // Until the client has had enough.
                let _ended = stream.read_to_end(&mut Vec::new());
            });
            check(&(command, reply), &run(&[command, "--addr", &address], b"QUERY|a|\n"));
            server.join().unwrap();
        }
    }
}
