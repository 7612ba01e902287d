//! The order of turns, decided step by step without threads, and one test with threads.

use super::*;

/// A state with a thread inside alone, so that all who come wait.
fn taken() -> Admission {
    let mut state = Admission::default();
    state.enter(Access::Alone);
    state
}

fn join(state: &mut Admission, names: usize, access: Access) -> Arc<Ticket> {
    let ticket = Arc::<Ticket>::default();
    state.join(Waiter { names: names.max(LEAST), access, ticket: Arc::clone(&ticket) });
    ticket
}

/// Lets one batch leave, and the next waiter have its turn. Returns how many names that waiter has.
fn turn(state: &mut Admission) -> usize {
    let names = state.next().map(|next| next.names).expect("somebody waits");
    let woken = state.leave(Access::Alone);
    assert!(!woken[0].is_admitted(), "nothing went out of turn");
    assert!(state.look(&woken[0]).iter().any(|ticket| Arc::ptr_eq(ticket, &woken[0])));
    names
}

#[test]
fn a_short_batch_waits_for_one_long_batch_at_most() {
    for before in 0..10 {
        let mut state = taken();
        for _ in 0..256 {
            join(&mut state, 16_000, Access::Alone);
        }
        (0..before).for_each(|_| assert_eq!(turn(&mut state), 16_000));
        let short = join(&mut state, 1, Access::Alone);
        let ahead: Vec<_> = std::iter::from_fn(|| {
            let names = turn(&mut state);
            (!short.is_admitted()).then_some(names)
        })
        .collect();
        assert!(ahead.is_empty() || ahead == [16_000], "after {before}: {ahead:?}");
    }
}

#[test]
fn a_short_batch_waits_for_one_round_of_all_queues_at_most() {
    let mut state = taken();
    let sizes: Vec<_> = (1..QUEUES).map(|number| (LEAST << (number + 1)) - 1).collect();
    for size in &sizes {
        (0..40).for_each(|_| drop(join(&mut state, *size, Access::Alone)));
    }
    let bound: usize = sizes.iter().map(|size| QUANTUM + size).sum();
    for _ in 0..200 {
        let short = join(&mut state, 1, Access::Alone);
        let mut ahead = 0;
        loop {
            let names = turn(&mut state);
            if short.is_admitted() {
                break;
            }
            ahead += names;
        }
        assert!(ahead <= bound, "{ahead} names before one, of {bound}");
    }
}

#[test]
fn queues_share_the_index_by_work() {
    let mut state = taken();
    for _ in 0..1_000 {
        join(&mut state, 16_000, Access::Alone);
        (0..20).for_each(|_| drop(join(&mut state, 1_000, Access::Alone)));
    }
    let (mut long, mut short) = (0, 0);
    for _ in 0..2_000 {
        match turn(&mut state) {
            16_000 => long += 16_000,
            names => short += names,
        }
        let apart = usize::abs_diff(long, short);
        assert!(apart <= 16_000 + 2 * QUANTUM, "{long} names of long batches, {short} of short");
    }
}

#[test]
fn batches_of_one_size_go_in_the_order_in_which_they_came() {
    let mut state = taken();
    let tickets: Vec<_> = (0..50).map(|_| join(&mut state, 100, Access::Alone)).collect();
    for ticket in tickets {
        assert!(!ticket.is_admitted());
        turn(&mut state);
        assert!(ticket.is_admitted());
    }
}

#[test]
fn those_that_run_go_out_of_turn_for_a_bounded_number_of_names() {
    for names in [1, 100, 1_000, MAX_NAMES_AHEAD] {
        let mut state = taken();
        let waiter = join(&mut state, 1, Access::Alone);
        let mut woken = state.leave(Access::Alone).len();
        let mut ahead = 0;
        while !waiter.is_admitted() && state.enter_at_once(Access::Alone, names.max(LEAST)) {
            ahead += names.max(LEAST);
            // It is woken once, and sleeps on if it comes too late.
            woken += state.leave(Access::Alone).len();
        }
        assert!(
            ahead <= MAX_NAMES_AHEAD && ahead + names.max(LEAST) > MAX_NAMES_AHEAD,
            "{ahead} names"
        );
        assert_eq!(woken, 1 + usize::from(waiter.is_admitted()));
        // Nobody else can take the gate from it.
        assert!(waiter.is_admitted() || !state.enter_at_once(Access::Alone, names.max(LEAST)));
    }
}

#[test]
fn a_batch_longer_than_that_never_goes_out_of_turn() {
    let mut state = taken();
    join(&mut state, 1, Access::Alone);
    state.leave(Access::Alone);
    assert!(!state.enter_at_once(Access::Alone, MAX_NAMES_AHEAD + 1));
    assert!(state.enter_at_once(Access::Alone, MAX_NAMES_AHEAD));
    assert!(Admission::default().enter_at_once(Access::Alone, MAX_NAMES_AHEAD + 1), "nobody waits");
}

#[test]
fn one_that_wakes_up_too_late_keeps_its_place() {
    let mut state = taken();
    let first = join(&mut state, 1, Access::Alone);
    let second = join(&mut state, 1, Access::Alone);
    assert!(Arc::ptr_eq(&state.leave(Access::Alone)[0], &first));
    assert!(state.enter_at_once(Access::Alone, LEAST));
    assert!(state.look(&first).is_empty() && !first.is_admitted());
    assert!(Arc::ptr_eq(&state.leave(Access::Alone)[0], &first));
    assert!(state.look(&second).is_empty(), "it is not next");
    assert_eq!(state.look(&first).len(), 1);
    assert!(first.is_admitted() && !second.is_admitted());
    assert!(Arc::ptr_eq(&state.leave(Access::Alone)[0], &second), "its wake-up is one of its own");
}

#[test]
fn readers_go_together_and_writers_alone() {
    let mut state = taken();
    let readers: Vec<_> = (0..100).map(|_| join(&mut state, 64, Access::Shared)).collect();
    let writer = join(&mut state, 128, Access::Alone);
    let late = join(&mut state, 256, Access::Shared);
    let admitted = || readers.iter().filter(|ticket| ticket.is_admitted()).count();
    let woken = state.leave(Access::Alone);
    assert_eq!(state.look(&woken[0]).len(), QUANTUM / 64);
    assert_eq!((admitted(), late.is_admitted()), (QUANTUM / 64, false));
    // More readers may not keep the writer out for ever.
    while state.enter_at_once(Access::Shared, 64) {}
    assert_eq!(state.sharing, QUANTUM / 64 + MAX_NAMES_AHEAD / 64);
    while state.sharing > 0 {
        assert!(!writer.is_admitted());
        state.leave(Access::Shared);
    }
    assert!(writer.is_admitted() && state.alone);
    // The rest go together, with batches of any length.
    let woken = state.leave(Access::Alone);
    state.look(&woken[0]);
    assert_eq!((admitted(), late.is_admitted(), state.sharing), (100, true, 37));
}

#[test]
fn threads_are_inside_alone_or_read_together() {
    let gate = Gate::default();
    let inside = std::sync::RwLock::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (gate, inside) = (&gate, &inside);
            scope.spawn(move || {
                for round in 0..500 {
                    let names = [1, 500, 16_000][(thread + round) % 3];
                    if thread < 4 {
                        let _passed = gate.pass(names);
                        *inside.try_write().expect("alone") += 1;
                    } else {
                        let _passed = gate.pass_to_read(names);
                        drop(inside.try_read().expect("with readers only"));
                    }
                }
            });
        }
    });
    assert_eq!(inside.into_inner().unwrap(), 4 * 500);
    let state = gate.lock();
    assert!(state.turns.is_empty() && state.sharing == 0 && !state.alone && !state.woken);
}
