//! The transitive closures are those of a naive fixpoint, and the dependents are the reverse of the dependencies.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::closures_agree_with_fixpoint());
