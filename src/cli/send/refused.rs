//! Explains why a typed message got `ERROR`, as far as the line itself shows the reason.

use crate::shown::shown;
use crate::wire::{DEFAULT_MAX_LINE_BYTES, ParseError, parse};

/// The longest line that is repeated with a mark below the error.
const SHOWN_BYTES: usize = 76;

/// What is wrong with a line that is given without its LF, in indented lines.
pub(super) fn reason(line: &[u8]) -> String {
    let whole = [line, b"\n"].concat();
    if whole.len() > DEFAULT_MAX_LINE_BYTES {
        let length = whole.len();
        return format!(
            "  the line has {length} bytes with its end; a server takes {DEFAULT_MAX_LINE_BYTES} unless its \
             --max-line-bytes says otherwise\n"
        );
    }
    match parse(&whole) {
        Ok(_) => "  the message is well formed: the server has reached a limit or cannot keep its index; \
                  the server's log says which\n"
            .into(),
        Err(error) => marked(line, &error) + &sentence(&error) + &meant(line),
    }
}

/// The line, and a mark below the wrong byte. All bytes before that are ASCII, so the mark is in its column.
fn marked(line: &[u8], error: &ParseError) -> String {
    let text = shown(line).to_string();
    let is_as_typed = text.as_bytes() == line && line.len() <= SHOWN_BYTES;
    if !is_as_typed {
        return String::new();
    }
    format!("  {text}\n  {:offset$}^\n", "", offset = error.offset)
}

fn sentence(error: &ParseError) -> String {
    let ParseError { rule, offset, found, expected } = error;
    let found = match found {
        None | Some(b'\n') => "the end of the line".into(),
        Some(byte) => format!("'{}'", byte.escape_ascii()),
    };
    format!("  {rule}: expected {expected} at byte {offset}, found {found}\n")
}

/// A suggestion, if a small change makes the line a message.
fn meant(line: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(line) else { return String::new() };
    let text = text.trim();
    let (command, rest) = text.split_at(text.find('|').unwrap_or(text.len()));
    let in_capitals = command.to_ascii_uppercase() + rest;
    let ends = ["", "|", "||"].map(|end| format!("{in_capitals}{end}"));
    let without_spaces: String = in_capitals.split_whitespace().collect();
    let changed = ends.into_iter().chain([without_spaces]);
    let mut messages = changed.filter(|text| parse(format!("{text}\n").as_bytes()).is_ok());
    messages.next().map_or_else(String::new, |text| format!("  did you mean {}\n", shown(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_that_is_wrong_is_marked_and_named() {
        assert_eq!(
            reason(b"INDEX|emacs:yeah|"),
            "  INDEX|emacs:yeah|\n             ^\n  \
             message: expected `|` after the package at byte 11, found ':'\n"
        );
        let reason = reason(b"INDEX|vim");
        assert!(reason.contains("\n           ^\n"), "{reason}");
        assert!(reason.contains("at byte 9, found the end of the line\n"), "{reason}");
    }

    #[test]
    fn a_small_change_that_makes_a_message_is_proposed() {
        for (typed, meant) in [
            ("query|a|", "QUERY|a|"),
            ("INDEX|vim", "INDEX|vim|"),
            (" remove|vim ", "REMOVE|vim|"),
            ("INDEX|vim|lua, ncurses", "INDEX|vim|lua,ncurses"),
        ] {
            let reason = reason(typed.as_bytes());
            assert!(reason.ends_with(&format!("  did you mean {meant}\n")), "{reason}");
        }
        for hopeless in ["vim, please", "INDEX|a|b|c", "", "INDEX|\u{e9}lan|"] {
            assert!(!reason(hopeless.as_bytes()).contains("did you mean"), "{hopeless}");
        }
    }

    #[test]
    fn what_no_terminal_should_get_is_not_shown_again() {
        let reason = reason(b"QUERY|a\x1b[31m|");
        assert!(!reason.contains('\x1b'), "{reason:?}");
        assert_eq!(reason.lines().count(), 1, "{reason}");
        assert!(reason.contains(r"at byte 7, found '\x1b'"), "{reason}");
    }

    #[test]
    fn only_lines_of_wrong_grammar_are_said_to_have_it() {
        assert!(reason(b"INDEX|a|b").contains("is well formed"));
        let long = b"x".repeat(DEFAULT_MAX_LINE_BYTES);
        assert!(reason(&long).contains("the line has 65537 bytes with its end"));
    }
}
