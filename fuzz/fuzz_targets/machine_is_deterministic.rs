//! The same commands give the same replies and the same state.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

statecheck::fuzz_target!(package_indexer::testing::properties::machine_is_deterministic());
