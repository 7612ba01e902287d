//! Messages that arrive together are answered as those that arrive one by one, and do the same.
//! Seeds: fuzz/seeds/Conversation. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

statecheck::fuzz_target!(package_indexer::testing::properties::batch_equals_its_commands());
