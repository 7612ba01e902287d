//! The commands that an index exports are all answered OK, and rebuild an equal index.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::export_rebuilds_the_index());
