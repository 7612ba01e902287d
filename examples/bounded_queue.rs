//! The drivers of `testing` on a machine that has nothing to do with packages: a queue in a ring of
//! three places, held against the plainest queue there is. `cargo run --example bounded_queue`.

use std::collections::VecDeque;
use std::convert::Infallible;

use arbitrary::Arbitrary;
use package_indexer::StateMachine;
use package_indexer::testing::property::{Property, Violation};
use package_indexer::testing::trace::{Trace, TraceCommand};
use package_indexer::testing::{arbitrary, explore, interleaving, lockstep};

const PLACES: usize = 3;

/// What either queue is told.
#[derive(Debug, Clone, PartialEq, Arbitrary)]
pub(crate) enum Command {
    Push(bool),
    Pop,
}

impl TraceCommand for Command {
    fn simpler_alone(&self) -> Vec<Self> {
        if *self == Self::Push(true) { vec![Self::Push(false)] } else { Vec::new() }
    }
}

/// The machine: a ring, and how many of its places are taken from which one on.
#[derive(Clone, Default)]
pub(crate) struct Ring {
    places: [bool; PLACES],
    first: usize,
    taken: usize,
}

impl Ring {
    fn items(&self) -> Vec<bool> {
        (0..self.taken).map(|nth| self.places[(self.first + nth) % PLACES]).collect()
    }
}

/// What was pushed or popped; nothing if the queue was full, or empty.
type Reply = Option<bool>;

impl StateMachine for Ring {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        Ok(match command {
            Command::Push(item) => (self.taken < PLACES).then(|| {
                self.places[(self.first + self.taken) % PLACES] = *item;
                self.taken += 1;
                *item
            }),
            Command::Pop => (self.taken > 0).then(|| {
                let item = self.places[self.first];
                (self.first, self.taken) = ((self.first + 1) % PLACES, self.taken - 1);
                item
            }),
        })
    }
}

/// The reference model.
#[derive(Clone, Default)]
pub(crate) struct Model(VecDeque<bool>);

impl StateMachine for Model {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        Ok(match command {
            Command::Push(_) if self.0.len() == PLACES => None,
            Command::Push(item) => {
                self.0.push_back(*item);
                Some(*item)
            }
            Command::Pop => self.0.pop_front(),
        })
    }
}

fn items(model: &Model) -> Vec<bool> {
    model.0.iter().copied().collect()
}

pub(crate) fn main() -> Result<(), Violation> {
    // Every state that can be reached, every command in each.
    let commands = [Command::Push(false), Command::Push(true), Command::Pop];
    let explored = explore::run(&commands, Default::default(), (Ring::items, items));
    println!("{:?}", explored.expect("the ring is a queue"));
    // Random traces, shrunk if they fail. `replay` does the same with the bytes of a fuzzer.
    let property = Property::new("ring_refines_model", "", |Trace(trace): &Trace<Command>| {
        let (mut ring, mut model) = (Ring::default(), Model::default());
        lockstep::run(trace, (&mut ring, Ring::items), (&mut model, items))
            .map_err(|divergence| divergence.difference)
    });
    property.quickcheck(10_000, 1)?;
    // What two clients saw, explained by one order.
    let seen = [vec![(Command::Pop, Some(true))], vec![(Command::Push(true), Some(true))]];
    println!("{:?}", interleaving::explain(&Model::default(), items, &seen));
    Ok(())
}
