//! The program at a terminal: `indexer send` with messages that are typed, and what is in colours.

use std::process::Command;

use crate::common::terminal::Terminal;
use crate::common::{Folder, Serving, indexer};

const UP: &str = "\x1b[A";
const HOME: &str = "\x01";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// The program, without what this machine's user prefers.
fn program(arguments: &[&str], folder: &Folder) -> Command {
    let mut command = indexer(arguments);
    command.env_remove("NO_COLOR").env_remove("INDEXER_HISTORY");
    command.env("XDG_STATE_HOME", &folder.0);
    command
}

#[test]
fn what_is_typed_is_edited_answered_and_explained() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let folder = Folder::new("typed");
    let mut terminal = Terminal::start(&mut program(&["send", "--addr", &address], &folder));
    assert!(terminal.wait_for("Ctrl-D ends").contains(&address));
    terminal.answer("QUERY|a|\r");
    terminal.wait_for("\x1b[33mFAIL\x1b[0m\r\n");
    // An empty line is no message here; the beginning of the next one is typed last.
    terminal.answer("\r");
    terminal.answer(&format!("NDEX|a|{HOME}I\r"));
    let echoed = terminal.wait_for("\x1b[32mOK\x1b[0m\r\n");
    assert!(echoed.contains("INDEX|a|") && !echoed.contains("ERROR"), "{echoed:?}");
    terminal.answer(&format!("{UP}{UP}\r"));
    terminal.wait_for("\x1b[32mOK\x1b[0m\r\n");
    terminal.answer("query|a|\r");
    terminal.wait_for("\x1b[1;31mERROR\x1b[0m\r\n  query|a|\r\n  ^\r\n  command: expected ");
    terminal.wait_for("did you mean QUERY|a|\r\n");
    terminal.answer(CTRL_D);
    assert_eq!(terminal.end().0, Some(1));
}

#[test]
fn what_was_typed_comes_back_in_the_next_conversation() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let folder = Folder::new("typed-kept");
    let start = || {
        let mut terminal = Terminal::start(&mut program(&["send", "--addr", &address], &folder));
        terminal.wait_for("Ctrl-D ends");
        terminal
    };
    let mut first = start();
    first.answer("INDEX|kept|\r");
    first.wait_for("OK");
    first.answer(CTRL_D);
    assert_eq!(first.end().0, Some(0));
    let mut second = start();
    // Ctrl-C drops the line, and the conversation goes on.
    second.answer(&format!("nonsense{CTRL_C}"));
    second.answer(UP);
    second.wait_for("INDEX|kept|");
    second.press("\r");
    second.wait_for("OK");
    second.answer(CTRL_C);
    second.answer(CTRL_C);
    assert_eq!(second.end().0, Some(0));
}

#[test]
fn a_history_that_cannot_be_kept_is_said_and_stops_nobody() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let folder = Folder::new("typed-nowhere");
    let nowhere = folder.file("file", "") + "/history";
    let mut command = program(&["send", "--addr", &address], &folder);
    let mut terminal = Terminal::start(command.env("INDEXER_HISTORY", &nowhere));
    terminal.wait_for(&format!("cannot keep what you type in {nowhere}: "));
    terminal.answer("QUERY|a|\r");
    terminal.wait_for("FAIL");
    terminal.answer(CTRL_D);
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_server_that_is_gone_ends_the_conversation() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let folder = Folder::new("typed-gone");
    let mut terminal = Terminal::start(&mut program(&["send", "--addr", &address], &folder));
    terminal.wait_for("> ");
    drop(serving);
    terminal.press("QUERY|a|\r");
    terminal.wait_for(&format!("error: {address}: "));
    assert_eq!(terminal.end().0, Some(2));
}

#[test]
fn colours_are_for_terminals_and_not_for_who_wants_none() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let folder = Folder::new("typed-colours");
    let messages = folder.file("messages.txt", "QUERY|a|\nINDEX|a|\n");
    let send = ["send", "--addr", &address, &messages];
    for (arguments, coloured, plain) in [
        (&send[..], "\x1b[33mFAIL\x1b[0m\r\n\x1b[32mOK\x1b[0m\r\n", "FAIL\r\nOK\r\n"),
        (&["--help"], "\x1b[1mUsage:\x1b[0m indexer ", "\r\nUsage: indexer "),
    ] {
        let (code, printed) = Terminal::start(&mut program(arguments, &folder)).end();
        assert!(code == Some(0) && printed.contains(coloured), "{printed:?}");
        let mut without = program(arguments, &folder);
        let (_, printed) = Terminal::start(without.env("NO_COLOR", "1")).end();
        let printed = printed.replace("OK\r\nOK", "FAIL\r\nOK");
        assert!(printed.contains(plain) && !printed.contains('\x1b'), "{printed:?}");
    }
}
