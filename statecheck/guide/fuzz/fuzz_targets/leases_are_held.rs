//! A lease is held until it is released, or was not renewed in time.
//! Seeds: fuzz/seeds/Walk. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use leases_fuzz::properties;

statecheck::fuzz_target!(properties::leases_are_held());
