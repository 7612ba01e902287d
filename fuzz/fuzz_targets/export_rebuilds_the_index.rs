//! The commands that an index exports are all answered OK, and rebuild an equal one.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

statecheck::fuzz_target!(package_indexer::testing::properties::export_rebuilds_the_index());
