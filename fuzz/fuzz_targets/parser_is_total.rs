//! No bytes make the parser panic. An error points at a byte of the line and names what is there.
//! Seeds: fuzz/seeds/Noise. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::parser_is_total());
