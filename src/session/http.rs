//! What a session does with a client that speaks HTTP, such as a browser that a web page sent here. It
//! answers one `ERROR`, and reads nothing more (rule C7).

use super::request::Request;
use super::{Observer, Refusal, Session, write_replies};
use crate::wire::{self, Frame, LineBuffer};

/// The state of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The first line is not complete yet.
    FirstLine,
    /// The client speaks this protocol, well or badly.
    Messages,
    /// The client spoke HTTP. It has its `ERROR`, and nothing more of it is read (rule C7).
    Over,
}

impl Session {
    /// Whether the conversation is over: the client spoke HTTP, and its `ERROR` is the last reply (rule C7).
    /// Nothing more of it is read. The caller ends the connection.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Checks the first line, once it is complete, for HTTP (rule C7).
    pub(super) fn begins_with_http(&mut self) -> bool {
        let is_http = match self.lines.peek() {
            Some(Frame::Line(line)) => wire::is_http_request(line),
            Some(Frame::TooLong(beginning)) => wire::begins_http_request(beginning),
            None => return false,
        };
        self.stage = Stage::Messages;
        is_http
    }

    /// Answers `ERROR` to an HTTP request, and drops everything that came with it.
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
