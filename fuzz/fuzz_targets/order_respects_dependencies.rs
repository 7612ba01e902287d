//! In the installation order a package comes after all that it depends on, cycles aside, and none is missing.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

statecheck::fuzz_target!(package_indexer::testing::properties::order_respects_dependencies());
