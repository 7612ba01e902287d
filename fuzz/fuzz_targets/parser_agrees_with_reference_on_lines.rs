//! On near misses, the parser accepts what a reference parser that splits strings accepts, and refuses the rest.
//! Seeds: fuzz/seeds/Line. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::parser_agrees_with_reference_on_lines());
