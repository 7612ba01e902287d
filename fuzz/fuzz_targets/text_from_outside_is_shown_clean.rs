//! Messages and logs show any bytes from outside in a short form, without a character that does more than print.
//! Seeds: fuzz/seeds/Noise. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::text_from_outside_is_shown_clean());
