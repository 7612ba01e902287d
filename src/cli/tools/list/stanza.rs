//! Debian's control files (deb822): stanzas of fields, as bytes, with the place of every byte.
//!
//! No crate reads these with bytes and places. Both are needed: people's names may be in Latin-1, and an
//! error must name its line and column.

use std::io::BufRead;

use super::error::{Line, Problem};
use super::{ListError, each_line};

/// The fields about dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Package,
    Version,
    Status,
    PreDepends,
    Depends,
    Provides,
}

/// The fields with their names, in the order of the variants.
const FIELDS: [(Field, &str); 6] = [
    (Field::Package, "Package"),
    (Field::Version, "Version"),
    (Field::Status, "Status"),
    (Field::PreDepends, "Pre-Depends"),
    (Field::Depends, "Depends"),
    (Field::Provides, "Provides"),
];

/// A stanza. It keeps only the fields above.
#[derive(Debug, Default)]
pub(super) struct Stanza {
    /// The line at which it begins.
    first_line: usize,
    values: [Value; FIELDS.len()],
}

/// A field of a stanza.
#[derive(Debug, Default)]
struct Value {
    /// Its lines, with the name of the field, and LF between.
    text: Vec<u8>,
    /// Where its value begins, after the colon.
    start: usize,
    /// Where each line begins, and its number.
    lines: Vec<(usize, usize)>,
}

impl Value {
    fn add(&mut self, line: Line<'_>) {
        if !self.text.is_empty() {
            self.text.push(b'\n');
        }
        self.lines.push((self.text.len(), line.number));
        self.text.extend_from_slice(line.bytes);
    }
}

impl Stanza {
    /// The value of a field, with line ends. Empty if the stanza has no such field.
    pub(super) fn value(&self, field: Field) -> &[u8] {
        let Value { text, start, .. } = &self.values[field as usize];
        text[*start..].trim_ascii()
    }

    /// A problem at the first byte of `part`, which is a piece of a field's value.
    pub(super) fn error_at(&self, field: Field, part: &[u8], problem: Problem) -> ListError {
        let line = self.line_of(field, part);
        line.error_at(part, problem)
    }

    /// The line that contains a piece of the field's value.
    pub(super) fn line_of(&self, field: Field, part: &[u8]) -> Line<'_> {
        let Value { text, lines, .. } = &self.values[field as usize];
        let offset = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let at = lines.partition_point(|&(start, _)| start <= offset).saturating_sub(1);
        let (start, number) = lines.get(at).copied().unwrap_or((0, self.first_line));
        let bytes = text.get(start..).unwrap_or_default();
        Line { bytes: bytes.split(|byte| *byte == b'\n').next().unwrap_or_default(), number }
    }

    /// A problem with the stanza as a whole.
    pub(super) fn error(&self, problem: Problem) -> ListError {
        ListError::At { line: self.first_line, column: 1, problem }
    }

    fn clear(&mut self) {
        self.first_line = 0;
        for Value { text, start, lines } in &mut self.values {
            text.clear();
            *start = 0;
            lines.clear();
        }
    }
}

/// Passes on each stanza. Comments are left out.
pub(super) fn each_stanza(
    reader: impl BufRead,
    mut read: impl FnMut(&Stanza) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let mut stanza = Stanza::default();
    // The field that a line with a blank at its start continues.
    let mut open = None;
    each_line(reader, |line| {
        match line.bytes.first() {
            Some(b'#') => return Ok(()),
            _ if line.bytes.trim_ascii().is_empty() => {
                if stanza.first_line != 0 {
                    read(&stanza)?;
                    stanza.clear();
                }
                return Ok(());
            }
            Some(b' ' | b'\t') if stanza.first_line != 0 => {
                if let Some(field) = open {
                    stanza.values[field as usize].add(line);
                }
                return Ok(());
            }
            _ => {}
        }
        let name = memchr::memchr(b':', line.bytes).map(|colon| &line.bytes[..colon]);
        let is_name = |name: &&[u8]| !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        let Some(name) = name.filter(is_name) else {
            let expected = "Field: value, or a blank before a line that continues a field";
            return Err(line.error(0, Problem::Expected { expected }));
        };
        if stanza.first_line == 0 {
            stanza.first_line = line.number;
        }
        let is_it = |(_, known): &&(Field, &str)| name.eq_ignore_ascii_case(known.as_bytes());
        let known = FIELDS.iter().find(is_it);
        open = known.map(|(field, _)| *field);
        if let Some(&(field, known)) = known {
            let value = &mut stanza.values[field as usize];
            if !value.text.is_empty() {
                return Err(line.error(0, Problem::TwoFields { field: known }));
            }
            value.add(line);
            value.start = name.len() + 1;
        }
        Ok(())
    })?;
    if stanza.first_line != 0 {
        read(&stanza)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_any_case_with_what_goes_on() {
        let text = "# of the file\npackage: a\n# of the field\nDEPENDS: b,\n# between\n c\nOther: x\n y\n \t\n\nPackage: b";
        let mut seen = Vec::new();
        each_stanza(text.as_bytes(), |stanza| {
            let value = |field| String::from_utf8(stanza.value(field).to_vec()).unwrap();
            seen.push([value(Field::Package), value(Field::Depends), value(Field::Version)]);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [["a", "b,\n c", ""], ["b", "", ""]]);
    }

    #[test]
    fn each_field_has_the_place_of_its_variant() {
        assert!(FIELDS.iter().enumerate().all(|(at, (field, _))| *field as usize == at));
    }

    #[test]
    fn what_is_no_field_is_refused_with_its_line() {
        let error = |text: &str| each_stanza(text.as_bytes(), |_| Ok(())).unwrap_err().to_string();
        for text in [
            "Package: a\nno field\n",
            "Package: a\n: b\n",
            "Package: a\nb c: d\n",
            "\n Package: a\n",
        ] {
            assert!(error(text).starts_with("line 2, column 1: expected `Field: value"), "{text}");
        }
        assert_eq!(
            error("Package: a\nDepends: b\ndepends: c\n"),
            "line 3, column 1: the field `Depends` comes a second time in its stanza"
        );
    }
}
