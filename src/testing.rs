//! Floor 7: what tests are made of, public so that other implementations can be tested alike.
//!
//! [`transcript`] runs conversations kept as text against anything that can hold one;
//! [`lockstep`] drives two machines with the same commands and compares them after each, and
//! [`explore`] does so with every command in every state that can be reached. Nothing below imports
//! this module, and without the feature `testing` it is not compiled.

pub mod explore;
pub mod lockstep;
pub mod transcript;

use std::collections::{BTreeMap, BTreeSet};

use crate::index::PackageIndex;
use crate::model::Model;
use crate::name::{Name, NameRef};

/// What a machine is about, whatever it is made of: each package with the set of its dependencies.
pub type State = BTreeMap<Name, BTreeSet<Name>>;

/// The state of a [`PackageIndex`], read through its public methods. O(n log n).
#[must_use]
pub fn state_of_index(index: &PackageIndex) -> State {
    index
        .entries()
        .map(|(package, list)| (package.to_name(), list.map(NameRef::to_name).collect()))
        .collect()
}

/// The state of a [`Model`].
#[must_use]
pub fn state_of_model(model: &Model) -> State {
    model.packages().clone()
}
