//! Histories: what concurrent clients asked and were told, and in which order that began and ended. Are they
//! linearizable (Herlihy and Wing 1990)?
//!
//! If a machine in memory has a [`Model`](crate::model::Model), begin with [`clients`]: [`Concurrent`] does
//! all of this in one call.
//!
//! Otherwise, [`record`] or [`record_anew`] records a [`History`], which can be kept as text. A [`Checker`]
//! judges it by a machine that is trusted, and [`Checker::minimise`] shortens it. Nothing here knows of
//! sockets. If the order in which clients asked and were told does not matter,
//! [`interleaving`](super::interleaving) is simpler.

mod checker;
pub mod clients;
#[cfg(feature = "drawing")]
#[cfg_attr(docsrs, doc(cfg(feature = "drawing")))]
mod drawing;
mod minimise;
mod plan;
mod recorder;
mod search;
mod text;
mod witness;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

pub use checker::{Checker, DEFAULT_STEPS, Verdict};
pub use clients::Concurrent;
pub use recorder::{Recording, Script, record, record_anew};
pub use text::HistoryError;

/// One command of one client, and its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<C, R> {
    /// The client.
    pub client: usize,
    /// The command.
    pub command: C,
    /// When the client asked, as the number of this call among all calls and replies of the history, from 0.
    pub called: usize,
    /// The reply, and when it came. `None` if the client was cut off: the command may have taken effect, at
    /// any time since then, or not at all.
    pub answer: Option<Answer<R>>,
}

/// What came back, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<R> {
    /// The reply.
    pub reply: R,
    /// When it came, as its number among all calls and replies of the history, from 0.
    pub at: usize,
}

/// Calls and replies of several clients, in one order that agrees with time: later ones did not happen
/// earlier.
///
/// A client may ask again before it is answered. Its replies come in the order of its commands, and the
/// commands have to take effect in that order too.
///
/// ```
/// use statecheck::history::History;
///
/// // Any type that can be read from text will do; here the text is kept as it is.
/// let history: History<String, String> = "
///     1> write 7
///     2> read
///     2< 0
///     1< done
/// ".parse()?;
/// assert_eq!(history.operations().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<C, R> {
    /// The operations, in the order of their calls.
    operations: Vec<Operation<C, R>>,
    /// For each client that waits, the operations for which it waits. The first to be answered comes first.
    waiting: BTreeMap<usize, VecDeque<usize>>,
    /// When each call and each reply came, if that was noted. No time is earlier than the one before it.
    times: Vec<Option<Duration>>,
}

/// The error for a reply to a client that waits for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unasked {
    /// The client.
    pub client: usize,
}

impl fmt::Display for Unasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} waits for no reply here", self.client)
    }
}

impl std::error::Error for Unasked {}

impl<C, R> Default for History<C, R> {
    fn default() -> Self {
        Self { operations: Vec::new(), waiting: BTreeMap::new(), times: Vec::new() }
    }
}

impl<C, R> History<C, R> {
    /// Adds a call of a client.
    pub fn call(&mut self, client: usize, command: C) {
        self.waiting.entry(client).or_default().push_back(self.operations.len());
        self.operations.push(Operation { client, command, called: self.events(), answer: None });
        self.times.push(None);
    }

    /// Adds a reply to a client's first command that has none.
    ///
    /// # Errors
    /// If there is no such command. Nothing is added then.
    pub fn reply(&mut self, client: usize, reply: R) -> Result<(), Unasked> {
        let first = self.waiting.get_mut(&client).and_then(VecDeque::pop_front);
        let first = first.ok_or(Unasked { client })?;
        self.operations[first].answer = Some(Answer { reply, at: self.events() });
        self.times.push(None);
        Ok(())
    }

    /// All operations, in the order of their calls.
    #[must_use]
    pub fn operations(&self) -> &[Operation<C, R>] {
        &self.operations
    }

    /// How many calls and replies there are.
    #[must_use]
    pub fn events(&self) -> usize {
        self.times.len()
    }

    /// When a call or a reply came, since the start of the recording. `event` is its number among all calls
    /// and replies, from 0. `None` if there is no such event, or its time was not noted. Later events never
    /// have earlier times. A checker goes by the order alone, and not by times.
    #[must_use]
    pub fn time(&self, event: usize) -> Option<Duration> {
        self.times.get(event).copied().flatten()
    }

    /// The same history with the `Debug` forms of its commands and replies. With it a history can be printed
    /// and drawn if these have no `Display`.
    ///
    /// ```
    /// use statecheck::history::History;
    ///
    /// let mut history = History::default();
    /// history.call(1, Some('a'));
    /// history.reply(1, Ok::<_, ()>(7))?;
    /// assert_eq!(history.shown().to_string(), "1> Some('a')\n1< Ok(7)\n");
    /// # Ok::<(), statecheck::history::Unasked>(())
    /// ```
    #[must_use]
    pub fn shown(&self) -> History<String, String>
    where
        C: fmt::Debug,
        R: fmt::Debug,
    {
        self.in_words(|command| format!("{command:?}"), |reply| format!("{reply:?}"))
    }

    /// The part of the history with some of its operations. Each call and reply keeps its time. O(n log n).
    ///
    /// If each command is about one of several objects, a history is linearizable only if the part about each
    /// object is. The parts are judged much sooner. If clients wait for each reply before they ask again, the
    /// converse holds too (Herlihy and Wing 1990, theorem 1).
    ///
    /// ```
    /// use statecheck::history::History;
    ///
    /// let history: History<String, String> = "1> write a\n2> read b\n1< done\n".parse()?;
    /// let about_b = history.part(|operation| operation.command.ends_with('b'));
    /// assert_eq!(about_b.to_string(), "2> read b\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn part(&self, has: impl Fn(&Operation<C, R>) -> bool) -> Self
    where
        C: Clone,
        R: Clone,
    {
        self.part_until(self.events(), |number| has(&self.operations[number]))
    }

    /// Like [`part`](Self::part), up to an event, with operations given by their numbers.
    fn part_until(&self, end: usize, has: impl Fn(usize) -> bool) -> Self
    where
        C: Clone,
        R: Clone,
    {
        let events = self.in_order().take(end).filter(|(number, ..)| has(*number));
        let owned = events.map(|(number, time, event)| {
            let event = match event {
                Event::Call(command) => Event::Call(command.clone()),
                Event::Reply(reply) => Event::Reply(reply.clone()),
            };
            (self.operations[number].client, time, event)
        });
        from_events(owned)
            .unwrap_or_else(|_unasked| unreachable!("invariant: a reply is kept with its call"))
    }

    /// The same history with other forms of its commands and replies.
    fn in_words(
        &self,
        command: impl Fn(&C) -> String,
        reply: impl Fn(&R) -> String,
    ) -> History<String, String> {
        let operations = self.operations.iter().map(|operation| Operation {
            client: operation.client,
            command: command(&operation.command),
            called: operation.called,
            answer: operation
                .answer
                .as_ref()
                .map(|answer| Answer { reply: reply(&answer.reply), at: answer.at }),
        });
        History {
            operations: operations.collect(),
            waiting: self.waiting.clone(),
            times: self.times.clone(),
        }
    }

    /// Notes when the last call or reply came. It must not be before the one before it.
    fn note_time(&mut self, time: Option<Duration>) {
        if let Some(last) = self.times.last_mut() {
            *last = time;
        }
    }
}

/// A call or a reply.
enum Event<C, R> {
    Call(C),
    Reply(R),
}

/// Makes a history of events in their order, given with their clients and times.
fn from_events<C, R>(
    events: impl IntoIterator<Item = (usize, Option<Duration>, Event<C, R>)>,
) -> Result<History<C, R>, Unasked> {
    let mut history = History::default();
    for (client, time, event) in events {
        match event {
            Event::Call(command) => history.call(client, command),
            Event::Reply(reply) => history.reply(client, reply)?,
        }
        history.note_time(time);
    }
    Ok(history)
}

impl<C, R> History<C, R> {
    /// Every call and reply in order, with the number of its operation and its time. O(n log n).
    fn in_order(&self) -> impl Iterator<Item = (usize, Option<Duration>, Event<&C, &R>)> {
        let mut events: Vec<_> = self
            .operations
            .iter()
            .enumerate()
            .flat_map(|(number, Operation { command, called, answer, .. })| {
                let reply = answer.as_ref().map(|it| (it.at, number, Event::Reply(&it.reply)));
                std::iter::once((*called, number, Event::Call(command))).chain(reply)
            })
            .collect();
        events.sort_by_key(|(at, ..)| *at);
        events.into_iter().map(|(at, number, event)| (number, self.times[at], event))
    }
}

#[cfg(test)]
mod tests;
