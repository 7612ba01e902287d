//! A queue in a ring of three places, held against the plainest queue there is:
//! `cargo run --example bounded_queue`.

use statecheck::StateMachine;
use statecheck::explore::{self, Explored};
use statecheck::property::{Property, Violation};
use statecheck::{arbitrary, interleaving, trace::TraceCommand};

pub(crate) const PLACES: usize = 3;

/// What either queue is told.
#[derive(Debug, Clone, PartialEq, arbitrary::Arbitrary)]
pub(crate) enum Command {
    Push(bool),
    Pop,
}

impl TraceCommand for Command {
    fn simpler_alone(&self) -> Vec<Self> {
        if *self == Self::Push(true) { vec![Self::Push(false)] } else { Vec::new() }
    }
}

/// The machine: a ring, and how many of its places are taken from which one on. It wraps around
/// after `WRAP` of them: anything but all is a bug.
#[derive(Clone, Default)]
struct Ring<const WRAP: usize> {
    places: [bool; PLACES],
    first: usize,
    taken: usize,
}

impl<const WRAP: usize> Ring<WRAP> {
    fn items(&self) -> Vec<bool> {
        (0..self.taken).map(|nth| self.places[(self.first + nth) % WRAP]).collect()
    }
}

impl<const WRAP: usize> StateMachine for Ring<WRAP> {
    type Command = Command;
    type Reply = Option<bool>;
    type Error = std::convert::Infallible;

    /// Answers what was pushed or popped; nothing if the queue was full, or empty.
    fn apply(&mut self, command: &Command) -> Result<Option<bool>, Self::Error> {
        Ok(match command {
            Command::Push(item) => (self.taken < PLACES).then(|| {
                let place = (self.first + self.taken) % WRAP;
                (self.places[place], self.taken) = (*item, self.taken + 1);
                *item
            }),
            Command::Pop => (self.taken > 0).then(|| {
                let item = self.places[self.first];
                (self.first, self.taken) = ((self.first + 1) % WRAP, self.taken - 1);
                item
            }),
        })
    }
}

/// The reference model.
#[derive(Clone, Default)]
struct Model(std::collections::VecDeque<bool>);

impl StateMachine for Model {
    type Command = Command;
    type Reply = Option<bool>;
    type Error = std::convert::Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<bool>, Self::Error> {
        match command {
            Command::Push(_) if self.0.len() == PLACES => return Ok(None),
            Command::Push(item) => self.0.push_back(*item),
            Command::Pop => return Ok(self.0.pop_front()),
        }
        Ok(self.0.back().copied())
    }
}

/// Tries ring and model side by side: on random traces, then with every command in every state.
pub(crate) fn test<const WRAP: usize>() -> (Result<(), Violation>, Result<Explored, Vec<Command>>) {
    let machines = (Ring::<WRAP>::default(), Model::default());
    let items = (Ring::items, |model: &Model| Vec::from(model.0.clone()));
    let refines = Property::lockstep("ring_refines_model", "", machines.clone(), items);
    // The same items are another state where they begin elsewhere in the ring.
    let key = |ring: &Ring<WRAP>, items| (ring.first, items);
    let commands = [Command::Push(false), Command::Push(true), Command::Pop];
    let everywhere = explore::run_by_key(&commands, machines, items, key, |_| ())
        .map_err(|divergence| divergence.trace);
    (refines.quickcheck(10_000, 1), everywhere)
}

pub(crate) fn main() {
    println!("random traces, and every state: {:?}", test::<PLACES>());
    let seen = [vec![(Command::Pop, Some(true))], vec![(Command::Push(true), Some(true))]];
    let order = interleaving::explain(&Model::default(), |model| model.0.clone(), &seen);
    println!("what two clients saw is explained by the order {order:?}");
}
