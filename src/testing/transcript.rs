//! Conversations kept as text: what clients send, and what they must read back.
//!
//! `spec/README.md` describes the format. A [`Transcript`] runs against any [`Endpoint`]: a machine in memory
//! ([`InMemory`]) or a server at an address ([`Remote`]).

mod endpoint;
mod text;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use crate::shown::shown;
pub use endpoint::{Endpoint, InMemory, Link, MemoryLink, Remote};
pub(crate) use text::escape;

/// A conversation: what clients send on which connection, and what must come back.
///
/// ```
/// use package_indexer::testing::transcript::{InMemory, Transcript};
/// use package_indexer::PackageIndex;
///
/// let transcript: Transcript = "
///     ## X3: a package that another needs stays.
///     > INDEX|a|
///     > INDEX|b|a
///     > REMOVE|a|
///     < OK
///     < OK
///     < FAIL
/// ".parse()?;
/// transcript.run(&mut InMemory::new(PackageIndex::new()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// Each with its line, counted from 1.
    pub(crate) steps: Vec<(usize, Step)>,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Vec<u8>),
    HalfClose,
    BreakOff,
    Expect(String),
    ExpectEnd,
    Switch(String),
}

/// What is wrong with the text of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}", shown(problem))]
pub struct TranscriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Where a conversation differs from its transcript.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// Another reply came, or none.
    #[error("line {line}: expected {}, got {}", shown(expected), shown(actual))]
    Reply {
        /// The line of the transcript, counted from 1.
        line: usize,
        /// What the transcript says.
        expected: String,
        /// What came.
        actual: String,
    },
    /// A reply came that is not in the transcript.
    #[error(
        "after the last line: nothing more was expected on connection {}, got {}",
        shown(connection),
        shown(actual)
    )]
    Surplus {
        /// The name of the connection.
        connection: String,
        /// What came.
        actual: String,
    },
    /// All replies came, but the stream stayed open after the client had ended its side.
    #[error(
        "after the last line: the end of the stream was expected on connection {}, got {}",
        shown(connection),
        self.actual()
    )]
    NoEnd {
        /// The name of the connection.
        connection: String,
        /// What the wait for it ended with.
        error: io::Error,
    },
    /// The connection failed.
    #[error("line {line}: {error}")]
    Io {
        /// The line of the transcript, counted from 1.
        line: usize,
        /// The error.
        error: io::Error,
    },
}

impl Mismatch {
    /// The line of the transcript, counted from 1, or `None` if it is after the last.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Reply { line, .. } | Self::Io { line, .. } => Some(*line),
            Self::Surplus { .. } | Self::NoEnd { .. } => None,
        }
    }

    /// What came instead, in printable characters.
    #[must_use]
    pub fn actual(&self) -> String {
        match self {
            // It can be anything, and goes to terminals and files.
            Self::Reply { actual, .. } | Self::Surplus { actual, .. } => escape(actual.as_bytes()),
            Self::Io { error, .. } if is_time_out(error) => "no reply in time".into(),
            Self::NoEnd { error, .. } if is_time_out(error) => "no end in time".into(),
            Self::Io { error, .. } | Self::NoEnd { error, .. } => error.to_string(),
        }
    }
}

/// How a run checks that no reply is left over at the end of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Each client that has not ended its side does so, and the server has to end its stream.
    HalfClose,
    /// Each client sends these lines too, and reads just their replies, no two of which are the same. It is
    /// for servers that do not support a half-close.
    #[cfg_attr(
        not(feature = "check"),
        expect(dead_code, reason = "such servers are checked alone")
    )]
    Asking(Vec<(Vec<u8>, String)>),
}

/// Whether an error is a time-out. Which of the two kinds it has depends on the system.
fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Transcript {
    /// Holds the conversation with `endpoint`, which should know no package yet.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    pub fn run<E: Endpoint>(&self, endpoint: &mut E) -> Result<(), Mismatch> {
        self.run_to(&Ending::HalfClose, endpoint)
    }

    /// Like [`run`](Self::run), with an ending of either kind.
    pub(crate) fn run_to<E: Endpoint>(
        &self,
        ending: &Ending,
        endpoint: &mut E,
    ) -> Result<(), Mismatch> {
        let mut links: BTreeMap<&str, E::Link> = BTreeMap::new();
        let mut current = "main";
        for (line, step) in &self.steps {
            let line = *line;
            let failed = |error| Mismatch::Io { line, error };
            if let Step::Switch(name) = step {
                current = name;
                continue;
            }
            let link = match links.entry(current) {
                Entry::Occupied(link) => link.into_mut(),
                Entry::Vacant(place) => place.insert(endpoint.connect_as(current).map_err(failed)?),
            };
            match step {
                Step::Send(bytes) => link.send(bytes).map_err(failed)?,
                Step::HalfClose => link.half_close().map_err(failed)?,
                Step::BreakOff => drop(links.remove(current)),
                Step::Expect(reply) => {
                    let actual = link.receive().map_err(failed)?;
                    if actual.as_ref() != Some(reply) {
                        let (expected, actual) = (reply.clone(), or_end(actual));
                        return Err(Mismatch::Reply { line, expected, actual });
                    }
                }
                Step::ExpectEnd => {
                    let actual = link.receive().map_err(failed)?;
                    if actual.is_some() {
                        let expected = or_end(None);
                        return Err(Mismatch::Reply { line, expected, actual: or_end(actual) });
                    }
                    links.remove(current);
                }
                Step::Switch(_) => {}
            }
        }
        self.finish(ending, links)
    }

    /// All that the clients send, on any connection, in the order of the transcript.
    #[must_use]
    pub fn sent(&self) -> Vec<u8> {
        let sent = self.steps.iter().filter_map(|(_, step)| match step {
            Step::Send(bytes) => Some(bytes.as_slice()),
            Step::HalfClose
            | Step::BreakOff
            | Step::Expect(_)
            | Step::ExpectEnd
            | Step::Switch(_) => None,
        });
        sent.collect::<Vec<_>>().concat()
    }

    /// Ends what is still open, and checks that no reply is left over.
    fn finish<L: Link>(&self, ending: &Ending, links: BTreeMap<&str, L>) -> Result<(), Mismatch> {
        for (name, mut link) in links {
            let connection = name.to_owned();
            match ending {
                Ending::HalfClose => match link.half_close().and_then(|()| link.receive()) {
                    Ok(None) => {}
                    Ok(Some(actual)) => return Err(Mismatch::Surplus { connection, actual }),
                    Err(error) => return Err(Mismatch::NoEnd { connection, error }),
                },
                Ending::Asking(questions) => {
                    for (line, expected) in questions.iter().filter(|_| self.is_between_lines(name))
                    {
                        // A connection that has ended or says nothing has no reply left over.
                        let Ok(Some(actual)) = link.send(line).and_then(|()| link.receive()) else {
                            break;
                        };
                        if actual != *expected {
                            return Err(Mismatch::Surplus { connection, actual });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the last line that is sent on a connection is complete.
    fn is_between_lines(&self, connection: &str) -> bool {
        let mut current = "main";
        let mut is_complete = true;
        for (_, step) in &self.steps {
            match step {
                Step::Switch(name) => current = name,
                Step::Send(bytes) if current == connection => is_complete = bytes.ends_with(b"\n"),
                _ => {}
            }
        }
        is_complete
    }
}

fn or_end(reply: Option<String>) -> String {
    reply.unwrap_or_else(|| "the end of the stream".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, PackageIndex};

    fn run(text: &str) -> Result<(), Mismatch> {
        text.parse::<Transcript>().unwrap().run(&mut InMemory::new(Model::default()))
    }

    #[test]
    fn a_transcript_prints_as_it_reads() {
        let text = "> QUERY|a|\\r\n>~ QUE\n>$\n< FAIL\n<$\n@ other\n>!\n";
        let transcript: Transcript = text.parse().unwrap();
        assert_eq!(transcript.to_string(), text);
        assert_eq!(transcript.sent(), b"QUERY|a|\r\nQUE");
    }

    #[test]
    fn an_unknown_directive_is_named_with_its_line() {
        let error = "# fine\n\n? QUERY".parse::<Transcript>().unwrap_err();
        assert_eq!(error.to_string(), r#"line 3: "?" is none of > >~ >$ >! < <$ @ #"#);
    }

    #[test]
    fn another_reply_is_a_mismatch_at_its_line() {
        let mismatch = run("> INDEX|a|\n< FAIL").unwrap_err();
        assert_eq!(mismatch.to_string(), "line 2: expected FAIL, got OK");
    }

    #[test]
    fn a_missing_reply_and_one_too_many_are_mismatches() {
        let missing = run("> INDEX|a|\n< OK\n>$\n< OK").unwrap_err();
        assert_eq!(missing.to_string(), "line 4: expected OK, got the end of the stream");
        let surplus = run("> INDEX|a|").unwrap_err();
        assert!(matches!(surplus, Mismatch::Surplus { actual, .. } if actual == "OK"));
    }

    #[test]
    fn connections_in_memory_share_one_machine() {
        let text =
            "> INDEX|a|\n< OK\n@ two\n> QUERY|a|\n< OK\n>!\n@ main\n> REMOVE|a|\n< OK\n>$\n<$";
        let transcript: Transcript = text.parse().unwrap();
        transcript.run(&mut InMemory::new(PackageIndex::new())).unwrap();
    }
}
