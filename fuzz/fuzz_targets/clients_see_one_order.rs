//! What two clients see can be explained by one order of their commands.
//! Seeds: fuzz/seeds/Duo. Generated: see `fuzz/README.md`.
#![cfg_attr(fuzzing, no_main)]

package_indexer_fuzz::target!(clients_see_one_order);
