//! After every command all that an indexed package depends on is indexed, and the machine finds itself sound.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::invariants_hold());
