//! An index in which almost every dependent is behind a relay refines the model like any other.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(relays_change_nothing);
