//! In the installation order a package comes after all that it depends on, cycles aside, and no package is missing.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::order_respects_dependencies());
