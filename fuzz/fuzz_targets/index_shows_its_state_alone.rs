//! All that an index shows, its digest included, depends on what it holds alone: not on its history, nor on its hash seed.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::index_shows_its_state_alone());
