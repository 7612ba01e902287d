//! Rows in any order, in groups of any size, build cell by cell what their commands would. They build nothing if a package has two rows, or if a list names one without a row.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::rows_build_what_their_commands_do());
