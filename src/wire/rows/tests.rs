//! Tests that rows are read as they were written, in either form, and that nothing else is read.

use super::*;
use crate::command::Command;

fn line_of(command: &Command) -> Vec<u8> {
    let mut line = Vec::new();
    write_message(&mut line, command.into());
    line
}

#[test]
fn a_line_is_the_message_that_the_command_prints_as() {
    for text in
        ["INDEX|vim|", "INDEX|vim|lua", "INDEX|vim|ncurses,lua,lua", "REMOVE|vim|", "QUERY|vim|"]
    {
        assert_eq!(line_of(&text.parse().unwrap()), format!("{text}\n").as_bytes());
    }
}

#[test]
fn what_was_written_is_read_in_either_form() {
    let long = "x".repeat(255);
    for (package, list) in [("vim", ""), ("a", "a"), ("@t/n", "b,a,b"), (&long, &long)] {
        let row = Row::read(package.as_bytes(), list.as_bytes()).unwrap();
        assert_eq!(row.package, package);
        assert_eq!(row.dependencies.to_string(), list);
        let mut bytes = Vec::new();
        row.write_line(&mut bytes);
        assert_eq!(bytes, format!("INDEX|{package}|{list}\n").as_bytes());
        assert_eq!(Line::read(&bytes), Ok(Line::Kept(row)));
        assert_eq!(Row::read_line(&bytes), Ok(row));
        // Names that are owned, instead of bytes that were read.
        let command = row.command().to_command();
        assert_eq!(line_of(&command), bytes);
        bytes.clear();
        write_message(&mut bytes, CommandRef::Remove { package: row.package });
        assert_eq!(bytes, format!("REMOVE|{package}|\n").as_bytes());
        assert_eq!(Line::read(&bytes), Ok(Line::Gone(row.package)));
    }
}

#[test]
fn a_comma_after_a_list_is_read_and_not_written() {
    let row = Row::read(b"vim", b"lua,").unwrap();
    assert_eq!(row.dependencies.count(), 1);
    let mut bytes = Vec::new();
    row.write_line(&mut bytes);
    assert_eq!(bytes, b"INDEX|vim|lua\n");
}

#[test]
fn a_row_is_read_as_the_message_that_would_index_it() {
    let some = [
        "", "a", "b", ",", "|", "\r", "\n", " ", "a,b", "a,", ",a", "a|b", "a\r", "a\n", "INDEX|a|",
    ];
    let long = ["x".repeat(255), "x".repeat(256)];
    let some: Vec<&str> = some.into_iter().chain(long.iter().map(String::as_str)).collect();
    let twice = some.iter().flat_map(|one| some.iter().map(move |two| format!("{one}{two}")));
    let texts: Vec<String> = twice.collect();
    let (mut read, mut refused) = (0, 0);
    for package in &texts {
        for list in &texts {
            let message = format!("INDEX|{package}|{list}\n");
            let expected = crate::wire::parse(message.as_bytes());
            match Row::read(package.as_bytes(), list.as_bytes()) {
                Ok(row) => {
                    assert_eq!(Ok(row.command()), expected);
                    assert_eq!(row.dependencies.count(), row.dependencies.iter().count());
                    read += 1;
                }
                Err(error) => {
                    let (package, dependencies) = (escaped(package), escaped(list));
                    let error_of_message = expected.unwrap_err();
                    let expected =
                        RowError::Malformed { package, dependencies, error: error_of_message };
                    assert_eq!(error, expected, "{message}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 100 && refused > 10_000, "{read} read, {refused} refused");
}

fn escaped(text: &str) -> String {
    text.escape_default().to_string()
}

#[test]
fn lines_that_say_something_else_are_refused_as_they_are() {
    for line in
        ["", "\n", "INDEX|a|b", "INDEX|a\n", "QUERY|a|\n", "REMOVE|a|b\n", "index|a|\n", "a|b\n"]
    {
        let error = Line::read(line.as_bytes()).unwrap_err();
        assert_eq!(error, RowError::Other { line: escaped(line) });
    }
    let gone = Row::read_line(b"REMOVE|a|\n").unwrap_err();
    assert_eq!(gone.to_string(), r#"the line "REMOVE|a|\n" is not a package with a list"#);
    for line in ["INDEX|a b|\n", "INDEX||\n", "REMOVE|a b|\n", "INDEX|a|b|\n", "INDEX|a|b c\n"] {
        let error = Line::read(line.as_bytes()).unwrap_err();
        assert!(matches!(error, RowError::Malformed { .. }), "{line}: {error}");
    }
}

#[test]
fn lines_are_found_where_they_lie() {
    let bytes = b"INDEX|vim|lua\nREMOVE|emacs|\n\nINDEX|cut off|";
    let found: Vec<_> = lines(bytes).collect();
    let expected = [&b"INDEX|vim|lua\n"[..], b"REMOVE|emacs|\n", b"\n", b"INDEX|cut off|"];
    assert_eq!(found, expected);
    assert_eq!(lines(b"").count(), 0);
    let packages = expected.map(first_package);
    assert_eq!(packages, [&b"vim"[..], b"emacs", b"", b"cut off"]);
    assert_eq!(first_package(bytes), b"vim");
    let parts = Parts { package: b"vim", list: Some(b"lua") };
    assert_eq!(Parts::of(expected[0]), Some(parts));
    assert_eq!(Parts::of(expected[1]), Some(Parts { package: b"emacs", list: None }));
    assert_eq!(Parts::of(bytes).map(|parts| parts.package), None);
}

#[test]
fn rows_stay_in_a_buffer_as_they_were() {
    let mut buffer = RowBuffer::default();
    for round in 0..2 {
        let texts = [("a", ""), ("b", "a"), ("c", "a,b,a"), ("d", "")];
        for (package, list) in texts {
            let (package, list) = (package.to_owned(), list.to_owned());
            buffer.push(Row::read(package.as_bytes(), list.as_bytes()).unwrap());
        }
        let rows: Vec<_> = buffer.iter().collect();
        let expected = texts.map(|(p, l)| Row::read(p.as_bytes(), l.as_bytes()).unwrap());
        assert_eq!(rows, expected, "{round}");
        assert_eq!(buffer.len(), texts.len());
        buffer.clear();
        assert_eq!(buffer.iter().count(), 0);
    }
}
