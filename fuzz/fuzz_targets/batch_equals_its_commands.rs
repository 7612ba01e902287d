//! Messages that arrive together are answered like messages that arrive one by one, and do the same.
//! Seeds: fuzz/seeds/Conversation. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::batch_equals_its_commands());
