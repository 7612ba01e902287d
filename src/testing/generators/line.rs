//! Lines: noise, and messages that are nearly right.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::command::{Mix, any_name, command, few_names};
use crate::command::Command;
use crate::name::MAX_NAME_BYTES;
use crate::testing::input::{Input, without_runs};
use crate::wire::DEFAULT_MAX_LINE_BYTES;

/// The first byte of an input that is exactly the bytes after it.
pub(super) const VERBATIM: u8 = 255;

/// Any bytes at all, or words and signs of the protocol in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noise(pub Vec<u8>);

/// Parts of noise that make it look like a message sometimes.
const WORDS: [&[u8]; 16] = [
    b"INDEX", b"REMOVE", b"QUERY", b"OK", b"FAIL", b"ERROR", b"|", b"|", b"|", b",", b"\r", b"\n",
    b"\n", b"a", b"b", b" ",
];

impl Arbitrary<'_> for Noise {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let verbatim = u8::arbitrary(u)? >= 128;
        let bytes = u.bytes(u.len())?;
        let word = |byte: &u8| WORDS[usize::from(*byte) % WORDS.len()];
        Ok(Self(if verbatim {
            bytes.to_vec()
        } else {
            bytes.iter().flat_map(word).copied().collect()
        }))
    }
}

impl Input for Noise {
    const BYTES: usize = 200;

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        Box::new(simpler_bytes(&self.0).map(Self))
    }

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        vec![
            std::iter::once(&VERBATIM).chain(super::beginning(stream).flatten()).copied().collect(),
        ]
    }

    fn show(&self) -> String {
        super::transcript(&self.0, DEFAULT_MAX_LINE_BYTES)
    }
}

/// One line, LF included: a message, possibly with a few small mistakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(pub Vec<u8>);

impl Arbitrary<'_> for Line {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let mistakes = match u8::arbitrary(u)? {
            VERBATIM => return Ok(Self(u.bytes(u.len())?.to_vec())),
            kind => [0, 1, 1, 2][usize::from(kind % 4)],
        };
        let few = few_names(8);
        let name = |u: &mut Unstructured<'_>| match u8::arbitrary(u)? {
            0..=219 => few(u),
            220..=235 => any_name(u),
            // The longest name.
            236.. => Ok("n".repeat(MAX_NAME_BYTES).parse().unwrap_or_else(|e| panic!("{e}"))),
        };
        let command = command(u, Mix::EVEN, name)?;
        near_miss(u, mistakes, &command).map(Self)
    }
}

/// A message as one may write it, with some small mistakes.
pub(super) fn near_miss(
    u: &mut Unstructured<'_>,
    mistakes: usize,
    command: &Command,
) -> Result<Vec<u8>> {
    let mut line = command.to_string().into_bytes();
    match u8::arbitrary(u)? % 8 {
        0 => line.push(b'\r'),
        1 => line.push(b','),
        2 => line.extend_from_slice(b",\r"),
        // Also names after REMOVE and QUERY.
        3 => line.push(b'a'),
        4 => line.extend_from_slice(b"a,b"),
        _ => {}
    }
    line.push(b'\n');
    for _ in 0..mistakes {
        mistake(u, &mut line)?;
    }
    Ok(line)
}

/// Makes a small mistake somewhere in a line.
fn mistake(u: &mut Unstructured<'_>, line: &mut Vec<u8>) -> Result<()> {
    /// The bytes that are most likely to be misread.
    const BYTES: &[u8] = b"|,\r\n\0 :=INDEX\x7f\xff\t";
    let kind = u8::arbitrary(u)?;
    // Mostly after the command word: a mistake in that hides all others.
    let at = match usize::from(u8::arbitrary(u)?) {
        from_end @ 0..192 => line.len().saturating_sub(from_end % 8),
        any => any % (line.len() + 1),
    };
    let byte = u8::arbitrary(u)?;
    let byte = *BYTES.get(usize::from(byte) % (2 * BYTES.len())).unwrap_or(&byte);
    match kind % 8 {
        0 | 1 => line.insert(at, byte),
        2 if at < line.len() => line[at] = byte,
        3 if at < line.len() => drop(line.remove(at)),
        4 if at < line.len() => line.insert(at, line[at]),
        5 if at < line.len() => line[at] ^= 0x20,
        6 if at + 1 < line.len() => line.swap(at, at + 1),
        _ => line.truncate(at),
    }
    Ok(())
}

impl Input for Line {
    const BYTES: usize = 32;

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        Box::new(simpler_bytes(&self.0).map(Self))
    }

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        super::beginning(stream).map(|line| [&[VERBATIM], line].concat()).collect()
    }

    fn show(&self) -> String {
        super::transcript(&self.0, DEFAULT_MAX_LINE_BYTES)
    }
}

/// Fewer bytes, and then plainer ones.
pub(super) fn simpler_bytes(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let plainer = (0..bytes.len()).filter(|position| !b"a|\n".contains(&bytes[*position]));
    without_runs(bytes).chain(plainer.map(|position| {
        let mut plainer = bytes.to_vec();
        plainer[position] = b'a';
        plainer
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::input::from_bytes;
    use crate::testing::reference;

    #[test]
    fn noise_is_all_of_its_bytes_or_words_for_them() {
        assert_eq!(from_bytes(&[VERBATIM, 1, 2, 0]), Some(Noise(vec![1, 2, 0])));
        assert_eq!(from_bytes(&[0, 2, 6, 16 + 13, 11]), Some(Noise(b"QUERY|a\n".to_vec())));
        assert_eq!(Noise(b"QUERY|a|\n\xff".to_vec()).show(), "> QUERY|a|\n< FAIL\n>~ \\xff\n");
    }

    #[test]
    fn lines_are_messages_and_near_misses_of_every_kind() {
        let mut drawn: BTreeMap<&str, usize> = BTreeMap::new();
        let mut g = quickcheck::Gen::from_size_and_seed(100, 1);
        for _ in 0..10_000 {
            let bytes: Vec<u8> =
                (0..32).map(|_| quickcheck::Arbitrary::arbitrary(&mut g)).collect();
            let Line(line) = from_bytes(&bytes).unwrap();
            let longest = line.split(|byte| b"|,\r\n".contains(byte)).map(<[u8]>::len).max();
            let mut count = |kind| *drawn.entry(kind).or_default() += 1;
            count(if reference::parse(&line).is_some() { "message" } else { "malformed" });
            if longest == Some(255) {
                count("a longest name");
            }
            if longest == Some(256) {
                count("a name too long");
            }
            if line.ends_with(b"\r\n") {
                count("CR");
            }
            if !line.ends_with(b"\n") {
                count("no LF");
            }
            if line.split(|byte| *byte == b'|').count() == 4 {
                count("third bar");
            }
        }
        println!("{drawn:?}");
        assert!(drawn.len() == 7 && drawn.values().all(|count| *count >= 20), "{drawn:?}");
        assert!(drawn["message"] > 2_000 && drawn["malformed"] > 2_000, "{drawn:?}");
    }
}
