//! min-max-heap, which is to give out the smallest item and the largest.

use min_max_heap::MinMaxHeap;

use crate::prelude::*;

const ITEMS: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Push(u8),
    PopMin,
    PopMax,
    PushPopMin(u8),
    PushPopMax(u8),
    ReplaceMin(u8),
    ReplaceMax(u8),
    Clear,
}

#[derive(Default)]
struct Machine(MinMaxHeap<u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        Ok(match *command {
            Command::Push(item) => {
                self.0.push(item);
                None
            }
            Command::PopMin => self.0.pop_min(),
            Command::PopMax => self.0.pop_max(),
            Command::PushPopMin(item) => Some(self.0.push_pop_min(item)),
            Command::PushPopMax(item) => Some(self.0.push_pop_max(item)),
            Command::ReplaceMin(item) => self.0.replace_min(item),
            Command::ReplaceMax(item) => self.0.replace_max(item),
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

/// The items in order.
#[derive(Clone, Default)]
struct Sorted(Vec<u8>);

impl Sorted {
    fn push(&mut self, item: u8) {
        self.0.push(item);
        self.0.sort_unstable();
    }

    fn pop_min(&mut self) -> Option<u8> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}

impl StateMachine for Sorted {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        Ok(match *command {
            Command::Push(item) => {
                self.push(item);
                None
            }
            Command::PopMin => self.pop_min(),
            Command::PopMax => self.0.pop(),
            Command::PushPopMin(item) => {
                self.push(item);
                self.pop_min()
            }
            Command::PushPopMax(item) => {
                self.push(item);
                self.0.pop()
            }
            Command::ReplaceMin(item) => {
                let min = self.pop_min();
                self.push(item);
                min
            }
            Command::ReplaceMax(item) => {
                let max = self.0.pop();
                self.push(item);
                max
            }
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

impl Model for Sorted {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        menu.list(1, ITEMS.map(Command::Push));
        menu.list(1, [Command::PopMin]);
        menu.list(1, [Command::PopMax]);
        menu.list(1, ITEMS.map(Command::PushPopMin));
        menu.list(1, ITEMS.map(Command::PushPopMax));
        menu.list(1, ITEMS.map(Command::ReplaceMin));
        menu.list(1, ITEMS.map(Command::ReplaceMax));
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let ends = |machine: &Machine| {
        (machine.0.peek_min().copied(), machine.0.peek_max().copied(), machine.0.len())
    };
    let in_model =
        |sorted: &Sorted| (sorted.0.first().copied(), sorted.0.last().copied(), sorted.0.len());
    run.refines("min-max-heap", Machine::default, (ends, in_model))
}
