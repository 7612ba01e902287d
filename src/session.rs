//! Floor 6: one client's side of the conversation, without a socket: bytes in, reply bytes out.
//!
//! A [`Session`] frames and parses, has the engine apply well-formed messages, and puts the replies in the
//! order of the messages. The server decides where bytes come from and go to.

use crate::command::Reply;
use crate::engine::{Engine, NotDurable, Poisoned, Version};
use crate::index::LimitError;
use crate::replica::Unanswered;
use crate::wire::{LineBuffer, ParseError};

mod backend;
mod filling;
mod http;
mod observer;
mod request;

pub use backend::{Backend, LogState, Most, View};
use filling::Filling;
use http::Stage;
pub use observer::{Observer, Tally};
pub use request::{Batch, Settled};
use request::{Request, Work};

/// The most messages that one session applies before others may have the index.
pub const MAX_BATCH: usize = 256;

/// The most names that those messages list or replace, unless the last of them alone has more.
pub const MAX_BATCH_NAMES: usize = 4_096;

/// The most reply bytes that one [`Session::answer`] returns. The replies to one read of ordinary messages
/// fit, so they leave in one write. One byte of input may ask for six bytes of replies, which would be far
/// more.
pub const MAX_ANSWER_BYTES: usize = 32 * 1024;

/// At least as long as any reply, and a size that is copied with one store.
const PADDED_REPLY_BYTES: usize = 8;

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
/// # Ok::<(), package_indexer::engine::Poisoned>(())
/// ```
#[derive(Debug)]
pub struct Session {
    lines: LineBuffer,
    stage: Stage,
    /// Whether the last byte was not LF.
    in_line: bool,
    /// Whether [`answer`](Self::answer) may have left complete messages.
    more: bool,
    max_line_bytes: usize,
    /// Empty between calls, kept for its memory.
    requests: Vec<Request<'static>>,
    replies: Vec<u8>,
    answered: Vec<Answered>,
}

/// A batch whose replies may depend on what is not durable yet.
#[derive(Debug)]
struct Answered {
    /// The version of the index that it saw, or an earlier one.
    version: Version,
    /// Where its replies begin.
    begins: usize,
    tally: Tally,
}

/// Why a message got `ERROR`. The client gets only that word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The line is not a message.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// The line is longer than the limit.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes, with LF.
        limit: usize,
    },
    /// The first line of the connection is an HTTP request. The conversation is over after it.
    #[error("the client speaks HTTP, which this address does not serve")]
    Http,
    /// The command would break a limit of the index.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The store has failed. The command was not applied, was taken back, or saw something that was taken
    /// back.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The log of a replica did not say in time what becomes of this command.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

impl Session {
    /// A session for lines of at most `max_line_bytes` bytes, with LF.
    #[must_use]
    pub fn new(max_line_bytes: usize) -> Self {
        Self {
            lines: LineBuffer::new(max_line_bytes),
            stage: Stage::FirstLine,
            in_line: false,
            more: false,
            max_line_bytes,
            requests: Vec::new(),
            replies: Vec::new(),
            answered: Vec::new(),
        }
    }

    /// Free space for the next read, never empty after [`answer`](Self::answer).
    pub fn space(&mut self) -> &mut [u8] {
        self.lines.space()
    }

    /// Reports that a read filled the first `count` bytes of [`space`](Self::space).
    ///
    /// # Panics
    /// If `count` is more than the space, which is a bug of the caller.
    pub fn advance(&mut self, count: usize) {
        if self.is_over() {
            return;
        }
        let last = self.lines.space().get(..count).and_then(<[u8]>::last).copied();
        self.lines.advance(count);
        self.note(last);
    }

    /// Copies as much of `bytes` as fits, and returns how much that was. After the conversation [is
    /// over](Self::is_over), all of it is dropped.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        if self.is_over() {
            return bytes.len();
        }
        let count = self.lines.fill(bytes);
        self.note(bytes[..count].last().copied());
        count
    }

    /// Notes the last byte, if there is one.
    fn note(&mut self, last: Option<u8>) {
        if let Some(last) = last {
            self.in_line = last != b'\n';
            self.more = true;
        }
    }

    /// Answers complete messages that have arrived, in order, and returns the replies, at most
    /// [`MAX_ANSWER_BYTES`]. Call it until [`has_more`](Self::has_more) returns false, and send the replies
    /// in between.
    ///
    /// The index is taken once for each [`MAX_BATCH`] messages or [`MAX_BATCH_NAMES`] names. It is not taken
    /// if no message is well formed. Each message that gets `ERROR` is also passed to `refused`, while the
    /// index is free. With a store, it returns when everything that the replies tell is durable.
    ///
    /// # Errors
    /// [`Poisoned`]: nothing more can be answered, and the client is best disconnected.
    pub fn answer(
        &mut self,
        backend: &dyn Backend,
        refused: impl FnMut(&Refusal),
    ) -> Result<&[u8], Poisoned> {
        self.answer_observed(backend, &mut observer::Refusals(refused))
    }

    /// The same, with an observer that is told of each batch.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn answer_observed(
        &mut self,
        backend: &dyn Backend,
        observer: &mut impl Observer,
    ) -> Result<&[u8], Poisoned> {
        if self.stage == Stage::FirstLine && self.begins_with_http() {
            return Ok(self.end(observer));
        }
        let (View(engine), most) = (backend.engine(), backend.most());
        let Self { lines, max_line_bytes, requests, replies, more, answered, .. } = self;
        replies.clear();
        answered.clear();
        let mut batch = emptied(std::mem::take(requests));
        let mut lines = lines.lines();
        let mut version = Version::default();
        let (mut messages, mut work) = (0, Work::default());
        while *more || !batch.is_empty() {
            if batch.is_empty() {
                // Replies that depend on what is not durable may all become longer ones.
                let taken =
                    if engine.is_durable() { messages * PADDED_REPLY_BYTES } else { replies.len() };
                if taken + most.messages * PADDED_REPLY_BYTES > MAX_ANSWER_BYTES {
                    break;
                }
                let filling = Filling::new(&mut batch, most, *max_line_bytes);
                (*more, work) = filling.fill(&mut lines);
                messages += batch.len();
            }
            let mut settled = batch.len();
            if work.names > 0 {
                let batch = Batch { requests: &mut batch, work };
                let Settled { version: seen, messages } = backend.settle(batch, observer)?;
                (version, settled) = (version.max(seen), messages);
            }
            // The last bytes that arrived may have held no line end.
            for part in batch[..settled].chunks(MAX_BATCH) {
                let begins = replies.len();
                let tally = write_replies(part, replies, observer);
                answered.push(Answered { version, begins, tally });
            }
            batch.drain(..settled);
            work = Work::of(&batch);
        }
        *requests = emptied(batch);
        if let Err(reason) = engine.wait(version) {
            take_back(answered, replies, engine, reason, observer);
        }
        for Answered { tally, .. } in answered {
            observer.answered(tally);
        }
        Ok(replies)
    }

    /// Whether [`answer`](Self::answer) may find complete messages. It may still find none.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Gives memory back when a client is silent: all of it between two messages, and all but the input's
    /// within a message. The replies that the last [`answer`](Self::answer) returned must have been sent.
    /// Memory that is needed later is allocated again.
    pub fn shrink(&mut self) {
        self.requests = Vec::new();
        self.replies = Vec::new();
        self.answered = Vec::new();
        if !self.in_line && !self.more {
            self.lines = LineBuffer::new(self.max_line_bytes);
        }
    }

    /// The bytes of memory that the session holds for the client's input and its replies.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.lines.capacity()
            + self.replies.capacity()
            + self.requests.capacity() * size_of::<Request<'_>>()
            + self.answered.capacity() * size_of::<Answered>()
    }
}

/// Appends the replies to settled messages, and counts them.
fn write_replies(
    settled: &[Request<'_>],
    replies: &mut Vec<u8>,
    observer: &mut impl Observer,
) -> Tally {
    let mut tally = Tally::default();
    // Each copy is as long as the longest reply, and the next one overwrites the surplus.
    let mut end = replies.len();
    replies.resize(end + settled.len() * PADDED_REPLY_BYTES, 0);
    for request in settled {
        let reply = if let Request::Answered(verb, outcome) = *request {
            tally.count(verb, outcome);
            Reply::from(outcome)
        } else if let Request::Refused(refusal) = request {
            tally.count_refused(refusal);
            observer.refused(refusal);
            Reply::Error
        } else {
            unreachable!("invariant: a batch answers every command")
        };
        let (padded, length) = PADDED[reply as usize];
        if let Some(place) = replies[end..].first_chunk_mut() {
            *place = padded;
        }
        end += length;
    }
    replies.truncate(end);
    tally
}

/// Per reply: the bytes of its line, with padding, and its own length.
const PADDED: [([u8; PADDED_REPLY_BYTES], usize); 3] = {
    const fn padded(reply: Reply) -> ([u8; PADDED_REPLY_BYTES], usize) {
        let (line, mut bytes, mut length) = (reply.as_line(), [0; PADDED_REPLY_BYTES], 0);
        while length < line.len() {
            bytes[length] = line[length];
            length += 1;
        }
        (bytes, length)
    }
    [padded(Reply::Ok), padded(Reply::Fail), padded(Reply::Error)]
};

/// Answers `ERROR` to the batches that depend on what is not durable.
fn take_back(
    answered: &mut [Answered],
    replies: &mut Vec<u8>,
    engine: &Engine,
    reason: NotDurable,
    observer: &mut impl Observer,
) {
    let durable = answered.partition_point(|batch| engine.wait(batch.version).is_ok());
    let taken_back = &mut answered[durable..];
    replies.truncate(taken_back.first().map_or(replies.len(), |batch| batch.begins));
    for batch in taken_back {
        let refusal = Refusal::from(reason);
        let messages = batch.tally.messages();
        batch.tally = Tally::default();
        for _ in 0..messages {
            batch.tally.count_refused(&refusal);
            replies.extend_from_slice(Reply::Error.as_line());
            observer.refused(&refusal);
        }
    }
}

/// The same memory for requests that borrow from elsewhere. Collecting a vector's own iterator keeps the
/// allocation.
fn emptied<'a>(mut requests: Vec<Request<'_>>) -> Vec<Request<'a>> {
    requests.clear();
    requests.into_iter().map(|_| unreachable!("invariant: the vector is empty")).collect()
}

#[cfg(test)]
mod tests;
