//! The machine answers as the model does and holds the same after every command.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(machine_refines_model);
