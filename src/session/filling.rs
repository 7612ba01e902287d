//! Fills a batch with messages that have arrived. Where possible, it frames and parses in one pass.
//!
//! A usual message is read from the bytes in place, which also finds the end of its line. Only if that fails,
//! the line is searched for its end and then parsed with the full grammar.

use super::Most;
use super::request::{Request, Work};
use crate::wire::{self, Lines};

/// A batch that is being filled.
pub(super) struct Filling<'b, 'a> {
    batch: &'b mut Vec<Request<'a>>,
    /// What its messages ask for.
    work: Work,
    most: Most,
    max_line_bytes: usize,
    /// The bytes of the next messages, whose lines have not been searched for their ends.
    fresh: &'a [u8],
}

impl<'b, 'a> Filling<'b, 'a> {
    pub(super) fn new(batch: &'b mut Vec<Request<'a>>, most: Most, max_line_bytes: usize) -> Self {
        Self { batch, work: Work::default(), most, max_line_bytes, fresh: &[] }
    }

    /// Takes as many messages as a batch may have. Returns whether there may be more, and what the messages
    /// ask for.
    pub(super) fn fill(mut self, lines: &mut Lines<'a>) -> (bool, Work) {
        loop {
            self.fresh = lines.fresh();
            let before = self.fresh.len();
            while self.has_room() && self.take_usual() {}
            lines.skip_fresh(before - self.fresh.len());
            if !self.has_room() {
                return (true, self.work);
            }
            let Some(frame) = lines.next() else { return (false, self.work) };
            let request = Request::read(frame, self.max_line_bytes);
            self.work.add(&request);
            self.batch.push(request);
        }
    }

    fn has_room(&self) -> bool {
        self.batch.len() < self.most.messages && self.work.names < self.most.names
    }

    /// Takes the next message if it is a usual one. Returns whether it did.
    #[allow(clippy::inline_always, reason = "into the loop over messages: counted")]
    #[inline(always)]
    fn take_usual(&mut self) -> bool {
        wire::first_message(self.fresh, |read| match read {
            Some((command, rest)) if self.fresh.len() - rest.len() <= self.max_line_bytes => {
                self.fresh = rest;
                self.work.add_command(command);
                self.batch.push(Request::Waiting(command));
                true
            }
            _ => false,
        })
    }
}
