//! Many clients at one machine: begin here if your machine has a [`Model`] and is used by `&self`.
//!
//! | what | lives in |
//! |---|---|
//! | [`Concurrent`]: draws what clients ask, records what they are told, judges it | here |
//! | [`Asked`], [`Said`], [`ByClient`]: the model, where references are counted by client | `clients/by_client.rs` |
//! | [`Checked`]: what was tried without a fault | `clients/checked.rs` |
//! | [`Failure`]: how a test is run, and what of it is kept | `clients/run.rs` |
//! | [`Unexplained`]: what was found, to be printed and drawn | `clients/unexplained.rs` |
//! | how what was found is shortened | `clients/shorten.rs` |
//!
//! The model is the one that [`Property::refines`](crate::property::Property::refines) takes. It also has to be
//! [`Ord`] and [`Hash`], and to answer each of its commands in every state: other clients may have changed what
//! made a command sensible.

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

/// How often a client that has arrived lets others run while it waits for them.
const YIELDS: usize = 10_000;

/// How often it looks whether all are there in between. Who looks begins at the same moment as the last to
/// arrive; who let others run begins late.
const LOOKS: usize = 100;

/// How many rounds are tried after one in which something was found.
const MORE_ROUNDS: u64 = 8;

/// What clients of a machine with a model `M` asked and were told.
pub type Seen<M> = History<Asked<<M as StateMachine>::Command>, Said<<M as StateMachine>::Reply>>;

/// A call or a reply of a client of such a machine.
type NotedOf<M> = Noted<Asked<<M as StateMachine>::Command>, Said<<M as StateMachine>::Reply>>;

/// What is wrong with what clients of a machine with a model `M` were told.
type Fault<M> = Unexplained<<M as StateMachine>::Command, <M as StateMachine>::Reply>;

/// How a client applies a command to a machine `S`, with the things of type `G` that it was granted.
type Apply<M, S, G> =
    dyn Fn(&S, &mut Vec<G>, &<M as StateMachine>::Command) -> <M as StateMachine>::Reply + Sync;

/// A test of a machine `S` that many clients use at once, held against a model `M`.
///
/// Two closures are all that it needs: one makes a fresh machine, the other applies a command. The latter also
/// gets what this client was granted so far, each of a type `G`. It pushes there what the machine grants, once
/// for each thing that the model counts as [granted](Model::granted), and takes nothing away. A [`Ref`] in a
/// command is the place of a thing in that list, and always means one. Where nothing is granted, `G` is `()`.
///
/// In each round, each client asks what the model offers to somebody alone, on a thread of its own. What all of
/// them were told has to be explained by one order of the commands. A panic never is. The scripts follow from a
/// seed. The schedule is that of the operating system: the same seed may find nothing the next time. What finds
/// races is many rounds.
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
/// /// ... and the model knows of each that was granted whether it is still out.
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
    /// A test of the machines that `fresh` makes, used as `apply` says: of 3 clients with 12 commands each, in
    /// 200 rounds.
    ///
    /// # Panics
    /// When the model has granted something from the start: no client would have that to refer to.
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

    /// Has so many clients instead of 3.
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

    /// Has [`test`](Self::test) try so many rounds instead of 200.
    #[must_use]
    pub fn rounds(self, rounds: u64) -> Self {
        Self { rounds, ..self }
    }

    /// Lets a search for an order take so many steps instead of [`DEFAULT_STEPS`].
    #[must_use]
    pub fn steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// Has its failures kept in `tests/regressions/NAME.txt`. The test that they print calls a function of that
    /// name. Unless it is given, it is made from the name of the model: `lease_model_at_once` for a `LeaseModel`.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Tries so many rounds. The seed says what is asked in the first, the next number what is asked in the
    /// second, and so on.
    ///
    /// # Errors
    /// When no order explains the replies of a round: with its history, shortened. Eight more rounds are tried
    /// then, and the shortest is taken.
    pub fn check(&self, rounds: u64, seed: u64) -> Result<Checked, Box<Fault<M>>> {
        let seed_of = |round: u64| seed.wrapping_add(round - 1);
        self.tried(rounds, |round| (self.scripts(seed_of(round)), Some(seed_of(round))))
    }

    /// Has each client ask the same so many times: a script for each.
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

    /// Tries rounds, counted from 1: what is asked in each, and by which seed.
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

    /// What of a round no order explains, shortened; `None` if all of it has one, as far as is known.
    fn judged(&self, whole: &Seen<M>, checked: &mut Checked) -> Option<Seen<M>> {
        checked.count(whole);
        // A panic is wrong whatever came before: no search is needed.
        let verdict = match shorten::end_of_panic(whole) {
            Some(_) => Verdict::NotLinearizable,
            None => self.checker().check(whole),
        };
        checked.undecided += u64::from(verdict == Verdict::Undecided);
        (verdict == Verdict::NotLinearizable).then(|| self.shortened(whole))
    }

    /// Records one round; the seed says what is asked.
    #[must_use]
    pub fn record(&self, seed: u64) -> Seen<M> {
        self.follow(self.scripts(seed))
    }

    /// What judges such a round.
    #[must_use]
    pub fn checker(&self) -> Checker<ByClient<M>, Said<M::Reply>> {
        Checker::new(ByClient::default(), Said::agrees).steps(self.steps)
    }

    /// What each client asks: a walk through a model of its own.
    fn scripts(&self, seed: u64) -> Vec<Vec<M::Command>> {
        run::scripts_of::<M>(&self.bytes(seed))
    }

    /// The same, as the bytes that its walks are made from.
    fn bytes(&self, seed: u64) -> Vec<Vec<u8>> {
        let mut g = Gen::from_size_and_seed(100, seed);
        let length = self.commands * bytes_of_a_command::<M>();
        let mut script = || (0..length).map(|_| u8::arbitrary(&mut g)).collect();
        (0..self.clients).map(|_| script()).collect()
    }

    /// Lets all clients follow their scripts at once, at a fresh machine, and records it.
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

/// Waits until all have arrived. A thread takes longer to wake up than to follow its script, so without this
/// most clients would be alone. The system may be out of threads, so nobody waits for ever.
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

/// Follows the script of one client, until its end or a panic. Commands that refer to something are left out
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

/// Has a command refer to what its client was granted, of so many things. It was drawn for a client alone,
/// which may have been granted more. False if it refers to something, and there is nothing.
fn means_something<M: Model>(command: &mut M::Command, granted: usize) -> bool {
    M::references(command).into_iter().all(|reference| {
        let place = reference.0.checked_rem(granted);
        place.map(|place| *reference = Ref(place)).is_some()
    })
}
