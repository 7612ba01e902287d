//! A command is read back from the text that it prints as.
//! Seeds: fuzz/seeds/Command. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::commands_print_and_parse_back());
