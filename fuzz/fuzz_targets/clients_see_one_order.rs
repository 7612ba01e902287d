//! One order of their commands explains what two clients see.
//! Seeds: fuzz/seeds/Duo. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::clients_see_one_order());
