//! thunderdome, whose `Arena` is to give out slots for values, and to take values for certain slots.

use std::collections::BTreeSet;

use thunderdome::{Arena, Index};

use crate::prelude::*;

/// No more values than this are there at a time.
const VALUES: usize = 6;

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert,
    /// At the slot of a value that is there.
    Replace(Ref),
    /// At the nth of the slots that have no value.
    InsertAtFreeSlot(usize),
    Remove(Ref),
    RemoveSlotOf(Ref),
    Get(Ref),
    /// Keeps the values that are odd, or those that are not.
    Retain(usize),
    Clear,
}

/// Values are counted; with all that was granted.
#[derive(Default)]
struct Machine(Arena<usize>, Vec<Index>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Option<usize>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<usize>, Infallible> {
        let Self(arena, granted) = self;
        let new = granted.len();
        let index = |value: Ref| granted[value.0];
        let (index, answer) = match *command {
            Command::Insert => (arena.insert(new), None),
            Command::Replace(value) => arena.insert_at_slot(index(value).slot(), new),
            Command::InsertAtFreeSlot(nth) => {
                let taken: BTreeSet<u32> = slots(arena).collect();
                let slot = (0..).filter(|slot| !taken.contains(slot)).nth(nth);
                arena.insert_at_slot(slot.expect("there is always one more"), new)
            }
            Command::Remove(value) => return Ok(arena.remove(index(value))),
            Command::RemoveSlotOf(value) => {
                return Ok(arena.remove_by_slot(index(value).slot()).map(|(_, value)| value));
            }
            Command::Get(value) => return Ok(arena.get(index(value)).copied()),
            Command::Retain(odd) => {
                arena.retain(|_, value| *value % 2 == odd);
                return Ok(None);
            }
            Command::Clear => {
                arena.clear();
                return Ok(None);
            }
        };
        granted.push(index);
        Ok(answer)
    }
}

/// The slots that have a value, as the arena tells. A list that is out of order may run in a circle.
fn slots(arena: &Arena<usize>) -> impl Iterator<Item = u32> {
    arena.iter().take(2 * VALUES).map(|(index, _)| index.slot())
}

/// Whether each value that was granted is there still.
#[derive(Clone, Default)]
struct Values(Vec<bool>);

impl Values {
    fn there(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.0.len()).filter(|value| self.0[*value])
    }

    fn take(&mut self, value: Ref) -> Option<usize> {
        value.of_mut(&mut self.0).is_some_and(std::mem::take).then_some(value.0)
    }
}

impl StateMachine for Values {
    type Command = Command;
    type Reply = Option<usize>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<usize>, Infallible> {
        Ok(match *command {
            Command::Insert | Command::InsertAtFreeSlot(_) => {
                self.0.push(true);
                None
            }
            Command::Replace(value) => {
                let old = self.take(value);
                self.0.push(true);
                old
            }
            Command::Remove(value) | Command::RemoveSlotOf(value) => self.take(value),
            Command::Get(value) => self.there().find(|it| *it == value.0),
            Command::Retain(odd) => {
                let kept = |(value, there): (usize, &bool)| *there && value % 2 == odd;
                self.0 = self.0.iter().enumerate().map(kept).collect();
                None
            }
            Command::Clear => {
                self.0.fill(false);
                None
            }
        })
    }
}

impl Model for Values {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let granted = || Ref::all(self.0.len());
        let there = || self.there().map(Ref);
        let has_room = there().count() < VALUES;
        menu.list(1, has_room.then_some(Command::Insert));
        menu.list(1, there().map(Command::Replace));
        menu.list(1, (0..VALUES).filter(|_| has_room).map(Command::InsertAtFreeSlot));
        menu.list(1, granted().map(Command::Remove));
        menu.list(1, there().map(Command::RemoveSlotOf));
        menu.list(1, granted().map(Command::Get));
        menu.list(1, [0, 1].map(Command::Retain));
        menu.list(1, [Command::Clear]);
    }

    fn granted(&self) -> usize {
        self.0.len()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Replace(value)
            | Command::Remove(value)
            | Command::RemoveSlotOf(value)
            | Command::Get(value) => vec![value],
            Command::Insert
            | Command::InsertAtFreeSlot(_)
            | Command::Retain(_)
            | Command::Clear => {
                vec![]
            }
        }
    }
}

pub(crate) fn property(run: Run) -> Property {
    let values = |Machine(arena, _): &Machine| -> (Vec<usize>, usize) {
        let mut values: Vec<_> = arena.iter().take(2 * VALUES).map(|(_, value)| *value).collect();
        values.sort_unstable();
        (values, arena.len())
    };
    let in_model = |values: &Values| (values.there().collect(), values.there().count());
    run.refines("thunderdome", Machine::default, (values, in_model))
}
