//! What a server says to a client, and what its clients share.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use package_indexer::Reply;
use package_indexer::command::Verb;
use package_indexer::wire::{DEFAULT_MAX_LINE_BYTES, Frame, LineBuffer};

use super::grammar::{Message, is_http};
use super::packages::Packages;
use super::{Dialect, Fault, Manner};

/// How long a client may leave a reply unread before it is cut off (rule O3).
const PATIENCE: Duration = Duration::from_secs(60);

/// What the connections of a server share.
#[derive(Default)]
pub(super) struct Shared {
    packages: Mutex<Packages>,
    /// Held around all that is done and said, by a server that holds a lock for that.
    turn: Mutex<()>,
    /// How many changes there have been, and what there was after one of them.
    copy: Mutex<(usize, Packages)>,
}

/// Answers a client, batch by batch, until it has gone.
pub(super) fn hold(stream: &TcpStream, shared: &Shared, manner: Manner) {
    let patience = (!manner.has(Fault::WritesUnderLock)).then_some(PATIENCE);
    // A stream that cannot be set up has ended, which the first read finds.
    let _ended = stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(patience));
    let mut conversation =
        Conversation { shared, manner, at_first_line: true, cache: BTreeMap::new() };
    let mut input = Input::new(stream, manner);
    for number in 1.. {
        let Some(batch) = input.batch() else { return };
        let turn = manner.has(Fault::WritesUnderLock).then(|| shared.turn.lock().unwrap());
        let (replies, last) = conversation.answer_all(batch);
        if manner.has(Fault::Dies) && number == 3 {
            return;
        }
        let replies: Vec<_> = replies.iter().flat_map(|reply| reply.as_line()).copied().collect();
        if { stream }.write_all(&replies).is_err() {
            return;
        }
        if last {
            // Read to its end, because what is left unread would take the last reply with it.
            let _ended = stream.shutdown(Shutdown::Write);
            while { stream }.read(&mut [0; 4_096]).is_ok_and(|count| count > 0) {}
            return;
        }
        drop(turn);
    }
}

/// A line, or what came of it first if it was too long.
type Line = Result<Vec<u8>, Vec<u8>>;

/// What a client sends.
struct Input<'a> {
    stream: &'a TcpStream,
    lines: LineBuffer,
    manner: Manner,
}

impl<'a> Input<'a> {
    fn new(stream: &'a TcpStream, manner: Manner) -> Self {
        let short = manner.speaks(Dialect::ShortLines);
        let lines = LineBuffer::new(if short { 1_024 } else { DEFAULT_MAX_LINE_BYTES });
        Self { stream, lines, manner }
    }

    /// The lines that have come, at least one; none at the end of the stream.
    fn batch(&mut self) -> Option<Vec<Line>> {
        if self.manner.has(Fault::MessagePerRead) {
            let mut piece = vec![0; DEFAULT_MAX_LINE_BYTES];
            let count = self.stream.read(&mut piece).ok()?;
            piece.truncate(count);
            return (count > 0).then(|| vec![Ok(piece)]);
        }
        loop {
            let count = self.stream.read(self.lines.space()).ok()?;
            self.lines.advance(count);
            let batch = self.lines.lines().map(|frame| match frame {
                Frame::Line(line) => Ok(line.to_vec()),
                Frame::TooLong(beginning) => Err(beginning.to_vec()),
            });
            let batch: Vec<_> = batch.collect();
            if count == 0 || !batch.is_empty() {
                return (count > 0).then_some(batch);
            }
        }
    }
}

/// One client's side of a server.
struct Conversation<'a> {
    shared: &'a Shared,
    manner: Manner,
    /// Whether no line has come yet.
    at_first_line: bool,
    /// What its QUERYs were answered.
    cache: BTreeMap<String, Reply>,
}

impl Conversation<'_> {
    /// The replies to a batch, and whether the connection ends with them.
    fn answer_all(&mut self, mut batch: Vec<Line>) -> (Vec<Reply>, bool) {
        let manner = self.manner;
        let first = batch.first().filter(|_| std::mem::take(&mut self.at_first_line));
        let first = first.map(|line| line.as_deref().map_err(Vec::as_slice));
        if first.is_some_and(is_http) && !manner.speaks(Dialect::ReadsHttp) {
            return (vec![Reply::Error], true);
        }
        if manner.has(Fault::WrongOrder) {
            batch.reverse();
        }
        let mut replies = Vec::new();
        let mut last = false;
        for line in batch {
            if line.is_err() && manner.speaks(Dialect::ShortLines) {
                return (replies, true);
            }
            let message = line.ok().and_then(|line| manner.parse(&line));
            last = message.is_none() && manner.has(Fault::ClosesOnError);
            replies.push(message.map_or(Reply::Error, |message| self.answer(&message)));
            if last {
                break;
            }
        }
        match manner.fault {
            Fault::WrongOrder => replies.reverse(),
            Fault::SwapsReplies if replies.len() > 1 => replies.swap(0, 1),
            Fault::LosesReply if replies.len() > 1 => drop(replies.pop()),
            _ => {}
        }
        (replies, last)
    }

    fn answer(&mut self, message: &Message) -> Reply {
        match self.manner.fault {
            Fault::StaleCopy => self.shared.answer_from_copy(message, self.manner),
            Fault::StaleElsewhere => self.shared.answer_from_own_copy(message, self.manner),
            Fault::LostUpdates => self.shared.answer_on_copy(message, self.manner),
            Fault::ChecksThenActs => self.shared.check_then_act(message, self.manner),
            Fault::StaleCache if message.verb == Verb::Query => {
                let reply = || self.shared.answer(message, self.manner);
                *self.cache.entry(message.package.clone()).or_insert_with(reply)
            }
            Fault::StaleCache => {
                self.cache.clear();
                self.shared.answer(message, self.manner)
            }
            _ => self.shared.answer(message, self.manner),
        }
    }
}

impl Shared {
    fn answer(&self, message: &Message, manner: Manner) -> Reply {
        self.packages.lock().unwrap().apply(message, manner)
    }

    fn answer_from_copy(&self, message: &Message, manner: Manner) -> Reply {
        if message.verb == Verb::Query {
            return self.copy.lock().unwrap().1.apply(message, manner);
        }
        let mut packages = self.packages.lock().unwrap();
        let reply = packages.apply(message, manner);
        let mut copy = self.copy.lock().unwrap();
        copy.0 += usize::from(reply == Reply::Ok);
        if copy.0.is_multiple_of(3) {
            copy.1 = packages.clone();
        }
        reply
    }

    fn answer_from_own_copy(&self, message: &Message, manner: Manner) -> Reply {
        if message.verb == Verb::Query {
            return self.copy.lock().unwrap().1.apply(message, manner);
        }
        let mut packages = self.packages.lock().unwrap();
        let reply = packages.apply(message, manner);
        self.copy.lock().unwrap().1 = packages.clone();
        reply
    }

    fn answer_on_copy(&self, message: &Message, manner: Manner) -> Reply {
        let mut copy = self.packages.lock().unwrap().clone();
        let reply = copy.apply(message, manner);
        thread::yield_now();
        if reply == Reply::Ok {
            *self.packages.lock().unwrap() = copy;
        }
        reply
    }

    fn check_then_act(&self, message: &Message, manner: Manner) -> Reply {
        if !self.packages.lock().unwrap().allows(message, manner) {
            return Reply::Fail;
        }
        thread::yield_now();
        self.packages.lock().unwrap().act(message, manner);
        Reply::Ok
    }
}
