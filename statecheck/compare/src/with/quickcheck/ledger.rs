//! The ledger under quickcheck alone.

use quickcheck::{Arbitrary, Gen};

use crate::machines::ledger::{ACCOUNTS, Ledger, Transfers};

#[derive(Debug, Clone)]
pub enum Command {
    Prepare(usize, usize, u32),
    Commit(usize),
    Abort(usize),
}

impl Arbitrary for Command {
    fn arbitrary(g: &mut Gen) -> Self {
        match u8::arbitrary(g) % 3 {
            0 => Self::Prepare(
                usize::arbitrary(g) % ACCOUNTS,
                usize::arbitrary(g) % ACCOUNTS,
                u32::arbitrary(g) % 3 + 1,
            ),
            1 => Self::Commit(usize::arbitrary(g)),
            _ => Self::Abort(usize::arbitrary(g)),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        match self {
            Self::Prepare(from, to, amount) => {
                let simpler = (*from, *to, *amount).shrink().filter(|(.., amount)| *amount > 0);
                Box::new(simpler.map(|(from, to, amount)| Self::Prepare(from, to, amount)))
            }
            Self::Commit(nth) => Box::new(nth.shrink().map(Self::Commit)),
            Self::Abort(nth) => Box::new(nth.shrink().map(Self::Abort)),
        }
    }
}

pub fn refines<const BUG: u8>(commands: Vec<Command>) {
    let (mut ledger, mut ids) = (Ledger::<BUG>::default(), vec![]);
    let mut transfers = Transfers::default();
    for command in commands {
        match command {
            Command::Prepare(from, to, amount) => {
                let id = ledger.prepare(from, to, amount);
                assert_eq!(id.is_some(), transfers.prepare(from, to, amount));
                ids.extend(id);
            }
            Command::Commit(nth) if !ids.is_empty() => {
                let nth = nth % ids.len();
                assert_eq!(ledger.commit(ids[nth]), transfers.commit(nth));
            }
            Command::Abort(nth) if !ids.is_empty() => {
                let nth = nth % ids.len();
                assert_eq!(ledger.abort(ids[nth]), transfers.abort(nth));
            }
            Command::Commit(_) | Command::Abort(_) => continue,
        }
        assert_eq!(ledger.accounts(), transfers.accounts());
    }
}

#[test]
fn the_ledger_refines_its_model() {
    quickcheck::quickcheck(refines::<0> as fn(Vec<Command>));
}
