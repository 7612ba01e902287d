//! What a client sends that speaks HTTP, or nearly: a browser that was led astray.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::conversation::Conversation;
use super::line::simpler_bytes;
use crate::testing::input::Input;

/// A request line, or nearly one, and what comes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The line, its LF included.
    pub line: Vec<u8>,
    /// Header fields and a body for HTTP servers, and messages for this server. The pieces are those of all
    /// that is sent.
    pub rest: Conversation,
}

/// The shortest request line, plainly written.
const PLAINEST: &[u8] = b"A a HTTP/1\n";

const METHODS: [&str; 6] = ["GET", "POST", "OPTIONS", "PRI", "A", "get"];
const TARGETS: [&str; 6] = ["/", "*", "http://localhost:8080/", "INDEX|a|", "/\u{e9}", ""];
const VERSIONS: [&str; 6] = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/", "FTP/1.1"];

impl Visit {
    /// All that is sent if the line comes after `before`.
    #[must_use]
    pub fn stream_after(&self, before: &[u8]) -> Vec<u8> {
        [before, &self.line, &self.rest.stream()].concat()
    }
}

impl Arbitrary<'_> for Visit {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let method = u.choose(&METHODS)?;
        // From short ones to those that pass the limit of a line.
        let target =
            u.choose(&TARGETS)?.repeat([1, 1, 2, 30, 300][usize::from(u8::arbitrary(u)? % 5)]);
        let version = u.choose(&VERSIONS)?;
        let end = u.choose(&["\r\n", "\n"])?;
        let mut line = format!("{method} {target} {version}{end}").into_bytes();
        if u8::arbitrary(u)? % 4 == 0 {
            let at = usize::from(u8::arbitrary(u)?) % line.len();
            line[at] = u8::arbitrary(u)?;
        }
        Ok(Self { line, rest: Conversation::arbitrary(u)? })
    }
}

impl Input for Visit {
    const BYTES: usize = 300;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        // GET / HTTP/1.1 with CR, and no byte replaced.
        let head = [0, 0, 0, 0, 0, 1];
        Conversation::seeds(stream).into_iter().map(|seed| [&head[..], &seed].concat()).collect()
    }

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let with_line = |line| Self { line, rest: self.rest.clone() };
        let plainest = (self.line != PLAINEST).then(|| with_line(PLAINEST.to_vec()));
        let rest = self.rest.simpler().map(|rest| Self { line: self.line.clone(), rest });
        // The plainest line could become others of its length.
        let shorter = simpler_bytes(&self.line).filter(|line| line.len() < self.line.len());
        Box::new(plainest.into_iter().chain(rest).chain(shorter.map(with_line)))
    }

    fn show(&self) -> String {
        Conversation {
            messages: std::iter::once(self.line.clone())
                .chain(self.rest.messages.clone())
                .collect(),
            pieces: self.rest.pieces.clone(),
        }
        .show()
    }
}

#[cfg(test)]
mod tests {
    use super::super::LINE_LIMIT;
    use super::*;
    use crate::testing::input::{from_bytes, random_bytes};
    use crate::testing::reference::{begins_with_http, lines};

    #[test]
    fn visits_are_of_http_and_nearly_short_and_too_long() {
        let mut g = quickcheck::Gen::from_size_and_seed(100, 1);
        let mut counts = [[0; 2]; 2];
        for _ in 0..2_000 {
            let Some(visit) = from_bytes::<Visit>(&random_bytes::<Visit>(&mut g)) else { continue };
            let stream = visit.stream_after(b"");
            let is_long = matches!(lines(&stream, LINE_LIMIT).first(), Some((_, None)));
            let is_http = begins_with_http(&stream, LINE_LIMIT);
            counts[usize::from(is_long)][usize::from(is_http)] += 1;
        }
        assert!(counts.iter().flatten().all(|count| *count >= 50), "{counts:?}");
    }

    #[test]
    fn a_visit_is_shown_with_the_end_of_the_connection() {
        let rest = Conversation { messages: vec![b"INDEX|a|\n".to_vec()], pieces: vec![] };
        let shown = Visit { line: PLAINEST.to_vec(), rest }.show();
        assert_eq!(shown, "> A a HTTP/1\n> INDEX|a|\n< ERROR\n<$\n");
    }
}
