//! Records what clients that act at once ask and are told.
//!
//! Time is a count that all clients share: each takes the next number right before it asks and
//! right after it is answered, so that of two numbers the greater was taken later.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Event, History, from_events};

/// What was recorded.
#[derive(Debug)]
pub struct Recording<C, R, E> {
    /// What was asked and answered.
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
    let (clock, start) = (AtomicUsize::new(0), Mutex::new(()));
    let follow = |(mut client, script): (P, Script<C>)| {
        let mut events = Vec::new();
        drop(start.lock().unwrap_or_else(PoisonError::into_inner));
        for burst in script {
            for command in &burst {
                events.push((now(&clock), Event::Call(command.clone())));
            }
            let mut replies = 0;
            let mut reply = |reply| {
                events.push((now(&clock), Event::Reply(reply)));
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
        let held = start.lock().unwrap_or_else(PoisonError::into_inner);
        let running: Vec<_> =
            clients.into_iter().map(|client| scope.spawn(|| follow(client))).collect();
        drop(held);
        for (number, running) in (1..).zip(running) {
            let (of_client, error) =
                running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            events.extend(of_client.into_iter().map(|(at, event)| (at, (number, event))));
            cut_off.extend(error.map(|error| (number, error)));
        }
    });
    events.sort_by_key(|(at, _)| *at);
    let history = from_events(events.into_iter().map(|(_, event)| event))
        .unwrap_or_else(|unasked| panic!("{unasked}, and got one"));
    Recording { history, cut_off }
}

fn now(clock: &AtomicUsize) -> usize {
    // The order of these alone is what the numbers have to agree with.
    clock.fetch_add(1, Ordering::SeqCst)
}
