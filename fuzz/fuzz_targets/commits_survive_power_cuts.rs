//! All that was durable outlasts every power cut, and of the rest the next commit, as a whole or not at all; from there the index goes on as the model does.
//! Seeds: fuzz/seeds/Outage. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(commits_survive_power_cuts);
