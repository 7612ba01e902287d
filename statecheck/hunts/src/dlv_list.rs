//! dlv-list, whose `VecList` is to be a list whose items are found by indices that stay.

use dlv_list::{Index, VecList};

use crate::prelude::*;

/// No more items than this are there at a time.
const ITEMS: usize = 6;

#[derive(Debug, Clone, PartialEq)]
enum Command {
    PushBack,
    PushFront,
    InsertAfter(Ref),
    InsertBefore(Ref),
    Get(Ref),
    Remove(Ref),
    PopBack,
    PopFront,
    Clear,
}

/// Items are counted; with the indices of all that there were.
#[derive(Default)]
struct Machine(VecList<usize>, Vec<Index<usize>>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Option<usize>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<usize>, Infallible> {
        let Self(list, granted) = self;
        let new = granted.len();
        let index = |item: Ref| granted[item.0];
        let index = match *command {
            Command::PushBack => list.push_back(new),
            Command::PushFront => list.push_front(new),
            Command::InsertAfter(item) => list.insert_after(index(item), new),
            Command::InsertBefore(item) => list.insert_before(index(item), new),
            Command::Get(item) => return Ok(list.get(index(item)).copied()),
            Command::Remove(item) => return Ok(list.remove(index(item))),
            Command::PopBack => return Ok(list.pop_back()),
            Command::PopFront => return Ok(list.pop_front()),
            Command::Clear => {
                list.clear();
                return Ok(None);
            }
        };
        granted.push(index);
        Ok(None)
    }
}

/// The items in order, and how many there ever were.
#[derive(Clone, Default)]
struct Items(Vec<usize>, usize);

impl Items {
    fn place(&self, item: Ref) -> Option<usize> {
        self.0.iter().position(|it| *it == item.0)
    }

    fn insert(&mut self, place: Option<usize>) {
        self.0.insert(place.unwrap_or(0), self.1);
        self.1 += 1;
    }
}

impl StateMachine for Items {
    type Command = Command;
    type Reply = Option<usize>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<usize>, Infallible> {
        match *command {
            Command::PushBack => self.insert(Some(self.0.len())),
            Command::PushFront => self.insert(None),
            Command::InsertAfter(item) => self.insert(self.place(item).map(|place| place + 1)),
            Command::InsertBefore(item) => self.insert(self.place(item)),
            Command::Get(item) => return Ok(self.place(item).map(|place| self.0[place])),
            Command::Remove(item) => return Ok(self.place(item).map(|place| self.0.remove(place))),
            Command::PopBack => return Ok(self.0.pop()),
            Command::PopFront => return Ok((!self.0.is_empty()).then(|| self.0.remove(0))),
            Command::Clear => self.0.clear(),
        }
        Ok(None)
    }
}

impl Model for Items {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let has_room = self.0.len() < ITEMS;
        // To insert beside what is not there is documented to panic.
        let there = || Ref::all(self.1).filter(|item| has_room && self.place(*item).is_some());
        menu.list(1, has_room.then_some(Command::PushBack));
        menu.list(1, has_room.then_some(Command::PushFront));
        menu.list(1, there().map(Command::InsertAfter));
        menu.list(1, there().map(Command::InsertBefore));
        menu.list(1, Ref::all(self.1).map(Command::Get));
        menu.list(1, Ref::all(self.1).map(Command::Remove));
        menu.list(1, [Command::PopBack]);
        menu.list(1, [Command::PopFront]);
        menu.list(1, [Command::Clear]);
    }

    fn granted(&self) -> usize {
        self.1
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::InsertAfter(item)
            | Command::InsertBefore(item)
            | Command::Get(item)
            | Command::Remove(item) => vec![item],
            _ => vec![],
        }
    }
}

pub(crate) fn property(run: Run) -> Property {
    let items = |Machine(list, _): &Machine| -> (Vec<usize>, usize) {
        // A list that is out of order may run in a circle.
        (list.iter().take(2 * ITEMS).copied().collect(), list.len())
    };
    let in_model = |items: &Items| (items.0.clone(), items.0.len());
    run.refines("dlv-list", Machine::default, (items, in_model))
}
