//! The cache under quickcheck alone.

use quickcheck::{Arbitrary, Gen};

use crate::machines::cache::{Cache, Entries, KEYS};

#[derive(Debug, Clone)]
pub enum Command {
    Put(char, u8, u32),
    Get(char),
    Tick,
}

impl Arbitrary for Command {
    fn arbitrary(g: &mut Gen) -> Self {
        let key = *g.choose(&KEYS).unwrap();
        match u8::arbitrary(g) % 3 {
            0 => Self::Put(key, u8::arbitrary(g) % 2, u32::arbitrary(g) % 3 + 1),
            1 => Self::Get(key),
            _ => Self::Tick,
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let Self::Put(key, value, time) = *self else { return quickcheck::empty_shrinker() };
        let simpler = (value, time).shrink().filter(|(_, time)| *time > 0);
        Box::new(simpler.map(move |(value, time)| Self::Put(key, value, time)))
    }
}

pub fn refines<const BUG: u8>(commands: Vec<Command>) {
    let (mut cache, mut entries) = (Cache::<BUG>::default(), Entries::default());
    for command in commands {
        match command {
            Command::Put(key, value, time) => {
                assert_eq!(cache.put(key, value, time), entries.put(key, value, time));
            }
            Command::Get(key) => assert_eq!(cache.get(key), entries.get(key)),
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
    quickcheck::quickcheck(refines::<0> as fn(Vec<Command>));
}
