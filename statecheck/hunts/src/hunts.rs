//! The hunts: which crate, what was reported of it, and how it is held against its model.

use statecheck::property::Property;

use crate::run::Run;
use crate::{bit_set, cached, rangemap};

/// One crate and its model.
pub(crate) struct Hunt {
    /// The name of the crate.
    pub(crate) name: &'static str,
    /// Where its bug was reported; nowhere if its newest version has one that nobody reported.
    pub(crate) report: Option<&'static str>,
    /// What is wrong, in a few words.
    pub(crate) bug: &'static str,
    pub(crate) property: fn(Run) -> Property,
}

pub(crate) const HUNTS: [Hunt; 3] = [
    Hunt {
        name: "bit-set",
        report: Some("https://github.com/contain-rs/bit-set/issues/25"),
        bug: "`shrink_to_fit` of an empty set leaves a length without blocks",
        property: bit_set::property,
    },
    Hunt {
        name: "cached",
        report: Some("https://github.com/jaemk/cached/issues/137"),
        bug: "to set a key that is there drops another one if the cache is full",
        property: cached::property,
    },
    Hunt {
        name: "rangemap",
        report: Some("https://github.com/jeffparsons/rangemap/issues/47"),
        bug: "`gaps` yields gaps that run backwards",
        property: rangemap::property,
    },
];
