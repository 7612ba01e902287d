//! A session answers any bytes of a client, in any pieces, as the model does message by message.
//! Seeds: fuzz/seeds/Conversation. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

use package_indexer::testing::properties;

statecheck::fuzz_target!(properties::session_answers_as_model());
