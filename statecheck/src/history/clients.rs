//! Many clients at one machine. Begin here if your machine has a [`Model`] and is used by `&self`.
//!
//! | what | lives in |
//! |---|---|
//! | [`Concurrent`]: draws commands for clients, records the replies, and judges them | here |
//! | [`Asked`], [`Said`], [`ByClient`]: the model, with references counted by client | `clients/by_client.rs` |
//! | [`Checked`]: what was tried without finding a fault | `clients/checked.rs` |
//! | [`Failure`]: how a test is run, and what it keeps | `clients/run.rs` |
//! | [`Unexplained`]: a fault, for printing and drawing | `clients/unexplained.rs` |
//! | how a fault is shortened | `clients/shorten.rs` |
//!
//! The model is the one that [`Property::refines`](crate::property::Property::refines) takes. It also has to
//! be [`Ord`] and [`Hash`]. It has to answer each of its commands in every state: other clients may have
//! changed what made a command sensible.

mod by_client;
mod checked;
mod run;
mod shorten;
#[cfg(test)]
mod tests;
mod unexplained;

use std::any::type_name;
use std::fmt::Debug;
use std::hash::Hash;
use std::hint;
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use quickcheck::{Arbitrary, Gen};

use super::recorder::{Clock, Noted, at_once};
use super::{Checker, DEFAULT_STEPS, Event, History, Verdict};
use crate::machine::StateMachine;
use crate::model::{Model, Ref, bytes_of_a_command};
use crate::property::guarded;
use crate::source::{short_name, snake_case};

pub use by_client::{Asked, ByClient, NoAnswer, Said};
pub use checked::Checked;
pub use run::Failure;
pub use unexplained::Unexplained;

/// How many times a client that has arrived yields while it waits for the others.
const YIELDS: usize = 10_000;

/// How many times it looks in between whether all are there. A client that looks begins at the same moment as
/// the last to arrive. One that has yielded begins late.
const LOOKS: usize = 100;

/// How many more rounds are tried after one with a fault.
const MORE_ROUNDS: u64 = 8;

/// What clients of a machine with a model `M` asked and were told.
pub type Seen<M> = History<Asked<<M as StateMachine>::Command>, Said<<M as StateMachine>::Reply>>;

/// A call or a reply of a client of such a machine.
type NotedOf<M> = Noted<Asked<<M as StateMachine>::Command>, Said<<M as StateMachine>::Reply>>;

/// A fault in what clients of a machine with a model `M` were told.
type Fault<M> = Unexplained<<M as StateMachine>::Command, <M as StateMachine>::Reply>;

/// How a client applies a command to a machine `S`, with the things of type `G` that it was granted.
type Apply<M, S, G> =
    dyn Fn(&S, &mut Vec<G>, &<M as StateMachine>::Command) -> <M as StateMachine>::Reply + Sync;

/// A test that compares a machine `S`, which many clients use at once, with a model `M`.
///
/// It needs two closures: one makes a fresh machine, the other applies a command. The second also gets what
/// this client was granted so far, each of a type `G`. It pushes there what the machine grants, once for each
/// thing that the model counts as [granted](Model::granted), and removes nothing. A [`Ref`] in a command is
/// the place of a thing in that list, and always means one. If nothing is granted, `G` is `()`.
///
/// In each round, each client has a thread of its own, and asks what the model offers to a client that is
/// alone. One order of the commands has to explain what all clients were told. Nothing explains a panic. The
/// scripts follow from a seed. The schedule is the operating system's, so the same seed may find nothing the
/// next time. Many rounds are what finds races.
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::{Mutex, PoisonError};
///
/// use statecheck::StateMachine;
/// use statecheck::history::Concurrent;
/// use statecheck::model::{Menu, Model, Ref};
///
/// #[derive(Debug, Clone, PartialEq)]
/// enum Command {
///     Take,
///     GiveBack(Ref),
/// }
///
/// /// Two tickets. The machine has numbers for them, ...
/// #[derive(Default)]
/// struct Tickets(Mutex<[bool; 2]>);
///
/// impl Tickets {
///     fn take(&self) -> Option<usize> {
///         let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let ticket = taken.iter().position(|taken| !taken)?;
///         taken[ticket] = true;
///         Some(ticket)
///     }
///
///     fn give_back(&self, ticket: usize) {
///         self.0.lock().unwrap_or_else(PoisonError::into_inner)[ticket] = false;
///     }
/// }
///
/// /// ... and the model knows whether each one that was granted is still out.
/// #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// struct Granted(Vec<bool>);
///
/// impl StateMachine for Granted {
///     type Command = Command;
///     type Reply = bool;
///     type Error = Infallible;
///
///     fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
///         Ok(match command {
///             Command::Take => {
///                 let is_free = self.0.iter().filter(|is_out| **is_out).count() < 2;
///                 self.0.extend(is_free.then_some(true));
///                 is_free
///             }
///             Command::GiveBack(ticket) => {
///                 ticket.of_mut(&mut self.0).is_some_and(std::mem::take)
///             }
///         })
///     }
/// }
///
/// impl Model for Granted {
///     fn offer(&self, menu: &mut Menu<'_, Command>) {
///         menu.list(1, [Command::Take]);
///         menu.list(1, Ref::all(self.0.len()).map(Command::GiveBack));
///     }
///
///     fn granted(&self) -> usize {
///         self.0.len()
///     }
///
///     fn references(command: &mut Command) -> Vec<&mut Ref> {
///         match command {
///             Command::Take => vec![],
///             Command::GiveBack(ticket) => vec![ticket],
///         }
///     }
/// }
///
/// type Hand = Vec<Option<usize>>;
/// let apply = |tickets: &Tickets, hand: &mut Hand, command: &Command| match command {
///     Command::Take => match tickets.take() {
///         Some(ticket) => {
///             hand.push(Some(ticket));
///             true
///         }
///         None => false,
///     },
///     Command::GiveBack(ticket) => match ticket.of_mut(hand).and_then(Option::take) {
///         Some(ticket) => {
///             tickets.give_back(ticket);
///             true
///         }
///         None => false,
///     },
/// };
/// let checked = Concurrent::<Granted, _, _>::new(Tickets::default, apply).check(50, 1)?;
/// assert_eq!((checked.rounds, checked.undecided), (50, 0));
/// # Ok::<(), Box<statecheck::history::clients::Unexplained<Command, bool>>>(())
/// ```
pub struct Concurrent<M: Model, S, G> {
    name: String,
    fresh: Box<dyn Fn() -> S>,
    apply: Box<Apply<M, S, G>>,
    clients: usize,
    commands: usize,
    rounds: u64,
    steps: u64,
}

impl<M, S, G> Concurrent<M, S, G>
where
    M: Model<Command: Send, Reply: Clone + Debug + PartialEq + Send> + Ord + Hash,
    S: Sync,
{
    /// A test of the machines that `fresh` makes, used by `apply`. It has 3 clients with 12 commands each, in
    /// 200 rounds.
    ///
    /// # Panics
    /// If the model has granted something from the start: no client could refer to that.
    pub fn new(
        fresh: impl Fn() -> S + 'static,
        apply: impl Fn(&S, &mut Vec<G>, &M::Command) -> M::Reply + Sync + 'static,
    ) -> Self {
        let granted = M::default().granted();
        assert_eq!(
            granted, 0,
            "{granted} thing is there from the start: clients cannot refer to it"
        );
        let (fresh, apply) = (Box::new(fresh), Box::new(apply));
        let model = short_name(type_name::<M>());
        let name = format!("{}_at_once", snake_case(&model));
        Self { name, fresh, apply, clients: 3, commands: 12, rounds: 200, steps: DEFAULT_STEPS }
    }

    /// Uses so many clients instead of 3.
    #[must_use]
    pub fn clients(self, clients: usize) -> Self {
        Self { clients, ..self }
    }

    /// Gives each client up to so many commands instead of 12; never more than
    /// [`MAX_COMMANDS`](crate::trace::MAX_COMMANDS). Most races show with a few.
    #[must_use]
    pub fn commands(self, commands: usize) -> Self {
        Self { commands, ..self }
    }

    /// Makes [`test`](Self::test) try so many rounds instead of 200.
    #[must_use]
    pub fn rounds(self, rounds: u64) -> Self {
        Self { rounds, ..self }
    }

    /// Lets a search for an order take so many steps instead of [`DEFAULT_STEPS`].
    #[must_use]
    pub fn steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// Keeps failures in `tests/regressions/NAME.txt`. The printed test calls a function of that name. The
    /// default is made from the name of the model: `lease_model_at_once` for a `LeaseModel`.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Tries so many rounds. The seed chooses what is asked in the first, the next number what is asked in
    /// the second, and so on.
    ///
    /// # Errors
    /// If no order explains the replies of a round, its history, shortened. Eight more rounds are tried then,
    /// and the shortest history is taken.
    pub fn check(&self, rounds: u64, seed: u64) -> Result<Checked, Box<Fault<M>>> {
        let seed_of = |round: u64| seed.wrapping_add(round - 1);
        self.tried(rounds, |round| (self.scripts(seed_of(round)), Some(seed_of(round))))
    }

    /// Makes each client follow its script, the same in each of so many rounds.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_scripts(
        &self,
        scripts: &[Vec<M::Command>],
        times: u64,
    ) -> Result<Checked, Box<Fault<M>>> {
        self.tried(times, |_| (scripts.to_vec(), None))
    }

    /// Tries rounds, counted from 1. For each, `asked` returns the scripts and the seed.
    fn tried(
        &self,
        rounds: u64,
        asked: impl Fn(u64) -> (Vec<Vec<M::Command>>, Option<u64>),
    ) -> Result<Checked, Box<Fault<M>>> {
        let mut checked = Checked::default();
        let found_in = |round: u64, checked: &mut Checked| {
            let (scripts, seed) = asked(round);
            let whole = self.follow(scripts);
            let history = self.judged(&whole, checked)?;
            Some(Unexplained { history, whole, seed, round })
        };
        for round in 1..=rounds {
            let Some(found) = found_in(round, &mut checked) else { continue };
            let more = round + 1..=round + MORE_ROUNDS;
            let others = more.filter_map(|round| found_in(round, &mut checked));
            let shortest = iter::once(found)
                .chain(others)
                .min_by_key(|unexplained| unexplained.history.operations().len());
            return shortest.map_or(Ok(checked), |shortest| Err(Box::new(shortest)));
        }
        Ok(checked)
    }

    /// The shortened part of a round that no order explains. `None` if an order explains all of it, as far as
    /// is known.
    fn judged(&self, whole: &Seen<M>, checked: &mut Checked) -> Option<Seen<M>> {
        checked.count(whole);
        // A panic is always wrong: no search is needed.
        let verdict = match shorten::end_of_panic(whole) {
            Some(_) => Verdict::NotLinearizable,
            None => self.checker().check(whole),
        };
        checked.undecided += u64::from(verdict == Verdict::Undecided);
        (verdict == Verdict::NotLinearizable).then(|| self.shortened(whole))
    }

    /// Records one round. The seed chooses what is asked.
    #[must_use]
    pub fn record(&self, seed: u64) -> Seen<M> {
        self.follow(self.scripts(seed))
    }

    /// The checker of such a round.
    #[must_use]
    pub fn checker(&self) -> Checker<ByClient<M>, Said<M::Reply>> {
        Checker::new(ByClient::default(), Said::agrees).steps(self.steps)
    }

    /// What each client asks: a walk through a model of its own.
    fn scripts(&self, seed: u64) -> Vec<Vec<M::Command>> {
        run::scripts_of::<M>(&self.bytes(seed))
    }

    /// The same, as the bytes from which the walks are made.
    fn bytes(&self, seed: u64) -> Vec<Vec<u8>> {
        let mut g = Gen::from_size_and_seed(100, seed);
        let length = self.commands * bytes_of_a_command::<M>();
        let mut script = || (0..length).map(|_| u8::arbitrary(&mut g)).collect();
        (0..self.clients).map(|_| script()).collect()
    }

    /// Runs all scripts at once on a fresh machine, and records it.
    fn follow(&self, scripts: Vec<Vec<M::Command>>) -> Seen<M> {
        let (machine, apply) = ((self.fresh)(), &self.apply);
        let (all, arrived) = (scripts.len(), AtomicUsize::new(0));
        let follow = |clock: &Clock<'_>, client, script| {
            meet(&arrived, all);
            (followed::<M, _, _>((&machine, &**apply), clock, client, script), ())
        };
        at_once(scripts, follow).0
    }
}

/// Waits until all clients have arrived. A thread takes longer to wake up than to follow its script, so
/// without this most clients would be alone. The system may be out of threads, so the wait has an end.
fn meet(arrived: &AtomicUsize, all: usize) {
    arrived.fetch_add(1, Ordering::SeqCst);
    for _ in 0..YIELDS {
        for _ in 0..LOOKS {
            if arrived.load(Ordering::SeqCst) >= all {
                return;
            }
            hint::spin_loop();
        }
        thread::yield_now();
    }
}

/// Follows the script of one client, until its end or a panic. Leaves out commands that refer to something
/// while the client has nothing.
fn followed<M: Model, S, G>(
    (machine, apply): (&S, &Apply<M, S, G>),
    clock: &Clock<'_>,
    client: usize,
    script: Vec<M::Command>,
) -> Vec<NotedOf<M>> {
    let (mut events, mut hand) = (Vec::new(), Vec::new());
    for mut command in script {
        if !means_something::<M>(&mut command, hand.len()) {
            continue;
        }
        let before = hand.len();
        let called = clock.now();
        let reply = guarded(|| Ok(apply(machine, &mut hand, &command)));
        let returned = clock.now();
        let granted = before..if reply.is_ok() { hand.len().max(before) } else { before };
        let has_panicked = reply.is_err();
        let said = match reply {
            Ok(reply) => Said::Answered { reply, granted: granted.clone() },
            Err(panic) => Said::Panicked(panic),
        };
        events.push((called, client, Event::Call(Asked { client, command, granted })));
        events.push((returned, client, Event::Reply(said)));
        if has_panicked {
            break;
        }
    }
    events
}

/// Makes a command refer to one of the `granted` things of its client. It was drawn for a client that is
/// alone, and that may have been granted more. Returns `false` if it refers to something, and there is
/// nothing.
fn means_something<M: Model>(command: &mut M::Command, granted: usize) -> bool {
    M::references(command).into_iter().all(|reference| {
        let place = reference.0.checked_rem(granted);
        place.map(|place| *reference = Ref(place)).is_some()
    })
}
