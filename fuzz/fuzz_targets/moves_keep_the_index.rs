//! An index that moves from a store to replicas, and from those to another store, is the same after each move, also if disks and log fail on the way.
//! Seeds: fuzz/seeds/Migration. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::moves_keep_the_index());
