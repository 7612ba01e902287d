//! Transcripts as text: directives, and escapes for bytes that are not text.

use std::fmt;

use super::{Step, Transcript, TranscriptError};

impl std::str::FromStr for Transcript {
    type Err = TranscriptError;

    /// Ignores indentation, blank lines and comments.
    fn from_str(text: &str) -> Result<Self, TranscriptError> {
        let mut steps = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let step =
                Step::parse(line).map_err(|problem| TranscriptError { line: number, problem })?;
            steps.push((number, step));
        }
        Ok(Self { steps })
    }
}

impl Step {
    fn parse(line: &str) -> Result<Self, String> {
        let (directive, text) = line.split_once(' ').unwrap_or((line, ""));
        Ok(match directive {
            ">" => {
                let mut message = unescape(text)?;
                message.push(b'\n');
                Self::Send(message)
            }
            ">~" => Self::Send(unescape(text)?),
            ">$" => Self::HalfClose,
            ">!" => Self::BreakOff,
            "<" => Self::Expect(text.to_owned()),
            "<$" => Self::ExpectEnd,
            "@" => Self::Switch(text.to_owned()),
            other => return Err(format!("{other:?} is none of > >~ >$ >! < <$ @ #")),
        })
    }
}

/// The bytes that a text with escapes stands for.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((literal, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(literal.as_bytes());
        rest = if let Some(repeat) = escape.strip_prefix('{') {
            let (repeat, rest) = repeat.split_once('}').ok_or(r"\{ without }")?;
            let (count, text) = repeat.split_once(':').ok_or(r"\{ without a count and a colon")?;
            let count: usize = count.parse().map_err(|_| format!("{count:?} is no count"))?;
            bytes.extend_from_slice(&unescape(text)?.repeat(count));
            rest
        } else {
            let (byte, rest) = unescape_byte(escape)
                .ok_or(r"an escape other than \r \n \t \0 \\ \xHH \{N:text}")?;
            bytes.push(byte);
            rest
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// The byte that an escape stands for, and what comes after it.
fn unescape_byte(escape: &str) -> Option<(u8, &str)> {
    let simple = |byte, length| Some((byte, escape.get(length..)?));
    match escape.as_bytes().first()? {
        b'r' => simple(b'\r', 1),
        b'n' => simple(b'\n', 1),
        b't' => simple(b'\t', 1),
        b'0' => simple(0, 1),
        b'\\' => simple(b'\\', 1),
        b'x' => simple(u8::from_str_radix(escape.get(1..3)?, 16).ok()?, 3),
        _ => None,
    }
}

impl fmt::Display for Transcript {
    /// The transcript without its comments, with escapes where necessary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, step) in &self.steps {
            match step {
                Step::Send(bytes) => match bytes.split_last() {
                    Some((b'\n', message)) => writeln!(f, "> {}", escape(message))?,
                    _ => writeln!(f, ">~ {}", escape(bytes))?,
                },
                Step::HalfClose => writeln!(f, ">$")?,
                Step::BreakOff => writeln!(f, ">!")?,
                Step::Expect(reply) => writeln!(f, "< {reply}")?,
                Step::ExpectEnd => writeln!(f, "<$")?,
                Step::Switch(name) => writeln!(f, "@ {name}")?,
            }
        }
        Ok(())
    }
}

/// Any bytes as the text of a step, on one line.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some(byte) = rest.first() {
        let (unit, count) = repeated(rest);
        if unit.len() * count >= SHORT_ENOUGH {
            text += &format!("\\{{{count}:{}}}", escape(unit));
            rest = &rest[unit.len() * count..];
        } else {
            text += &escape_byte(*byte);
            rest = &rest[1..];
        }
    }
    text
}

/// The number of repetitions from which a text is written once with its number.
const SHORT_ENOUGH: usize = 80;

/// The one or two bytes that the text begins with again and again, and how often.
fn repeated(bytes: &[u8]) -> (&[u8], usize) {
    let times = |length: usize| {
        let unit = &bytes[..length.min(bytes.len())];
        let same = bytes.chunks_exact(unit.len().max(1)).take_while(|chunk| *chunk == unit);
        // A brace would end it.
        let count = if unit.contains(&b'}') { 0 } else { same.count() };
        (unit, count)
    };
    let (one, two) = (times(1), times(2));
    if one.1 >= SHORT_ENOUGH { one } else { two }
}

fn escape_byte(byte: u8) -> String {
    match byte {
        b'\\' => "\\\\".into(),
        b'\r' => "\\r".into(),
        b'\n' => "\\n".into(),
        b'\t' => "\\t".into(),
        b' '..=b'~' => char::from(byte).into(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_their_bytes() {
        assert_eq!(unescape(r"a\r\n\t\0\\\x7fb"), Ok(b"a\r\n\t\0\\\x7fb".to_vec()));
        assert_eq!(unescape(r"<\{3:a\x00}>"), Ok(b"<a\0a\0a\0>".to_vec()));
        for wrong in [r"\q", r"\x9", r"\xgg", r"\{3:a", r"\{3}", r"\{x:a}", "\\"] {
            assert!(unescape(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_written_so_that_they_read_the_same() {
        let repeats = [b"a,".repeat(50), b"x".repeat(81), b"}".repeat(90), b"y".repeat(79)];
        let all: Vec<u8> = (0..=255).chain(repeats.concat()).collect();
        assert_eq!(unescape(&escape(&all)), Ok(all.clone()));
        assert_eq!(escape(b"a\r\n\t\0\\\x7fb"), r"a\r\n\t\x00\\\x7fb");
        assert_eq!(escape(&b"a,".repeat(50)), r"\{50:a,}");
        assert_eq!(escape(&b"x".repeat(81)), r"\{81:x}");
    }
}
