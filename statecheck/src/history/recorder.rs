//! Records what concurrent clients ask and are told.
//!
//! Time is a count that all clients share. Each takes the next number right before it asks, and right after
//! it is answered. So of two numbers the greater was taken later. Each also notes the time of the system's
//! clock, for drawings of the history.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Event, History, from_events};

/// What was recorded.
#[derive(Debug)]
pub struct Recording<C, R, E> {
    /// What was asked and answered. Each call and reply has its time since the clients began. No time is
    /// earlier than the one before it, in the order of the history. All that a client did lies between the
    /// times of a call and of its reply.
    pub history: History<C, R>,
    /// The clients that were cut off, each with the reason. Commands without an answer are in the history
    /// without a reply.
    pub cut_off: Vec<(usize, E)>,
}

/// What one client sends: bursts of commands. Each is sent as a whole, and answered as a whole before the
/// next.
pub type Script<C> = Vec<Vec<C>>;

/// Runs all clients' scripts at once, each on a thread of its own, and records it. The clients are numbered
/// from 1.
///
/// `exchange` sends a burst for a client, and passes on each reply as it comes. If it returns an error, the
/// script of that client ends.
///
/// ```
/// use statecheck::history::record;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// let counter = AtomicU32::new(0);
/// // Two clients. Each adds a number ten times.
/// let script = |number: u32| vec![vec![number]; 10];
/// let clients = vec![(&counter, script(1)), (&counter, script(5))];
/// let recording = record(clients, |counter, burst, reply| {
///     for number in burst {
///         reply(counter.fetch_add(*number, Ordering::SeqCst));
///     }
///     Ok::<(), ()>(())
/// });
/// assert!(recording.cut_off.is_empty());
/// assert_eq!(recording.history.events(), 40);
/// ```
///
/// # Panics
/// If `exchange` does; if it passes on a wrong number of replies without an error; or if the system has no
/// more threads.
pub fn record<P, C, R, E>(
    clients: Vec<(P, Script<C>)>,
    exchange: impl Fn(&mut P, &[C], &mut dyn FnMut(R)) -> Result<(), E> + Sync,
) -> Recording<C, R, E>
where
    P: Send,
    C: Clone + Send,
    R: Send,
    E: Send,
{
    let follow = |clock: &Clock<'_>, number, (mut client, script): (P, Script<C>)| {
        let mut events = Vec::new();
        for burst in script {
            for command in &burst {
                events.push((clock.now(), number, Event::Call(command.clone())));
            }
            let mut replies = 0;
            let mut reply = |reply| {
                events.push((clock.now(), number, Event::Reply(reply)));
                replies += 1;
            };
            if let Err(error) = exchange(&mut client, &burst, &mut reply) {
                return (events, Some(error));
            }
            assert_eq!(replies, burst.len(), "a burst has as many replies as commands");
        }
        (events, None)
    };
    let (history, errors) = at_once(clients, follow);
    let cut_off = (1..).zip(errors).filter_map(|(number, error)| Some((number, error?)));
    Recording { history, cut_off: cut_off.collect() }
}

/// Runs all clients' scripts at once, like [`record`], but clients go on after a lost connection. A client
/// that was cut off, or did not learn the fate of a command, goes on as another. That one has a new number,
/// because the last commands may still take effect later.
///
/// `connect` gets the number of the client, from 1 on, and how many connections it has had. If it returns
/// `None`, the client ends. `exchange` passes on `None` for a command whose fate nobody knows; the rest of
/// the burst then belongs to another client.
///
/// # Panics
/// As [`record`].
pub fn record_anew<P, C, R, E>(
    scripts: Vec<Script<C>>,
    connect: impl Fn(usize, usize) -> Option<P> + Sync,
    exchange: impl Fn(&mut P, &[C], &mut dyn FnMut(Option<R>)) -> Result<(), E> + Sync,
) -> History<C, R>
where
    C: Clone + Send,
    R: Send,
{
    let next = AtomicUsize::new(scripts.len() + 1);
    let another = || next.fetch_add(1, Ordering::Relaxed);
    let follow = |clock: &Clock<'_>, number, script: Script<C>| {
        let mut events = Vec::new();
        let (mut connection, mut connections, mut client) = (None, 0, number);
        for burst in script {
            if connection.is_none() {
                connection = connect(number, connections);
                connections += 1;
            }
            let Some(connected) = &mut connection else { break };
            let calls = events.len();
            for command in &burst {
                events.push((clock.now(), client, Event::Call(command.clone())));
            }
            let (mut replies, mut all_known) = (0, true);
            let mut reply = |reply| {
                replies += 1;
                if let Some(reply) = reply {
                    events.push((clock.now(), client, Event::Reply(reply)));
                    return;
                }
                (client, all_known) = (another(), false);
                for (_, of, _) in &mut events[calls + replies..calls + burst.len()] {
                    *of = client;
                }
            };
            let done = exchange(connected, &burst, &mut reply);
            assert!(done.is_err() || replies == burst.len(), "as many replies as commands");
            if done.is_err() || !all_known {
                connection = None;
            }
            if done.is_err() {
                client = another();
            }
        }
        (events, ())
    };
    at_once(scripts, follow).0
}

/// A call or a reply of a client, by its number, and when it came.
pub(super) type Noted<C, R> = (Moment, usize, Event<C, R>);

/// Runs `follow` for all clients at once, each on a thread of its own, with numbers from 1 on. Returns what
/// they noted, merged, and how each ended.
pub(super) fn at_once<T: Send, C: Send, R: Send, O: Send>(
    given: Vec<T>,
    follow: impl Fn(&Clock<'_>, usize, T) -> (Vec<Noted<C, R>>, O) + Sync,
) -> (History<C, R>, Vec<O>) {
    // Held until all are there. Then they begin at once.
    let (count, start) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
    let mut events = Vec::new();
    let mut ended = Vec::new();
    thread::scope(|scope| {
        let (count, start, follow) = (&count, &start, &follow);
        let mut held = start.lock().unwrap_or_else(PoisonError::into_inner);
        let running = (1..).zip(given).map(|(number, given)| {
            scope.spawn(move || {
                let begun = *start.lock().unwrap_or_else(PoisonError::into_inner);
                follow(&Clock { count, begun }, number, given)
            })
        });
        let running: Vec<_> = running.collect();
        *held = Instant::now();
        drop(held);
        for running in running {
            let (of_client, end) =
                running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            events.extend(of_client);
            ended.push(end);
        }
    });
    let history =
        from_events(merged(events)).unwrap_or_else(|unasked| panic!("{unasked}, and got one"));
    (history, ended)
}

/// When something happened: its number, and the time since the start.
pub(super) type Moment = (usize, Duration);

/// The clock of all clients of a recording.
pub(super) struct Clock<'a> {
    count: &'a AtomicUsize,
    begun: Instant,
}

impl Clock<'_> {
    pub(super) fn now(&self) -> Moment {
        // In this order: the time is never later than the moment at which the number was taken.
        let time = self.begun.elapsed();
        // The numbers have to agree with the order of these events alone.
        (self.count.fetch_add(1, Ordering::SeqCst), time)
    }
}

/// The events of all clients in the order of their numbers. A client that was delayed between its two
/// readings may have an earlier time than an event with a smaller number. It then gets that later time.
fn merged<T>(
    mut events: Vec<(Moment, usize, T)>,
) -> impl Iterator<Item = (usize, Option<Duration>, T)> {
    events.sort_by_key(|((number, _), ..)| *number);
    let mut latest = Duration::ZERO;
    events.into_iter().map(move |((_, time), client, event)| {
        latest = latest.max(time);
        (client, Some(latest), event)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Operation;
    use super::*;

    #[test]
    fn a_client_cut_off_or_left_in_doubt_goes_on_as_another() {
        // The first connection loses its last request, and the others lose nothing. The fate of odd numbers
        // is never known.
        let exchange = |lost: &mut bool, burst: &[u32], reply: &mut dyn FnMut(Option<u32>)| {
            let answered = burst.len() - usize::from(*lost);
            burst[..answered].iter().for_each(|number| {
                reply((number % 2 == 0).then_some(*number));
            });
            if *lost { Err(()) } else { Ok(()) }
        };
        let connect = |_, before| (before < 3).then_some(before == 0);
        let scripts = vec![vec![vec![2, 4], vec![6, 1, 8, 3, 12], vec![10], vec![5], vec![14]]];
        let history = record_anew(scripts, connect, exchange);
        let seen = |it: &Operation<_, _>| (it.client, it.command, it.answer.map(|it| it.reply));
        assert_eq!(
            history.operations().iter().map(seen).collect::<Vec<_>>(),
            [
                (1, 2, Some(2)),
                (1, 4, None),
                (2, 6, Some(6)),
                (2, 1, None),
                (3, 8, Some(8)),
                (3, 3, None),
                (4, 12, Some(12)),
                (4, 10, Some(10)),
                (4, 5, None),
            ]
        );
    }

    #[test]
    fn events_are_merged_by_their_numbers_and_no_time_goes_back() {
        let moment = |number, nanoseconds| (number, Duration::from_nanos(nanoseconds));
        let events = vec![
            (moment(1, 70), 1, 'b'),
            (moment(3, 90), 1, 'd'),
            (moment(0, 40), 2, 'a'),
            (moment(2, 60), 2, 'c'),
        ];
        let merged: Vec<_> = merged(events).collect();
        let at = |nanoseconds| Some(Duration::from_nanos(nanoseconds));
        assert_eq!(
            merged,
            [(2, at(40), 'a'), (1, at(70), 'b'), (2, at(70), 'c'), (1, at(90), 'd')]
        );
    }
}
