//! `indexer send` and `ping` as a person or a script meets them, and what the program says when a
//! server or a file is not there.

mod common;

use common::{Finished, Folder, Serving, run};

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
fn ping_tells_a_server_from_none() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let alive = run(&["ping", "--addr", &address], b"");
    assert_eq!((alive.code, alive.stdout), (Some(0), format!("{address} answers\n")));
    drop(serving);
    assert_eq!(run(&["ping", "--addr", &address], b"").code, Some(2));
}
