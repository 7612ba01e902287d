//! A command is read back from what it prints as.
//! Seeds: fuzz/seeds/Command. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(commands_print_and_parse_back);
