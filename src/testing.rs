//! Floor 7: what tests are made of, public so that other implementations can be tested alike.
//!
//! Three layers. The drivers know nothing of packages and fit any
//! [`StateMachine`](crate::StateMachine): [`lockstep`] drives two machines with the same commands
//! and compares them after each, [`explore`] does so with every command in every state that can be
//! reached, [`interleaving`] and [`history`] explain what concurrent clients saw, and [`input`],
//! [`mod@trace`] and [`property`] generate, shrink and try. The material is about packages:
//! [`generators`] of inputs, the [`scope`] of a few packages, the [`state_graph`] of the
//! specification, a [`mod@reference`] for the wire, [`transcript`]s, conversations kept as text, the
//! [`contention`] of clients for a few packages, the [contract](log_contract) of logs, and storage whose power can be cut. The table of [`properties`] joins both, and
//! [`conformance`] tries all of it on a server behind an address.
//!
//! Nothing below imports this module, and without the feature `testing` it is not compiled.

pub mod explore;
pub mod history;
pub mod input;
pub mod interleaving;
pub mod lockstep;
pub mod property;
pub mod trace;

pub mod contention;
pub mod generators;
pub mod log_contract;
pub(crate) mod power;
pub mod reference;
pub mod scope;
pub mod state_graph;
pub mod transcript;

pub mod conformance;
pub mod properties;

#[cfg(test)]
mod faulty;

use std::collections::{BTreeMap, BTreeSet};

use crate::index::PackageIndex;
use crate::model::Model;
use crate::name::Name;

// What inputs implement, in the versions that the drivers expect.
pub use {arbitrary, quickcheck};

/// What a machine is about, whatever it is made of: each package with the set of its dependencies.
pub type State = BTreeMap<Name, BTreeSet<Name>>;

/// The state of a [`PackageIndex`], read through its public methods. O(n log n).
#[must_use]
pub fn state_of_index(index: &PackageIndex) -> State {
    index.entries().map(|(package, list)| (package, list.collect())).collect()
}

/// The state of a [`Model`].
#[must_use]
pub fn state_of_model(model: &Model) -> State {
    model.packages().clone()
}
