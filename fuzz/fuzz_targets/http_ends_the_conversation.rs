//! An HTTP request that comes first gets one ERROR, and nothing after it is read. Anywhere else it is a line like any other.
//! Seeds: fuzz/seeds/Visit. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::http_ends_the_conversation());
