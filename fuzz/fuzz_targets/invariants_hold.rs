//! After every command all dependencies of indexed packages are indexed, and the machine finds itself sound.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::invariants_hold());
