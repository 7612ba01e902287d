//! Floor 8: what tests are made of. It is public, so that other implementations can be tested the same way.
//!
//! There are three layers.
//!
//! - The drivers know nothing of packages. They are those of the crate [`statecheck`], and fit any
//!   [`StateMachine`](crate::StateMachine). [`lockstep`] drives two machines with the same commands, and
//!   compares them after each. [`explore`] does so with every command in every state that can be reached.
//!   [`interleaving`] and [`history`] explain what concurrent clients saw. [`input`], [`mod@trace`] and
//!   [`property`] generate, shrink and try inputs.
//! - The material is about packages: [`generators`] of inputs, the [`scope`] of a few packages, the
//!   [`state_graph`] of the specification, and a [`mod@reference`] for the wire. A [`transcript`] is a
//!   conversation kept as text. There is also the [`contention`] of clients for a few packages, the
//!   [contract](log_contract) of logs, and storage whose power can be cut.
//! - The table of [`properties`] joins both.
//!
//! The module `conformance` tries all of it on a server at an address.
//!
//! No module below imports this one. Without the feature `testing` it is not compiled.

pub mod contention;
pub mod generators;
pub mod log_contract;
pub(crate) mod power;
pub mod reference;
pub mod scope;
pub mod state_graph;
pub mod transcript;

pub mod properties;

mod algorithm;
mod machines;
mod peer;

#[cfg(test)]
mod automaton;
#[cfg(test)]
mod faulty;

use std::collections::{BTreeMap, BTreeSet};

use crate::index::PackageIndex;
use crate::model::Model;
use crate::name::Name;

// The drivers, and the traits that inputs implement, in the versions that they expect.
pub use statecheck::{
    arbitrary, canary, classes, explore, fuzz, history, input, interleaving, lockstep, property,
    quickcheck, trace,
};

/// The state of any machine for packages: each package with the set of its dependencies.
///
/// ```
/// use package_indexer::testing::property::Property;
/// use package_indexer::testing::{state_of_index, state_of_model};
/// use package_indexer::{Model, PackageIndex};
///
/// let machines = (PackageIndex::new(), Model::default());
/// let states = (state_of_index, state_of_model);
/// Property::lockstep("refinement", "They do the same.", machines, states).quickcheck(10, 1)?;
/// # Ok::<(), package_indexer::testing::property::Violation>(())
/// ```
pub type State = BTreeMap<Name, BTreeSet<Name>>;

/// The state of a [`PackageIndex`], read through its public methods. O(n log n).
///
/// ```
/// use package_indexer::testing::{explore, lockstep, state_of_index, state_of_model};
/// use package_indexer::{Command, Model, PackageIndex};
///
/// let trace = [Command::index("a", [])?, Command::index("a", ["a"])?, Command::remove("a")?];
/// let (mut index, mut model) = (PackageIndex::new(), Model::default());
/// lockstep::run(&trace, (&mut index, state_of_index), (&mut model, state_of_model))?;
///
/// let commands = ["INDEX|a|", "INDEX|a|a", "REMOVE|a|", "QUERY|a|"].map(|c| c.parse().unwrap());
/// let machines = (PackageIndex::new(), Model::default());
/// let explored = explore::run(&commands, machines, (state_of_index, state_of_model))?;
/// assert_eq!(explored, explore::Explored { states: 3, transitions: 12 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn state_of_index(index: &PackageIndex) -> State {
    index.entries().map(|(package, list)| (package, list.collect())).collect()
}

/// The state of a [`Model`].
///
/// ```
/// use package_indexer::testing::{interleaving, state_of_model};
/// use package_indexer::{Command, Model, Outcome};
///
/// let one = vec![(Command::index("b", ["a"])?, Outcome::Ok)];
/// let two = vec![(Command::index("a", [])?, Outcome::Ok), (Command::remove("a")?, Outcome::Fail)];
/// let order = interleaving::explain(&Model::default(), state_of_model, &[one, two]);
/// assert_eq!(order, Some(vec![1, 0, 1]));
/// # Ok::<(), package_indexer::NameError>(())
/// ```
#[must_use]
pub fn state_of_model(model: &Model) -> State {
    model.packages().clone()
}
