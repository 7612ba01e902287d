//! A command is read back from what it prints as.
//! Seeds: fuzz/seeds/Command. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

statecheck::fuzz_target!(package_indexer::testing::properties::commands_print_and_parse_back());
