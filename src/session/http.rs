//! What a session does with a client that speaks HTTP, a browser that a web page led here above all: one
//! `ERROR`, and nothing of the rest is read (rule C7).

use super::request::Request;
use super::{Observer, Refusal, Session, write_replies};
use crate::wire::{self, Frame, LineBuffer};

/// How far a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The first line has not come yet, at least not all of it.
    FirstLine,
    /// The client speaks this protocol, well or badly.
    Messages,
    /// The client spoke HTTP: it has its `ERROR`, and nothing more that it sends is read (rule C7).
    Over,
}

impl Session {
    /// Whether the conversation is over: the client spoke HTTP, its `ERROR` is the last reply, and
    /// nothing more that it sends is read (rule C7). The caller ends the connection.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Judges the first line once it is there: whether the client speaks HTTP (rule C7).
    pub(super) fn begins_with_http(&mut self) -> bool {
        let is_http = match self.lines.peek() {
            Some(Frame::Line(line)) => wire::is_http_request(line),
            Some(Frame::TooLong(beginning)) => wire::begins_http_request(beginning),
            None => return false,
        };
        self.stage = Stage::Messages;
        is_http
    }

    /// Answers `ERROR` to an HTTP request, and forgets all that came with it.
    pub(super) fn end(&mut self, observer: &mut impl Observer) -> &[u8] {
        self.stage = Stage::Over;
        self.lines = LineBuffer::new(self.max_line_bytes);
        (self.in_line, self.more) = (false, false);
        self.replies.clear();
        let request = [Request::Refused(Refusal::Http)];
        let tally = write_replies(&request, &mut self.replies, observer);
        observer.answered(&tally);
        &self.replies
    }
}
