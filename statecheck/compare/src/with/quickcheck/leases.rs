//! The lease manager under quickcheck alone.

use quickcheck::{Arbitrary, Gen};

use crate::machines::leases::{Granted, Leases, NAMES};

#[derive(Debug, Clone)]
pub enum Command {
    Acquire(char),
    Renew(usize),
    Release(usize),
    Tick,
}

impl Arbitrary for Command {
    fn arbitrary(g: &mut Gen) -> Self {
        match u8::arbitrary(g) % 4 {
            0 => Self::Acquire(*g.choose(&NAMES).unwrap()),
            1 => Self::Renew(usize::arbitrary(g)),
            2 => Self::Release(usize::arbitrary(g)),
            _ => Self::Tick,
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        match self {
            Self::Renew(nth) => Box::new(nth.shrink().map(Self::Renew)),
            Self::Release(nth) => Box::new(nth.shrink().map(Self::Release)),
            Self::Acquire(_) | Self::Tick => quickcheck::empty_shrinker(),
        }
    }
}

pub fn refines<const BUG: u8>(commands: Vec<Command>) {
    let (mut leases, mut ids) = (Leases::<BUG>::default(), vec![]);
    let mut granted = Granted::default();
    for command in commands {
        match command {
            Command::Acquire(name) => {
                let id = leases.acquire(name);
                assert_eq!(id.is_some(), granted.acquire(name));
                ids.extend(id);
            }
            Command::Renew(nth) if !ids.is_empty() => {
                let nth = nth % ids.len();
                assert_eq!(leases.renew(ids[nth]), granted.renew(nth));
            }
            Command::Release(nth) if !ids.is_empty() => {
                let nth = nth % ids.len();
                assert_eq!(leases.release(ids[nth]), granted.release(nth));
            }
            Command::Renew(_) | Command::Release(_) => continue,
            Command::Tick => {
                leases.tick();
                granted.tick();
            }
        }
        assert_eq!(leases.held(), granted.held());
    }
}

#[test]
fn leases_refine_their_model() {
    quickcheck::quickcheck(refines::<0> as fn(Vec<Command>));
}
