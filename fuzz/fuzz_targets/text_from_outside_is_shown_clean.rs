//! Whatever bytes come from outside, messages and logs show them short, and without a character that does more than print.
//! Seeds: fuzz/seeds/Noise. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(text_from_outside_is_shown_clean);
