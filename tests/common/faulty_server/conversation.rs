//! What a server says to a client, and what its clients share.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// How many streams are kept open.
const MOST_OPEN: usize = 200;

/// What the connections of a server share.
#[derive(Default)]
pub(super) struct Shared {
    packages: Mutex<Packages>,
    /// Held around all that is done and said, by a server that holds a lock for that.
    turn: Mutex<()>,
    /// How many changes there have been, and what there was after one of them.
    copy: Mutex<(usize, Packages)>,
    /// Whether the server has ended.
    dead: AtomicBool,
    /// Streams whose client has ended its side.
    open: Mutex<VecDeque<TcpStream>>,
}

impl Shared {
    pub(super) fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    /// Keeps a stream open, until many more are.
    fn keep_open(&self, stream: &TcpStream) {
        let mut open = self.open.lock().unwrap();
        open.extend(stream.try_clone());
        if open.len() > MOST_OPEN {
            open.pop_front();
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }
}

/// Answers a client, batch by batch, until it has gone.
pub(super) fn hold(stream: &TcpStream, shared: &Shared, manner: Manner) {
    let own = Shared::default();
    let shared = if manner.has(Fault::OwnPackages) { &own } else { shared };
    let patience = (!manner.has(Fault::WritesUnderLock)).then_some(PATIENCE);
    // A stream that cannot be set up has ended, which the first read finds.
    let _ended = stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(patience));
    let mut conversation =
        Conversation { shared, manner, at_first_line: true, cache: BTreeMap::new() };
    let mut input = Input::new(stream, manner);
    for number in 1.. {
        let Some(batch) = input.batch() else {
            conversation.end(&input.cut_off);
            if manner.has(Fault::StaysOpen) {
                shared.keep_open(stream);
            }
            return;
        };
        if shared.is_dead() {
            return;
        }
        let turn = manner.has(Fault::WritesUnderLock).then(|| shared.turn.lock().unwrap());
        let (replies, last) = conversation.answer_all(batch);
        if manner.has(Fault::Dies) && number == 3 {
            return;
        }
        let mut replies: Vec<_> =
            replies.iter().flat_map(|reply| reply.as_line()).copied().collect();
        if manner.has(Fault::SaysItInLowerCase) {
            replies.make_ascii_lowercase();
        }
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
    /// What has come after the last LF.
    cut_off: Vec<u8>,
    /// Whether the next line is skipped.
    skips: bool,
}

impl<'a> Input<'a> {
    fn new(stream: &'a TcpStream, manner: Manner) -> Self {
        let short = manner.speaks(Dialect::ShortLines);
        let lines = LineBuffer::new(if short { 1_024 } else { DEFAULT_MAX_LINE_BYTES });
        Self { stream, lines, manner, cut_off: Vec::new(), skips: false }
    }

    /// The lines that have come, at least one; none at the end of the stream.
    fn batch(&mut self) -> Option<Vec<Line>> {
        if self.manner.has(Fault::MessagePerRead) {
            let mut piece = vec![0; DEFAULT_MAX_LINE_BYTES];
            let count = self.stream.read(&mut piece).ok()?;
            piece.truncate(count);
            return (count > 0).then(|| vec![Ok(piece)]);
        }
        if self.manner.has(Fault::LongLineAtItsEnd) || self.manner.has(Fault::ReadsRestOfLongLine) {
            return self.batch_of_any_length();
        }
        loop {
            let space = self.lines.space();
            let count = self.stream.read(space).ok()?;
            self.cut_off.extend_from_slice(&space[..count]);
            if let Some(last) = self.cut_off.iter().rposition(|byte| *byte == b'\n') {
                self.cut_off.drain(..=last);
            }
            self.lines.advance(count);
            let batch = self.lines.lines().map(|frame| match frame {
                Frame::Line(line) => Ok(line.to_vec()),
                Frame::TooLong(beginning) => Err(beginning.to_vec()),
            });
            let mut batch: Vec<_> = batch.collect();
            if self.manner.has(Fault::SkipsAfterLongLine) {
                batch.retain(|line| line.is_err() || !std::mem::take(&mut self.skips));
                self.skips |= batch.last().is_some_and(Result::is_err);
                if batch.is_empty() && count > 0 {
                    continue;
                }
            }
            if count == 0 || !batch.is_empty() {
                return (count > 0).then_some(batch);
            }
        }
    }
}

impl Input<'_> {
    /// The same, kept whole until LF comes; or until the limit is passed, with what comes then as a line.
    fn batch_of_any_length(&mut self) -> Option<Vec<Line>> {
        loop {
            let mut piece = vec![0; DEFAULT_MAX_LINE_BYTES];
            let count = self.stream.read(&mut piece).ok()?;
            self.cut_off.extend_from_slice(&piece[..count]);
            let mut batch = Vec::new();
            loop {
                let end = self.cut_off.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
                let is_long = end.unwrap_or(self.cut_off.len()) > DEFAULT_MAX_LINE_BYTES;
                let rest = self.manner.has(Fault::ReadsRestOfLongLine) && is_long;
                let Some(end) = end.filter(|_| !rest).or(rest.then_some(DEFAULT_MAX_LINE_BYTES))
                else {
                    break;
                };
                let line: Vec<u8> = self.cut_off.drain(..end).collect();
                batch.push(if is_long { Err(line) } else { Ok(line) });
            }
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
    /// The client's stream has ended, with this after its last LF.
    fn end(&mut self, cut_off: &[u8]) {
        if cut_off.is_empty() {
            return;
        }
        if self.manner.has(Fault::DiesOfBreakOff) {
            self.shared.die();
        }
        let message =
            self.manner.parse(cut_off).filter(|_| self.manner.has(Fault::DoesWhatIsCutOff));
        if let Some(message) = message {
            let _unsaid = self.answer(&message);
        }
    }

    /// Indexes what a malformed line names, if that is a name.
    fn index_malformed(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let name = text.split(['|', ',', '\n']).nth(1).unwrap_or_default();
        if let Some(message) = self.manner.parse(format!("INDEX|{name}|\n").as_bytes()) {
            let _unsaid = self.answer(&message);
        }
    }

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
            if manner.has(Fault::SkipsEmptyLines) && line.as_deref() == Ok(b"\n") {
                continue;
            }
            let message = line.as_deref().ok().and_then(|line| manner.parse(line));
            if let (None, Ok(line), true) = (&message, &line, manner.has(Fault::IndexesMalformed)) {
                self.index_malformed(line);
            }
            if message.is_none() && manner.has(Fault::SaysErrorTwice) {
                replies.push(Reply::Error);
            }
            last = message.is_none() && manner.has(Fault::ClosesOnError);
            replies.push(message.map_or(Reply::Error, |message| self.answer(&message)));
            if last {
                break;
            }
        }
        if manner.has(Fault::WrongOrder) {
            replies.reverse();
        }
        if manner.has(Fault::SwapsReplies) && replies.len() > 1 {
            replies.swap(0, 1);
        }
        if manner.has(Fault::LosesReply) && replies.len() > 1 {
            replies.pop();
        }
        (replies, last)
    }

    fn answer(&mut self, message: &Message) -> Reply {
        let (shared, manner) = (self.shared, self.manner);
        if manner.has(Fault::StaleCopy) {
            return shared.answer_from_copy(message, manner);
        }
        if manner.has(Fault::StaleElsewhere) {
            return shared.answer_from_own_copy(message, manner);
        }
        if manner.has(Fault::LostUpdates) {
            return shared.answer_on_copy(message, manner);
        }
        if manner.has(Fault::ChecksThenActs) {
            return shared.check_then_act(message, manner);
        }
        if manner.has(Fault::StaleCache) && message.verb == Verb::Query {
            let reply = || shared.answer(message, manner);
            return *self.cache.entry(message.package.clone()).or_insert_with(reply);
        }
        self.cache.clear();
        shared.answer(message, manner)
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
