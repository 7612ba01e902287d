//! The example runs, and what it shows would show a bug.

use statecheck::explore::Explored;

#[path = "../examples/bounded_queue.rs"]
mod queue;

use queue::Command::Push;
use queue::{PLACES, test};

#[test]
fn the_ring_is_a_queue_wherever_in_it_the_items_begin() {
    queue::main();
    // From each of three places on: nothing, one item, two or three, each one of two.
    let all = Explored { states: 3 * (1 + 2 + 4 + 8), transitions: 3 * 45 };
    assert_eq!(test::<PLACES>(), (Ok(()), Ok(all)));
}

#[test]
fn a_ring_that_wraps_too_early_is_shown_by_a_shortest_trace() {
    let (random, everywhere) = test::<{ PLACES - 1 }>();
    assert_eq!(random.unwrap_err().shown, "Push(false)\nPush(false)\nPush(true)\n");
    assert_eq!(everywhere.unwrap_err(), [Push(false), Push(false), Push(true)]);
}
