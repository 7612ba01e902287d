//! Names of our own on a server that holds packages of others. Every name gets a prefix when it is
//! sent, so that its package can be removed again.

use std::collections::BTreeSet;

use super::edit::Edited;
use super::names_of;
use crate::command::Command;
use crate::name::{MAX_NAME_BYTES, Name};
use crate::testing::reference;
use crate::testing::transcript::Transcript;

/// Lines over this many bytes keep their length, because they test it.
pub(super) const LONG_LINE: usize = 4_096;

/// Bytes that are sent as a name, valid or not.
pub(super) type RawName = Vec<u8>;

/// Names as they are sent.
pub(super) fn raw(names: &[Name]) -> Vec<RawName> {
    names.iter().map(|name| name.as_str().as_bytes().to_vec()).collect()
}

/// All names that begin with one prefix. It has only letters and digits, which every server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namespace {
    prefix: String,
}

impl Namespace {
    /// One of the namespaces of a seed.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        // A z ends each number, because it is no digit of base 16. So no prefix begins another.
        Self { prefix: format!("{}{number:x}z", names_of(seed)) }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The same command about names of this namespace.
    pub(super) fn command(&self, command: &Command) -> Option<Command> {
        reference::parse(&self.line(format!("{command}\n").as_bytes()).bytes)
    }

    pub(super) fn transcript(&self, transcript: &Transcript) -> Transcript {
        transcript.edited(|line| self.line(line))
    }

    /// The line with the prefix on every name, valid or not.
    ///
    /// A name that would become too long keeps its length: the prefix replaces its beginning. A long
    /// line keeps its length too: other names replace its dependencies, and these are not indexed.
    fn line(&self, line: &[u8]) -> Edited {
        if line.len() > LONG_LINE {
            let bytes = self.long(line).unwrap_or_else(|| line.to_vec());
            return Edited { bytes, inserted: Vec::new() };
        }
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let command = text.iter().position(|byte| *byte == b'|').unwrap_or(text.len());
        let (mut bytes, mut inserted) = (line[..command].to_vec(), Vec::new());
        let mut begin = command;
        while begin < text.len() {
            // A bar or a comma, and the name after it.
            bytes.push(text[begin]);
            begin += 1;
            let name = &text[begin..];
            let length = name.iter().position(|byte| b"|,".contains(byte)).unwrap_or(name.len());
            let name = &name[..length];
            // A name near the limit keeps its length, because it tests the limit.
            let kept =
                if length + self.prefix.len() > MAX_NAME_BYTES { self.prefix.len() } else { 0 };
            let added = if name.is_empty() { 0 } else { self.prefix.len() - kept };
            if !name.is_empty() {
                bytes.extend_from_slice(self.prefix.as_bytes());
            }
            bytes.extend_from_slice(&name[kept..]);
            inserted.push((begin, added));
            begin += length;
        }
        bytes.extend_from_slice(&line[text.len()..]);
        Edited { bytes, inserted }
    }

    /// A long line as one of the same length in this namespace. `None` if it is malformed.
    fn long(&self, line: &[u8]) -> Option<Vec<u8>> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let command = reference::parse(&[text, b"\n"].concat())?;
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let comma = text.ends_with(b",");
        let verb = text.split(|byte| *byte == b'|').next()?;
        let mut bytes = [verb, b"|", self.prefix.as_bytes()].concat();
        bytes.extend_from_slice(command.package().as_str().as_bytes());
        bytes.push(b'|');
        let mut left = text.len().checked_sub(bytes.len() + usize::from(comma))?;
        while left > 0 {
            // The rest must be either nothing or a whole name.
            let length = if left > 2 * MAX_NAME_BYTES { 200 } else { left.min(MAX_NAME_BYTES) };
            let length = if left - length > 0 { length.min(left - 100) } else { length };
            let tail = length.checked_sub(self.prefix.len())?;
            bytes.extend_from_slice(self.prefix.as_bytes());
            bytes.resize(bytes.len() + tail, b'z');
            left -= length;
            if left > 0 {
                bytes.push(b',');
                left -= 1;
            }
        }
        bytes.extend_from_slice(&line[text.len() - usize::from(comma)..]);
        Some(bytes)
    }

    /// All names of this namespace that a transcript sends, in the order of their first use. Invalid
    /// names count too, because a server may take them.
    pub(super) fn names_in(&self, transcript: &Transcript) -> Vec<RawName> {
        let mut seen = BTreeSet::new();
        let mut names = Vec::new();
        for line in transcript.lines().iter().filter(|line| line.len() <= LONG_LINE) {
            let parts = line.split(|byte| b"|,\n".contains(byte));
            let ours = parts.filter(|part| part.starts_with(self.prefix.as_bytes()));
            for name in ours.map(|part| part.strip_suffix(b"\r").unwrap_or(part)) {
                if seen.insert(name.to_vec()) {
                    names.push(name.to_vec());
                }
            }
        }
        names
    }
}

/// Invalid names outside the namespace that a lenient server may take. They stand for a package or a
/// dependency in a malformed line.
pub(super) fn outside(transcript: &Transcript, namespace: &Namespace) -> Vec<RawName> {
    let mut names = BTreeSet::new();
    for line in transcript.lines().iter().filter(|line| line.len() <= LONG_LINE) {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if reference::parse(line).is_some() {
            continue;
        }
        let fields: Vec<&[u8]> = text.split(|byte| *byte == b'|').skip(1).collect();
        let package = fields.first().copied().into_iter();
        let dependencies = fields.iter().skip(1).flat_map(|list| list.split(|byte| *byte == b','));
        let ours = namespace.prefix().as_bytes();
        names.extend(
            package.chain(dependencies).filter(|name| !name.starts_with(ours)).map(<[u8]>::to_vec),
        );
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::str;

    use super::*;

    fn renamed(text: &str) -> String {
        let transcript: Transcript = text.parse().unwrap();
        Namespace::new(0xab, 1).transcript(&transcript).to_string()
    }

    #[test]
    fn every_name_gets_the_prefix_and_what_is_no_name_stays_none() {
        assert_eq!(
            renamed("> INDEX|a|b,,c\\r\n> nonsense\n> QUERY||\n> QUERY|a b|\n> REMOVE|a,|b|c\n"),
            "> INDEX|checkabz1za|checkabz1zb,,checkabz1zc\\r\n> nonsense\n> QUERY||\n\
             > QUERY|checkabz1za b|\n> REMOVE|checkabz1za,|checkabz1zb|checkabz1zc\n"
        );
    }

    #[test]
    fn pieces_of_a_line_stay_pieces_and_streams_are_told_apart() {
        assert_eq!(
            renamed(
                ">~ INDEX|ab\n@ two\n>~ QUE\n@ main\n>~ c|\n@ two\n> RY|a|\n@ main\n>~ d\n> \n"
            ),
            ">~ INDEX|checkabz1zab\n@ two\n>~ QUE\n@ main\n>~ c|\n@ two\n> RY|checkabz1za|\n\
             @ main\n>~ checkabz1zd\n> \n"
        );
    }

    #[test]
    fn a_name_that_would_be_too_long_keeps_its_length_and_its_end() {
        let namespace = Namespace::new(0xab, 1);
        for length in [MAX_NAME_BYTES, MAX_NAME_BYTES + 1] {
            let name = ["a".repeat(length - 1), "b".into()].concat();
            let expected = format!("QUERY|checkabz1z{}|\n", &name["checkabz1z".len()..]);
            let edited = namespace.line(format!("QUERY|{name}|\n").as_bytes());
            assert_eq!(edited.bytes, expected.as_bytes());
        }
    }

    #[test]
    fn a_long_line_keeps_its_length_and_its_form() {
        let namespace = Namespace::new(0xab, 1);
        for (count, end) in [(32_763, "a\n"), (32_763, "a,\n"), (32_000, "a,\r\n"), (9_000, "\n")] {
            let line = ["INDEX|p|", &"a,".repeat(count), end].concat();
            let edited = namespace.line(line.as_bytes());
            assert_eq!((edited.bytes.len(), edited.inserted.len()), (line.len(), 0), "{count}");
            let command = reference::parse(&edited.bytes).expect("it is a message still");
            let Command::Index { package, dependencies } = command else { panic!("{command}") };
            assert_eq!(package.as_str(), "checkabz1zp");
            assert!(dependencies.iter().all(|name| name.as_str().starts_with("checkabz1z")));
        }
        let malformed = ["INDEX|p", &"a,".repeat(9_000), "\n"].concat();
        assert_eq!(namespace.line(malformed.as_bytes()).bytes, malformed.as_bytes());
    }

    #[test]
    fn the_names_of_a_transcript_are_known() {
        let transcript = "> INDEX|a|b,c\n>~ QUE\n> RY|d|\n> INDEX|x y|\n".parse().unwrap();
        let namespace = Namespace::new(1, 2);
        let names = namespace.names_in(&namespace.transcript(&transcript));
        let texts: Vec<_> = names.iter().map(|name| str::from_utf8(name).unwrap()).collect();
        let letters = ["a", "b", "c", "d", "x y"].map(|text| format!("check1z2z{text}"));
        assert_eq!(texts, letters);
    }
}
