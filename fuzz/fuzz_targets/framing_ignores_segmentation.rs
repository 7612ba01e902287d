//! The same bytes give the same lines in any pieces, and those of a reference that splits at LF.
//! Seeds: fuzz/seeds/Conversation. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::framing_ignores_segmentation());
