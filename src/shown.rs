//! Floor 1: text from outside, as messages and logs show it: escaped and shortened.
//!
//! File names, arguments, package lists, replies and the contents of a store can hold anything. Shown raw, an
//! escape sequence would reach a terminal, and a line feed would forge a line of a log. A value of megabytes
//! would bury the message. No such value is printed other than as a [`Shown`].

use std::fmt::{self, Write as _};
use std::path::Path;

/// The most bytes that are shown of a value: a name of the greatest length, and quotes.
const MOST: usize = 257;

/// How much is shown of the beginning and of the end of a longer value, in bytes.
const ENDS: [usize; 2] = [160, 64];

/// A value from outside, printed in bounded space and without control characters.
///
/// `{}` prints what can be printed as it is; `{:?}` puts quotes around it, and escapes quotes and
/// backslashes in it. Bytes that are not UTF-8 become `\xNN`. Of more than 257 bytes the first 160 and the
/// last 64 are shown, with the length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown<'a>(&'a [u8]);

/// Shows text, or bytes that should have been.
pub(crate) fn shown<T: AsRef<[u8]> + ?Sized>(value: &T) -> Shown<'_> {
    Shown(value.as_ref())
}

/// Shows the name of a file.
pub(crate) fn shown_path(path: &Path) -> Shown<'_> {
    Shown(path.as_os_str().as_encoded_bytes())
}

/// Text in which each control character but `kept` is escaped. It is for whole messages, whose parts are
/// already short.
#[cfg(any(test, feature = "cli", feature = "testing"))]
pub(crate) fn without_controls(text: &[u8], kept: Option<char>) -> String {
    let mut clean = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            if Some(c) == kept {
                clean.push(c);
            } else {
                push(&mut clean, c, false);
            }
        }
        push_invalid(&mut clean, chunk.invalid());
    }
    clean
}

impl Shown<'_> {
    fn escaped(self, in_quotes: bool) -> String {
        let mut text = String::new();
        let mut add = |part: &[u8]| {
            for chunk in part.utf8_chunks() {
                chunk.valid().chars().for_each(|c| push(&mut text, c, in_quotes));
                push_invalid(&mut text, chunk.invalid());
            }
        };
        if self.0.len() <= MOST {
            add(self.0);
            return text;
        }
        let [begin, end] = [ENDS[0], self.0.len() - ENDS[1]].map(|at| boundary(self.0, at));
        add(&self.0[..begin]);
        add(b"...");
        add(&self.0[end..]);
        text
    }

    /// Writes the length of a value that is not shown whole.
    fn fmt_length(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            ..=MOST => Ok(()),
            length => write!(f, " ({length} bytes in all)"),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.escaped(false))?;
        self.fmt_length(f)
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escaped(true))?;
        self.fmt_length(f)
    }
}

/// Where a character begins: at `at`, or up to three bytes before.
fn boundary(bytes: &[u8], at: usize) -> usize {
    let begins = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (at.saturating_sub(3)..=at).rev().find(begins).unwrap_or(at)
}

fn push(text: &mut String, c: char, in_quotes: bool) {
    match c {
        '"' | '\\' if in_quotes => text.extend(['\\', c]),
        '"' | '\\' | '\'' => text.push(c),
        // Invisible characters, and those that change the direction of writing, are escaped too.
        _ => text.extend(c.escape_debug()),
    }
}

fn push_invalid(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to memory does not fail.
        let _written = write!(text, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_printed_is_printed_as_it_is() {
        let text = r#"/home/a b/x.list, "naïve" \ 'ok'"#;
        assert_eq!(shown(text).to_string(), text);
        assert_eq!(format!("{:?}", shown(r#"a"\"#)), r#""a\"\\""#);
    }

    #[test]
    fn what_cannot_be_printed_is_escaped() {
        for (hostile, escaped) in [
            ("\x1b[31mred\x07", r"\u{1b}[31mred\u{7}"),
            ("a\r\nb\tc\0", r"a\r\nb\tc\0"),
            ("\u{7f}\u{9b}\u{2028}\u{202e}\u{feff}", r"\u{7f}\u{9b}\u{2028}\u{202e}\u{feff}"),
        ] {
            assert_eq!(shown(hostile).to_string(), escaped);
            assert_eq!(format!("{:?}", shown(hostile)), format!("\"{escaped}\""));
        }
        assert_eq!(shown(b"\xff\xc3.").to_string(), r"\xff\xc3.");
        assert_eq!(without_controls(b"one\ntwo\x1b\r\xff", Some('\n')), "one\ntwo\\u{1b}\\r\\xff");
    }

    #[test]
    fn long_values_are_shortened_between_characters() {
        let longest_name = "n".repeat(255);
        assert_eq!(format!("{:?}", shown(&longest_name)), format!("\"{longest_name}\""));
        let long = "é".repeat(1_000_000) + "end";
        let text = shown(&long).to_string();
        assert!(text.starts_with("éé") && text.ends_with("éend (2000003 bytes in all)"), "{text}");
        assert!(text.contains("é...é") && !text.contains('\\'), "{text}");
        let text = format!("{:?}", shown(&"x".repeat(258)));
        assert_eq!(text.len(), 160 + 3 + 64 + 2 + " (258 bytes in all)".len());
    }
}
