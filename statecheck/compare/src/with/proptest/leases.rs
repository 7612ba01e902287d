//! The lease manager under proptest-state-machine. A lease is referred to by a key that its transition brings
//! along, as the clients in the crate's own example are: so keys stand when transitions are deleted.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::machines::leases::{Granted, Leases, NAMES};

type Key = u32;

#[derive(Debug, Clone)]
pub enum Transition {
    Acquire(Key, char),
    Renew(Key),
    Release(Key),
    Tick,
}

#[derive(Debug, Clone, Default)]
pub struct Reference {
    granted: Granted,
    keys: BTreeMap<Key, usize>,
    reply: bool,
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Transition> {
        let acquire = (any::<Key>().no_shrink(), select(&NAMES[..]))
            .prop_map(|(key, name)| Transition::Acquire(key, name));
        if state.keys.is_empty() {
            return prop_oneof![2 => Just(Transition::Tick), 3 => acquire].boxed();
        }
        let key = select(state.keys.keys().copied().collect::<Vec<_>>());
        prop_oneof![
            2 => Just(Transition::Tick),
            3 => acquire,
            2 => key.clone().prop_map(Transition::Release),
            2 => key.prop_map(Transition::Renew),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, transition: &Transition) -> bool {
        match transition {
            Transition::Acquire(key, _) => !state.keys.contains_key(key),
            Transition::Renew(key) | Transition::Release(key) => state.keys.contains_key(key),
            Transition::Tick => true,
        }
    }

    fn apply(mut state: Self, transition: &Transition) -> Self {
        match transition {
            Transition::Acquire(key, name) => {
                state.reply = state.granted.acquire(*name);
                if state.reply {
                    state.keys.insert(*key, state.keys.len());
                }
            }
            Transition::Renew(key) => state.reply = state.granted.renew(state.keys[key]),
            Transition::Release(key) => state.reply = state.granted.release(state.keys[key]),
            Transition::Tick => state.granted.tick(),
        }
        state
    }
}

#[derive(Default)]
pub struct Test<const BUG: u8> {
    leases: Leases<BUG>,
    ids: BTreeMap<Key, u64>,
}

impl<const BUG: u8> StateMachineTest for Test<BUG> {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Self {
        Self::default()
    }

    fn apply(mut state: Self, reference: &Reference, transition: Transition) -> Self {
        match transition {
            Transition::Acquire(key, name) => {
                let id = state.leases.acquire(name);
                assert_eq!(id.is_some(), reference.reply);
                state.ids.extend(id.map(|id| (key, id)));
            }
            Transition::Renew(key) => {
                assert_eq!(state.leases.renew(state.ids[&key]), reference.reply);
            }
            Transition::Release(key) => {
                assert_eq!(state.leases.release(state.ids[&key]), reference.reply);
            }
            Transition::Tick => state.leases.tick(),
        }
        state
    }

    fn check_invariants(state: &Self, reference: &Reference) {
        assert_eq!(state.leases.held(), reference.granted.held());
    }
}

#[cfg(test)]
proptest_state_machine::prop_state_machine! {
    #[test]
    fn leases_refine_their_model(sequential 1..20 => Test<0>);
}
