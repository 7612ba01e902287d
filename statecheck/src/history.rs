//! Histories: what clients that act at once asked and were told, and in which order that began and
//! ended. Are they linearizable (Herlihy and Wing 1990)?
//!
//! Where a machine in memory has a [`Model`](crate::model::Model), begin with [`clients`]: [`Concurrent`] does
//! all of this in one call.
//!
//! Otherwise, a [`History`] is recorded by [`record`] or [`record_anew`], kept as text, judged by a [`Checker`]
//! against a machine that is trusted, and shortened by [`Checker::minimise`]. Nothing here knows of sockets. Where it does not matter in which order clients asked and were told,
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

/// One command of one client, with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<C, R> {
    /// Whose it is.
    pub client: usize,
    /// What was asked.
    pub command: C,
    /// When it was asked: among all calls and replies of the history, which one this is, from 0.
    pub called: usize,
    /// What was answered, and when. None has come if the client was cut off: then the command may
    /// have taken effect, at any time since, or not at all.
    pub answer: Option<Answer<R>>,
}

/// What came back, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<R> {
    /// What was answered.
    pub reply: R,
    /// When: among all calls and replies of the history, which one this is, from 0.
    pub at: usize,
}

/// Calls and replies of several clients, in one order that agrees with time: what comes later did
/// not happen earlier.
///
/// A client may ask again before it is answered; its replies come in the order of its commands,
/// which is also that in which they have to take effect.
///
/// ```
/// use statecheck::history::History;
///
/// // Whatever can be read from text will do; here all of it is kept as it is.
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
    /// In the order of their calls.
    operations: Vec<Operation<C, R>>,
    /// For each client that waits, which operations it waits for, the first to be answered first.
    waiting: BTreeMap<usize, VecDeque<usize>>,
    /// When each call and each reply came, as far as that was noted; never earlier than the one before.
    times: Vec<Option<Duration>>,
}

/// A reply came to a client that waits for none.
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
    /// Adds that a client has asked.
    pub fn call(&mut self, client: usize, command: C) {
        self.waiting.entry(client).or_default().push_back(self.operations.len());
        self.operations.push(Operation { client, command, called: self.events(), answer: None });
        self.times.push(None);
    }

    /// Adds that a client has been answered, to the first of its commands that was not.
    ///
    /// # Errors
    /// When there is no such command; nothing is added then.
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

    /// When a call or a reply came, since the start of the recording: among all of them the one of this
    /// number, from 0. `None` if there is no such one, or its time was not noted. What comes later in
    /// the history never has an earlier time. Nothing is judged by it: that goes by the order alone.
    #[must_use]
    pub fn time(&self, event: usize) -> Option<Duration> {
        self.times.get(event).copied().flatten()
    }

    /// The same history with what `Debug` says of its commands and replies: to be printed, and drawn, where
    /// they have no `Display`.
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

    /// The part of the history that has some of its operations, each call and reply with its time. O(n log n).
    ///
    /// Where commands are about several objects, a history is linearizable only if the part about each object
    /// is, and the parts are judged much sooner. If clients wait for each reply before they ask again, then the
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

    /// The same up to an event, of operations given by their numbers.
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

    /// The same history, of what is said of its commands and replies.
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

    /// Notes when the last call or reply came, which must not be before the one before it.
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

/// A history of events given with their clients and times, in their order.
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
    /// Every call and reply with the number of its operation and its time, in order. O(n log n).
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
