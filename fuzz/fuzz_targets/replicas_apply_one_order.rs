//! The order of the log explains all that replicas answer and hold, and has each batch at most once. Anything may be lost, late or forgotten, and any replica may crash.
//! Seeds: fuzz/seeds/Course. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::replicas_apply_one_order());
