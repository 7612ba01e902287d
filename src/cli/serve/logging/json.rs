//! A line of the log as a JSON object (RFC 8259), for machines.
//!
//! It is plain ASCII, and everything else is escaped. So no value can end the line, control a terminal, or
//! look like another field. It has a bounded length, like lines of text. Long values are cut, but the object
//! stays whole. A crate for this would bring five more into the server's build, which is kept small.

use std::fmt::{self, Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The most bytes of all values of a line, escaped. With the names of the fields, a line stays within its
/// limit.
const MOST_BYTES: usize = 6_000;

/// The most bytes of one value, escaped.
const LONGEST_VALUE: usize = 2_000;

/// Formats an event as `{"timestamp":…,"level":…,"target":…,"message":…,"event":…}` and its other fields.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = Line { text: String::new(), left: MOST_BYTES };
        line.add("timestamp", &time);
        line.add("level", event.metadata().level().as_str());
        line.add("target", event.metadata().target());
        event.record(&mut line);
        writeln!(writer, "{{{}}}", line.text)
    }
}

/// The members of an object.
struct Line {
    text: String,
    /// How many more bytes of values fit.
    left: usize,
}

impl Line {
    fn name(&mut self, name: &str) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        self.text += &format!("\"{name}\":");
    }

    fn add(&mut self, name: &str, value: &str) {
        self.name(name);
        self.text.push('"');
        let before = self.text.len();
        let end = before + self.left.min(LONGEST_VALUE);
        let mut escaped = String::new();
        for c in value.chars() {
            escape(&mut escaped, c);
            if self.text.len() + escaped.len() > end {
                self.text += "...";
                break;
            }
            self.text += &escaped;
            escaped.clear();
        }
        self.left -= (self.text.len() - before).min(self.left);
        self.text.push('"');
    }

    fn add_bare(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        self.text += &value.to_string();
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add_bare(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add_bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add_bare(field.name(), value);
    }
}

/// Escapes a character for a JSON string.
fn escape(text: &mut String, c: char) {
    match c {
        '"' | '\\' => text.extend(['\\', c]),
        ' '..='~' => text.push(c),
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to memory does not fail.
                let _written = write!(text, "\\u{unit:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &str) -> (String, serde_json::Value) {
        let mut line = Line { text: String::new(), left: MOST_BYTES };
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            line.add(name, value);
        }
        line.add_bare("n", u64::MAX);
        let text = format!("{{{}}}", line.text);
        let read = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (text, read)
    }

    #[test]
    fn any_value_can_be_read_back_and_the_line_is_ascii() {
        for value in
            ["", "plain", "a\"b\\c", "\0\x1b[31m\n\r\u{7f}\u{9b}\u{2028}\u{202e}", "é\u{1f980}"]
        {
            let (text, read) = object(value);
            assert_eq!((read["a"].as_str(), read["h"].as_str()), (Some(value), Some(value)));
            assert_eq!(read["n"], u64::MAX);
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        }
    }

    #[test]
    fn long_values_are_cut_and_the_object_stays_whole() {
        for value in ["x".repeat(100_000), "\0".repeat(100_000), "\u{1f980}\"".repeat(10_000)] {
            let (text, read) = object(&value);
            assert!(text.len() < 8_000, "{}", text.len());
            assert!(read["a"].as_str().unwrap().ends_with("..."));
            assert_eq!(read["h"], "...");
        }
    }
}
