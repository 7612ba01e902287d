//! The commands that an index exports are all answered OK, and rebuild an equal one.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(export_rebuilds_the_index);
