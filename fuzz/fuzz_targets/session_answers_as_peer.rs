//! A session answers any bytes of a client, in any pieces, as a peer does that others could have written: `spec/peer.py`.
//! Seeds: fuzz/seeds/Visit. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::session_answers_as_peer());
