//! Records what clients that act at once ask and are told.
//!
//! Time is a count that all clients share: each takes the next number right before it asks and
//! right after it is answered, so that of two numbers the greater was taken later. With it each notes
//! what the clock of the system says, for whoever draws the history.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Event, History, from_events};

/// What was recorded.
#[derive(Debug)]
pub struct Recording<C, R, E> {
    /// What was asked and answered, each call and reply with its time since the clients were let go:
    /// no time is earlier than the one before it, in the order of the history; between those of a call
    /// and of its reply lies all that the client did.
    pub history: History<C, R>,
    /// The clients that were cut off, each with the reason. What they had asked and were not told
    /// is in the history without a reply.
    pub cut_off: Vec<(usize, E)>,
}

/// What one client sends: bursts of commands, each sent as a whole, and answered as a whole before
/// the next.
pub type Script<C> = Vec<Vec<C>>;

/// Lets all clients follow their scripts at once, each on a thread of its own, and records it. The
/// clients are numbered from 1.
///
/// `exchange` sends a burst for a client and passes on each reply as it comes; with an error it
/// ends the script of that client.
///
/// ```
/// use package_indexer::engine::Engine;
/// use package_indexer::testing::history::record;
/// use package_indexer::{Command, Outcome};
///
/// let engine = Engine::default();
/// let script = || vec![vec![Command::index("a", []).unwrap()]; 10];
/// let recording = record(vec![(&engine, script()), (&engine, script())], |engine, burst, reply| {
///     for command in burst {
///         reply(engine.apply(command)?);
///     }
///     Ok::<(), package_indexer::engine::EngineError>(())
/// });
/// assert!(recording.cut_off.is_empty());
/// assert_eq!(recording.history.events(), 40);
/// # let _: &[package_indexer::testing::history::Operation<Command, Outcome>] = recording.history.operations();
/// ```
///
/// # Panics
/// When `exchange` does, or passes on more or fewer replies than there were commands and is done
/// without an error; and when the system has no more threads.
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
    // Held until all are there: then they begin at once.
    let (clock, start) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
    let follow = |(mut client, script): (P, Script<C>)| {
        let mut events = Vec::new();
        let begun = *start.lock().unwrap_or_else(PoisonError::into_inner);
        for burst in script {
            for command in &burst {
                events.push((now(&clock, begun), Event::Call(command.clone())));
            }
            let mut replies = 0;
            let mut reply = |reply| {
                events.push((now(&clock, begun), Event::Reply(reply)));
                replies += 1;
            };
            if let Err(error) = exchange(&mut client, &burst, &mut reply) {
                return (events, Some(error));
            }
            assert_eq!(replies, burst.len(), "a burst has as many replies as commands");
        }
        (events, None)
    };
    let mut events = Vec::new();
    let mut cut_off = Vec::new();
    thread::scope(|scope| {
        let mut held = start.lock().unwrap_or_else(PoisonError::into_inner);
        let running: Vec<_> =
            clients.into_iter().map(|client| scope.spawn(|| follow(client))).collect();
        *held = Instant::now();
        drop(held);
        for (number, running) in (1..).zip(running) {
            let (of_client, error) =
                running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            events.extend(of_client.into_iter().map(|(at, event)| (at, number, event)));
            cut_off.extend(error.map(|error| (number, error)));
        }
    });
    let history =
        from_events(merged(events)).unwrap_or_else(|unasked| panic!("{unasked}, and got one"));
    Recording { history, cut_off }
}

/// When something happened: its number, and the time since the start.
type Moment = (usize, Duration);

fn now(clock: &AtomicUsize, begun: Instant) -> Moment {
    // In this order: the time is never later than the moment at which the number was taken.
    let time = begun.elapsed();
    // The order of these alone is what the numbers have to agree with.
    (clock.fetch_add(1, Ordering::SeqCst), time)
}

/// The events of all clients in the order of their numbers. A client that was held up between its two
/// readings may have a time that is earlier than that of a smaller number; it is as late as that too.
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
    use super::*;

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
