//! Floor 5: one client's side of the conversation, without a socket: bytes in, reply bytes out.
//!
//! A [`Session`] frames, parses, has the engine apply what is well formed, and lines the replies
//! up in the order of the messages. Where bytes come from and go to is the server's business.

use crate::command::{CommandRef, Outcome, Reply};
use crate::engine::{Engine, EngineError};
use crate::index::LimitError;
use crate::wire::{self, Frame, LineBuffer, ParseError};

/// The most messages that one session applies before others may have the index.
pub const MAX_BATCH: usize = 256;

/// Turns the bytes of one client into replies.
///
/// ```
/// use package_indexer::{engine::Engine, session::Session};
///
/// let engine = Engine::default();
/// let mut session = Session::new(65_536);
/// session.fill(b"INDEX|a|\nQUERY|a");
/// assert_eq!(session.answer(&engine, |_| ())?, b"OK\n");
/// session.fill(b"|\nnonsense\n");
/// let mut reasons = Vec::new();
/// assert_eq!(session.answer(&engine, |refusal| reasons.push(refusal.to_string()))?, b"OK\nERROR\n");
/// assert_eq!(reasons, ["command: expected INDEX, REMOVE or QUERY at byte 0, found 'n'"]);
/// # Ok::<(), package_indexer::engine::EngineError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    lines: LineBuffer,
    max_line_bytes: usize,
    /// Empty between calls, kept for its memory.
    requests: Vec<Request<'static>>,
    replies: Vec<u8>,
}

/// Why a message was answered with `ERROR`. The client is told only that word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The line is not a message.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// The line passed the limit.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes, LF included.
        limit: usize,
    },
    /// The command would break a limit of the index.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// A message on its way to its reply.
#[derive(Debug)]
enum Request<'a> {
    Waiting(CommandRef<'a>),
    Answered(Outcome),
    Refused(Refusal),
}

impl Session {
    /// A session for lines of at most `max_line_bytes` bytes, LF included.
    #[must_use]
    pub fn new(max_line_bytes: usize) -> Self {
        Self {
            lines: LineBuffer::new(max_line_bytes),
            max_line_bytes,
            requests: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// Free space for the next read, never empty after [`answer`](Self::answer).
    pub fn space(&mut self) -> &mut [u8] {
        self.lines.space()
    }

    /// Says that a read filled the first `count` bytes of [`space`](Self::space).
    ///
    /// # Panics
    /// If that is more than the space there was, a bug in the caller.
    pub fn advance(&mut self, count: usize) {
        self.lines.advance(count);
    }

    /// Copies as much of `bytes` as there is space for, and says how much that was.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        self.lines.fill(bytes)
    }

    /// Answers every complete message that has arrived, in order, and returns the replies.
    ///
    /// The index is taken once for each [`MAX_BATCH`] messages, and not at all when none of them
    /// is well formed. Each message that is answered `ERROR` is also given to `refused`, with the
    /// index free again.
    ///
    /// # Errors
    /// [`EngineError::Poisoned`]: nothing more can be answered, and the client is best let go.
    pub fn answer(
        &mut self,
        engine: &Engine,
        mut refused: impl FnMut(&Refusal),
    ) -> Result<&[u8], EngineError> {
        let Self { lines, max_line_bytes, requests, replies } = self;
        replies.clear();
        let mut batch = emptied(std::mem::take(requests));
        let mut lines = lines.lines();
        loop {
            let read = |frame| Request::read(frame, *max_line_bytes);
            batch.extend(lines.by_ref().take(MAX_BATCH).map(read));
            if batch.is_empty() {
                break;
            }
            if batch.iter().any(|request| matches!(request, Request::Waiting(_))) {
                engine.batch(|index| {
                    for request in &mut batch {
                        if let Request::Waiting(command) = request {
                            *request = match index.apply(*command) {
                                Ok(outcome) => Request::Answered(outcome),
                                Err(limit) => Request::Refused(limit.into()),
                            };
                        }
                    }
                })?;
            }
            for request in batch.drain(..) {
                let reply = match request {
                    Request::Answered(outcome) => outcome.into(),
                    Request::Refused(refusal) => {
                        refused(&refusal);
                        Reply::Error
                    }
                    Request::Waiting(_) => unreachable!("invariant: a batch answers every command"),
                };
                replies.extend_from_slice(reply.as_line());
            }
        }
        *requests = emptied(batch);
        Ok(replies)
    }

    /// The bytes of memory that the session holds for the client's input and its replies.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.lines.capacity()
            + self.replies.capacity()
            + self.requests.capacity() * size_of::<Request<'_>>()
    }
}

impl<'a> Request<'a> {
    fn read(frame: Frame<'a>, limit: usize) -> Self {
        match frame {
            Frame::Line(line) => match wire::parse(line) {
                Ok(command) => Self::Waiting(command),
                Err(error) => Self::Refused(error.into()),
            },
            Frame::TooLong => Self::Refused(Refusal::TooLong { limit }),
        }
    }
}

/// The same memory for requests that borrow from elsewhere: collecting a vector's own iterator
/// keeps the allocation.
fn emptied<'a>(mut requests: Vec<Request<'_>>) -> Vec<Request<'a>> {
    requests.clear();
    requests.into_iter().map(|_| unreachable!("invariant: the vector is empty")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Limits, PackageIndex};
    use crate::wire::DEFAULT_MAX_LINE_BYTES;

    /// Feeds `input` in pieces of `size` bytes and returns all replies.
    fn converse(input: &[u8], size: usize) -> String {
        let engine = Engine::default();
        let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
        let mut replies = Vec::new();
        for mut piece in input.chunks(size) {
            while !piece.is_empty() {
                piece = &piece[session.fill(piece)..];
                replies.extend_from_slice(session.answer(&engine, |_| ()).unwrap());
            }
        }
        String::from_utf8(replies).unwrap()
    }

    #[test]
    fn a_message_split_at_every_byte_is_answered_as_if_unsplit() {
        let input = b"INDEX|a|\r\nINDEX|b|a,a,\nbad\nREMOVE|a|x\nQUERY|b|\nREMOVE|b|\nQUERY|a|";
        let whole = converse(input, input.len());
        assert_eq!(whole, "OK\nOK\nERROR\nFAIL\nOK\nOK\n");
        for size in 1..input.len() {
            assert_eq!(converse(input, size), whole, "in pieces of {size}");
        }
    }

    #[test]
    fn more_messages_than_one_batch_are_answered_in_order() {
        let mut input = String::new();
        let mut expected = String::new();
        for number in 0..3 * MAX_BATCH {
            let (message, reply) = match number % 3 {
                0 => (format!("INDEX|p{number}|\n"), "OK\n"),
                1 => (format!("QUERY|p{number}|\n"), "FAIL\n"),
                _ => (format!("QUERY|p{number}\n"), "ERROR\n"),
            };
            input += &message;
            expected += reply;
        }
        assert_eq!(converse(input.as_bytes(), input.len()), expected);
    }

    #[test]
    fn a_limit_of_the_index_is_an_error_on_the_wire_and_a_reason_in_the_log() {
        let limits = Limits { max_packages: 1, ..Limits::default() };
        let engine = Engine::new(PackageIndex::with_limits(limits));
        let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
        session.fill(b"INDEX|a|\nINDEX|b|\n");
        let mut refusals = Vec::new();
        let replies = session.answer(&engine, |refusal| refusals.push(*refusal)).unwrap();
        assert_eq!(replies, b"OK\nERROR\n");
        assert_eq!(refusals, [Refusal::Limit(LimitError::Packages { limit: 1 })]);
    }

    #[test]
    fn malformed_messages_alone_do_not_touch_the_index() {
        let engine = Engine::default();
        let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
        session.fill(b"nonsense\n");
        let reply = engine.batch(|_index| {
            // Would wait forever for the index that this very batch holds.
            session.answer(&engine, |_| ()).unwrap().to_vec()
        });
        assert_eq!(reply.as_deref(), Ok(b"ERROR\n".as_slice()));
    }

    #[test]
    fn what_a_session_holds_is_bounded_whatever_the_client_sends() {
        let engine = Engine::default();
        let mut session = Session::new(DEFAULT_MAX_LINE_BYTES);
        for byte in [b'\n', b'x', b'|'] {
            for _ in 0..100 {
                session.fill(&[byte; 1 << 16]);
                session.answer(&engine, |_| ()).unwrap();
            }
        }
        // The line limit, 6 bytes of reply to each byte of it, and one batch of requests, with
        // vectors grown by doubling.
        let bound = DEFAULT_MAX_LINE_BYTES + 2 * 6 * DEFAULT_MAX_LINE_BYTES + (1 << 16);
        assert!(session.memory() <= bound, "{} > {bound}", session.memory());
    }
}
