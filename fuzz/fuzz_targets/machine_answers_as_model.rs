//! The machine answers as the model does, seen from outside alone.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(machine_answers_as_model);
