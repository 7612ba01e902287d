//! How a hunt is run: all in one process, or each case in one of its own.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use statecheck::StateMachine;
use statecheck::lockstep;
use statecheck::model::Model;
use statecheck::property::{Property, Violation};
use statecheck::walk::Walk;

use crate::apart::apart;

/// How many seconds a case may take that has a process of its own.
const SECONDS_OF_A_CASE: u64 = 1;

thread_local! {
    /// How many commands each case was given so far.
    static COMMANDS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// Which case was the first that failed, from 1, where that is seen.
    static FAILED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What a machine or a model holds, to be compared.
type State<S, P> = fn(&S) -> P;

/// Where the cases are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// In this process.
    Together,
    /// Each in a process of its own, where it may hang and crash.
    Apart,
}

impl Run {
    /// [`Property::refines`] of a machine whose commands are counted.
    pub(crate) fn refines<M, S, P>(
        self,
        name: &'static str,
        fresh: fn() -> S,
        (state, model_state): (State<S, P>, State<M, P>),
    ) -> Property
    where
        M: Model<Reply: Debug + PartialEq, Error: Display>,
        S: StateMachine<Command = M::Command, Reply = M::Reply, Error: Display> + 'static,
        P: Debug + PartialEq + 'static,
    {
        let promise = "It answers as its model does, and holds the same.";
        let fresh = move || Counted::of(fresh());
        let state = move |counted: &Counted<S>| state(&counted.0);
        match self {
            Self::Together => Property::refines(name, promise, fresh, (state, model_state)),
            Self::Apart => Property::new(name, promise, move |walk: &Walk<M>| {
                let case = || {
                    let machines = (&mut fresh(), &mut M::default());
                    let states = (&state, &model_state);
                    lockstep::run(walk.commands(), (machines.0, states.0), (machines.1, states.1))
                };
                COMMANDS.with_borrow_mut(|commands| commands.push(walk.commands().len()));
                let ended =
                    apart(SECONDS_OF_A_CASE, || match catch_unwind(AssertUnwindSafe(case)) {
                        Ok(Ok(())) => String::new(),
                        Ok(Err(divergence)) => divergence.difference,
                        Err(panic) => format!("panicked: {}", message(panic.as_ref())),
                    });
                let failure = match ended.expect("a process for a case") {
                    Ok(said) if said.is_empty() => return Ok(()),
                    Ok(difference) => difference,
                    Err(death) => death.to_string(),
                };
                let case = COMMANDS.with_borrow(Vec::len);
                FAILED.set(FAILED.get().or(Some(case)));
                Err(failure)
            }),
        }
    }
}

/// What a panic said.
fn message(panic: &dyn Any) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("and said nothing")
}

/// A machine whose commands are counted.
struct Counted<S>(S);

impl<S> Counted<S> {
    fn of(machine: S) -> Self {
        COMMANDS.with_borrow_mut(|commands| commands.push(0));
        Self(machine)
    }
}

impl<S: StateMachine> StateMachine for Counted<S> {
    type Command = S::Command;
    type Reply = S::Reply;
    type Error = S::Error;

    fn apply(&mut self, command: &S::Command) -> Result<S::Reply, S::Error> {
        COMMANDS.with_borrow_mut(|commands| *commands.last_mut().expect("a case") += 1);
        self.0.apply(command)
    }
}

/// What came of a hunt from one seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// Nothing was found.
    Passed { cases: u64, commands: usize },
    /// A bug was found, after so many commands, and shrunk in so many tries.
    Found { commands: usize, tries: usize, what: String, trace: String },
}

/// Tries a property from a seed with its own settings.
pub(crate) fn outcome(property: &Property, seed: u64) -> Outcome {
    let cases = property.cases;
    match counted(|| property.quickcheck(cases, seed)) {
        (Ok(()), commands) => Outcome::Passed { cases, commands: commands.iter().sum() },
        (Err(violation), commands) => {
            let Violation { what, shown: trace, tries, .. } = violation;
            // Those after it were tried to shrink it.
            let first = FAILED.take().unwrap_or_else(|| first_case(property, seed));
            let commands = commands.iter().take(first).sum();
            Outcome::Found { commands, tries, what, trace }
        }
    }
}

/// The first case that fails, from 1: fewer cases than that pass.
fn first_case(property: &Property, seed: u64) -> usize {
    let (mut passing, mut failing) = (0, property.cases);
    while passing + 1 < failing {
        let middle = passing.midpoint(failing);
        match property.quickcheck(middle, seed) {
            Ok(()) => passing = middle,
            Err(_) => failing = middle,
        }
    }
    usize::try_from(failing).unwrap_or(usize::MAX)
}

/// Does something, and tells how many commands each case was given.
fn counted<T>(work: impl FnOnce() -> T) -> (T, Vec<usize>) {
    COMMANDS.take();
    let done = work();
    (done, COMMANDS.take())
}
