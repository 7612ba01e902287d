//! The ledger under bolero.

use bolero::generator::*;

use crate::machines::ledger::{ACCOUNTS, AMOUNTS, Ledger, Transfers};

#[derive(Debug, TypeGenerator)]
pub enum Command {
    Prepare(
        #[generator(0..ACCOUNTS)] usize,
        #[generator(0..ACCOUNTS)] usize,
        #[generator(AMOUNTS)] u32,
    ),
    Commit(usize),
    Abort(usize),
}

pub fn refines<const BUG: u8>(commands: &[Command]) {
    let (mut ledger, mut ids) = (Ledger::<BUG>::default(), vec![]);
    let mut transfers = Transfers::default();
    for command in commands {
        match command {
            Command::Prepare(from, to, amount) => {
                let id = ledger.prepare(*from, *to, *amount);
                assert_eq!(id.is_some(), transfers.prepare(*from, *to, *amount));
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
    bolero::check!().with_type::<Vec<Command>>().for_each(|commands| refines::<0>(commands));
}
