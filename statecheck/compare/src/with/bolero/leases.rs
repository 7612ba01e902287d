//! The lease manager under bolero.

use bolero::generator::*;

use crate::machines::leases::{Granted, Leases, NAMES};

#[derive(Debug, TypeGenerator)]
pub enum Command {
    Acquire(#[generator(one_value_of(NAMES))] char),
    Renew(usize),
    Release(usize),
    Tick,
}

pub fn refines<const BUG: u8>(commands: &[Command]) {
    let (mut leases, mut ids) = (Leases::<BUG>::default(), vec![]);
    let mut granted = Granted::default();
    for command in commands {
        match command {
            Command::Acquire(name) => {
                let id = leases.acquire(*name);
                assert_eq!(id.is_some(), granted.acquire(*name));
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
    bolero::check!().with_type::<Vec<Command>>().for_each(|commands| refines::<0>(commands));
}
