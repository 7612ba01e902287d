//! Threads and sessions that share one engine, on schedules that a checker chooses. What they saw must be
//! what one order of all batches shows (linearizability; Herlihy and Wing 1990).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use shuttle::thread::{self, yield_now};
use statecheck::StateMachine;

use super::*;
use crate::command::{Command, Reply};
use crate::model::Model;
use crate::session::Session;
use crate::sync::checker::{on_every_schedule, on_many_schedules, reports};
use crate::testing::interleaving::{Observed, explain};
use crate::testing::{State, state_of_index, state_of_model};
use crate::wire::parse_reply;

/// Commands that were applied as one batch, between two times.
pub(super) struct Batch {
    pub(super) commands: Vec<Command>,
    /// Whether the batch also looked at the state that it left.
    looked: bool,
    begun: usize,
    done: usize,
}

/// A batch, and what it showed.
pub(super) type Done = (Batch, <Order as StateMachine>::Reply);

/// The model, which is told of one batch after the other.
#[derive(Clone, Default)]
pub(super) struct Order {
    model: Model,
    /// The latest beginning of all batches so far.
    begun: usize,
}

/// The batch ended before the beginning of one that stands before it in the order.
#[derive(Debug)]
pub(super) struct TooLate;

impl StateMachine for Order {
    type Command = Batch;
    type Reply = (Vec<Outcome>, Option<State>);
    type Error = TooLate;

    fn apply(&mut self, batch: &Batch) -> Result<Self::Reply, TooLate> {
        if batch.done < self.begun {
            return Err(TooLate);
        }
        self.begun = self.begun.max(batch.begun);
        let apply = |command| self.model.apply(command);
        let Ok(outcomes) = batch.commands.iter().map(apply).collect::<Result<_, _>>();
        Ok((outcomes, batch.looked.then(|| state_of_model(&self.model))))
    }
}

/// An engine, and a clock that counts the looks at it. The clock is of std: the schedule cannot change at its
/// atomics.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) engine: Engine,
    /// Whether a batch works on a copy, which replaces the index when the work is done.
    overlaps: bool,
    clock: AtomicUsize,
}

impl Shared {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, ..Self::default() }
    }

    fn now(&self) -> usize {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Applies commands as one batch, with a chance for others to run after each.
    pub(super) fn batch(&self, text: &str, looked: bool) -> Done {
        let commands: Vec<Command> = text.split_terminator("; ").map(command).collect();
        let begun = self.now();
        let work = |index: &mut PackageIndex| {
            let outcomes = commands.iter().map(|command| {
                let outcome = index.apply(command).unwrap();
                yield_now();
                outcome
            });
            (outcomes.collect(), looked.then(|| state_of_index(index)))
        };
        let saw = if self.overlaps {
            let mut copy = self.engine.read(Clone::clone).unwrap();
            let saw = work(&mut copy);
            self.engine.batch(|index| *index = copy).map(|()| saw)
        } else {
            self.engine.batch(work)
        };
        (Batch { commands, looked, begun, done: self.now() }, saw.unwrap())
    }

    /// Answers QUERYs that came together. It does not wait until what they saw is durable.
    pub(super) fn look_ahead(&self, text: &str) -> Done {
        let commands: Vec<Command> = text.split("; ").map(command).collect();
        let begun = self.now();
        let look = |index: &PackageIndex| {
            let found = commands.iter().map(|query| index.contains(query.package().as_str()));
            found.map(Outcome::when).collect()
        };
        let (outcomes, _not_waited_for) = self.engine.read_ahead(UNKNOWN, look).unwrap();
        (Batch { commands, looked: false, begun, done: self.now() }, (outcomes, None))
    }

    /// Answers messages that came together by a session. Malformed messages are in no batch.
    fn answer(&self, session: &mut Session, text: &str) -> Done {
        let (done, refused) = self.answer_or_refuse(session, text);
        assert_eq!(refused, 0, "ERROR to {text}");
        done
    }

    /// Like [`answer`](Self::answer), and returns how many messages were refused for want of a store. These
    /// are in no batch either.
    pub(super) fn answer_or_refuse(&self, session: &mut Session, text: &str) -> (Done, usize) {
        let begun = self.now();
        let lines: Vec<String> = text.split("; ").map(|line| format!("{line}\n")).collect();
        assert_eq!(session.fill(lines.concat().as_bytes()), lines.concat().len());
        let answer = session.answer(&self.engine, |_| ()).unwrap().to_vec();
        let done = self.now();
        assert!(!session.has_more());
        let mut replies = answer.split_inclusive(|byte| *byte == b'\n');
        let (mut commands, mut outcomes, mut refused) = (Vec::new(), Vec::new(), 0);
        for line in lines {
            let reply = parse_reply(replies.next().expect("a reply for each line")).unwrap();
            match (crate::wire::parse(line.as_bytes()), reply) {
                (Err(_), reply) => assert_eq!(reply, Reply::Error, "to {line}"),
                (Ok(_), Reply::Error) => refused += 1,
                (Ok(command), reply) => {
                    commands.push(command.to_command());
                    outcomes.push(if reply == Reply::Ok { Outcome::Ok } else { Outcome::Fail });
                }
            }
        }
        assert_eq!(replies.next(), None);
        ((Batch { commands, looked: false, begun, done }, (outcomes, None)), refused)
    }

    /// Checks that one order of all batches explains what each client saw, and leads to the state of the
    /// engine.
    pub(super) fn check(&self, mut clients: Vec<Observed<Order>>) {
        let begun = self.now();
        let state = self.engine.read(state_of_index).unwrap();
        let look = Batch { commands: Vec::new(), looked: true, begun, done: self.now() };
        clients.push(vec![(look, (Vec::new(), Some(state)))]);
        let order = explain(&Order::default(), |order| state_of_model(&order.model), &clients);
        assert!(order.is_some(), "no order explains what was seen");
        self.engine.read(|index| assert_eq!(index.check_invariants(), Ok(()))).unwrap();
    }
}

fn command(text: &str) -> Command {
    text.parse().unwrap()
}

/// The texts of each client, batch by batch.
pub(super) type Clients = &'static [&'static [&'static str]];

/// Runs a thread for each client, which calls `act` with the engine and each of its texts.
fn run<C>(
    clients: Clients,
    client: impl Fn() -> C + Sync,
    act: impl Fn(&Shared, &mut C, &str) -> Done + Sync,
) {
    run_with(&Shared::default(), clients, client, act);
}

fn run_with<C>(
    shared: &Shared,
    clients: Clients,
    client: impl Fn() -> C + Sync,
    act: impl Fn(&Shared, &mut C, &str) -> Done + Sync,
) {
    shared.check(seen(clients, client, |client, text| act(shared, client, text)));
}

/// What clients see who do so.
pub(super) fn seen<C>(
    clients: Clients,
    client: impl Fn() -> C + Sync,
    act: impl Fn(&mut C, &str) -> Done + Sync,
) -> Vec<Observed<Order>> {
    thread::scope(|scope| {
        let threads = clients.iter().map(|texts| {
            scope.spawn(|| {
                let mut client = client();
                texts.iter().map(|text| act(&mut client, text)).collect()
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn batches(clients: Clients) {
    batches_with(&Shared::default(), clients);
}

fn batches_with(shared: &Shared, clients: Clients) {
    run_with(shared, clients, || (), |shared, (), text| shared.batch(text, true));
}

fn sessions(clients: Clients) {
    run(clients, || Session::new(64), Shared::answer);
}

/// Who needs whom, and whether a package exists, depends on who comes first.
const THREE: Clients = &[
    &["INDEX|a|; INDEX|b|a", "REMOVE|a|; QUERY|b|"],
    &["INDEX|b|; REMOVE|a|; QUERY|a|", "INDEX|a|b"],
    &["QUERY|a|; REMOVE|b|", "INDEX|c|a,b; QUERY|b|"],
];
const TWO: Clients = &[&["INDEX|a|; INDEX|b|a"], &["REMOVE|a|", "INDEX|a|b"]];

#[test]
fn the_batches_of_three_threads_have_one_order() {
    on_many_schedules(|| batches(THREE));
}

#[test]
fn the_batches_of_two_threads_have_one_order() {
    on_every_schedule(|| batches(TWO));
}

#[test]
fn nobody_sees_the_middle_of_a_batch() {
    on_every_schedule(|| batches(&[&["INDEX|a|; REMOVE|a|"], &["QUERY|a|"]]));
}

#[test]
fn batches_that_overlap_are_noticed() {
    let report = "no order explains what was seen";
    let overlapping = || Shared { overlaps: true, ..Shared::default() };
    reports(report, || on_many_schedules(move || batches_with(&overlapping(), THREE)));
    reports(report, || on_every_schedule(move || batches_with(&overlapping(), TWO)));
}

#[test]
fn the_answers_of_three_sessions_have_one_order() {
    on_many_schedules(|| {
        sessions(&[
            &["INDEX|a|; nonsense; INDEX|b|a", "REMOVE|a|; QUERY|b|"],
            &["INDEX|b|; REMOVE|a|; QUERY|a|", "; INDEX|a|b"],
            &["QUERY|a|; QUERY|b|; QUERY", "INDEX|c|a,b; QUERY|b|"],
        ]);
    });
}

#[test]
fn the_answers_of_two_sessions_have_one_order() {
    on_every_schedule(|| sessions(&[&["INDEX|a|; x; QUERY|b|"], &["INDEX|b|; QUERY|a|", "y"]]));
}

#[test]
fn who_only_asks_sees_no_middle_of_a_batch_either() {
    const ASKS: &[&str] = &["QUERY|b|; QUERY|a|"];
    on_many_schedules(|| sessions(&[&["INDEX|a|; INDEX|b|a", "REMOVE|b|; REMOVE|a|"], ASKS, ASKS]));
    on_every_schedule(|| sessions(&[&["INDEX|a|; REMOVE|a|; INDEX|b|"], ASKS]));
}

/// One thread panics in the midst of a batch, and `others` ask for what it had indexed by then.
fn panic_among(others: usize) {
    let engine = Engine::default();
    let panicked = AtomicBool::new(false);
    let ask = || {
        let mut refused = false;
        for _ in 0..2 {
            let late = refused || panicked.load(Ordering::SeqCst);
            let answer = engine.apply(&command("QUERY|a|"));
            refused = answer == Err(EngineError::Unavailable(Poisoned.into()));
            assert!(refused || !late && answer == Ok(Outcome::Fail), "{answer:?} after a panic");
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let batch = catch_unwind(AssertUnwindSafe(|| {
                engine.batch(|index| {
                    index.apply(&command("INDEX|a|")).unwrap();
                    yield_now();
                    // Without a message, which each schedule would print.
                    resume_unwind(Box::new(()))
                })
            }));
            assert!(batch.is_err());
            panicked.store(true, Ordering::SeqCst);
        });
        for _ in 0..others {
            scope.spawn(ask);
        }
    });
    assert_eq!(engine.batch(|index| index.len()), Err(Poisoned.into()));
}

#[test]
fn after_a_panic_nobody_is_answered_and_nobody_waits() {
    on_many_schedules(|| panic_among(3));
    on_every_schedule(|| panic_among(1));
}
