//! Messages on their way to their replies, a batch at a time.
//!
//! A batch is settled on the index of an engine, or through the log of a replica. Work is counted in names:
//! those that messages list, and those of the lists that they replace.

use crate::command::{CommandRef, Outcome, Verb};
use crate::engine::{Engine, Poisoned, Unavailable, Version};
use crate::index::{LimitError, PackageIndex};
use crate::log::MAX_ENTRY_BYTES;
use crate::replica::{Replica, Unanswered};
use crate::wire::{self, Frame};

use super::{MAX_BATCH, MAX_BATCH_NAMES, Observer, Refusal};

/// A message on its way to its reply.
#[derive(Debug)]
pub(super) enum Request<'a> {
    Waiting(CommandRef<'a>),
    Answered(Verb, Outcome),
    Refused(Refusal),
}

impl<'a> Request<'a> {
    pub(super) fn read(frame: Frame<'a>, limit: usize) -> Self {
        match frame {
            Frame::Line(line) => match wire::parse(line) {
                Ok(command) => Self::Waiting(command),
                Err(error) => Self::Refused(error.into()),
            },
            Frame::TooLong(_) => Self::Refused(Refusal::TooLong { limit }),
        }
    }

    /// How many names its message lists, until it is settled.
    fn names(&self) -> usize {
        self.command().map_or(0, CommandRef::name_count)
    }

    /// Takes the result of the command.
    fn answer(&mut self, answer: Result<Outcome, LimitError>) {
        if let Self::Waiting(command) = *self {
            *self = Self::settled(command, answer);
        }
    }

    fn settled(command: CommandRef<'_>, answer: Result<Outcome, LimitError>) -> Self {
        match answer {
            Ok(outcome) => Self::Answered(command.verb(), outcome),
            Err(limit) => Self::Refused(limit.into()),
        }
    }

    /// Appends the command's message, if it waits.
    fn write(&self, messages: &mut Vec<u8>) {
        if let Some(command) = self.command() {
            wire::rows::write_message(messages, command);
        }
    }

    /// The most bytes that its message has.
    fn bytes(&self) -> usize {
        let names = self.command().into_iter().flat_map(CommandRef::names);
        names.map(|name| name.as_str().len() + 1).sum::<usize>() + "REMOVE||\n".len()
    }

    /// Answers a QUERY, for which the index need not change.
    fn look_up(&mut self, index: &PackageIndex) {
        if let Self::Waiting(CommandRef::Query { package }) = *self {
            *self = Self::Answered(Verb::Query, index.look_up(package));
        }
    }

    /// The command, until it has been applied.
    fn command(&self) -> Option<CommandRef<'a>> {
        match self {
            Self::Waiting(command) => Some(*command),
            Self::Answered(..) | Self::Refused(_) => None,
        }
    }

    /// Whether it waits and is not a QUERY.
    fn may_change(&self) -> bool {
        self.command().is_some_and(|command| command.verb() != Verb::Query)
    }
}

/// What a batch asks for, counted while it is read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Work {
    /// How many names the waiting messages list. At least one if any message waits.
    pub(super) names: usize,
    /// Whether one of them is not a QUERY.
    may_change: bool,
}

impl Work {
    pub(super) fn of(batch: &[Request<'_>]) -> Self {
        let mut work = Self::default();
        for request in batch {
            work.add(request);
        }
        work
    }

    pub(super) fn add(&mut self, request: &Request<'_>) {
        if let Some(command) = request.command() {
            self.add_command(command);
        }
    }

    #[inline]
    pub(super) fn add_command(&mut self, command: CommandRef<'_>) {
        self.names += command.name_count();
        self.may_change |= command.verb() != Verb::Query;
    }
}

/// Messages of a session. None, some or all of them wait to be settled.
#[derive(Debug)]
pub struct Batch<'b, 'a> {
    pub(super) requests: &'b mut [Request<'a>],
    pub(super) work: Work,
}

/// The result of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    /// The version of the index that the answers depend on.
    pub(super) version: Version,
    /// How many messages are settled, from the first on.
    pub(super) messages: usize,
}

/// Takes the index once, and applies the waiting commands. If all of them are QUERYs, other batches of QUERYs
/// run at the same time. Settles all messages, unless the first ones hold more than [`MAX_BATCH_NAMES`].
pub(super) fn settle(
    Batch { requests, work }: Batch<'_, '_>,
    engine: &Engine,
    observer: &mut dyn Observer,
) -> Result<Settled, Poisoned> {
    observer.waiting();
    if work.may_change {
        let settled = engine.batch_ahead(work.names, |index| {
            observer.taken();
            index.prefetch(requests.iter().filter_map(Request::command));
            apply_some(requests, index)
        });
        match settled {
            Ok((messages, version)) => {
                observer.released();
                return Ok(Settled { version, messages });
            }
            Err(Unavailable::Poisoned(poisoned)) => return Err(poisoned),
            // QUERYs can still be answered.
            Err(Unavailable::NotDurable(reason)) => {
                for request in requests.iter_mut().filter(|request| request.may_change()) {
                    *request = Request::Refused(reason.into());
                }
            }
        }
    }
    let version = look_up(requests, work.names, engine, observer)?;
    Ok(Settled { version, messages: requests.len() })
}

/// Applies commands in order, up to [`MAX_BATCH_NAMES`] of work. Returns how many messages that were.
fn apply_some(batch: &mut [Request<'_>], index: &mut PackageIndex) -> usize {
    let before = index.dependency_count();
    let (mut names, mut replaced, mut settled) = (0, 0, 0);
    for request in batch {
        settled += 1;
        match *request {
            Request::Waiting(CommandRef::Query { package }) => {
                names += 1;
                *request = Request::Answered(Verb::Query, index.look_up(package));
            }
            Request::Waiting(command) => {
                names += command.name_count();
                match index.apply(command) {
                    Ok(outcome) => *request = Request::Answered(command.verb(), outcome),
                    Err(limit) => *request = Request::Refused(limit.into()),
                }
                // Counts all lists that were replaced, of any length.
                replaced = (before + names).saturating_sub(index.dependency_count() + settled);
            }
            Request::Answered(..) | Request::Refused(_) => {}
        }
        if names + replaced >= MAX_BATCH_NAMES {
            break;
        }
    }
    settled
}

/// Lets the log of the replicas decide the place of the batch, and applies every command there. A batch of
/// QUERYs needs no place: it only waits until the replica has caught up. Settles all messages.
pub(super) fn settle_in_order(
    Batch { requests, work }: Batch<'_, '_>,
    replica: &Replica,
    observer: &mut dyn Observer,
) -> Result<Settled, Poisoned> {
    // What a replica has applied is never taken back.
    let settled = Settled { version: Version::default(), messages: requests.len() };
    observer.waiting();
    if !work.may_change {
        match replica.catch_up() {
            Ok(()) => {
                for part in requests.chunks_mut(MAX_BATCH) {
                    look_up(part, Work::of(part).names, replica.engine(), observer)?;
                }
            }
            Err(reason) => refuse(requests, reason),
        }
        return Ok(settled);
    }
    let mut waiting = requests.iter_mut().filter(|request| request.command().is_some()).peekable();
    while waiting.peek().is_some() {
        let (mut messages, mut parts) = (Vec::new(), Vec::new());
        while let Some(request) = waiting.next_if(|request| {
            messages.is_empty() || messages.len() + request.bytes() <= MAX_ENTRY_BYTES
        }) {
            request.write(&mut messages);
            parts.push(request);
        }
        match replica.submit(messages) {
            Ok(answers) => {
                for (request, answer) in parts.into_iter().zip(answers) {
                    request.answer(answer);
                }
            }
            // The batch has no effect, so its QUERYs can still be answered.
            Err(reason @ Unanswered::Refused(_)) => refuse_changes(&mut parts, replica, reason)?,
            Err(reason) => {
                for request in parts {
                    *request = Request::Refused(reason.into());
                }
            }
        }
    }
    observer.taken();
    observer.released();
    Ok(settled)
}

/// Answers QUERYs that list this many names, together with other readers.
fn look_up(
    batch: &mut [Request<'_>],
    names: usize,
    engine: &Engine,
    observer: &mut dyn Observer,
) -> Result<Version, Poisoned> {
    let ((), version) = engine.read_ahead(names, |index| {
        observer.taken();
        index.prefetch(batch.iter().filter_map(Request::command));
        for query in batch.iter_mut() {
            query.look_up(index);
        }
    })?;
    observer.released();
    Ok(version)
}

/// Refuses commands that may change something, and answers QUERYs.
fn refuse_changes(
    requests: &mut [&mut Request<'_>],
    replica: &Replica,
    reason: Unanswered,
) -> Result<(), Poisoned> {
    let changing = requests.iter_mut().filter(|request| request.may_change());
    changing.for_each(|request| **request = Request::Refused(reason.into()));
    let mut asking: Vec<_> =
        requests.iter_mut().filter(|request| request.command().is_some()).collect();
    if asking.is_empty() {
        return Ok(());
    }
    let caught_up = replica.catch_up();
    for part in asking.chunks_mut(MAX_BATCH) {
        match caught_up {
            Ok(()) => {
                let names = part.iter().map(|query| query.names()).sum();
                let look_up =
                    |index: &PackageIndex| part.iter_mut().for_each(|query| query.look_up(index));
                replica.engine().read_ahead(names, look_up)?;
            }
            Err(reason) => {
                for query in part {
                    ***query = Request::Refused(reason.into());
                }
            }
        }
    }
    Ok(())
}

/// Refuses all messages that wait.
fn refuse(requests: &mut [Request<'_>], reason: Unanswered) {
    for request in requests.iter_mut().filter(|request| request.command().is_some()) {
        *request = Request::Refused(reason.into());
    }
}
