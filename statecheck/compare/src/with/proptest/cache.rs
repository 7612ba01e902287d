//! The cache under proptest-state-machine.

use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::machines::cache::{Cache, Entries, KEYS, TIMES, VALUES};

#[derive(Debug, Clone)]
pub enum Transition {
    Put(char, u8, u32),
    Get(char),
    Tick,
}

#[derive(Debug, Clone, Default)]
pub struct Reference {
    entries: Entries,
    gone: Option<char>,
    value: Option<u8>,
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Transition> {
        prop_oneof![
            2 => Just(Transition::Tick),
            2 => select(&KEYS[..]).prop_map(Transition::Get),
            3 => (select(&KEYS[..]), VALUES, TIMES)
                .prop_map(|(key, value, time)| Transition::Put(key, value, time)),
        ]
        .boxed()
    }

    fn apply(mut state: Self, transition: &Transition) -> Self {
        match transition {
            Transition::Put(key, value, time) => {
                state.gone = state.entries.put(*key, *value, *time);
            }
            Transition::Get(key) => state.value = state.entries.get(*key),
            Transition::Tick => state.entries.tick(),
        }
        state
    }
}

pub struct Test<const BUG: u8>;

impl<const BUG: u8> StateMachineTest for Test<BUG> {
    type SystemUnderTest = Cache<BUG>;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Cache<BUG> {
        Cache::default()
    }

    fn apply(mut cache: Cache<BUG>, reference: &Reference, transition: Transition) -> Cache<BUG> {
        match transition {
            Transition::Put(key, value, time) => {
                assert_eq!(cache.put(key, value, time), reference.gone);
            }
            Transition::Get(key) => assert_eq!(cache.get(key), reference.value),
            Transition::Tick => cache.tick(),
        }
        cache
    }

    fn check_invariants(cache: &Cache<BUG>, reference: &Reference) {
        assert_eq!(cache.entries(), reference.entries.entries());
    }
}

#[cfg(test)]
proptest_state_machine::prop_state_machine! {
    #[test]
    fn the_cache_refines_its_model(sequential 1..20 => Test<0>);
}
