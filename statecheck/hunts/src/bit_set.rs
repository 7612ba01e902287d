//! bit-set, which is to be a set of small numbers.

use std::collections::BTreeSet;

use bit_set::BitSet;

use crate::prelude::*;

/// On both sides of where a block of bits may end.
const NUMBERS: [usize; 6] = [0, 1, 31, 32, 63, 100];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert(usize),
    Remove(usize),
    Contains(usize),
    UnionWith(usize, usize),
    IntersectWith(usize, usize),
    DifferenceWith(usize, usize),
    SymmetricDifferenceWith(usize, usize),
    ShrinkToFit,
    Clear,
}

#[derive(Default)]
struct Machine(BitSet);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    #[allow(deprecated, reason = "Newer versions have another name for `clear`.")]
    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        let both = |a, b| [a, b].into_iter().collect::<BitSet>();
        match *command {
            Command::Insert(number) => return Ok(self.0.insert(number)),
            Command::Remove(number) => return Ok(self.0.remove(number)),
            Command::Contains(number) => return Ok(self.0.contains(number)),
            Command::UnionWith(a, b) => self.0.union_with(&both(a, b)),
            Command::IntersectWith(a, b) => self.0.intersect_with(&both(a, b)),
            Command::DifferenceWith(a, b) => self.0.difference_with(&both(a, b)),
            Command::SymmetricDifferenceWith(a, b) => self.0.symmetric_difference_with(&both(a, b)),
            Command::ShrinkToFit => self.0.shrink_to_fit(),
            Command::Clear => self.0.clear(),
        }
        Ok(true)
    }
}

#[derive(Clone, Default)]
struct Set(BTreeSet<usize>);

impl StateMachine for Set {
    type Command = Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
        match *command {
            Command::Insert(number) => return Ok(self.0.insert(number)),
            Command::Remove(number) => return Ok(self.0.remove(&number)),
            Command::Contains(number) => return Ok(self.0.contains(&number)),
            Command::UnionWith(a, b) => self.0.extend([a, b]),
            Command::IntersectWith(a, b) => self.0.retain(|it| [a, b].contains(it)),
            Command::DifferenceWith(a, b) => self.0.retain(|it| ![a, b].contains(it)),
            Command::SymmetricDifferenceWith(a, b) => self.0 = &self.0 ^ &BTreeSet::from([a, b]),
            Command::ShrinkToFit => {}
            Command::Clear => self.0.clear(),
        }
        Ok(true)
    }
}

impl Model for Set {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let pairs = NUMBERS.into_iter().flat_map(|a| NUMBERS.map(|b| (a, b)));
        menu.list(1, NUMBERS.map(Command::Insert));
        menu.list(1, NUMBERS.map(Command::Remove));
        menu.list(1, NUMBERS.map(Command::Contains));
        menu.list(1, pairs.clone().map(|(a, b)| Command::UnionWith(a, b)));
        menu.list(1, pairs.clone().map(|(a, b)| Command::IntersectWith(a, b)));
        menu.list(1, pairs.clone().map(|(a, b)| Command::DifferenceWith(a, b)));
        menu.list(1, pairs.map(|(a, b)| Command::SymmetricDifferenceWith(a, b)));
        menu.list(1, [Command::ShrinkToFit]);
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let numbers = |machine: &Machine| machine.0.iter().collect::<Vec<_>>();
    let in_model = |set: &Set| set.0.iter().copied().collect();
    run.refines("bit-set", Machine::default, (numbers, in_model))
}
