//! A line that is a message reads the same after it was read and printed.
//! Seeds: fuzz/seeds/Line. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::lines_parse_and_print_back());
