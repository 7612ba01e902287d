//! All that was durable survives every power cut and every failure of the disk. Of the rest at most the next commit is there, as a whole, and not if it was answered ERROR. From there the index goes on as the model does.
//! Seeds: fuzz/seeds/Outage. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::commits_survive_power_cuts());
