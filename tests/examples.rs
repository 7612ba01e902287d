//! The examples run, and what they show would show a bug.

use std::convert::Infallible;

use package_indexer::StateMachine;
use package_indexer::testing::lockstep;
use package_indexer::testing::property::Property;
use package_indexer::testing::trace::Trace;

#[path = "../examples/bounded_queue.rs"]
mod bounded_queue;

use bounded_queue::{Command, Model, Ring};

#[test]
fn the_ring_is_a_queue() {
    bounded_queue::main().unwrap();
}

/// A ring in which the second place is never written.
#[derive(Default)]
struct Worn {
    ring: Ring,
    pushed: usize,
}

impl StateMachine for Worn {
    type Command = Command;
    type Reply = Option<bool>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<bool>, Infallible> {
        let Command::Push(item) = command else { return self.ring.apply(command) };
        self.pushed += 1;
        let kept = if self.pushed % 3 == 2 { Command::Push(false) } else { command.clone() };
        Ok(self.ring.apply(&kept)?.map(|_| *item))
    }
}

#[test]
fn a_worn_ring_is_shown_to_be_none_by_the_shortest_trace() {
    let property = Property::new("worn", "", |Trace(trace): &Trace<Command>| {
        lockstep::run(trace, (&mut Worn::default(), |_| ()), (&mut Model::default(), |_| ()))
            .map_err(|divergence| divergence.difference)
    });
    let violation = property.quickcheck(10_000, 1).unwrap_err();
    assert_eq!(violation.shown, "Push(false)\nPush(true)\nPop\nPop\n");
    assert_eq!(violation.what, "one answers Ok(Some(false)), the other Ok(Some(true))");
}
