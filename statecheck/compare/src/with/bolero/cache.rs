//! The cache under bolero.

use bolero::generator::*;

use crate::machines::cache::{Cache, Entries, KEYS, TIMES, VALUES};

#[derive(Debug, TypeGenerator)]
pub enum Command {
    Put(#[generator(one_value_of(KEYS))] char, #[generator(VALUES)] u8, #[generator(TIMES)] u32),
    Get(#[generator(one_value_of(KEYS))] char),
    Tick,
}

pub fn refines<const BUG: u8>(commands: &[Command]) {
    let (mut cache, mut entries) = (Cache::<BUG>::default(), Entries::default());
    for command in commands {
        match command {
            Command::Put(key, value, time) => {
                assert_eq!(cache.put(*key, *value, *time), entries.put(*key, *value, *time));
            }
            Command::Get(key) => assert_eq!(cache.get(*key), entries.get(*key)),
            Command::Tick => {
                cache.tick();
                entries.tick();
            }
        }
        assert_eq!(cache.entries(), entries.entries());
    }
}

#[test]
fn the_cache_refines_its_model() {
    bolero::check!().with_type::<Vec<Command>>().for_each(|commands| refines::<0>(commands));
}
