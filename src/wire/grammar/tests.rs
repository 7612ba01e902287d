//! Tests of the grammar on single lines. `testing` compares it with another parser.

use super::*;
use crate::wire::first_message;

fn error(line: &[u8]) -> (Rule, usize, Option<u8>) {
    let error = parse(line).expect_err("malformed");
    (error.rule, error.offset, error.found)
}

fn printed(line: &[u8]) -> String {
    parse(line).expect("well formed").to_string()
}

#[test]
fn every_command_is_read() {
    assert_eq!(printed(b"INDEX|a|b,c\n"), "INDEX|a|b,c");
    assert_eq!(printed(b"INDEX|a|\n"), "INDEX|a|");
    assert_eq!(printed(b"REMOVE|a|\n"), "REMOVE|a|");
    assert_eq!(printed(b"QUERY|a|\n"), "QUERY|a|");
}

#[test]
fn dependencies_of_remove_and_query_are_checked_and_dropped() {
    assert_eq!(printed(b"REMOVE|vim|foo,bar,baz\n"), "REMOVE|vim|");
    assert_eq!(printed(b"QUERY|vim|foo,\n"), "QUERY|vim|");
    assert_eq!(error(b"QUERY|vim|foo,,bar\n"), (Rule::Dependencies, 14, Some(b',')));
}

#[test]
fn one_comma_may_trail_and_one_cr_may_stand_before_lf() {
    assert_eq!(printed(b"INDEX|a|b,c,\n"), "INDEX|a|b,c");
    assert_eq!(printed(b"INDEX|a|b\r\n"), "INDEX|a|b");
    assert_eq!(error(b"INDEX|a|b\r\r\n"), (Rule::Dependencies, 10, Some(b'\r')));
    assert_eq!(error(b"INDEX|a\r|b\n"), (Rule::Message, 7, Some(b'\r')));
}

#[test]
fn the_error_names_rule_offset_and_byte() {
    assert_eq!(error(b"\n"), (Rule::Command, 0, Some(b'\n')));
    assert_eq!(error(b"index|a|\n"), (Rule::Command, 0, Some(b'i')));
    assert_eq!(error(b"INDEXED|a|\n"), (Rule::Message, 5, Some(b'E')));
    assert_eq!(error(b"INDEX||\n"), (Rule::Package, 6, Some(b'|')));
    assert_eq!(error(b"INDEX|a\n"), (Rule::Message, 7, Some(b'\n')));
    assert_eq!(error(b"INDEX|gn:arly|\n"), (Rule::Message, 8, Some(b':')));
    assert_eq!(error(b"INDEX|a||\n"), (Rule::Dependencies, 8, Some(b'|')));
    assert_eq!(error(b"INDEX|a|,\n"), (Rule::Dependencies, 8, Some(b',')));
    assert_eq!(error(b"INDEX|a|,b\n"), (Rule::Dependencies, 8, Some(b',')));
    assert_eq!(error(b"INDEX|a|b,,c\n"), (Rule::Dependencies, 10, Some(b',')));
    assert_eq!(error(b"INDEX|a|b c\n"), (Rule::Dependencies, 9, Some(b' ')));
    assert_eq!(error(b"INDEX|a|b\xff\n"), (Rule::Dependencies, 9, Some(0xff)));
    assert_eq!(error(b"INDEX|a|"), (Rule::Dependencies, 8, None));
    assert_eq!(error(b""), (Rule::Command, 0, None));
    assert_eq!(error(b"QUERY|a|\nQUERY|b|\n"), (Rule::Message, 9, Some(b'Q')));
    assert_eq!(error(b"QUERY|a|\n\xff"), (Rule::Message, 9, Some(0xff)));
    assert_eq!(error(b"QUERY|\xff|\n"), (Rule::Package, 6, Some(0xff)));
}

#[test]
fn a_name_of_256_bytes_breaks_the_name_rule_in_either_position() {
    let long = "n".repeat(256);
    assert!(parse(format!("QUERY|{}|\n", &long[1..]).as_bytes()).is_ok());
    assert_eq!(error(format!("QUERY|{long}|\n").as_bytes()), (Rule::Name, 261, Some(b'n')));
    assert_eq!(error(format!("INDEX|a|b,{long}\n").as_bytes()), (Rule::Name, 265, Some(b'n')));
}

#[test]
fn an_error_prints_no_control_byte() {
    let error = parse(b"INDEX|a\x1b[2J|\n").unwrap_err().to_string();
    assert_eq!(error, r"message: expected `|` after the package at byte 7, found '\x1b'");
}

#[test]
fn an_error_says_what_was_expected_in_and_after_a_line() {
    let error = |line: &str| parse(line.as_bytes()).unwrap_err().to_string();
    let long = error(&format!("QUERY|{}|\n", "n".repeat(256)));
    assert_eq!(long, "name: expected a name of at most 255 bytes at byte 261, found 'n'");
    let after = "message: expected nothing after the end of the line at byte 9, found 'Q'";
    assert_eq!(error("QUERY|a|\nQUERY|b|\n"), after);
}

#[test]
fn a_reply_is_one_word_and_lf() {
    for reply in [Reply::Ok, Reply::Fail, Reply::Error] {
        assert_eq!(parse_reply(reply.as_line()), Ok(reply));
        assert_eq!(reply.to_string().parse(), Ok(reply));
    }
    for line in [b"OK".as_slice(), b"ok\n", b"OK\r\n", b"OK \n", b"\n", b"OK\nOK\n"] {
        assert!(parse_reply(line).is_err(), "{}", line.escape_ascii());
    }
}

#[test]
fn what_is_printed_is_read_back() {
    for command in [
        Command::index("@types/node", ["a+b", "c_d", "a+b"]).unwrap(),
        Command::remove("libstdc++6").unwrap(),
        Command::query("python@3.12").unwrap(),
    ] {
        assert_eq!(command.to_string().parse(), Ok(command));
    }
}

#[test]
fn a_rule_prints_as_its_name_in_the_grammar() {
    for (rule, name) in [
        (Rule::Message, "message"),
        (Rule::Command, "command"),
        (Rule::Package, "package"),
        (Rule::Dependencies, "dependencies"),
        (Rule::Name, "name"),
        (Rule::Reply, "reply"),
    ] {
        assert_eq!(format!("{rule}|{rule:>12}"), format!("{name}|{name:>12}"));
    }
}

/// Tries every row of up to five of these after a verb. What the short reading reads, the grammar reads too,
/// and the short reading reads all usual messages.
#[test]
fn the_usual_messages_are_read_as_the_grammar_reads_them() {
    let long = ["a".repeat(16), "b".repeat(17), "c".repeat(33), "d".repeat(255), "e".repeat(256)];
    let parts: Vec<&str> = ["|", ",", "\r", "\n", "f", ":"]
        .into_iter()
        .chain(long.iter().map(String::as_str))
        .collect();
    let mut rows = vec![String::new()];
    let mut usual = 0;
    for _ in 0..5 {
        rows = rows
            .iter()
            .flat_map(|row| parts.iter().map(move |part| format!("{row}{part}")))
            .collect();
        for (verb, row) in ["INDEX|", "REMOVE|", "QUERY|", "QUERY"]
            .iter()
            .flat_map(|verb| rows.iter().map(move |row| (verb, row)))
        {
            let line = format!("{verb}{row}");
            let line = line.as_bytes();
            let read = first_message(line, |read| read);
            if let Some((command, rest)) = read {
                assert_eq!(
                    whole(&line[..line.len() - rest.len()], message::<MAX_NAME_BYTES>),
                    Ok(command)
                );
                usual += 1;
            } else if let Ok(command) = whole(line, message::<MAX_NAME_BYTES>) {
                // A list without meaning.
                assert!(
                    command.verb() != Verb::Index
                        && !row.ends_with("|\n")
                        && !row.ends_with("|\r\n"),
                    "{row}"
                );
            }
        }
    }
    assert!(usual > 1_000, "{usual}");
}
