//! Seen from outside alone, the machine answers as the model does.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::machine_answers_as_model());
