//! A command that would pass a limit is refused and changes nothing. Any other is answered as if there were no limits.
//! Seeds: fuzz/seeds/Bounded. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::limits_refuse_and_change_nothing());
