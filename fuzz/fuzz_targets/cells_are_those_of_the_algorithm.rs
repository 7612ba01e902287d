//! Cell by cell, an index is what the algorithm of `spec/refinement` makes of the same commands, and of undoing them.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::cells_are_those_of_the_algorithm());
