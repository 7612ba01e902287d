//! `indexer import` as a person or a script meets it: package lists in, reports out.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use crate::common::{self, Finished, Folder, Serving, run, run_unread};

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

/// `Provides` is read, too.
#[test]
fn a_debian_index_is_imported_with_alternatives_and_cycles() {
    let folder = Folder::new("debian");
    let packages = folder.file("Packages", DEBIAN);
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let imported = run(&["import", "--format", "debian", &packages, "--addr", &address], b"");
    let report = "packages: 7, dependencies: 8\n\
                  dependencies that are not in the list, left out: 1\n  \
                  nothing, needed by cron\n\
                  cycles, indexed first without each other and then with their full lists: 1\n  \
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
    // What it prints is a list that comes to the same.
    let again = run(&["import", "--format", "commands", "-", "--dry-run"], dry.stdout.as_bytes());
    assert_eq!((again.code, again.stdout), (Some(0), dry.stdout));
    assert!(again.stderr.contains("repeated entries, of which the last counts: 3\n"));
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
fn a_list_that_is_none_is_said_with_what_to_do() {
    let refused = |format, list: &[u8]| {
        let finished = run(&["import", "--format", format, "-"], list);
        assert_eq!(finished.code, Some(2));
        finished.stderr.strip_prefix("error: cannot read - as a package list: ").unwrap().to_owned()
    };
    let correct = "  correct that place, or give another --format\n";
    for (format, list, said) in [
        (
            "brew",
            b"a:\n not a list\n".as_slice(),
            "line 2, column 2: expected `name: dependency dependency`",
        ),
        (
            "brew",
            b"vim: caf\xe9\n",
            r#"line 1, column 9: "caf\xe9" is not a package name: byte 0xe9 at offset 3"#,
        ),
        (
            "brew",
            b"git: curl [2 of them]\n",
            r#"line 1, column 11: "[2" is neither a name nor an annotation"#,
        ),
        (
            "brew",
            "vim\n└── lua v5\n".as_bytes(),
            r#"line 2, column 9: "v5" is neither a name nor an annotation"#,
        ),
        (
            "debian",
            b"Package: a\nDepends: b c\n",
            "line 2, column 12: expected a comma, or `(`, `[` or `<`",
        ),
        ("commands", b"INDEX|a|\nQUERY|a|\n", "line 2, column 1: expected an INDEX message"),
        (
            "cargo",
            b"{\"packages\":\n[{\"name\":\"a b\"}]}",
            "line 2, column 14: byte 0x20 of \"a b\" cannot",
        ),
        (
            "npm",
            b"{\"packages\":\n{\"\":[1]}}",
            "line 2, column 4: invalid type: sequence, expected an object",
        ),
    ] {
        let error = refused(format, list);
        assert!(error.starts_with(said), "{format}: {error}");
        assert!(error.ends_with(correct), "{format}: {error}");
    }
    for (format, list, advice) in [
        (
            "npm",
            b"{\"lockfileVersion\":1}".as_slice(),
            "  write it again: npm install --package-lock-only",
        ),
        (
            "cargo",
            b"{\"packages\":[],\"resolve\":null}",
            "  write it without --no-deps: cargo metadata",
        ),
    ] {
        assert!(refused(format, list).contains(advice), "{format}");
    }
    for (start, tool) in [
        (b"\xfd7zXZ\0rest".as_slice(), "xz"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"\x04\x22\x4d\x18rest", "lz4"),
    ] {
        for format in ["brew", "debian", "commands", "cargo", "npm"] {
            assert_eq!(
                refused(format, start),
                format!(
                    "it is compressed with {tool}\n  \
                     decompress it first: {tool} -dc FILE | indexer import ... -\n"
                )
            );
        }
    }
}

#[test]
fn an_import_cut_off_says_how_far_it_came() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for _ in 0..3 {
            lines.next().unwrap().unwrap();
        }
        stream.write_all(b"OK\nFAIL\n").unwrap();
    });
    let list = b"a:\nb: a\nc: a\n";
    let cut = run(&["import", "--format", "brew", "-", "--addr", &address.to_string()], list);
    server.join().unwrap();
    assert_eq!(
        cut.stderr,
        format!(
            "error: {address}: the server ended the connection before its last reply\n  \
             before that, 1 of 3 commands got OK\n"
        )
    );
    assert_eq!(cut.code, Some(2));
}

#[test]
fn nobody_reading_ends_what_only_prints_and_no_import() {
    let list = fs::read(common::BREW).unwrap();
    let quiet = Finished { code: Some(0), stdout: String::new(), stderr: String::new() };
    for (command, option) in [("order", "--of=openssl"), ("dot", "--all"), ("import", "--dry-run")]
    {
        let arguments = [command, option, "--format", "brew", "-"];
        let Finished { code, stderr, .. } = run_unread(&arguments, &list);
        assert_eq!(code, Some(0), "{command}: {stderr}");
        assert!(!stderr.contains("error"), "{command}: {stderr}");
    }
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let arguments = ["import", "--format", "brew", "-", "--addr", &address];
    assert_eq!(run_unread(&arguments, &list), quiet);
    let asked: String = list
        .lines()
        .map(|line| format!("QUERY|{}|\n", line.unwrap().split_once(':').unwrap().0))
        .collect();
    assert_eq!(run(&["send", "--addr", &address], asked.as_bytes()).stdout, "OK\n".repeat(3_368));
}
