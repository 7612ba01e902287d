//! What two clients see can be explained by one order of their commands.
//! Seeds: fuzz/seeds/Duo. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::clients_see_one_order());
