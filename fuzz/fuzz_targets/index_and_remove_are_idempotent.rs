//! INDEX and REMOVE, said twice, get the same answer, and the second time changes nothing.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::index_and_remove_are_idempotent());
