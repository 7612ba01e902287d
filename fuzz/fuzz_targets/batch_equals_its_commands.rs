//! Messages that arrive together are answered as those that arrive one by one, and do the same.
//! Seeds: fuzz/seeds/Conversation. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(batch_equals_its_commands);
