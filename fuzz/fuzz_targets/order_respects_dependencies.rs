//! In the installation order a package comes after all that it depends on, cycles aside, and none is missing.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(order_respects_dependencies);
