//! The machine answers as the model does and holds the same after every command.
//! Seeds: fuzz/seeds/Trace. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

statecheck::fuzz_target!(package_indexer::testing::properties::machine_refines_model());
