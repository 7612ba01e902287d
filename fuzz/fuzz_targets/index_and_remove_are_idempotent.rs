//! INDEX and REMOVE, said twice, are answered the same, and the second time changes nothing.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(index_and_remove_are_idempotent);
