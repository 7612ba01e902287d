//! The ledger under proptest-state-machine, with keys that the transitions bring along.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::machines::ledger::{ACCOUNTS, AMOUNTS, Ledger, Transfers};

type Key = u32;

#[derive(Debug, Clone)]
pub enum Transition {
    Prepare(Key, usize, usize, u32),
    Commit(Key),
    Abort(Key),
}

#[derive(Debug, Clone, Default)]
pub struct Reference {
    transfers: Transfers,
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
        let prepare = (any::<Key>().no_shrink(), 0..ACCOUNTS, 1..ACCOUNTS, AMOUNTS).prop_map(
            |(key, from, way, amount)| {
                Transition::Prepare(key, from, (from + way) % ACCOUNTS, amount)
            },
        );
        if state.keys.is_empty() {
            return prepare.boxed();
        }
        let key = select(state.keys.keys().copied().collect::<Vec<_>>());
        prop_oneof![
            3 => prepare,
            2 => key.clone().prop_map(Transition::Commit),
            2 => key.prop_map(Transition::Abort),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, transition: &Transition) -> bool {
        match transition {
            Transition::Prepare(key, ..) => !state.keys.contains_key(key),
            Transition::Commit(key) | Transition::Abort(key) => state.keys.contains_key(key),
        }
    }

    fn apply(mut state: Self, transition: &Transition) -> Self {
        match transition {
            Transition::Prepare(key, from, to, amount) => {
                state.reply = state.transfers.prepare(*from, *to, *amount);
                if state.reply {
                    state.keys.insert(*key, state.keys.len());
                }
            }
            Transition::Commit(key) => state.reply = state.transfers.commit(state.keys[key]),
            Transition::Abort(key) => state.reply = state.transfers.abort(state.keys[key]),
        }
        state
    }
}

#[derive(Default)]
pub struct Test<const BUG: u8> {
    ledger: Ledger<BUG>,
    ids: BTreeMap<Key, usize>,
}

impl<const BUG: u8> StateMachineTest for Test<BUG> {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Self {
        Self::default()
    }

    fn apply(mut state: Self, reference: &Reference, transition: Transition) -> Self {
        let reply = match transition {
            Transition::Prepare(key, from, to, amount) => {
                let id = state.ledger.prepare(from, to, amount);
                state.ids.extend(id.map(|id| (key, id)));
                id.is_some()
            }
            Transition::Commit(key) => state.ledger.commit(state.ids[&key]),
            Transition::Abort(key) => state.ledger.abort(state.ids[&key]),
        };
        assert_eq!(reply, reference.reply);
        state
    }

    fn check_invariants(state: &Self, reference: &Reference) {
        assert_eq!(state.ledger.accounts(), reference.transfers.accounts());
    }
}

#[cfg(test)]
proptest_state_machine::prop_state_machine! {
    #[test]
    fn the_ledger_refines_its_model(sequential 1..20 => Test<0>);
}
