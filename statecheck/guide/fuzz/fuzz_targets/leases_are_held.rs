//! A lease is held until it is released, or was not renewed in time.
//! Seeds: fuzz/seeds/Walk. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

statecheck::fuzz_target!(leases_fuzz::properties::leases_are_held());
