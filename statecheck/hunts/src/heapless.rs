//! heapless, whose `Deque` is to hold so many items and no more.

use std::collections::VecDeque;

use heapless::Deque;

use crate::prelude::*;

const CAPACITY: usize = 3;
const ITEMS: [u8; 3] = [0, 1, 2];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    PushBack(u8),
    PushFront(u8),
    PopBack,
    PopFront,
    Get(usize),
    MakeContiguous,
    Swap(usize, usize),
    SwapRemoveBack(usize),
    SwapRemoveFront(usize),
    Truncate(usize),
    Retain(u8),
    Clear,
}

#[derive(Default)]
struct Machine(Deque<u8, CAPACITY>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        let Self(deque) = self;
        match *command {
            Command::PushBack(item) => return Ok(deque.push_back(item).err()),
            Command::PushFront(item) => return Ok(deque.push_front(item).err()),
            Command::PopBack => return Ok(deque.pop_back()),
            Command::PopFront => return Ok(deque.pop_front()),
            Command::Get(place) => return Ok(deque.get(place).copied()),
            Command::MakeContiguous => return Ok(deque.make_contiguous().first().copied()),
            Command::Swap(one, other) => deque.swap(one, other),
            Command::SwapRemoveBack(place) => return Ok(deque.swap_remove_back(place)),
            Command::SwapRemoveFront(place) => return Ok(deque.swap_remove_front(place)),
            Command::Truncate(length) => deque.truncate(length),
            Command::Retain(item) => deque.retain(|it| *it == item),
            Command::Clear => deque.clear(),
        }
        Ok(None)
    }
}

#[derive(Clone, Default)]
struct Items(VecDeque<u8>);

impl StateMachine for Items {
    type Command = Command;
    type Reply = Option<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Option<u8>, Infallible> {
        let Self(items) = self;
        let is_full = items.len() == CAPACITY;
        match *command {
            Command::PushBack(item) | Command::PushFront(item) if is_full => return Ok(Some(item)),
            Command::PushBack(item) => items.push_back(item),
            Command::PushFront(item) => items.push_front(item),
            Command::PopBack => return Ok(items.pop_back()),
            Command::PopFront => return Ok(items.pop_front()),
            Command::Get(place) => return Ok(items.get(place).copied()),
            Command::MakeContiguous => return Ok(items.front().copied()),
            Command::Swap(one, other) => items.swap(one, other),
            Command::SwapRemoveBack(place) => return Ok(items.swap_remove_back(place)),
            Command::SwapRemoveFront(place) => return Ok(items.swap_remove_front(place)),
            Command::Truncate(length) => items.truncate(length),
            Command::Retain(item) => items.retain(|it| *it == item),
            Command::Clear => items.clear(),
        }
        Ok(None)
    }
}

impl Model for Items {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let length = self.0.len();
        let places = (0..length).flat_map(move |one| (0..length).map(move |other| (one, other)));
        menu.list(1, ITEMS.map(Command::PushBack));
        menu.list(1, ITEMS.map(Command::PushFront));
        menu.list(1, [Command::PopBack]);
        menu.list(1, [Command::PopFront]);
        menu.list(1, (0..CAPACITY).map(Command::Get));
        menu.list(1, [Command::MakeContiguous]);
        menu.list(1, places.map(|(one, other)| Command::Swap(one, other)));
        menu.list(1, (0..CAPACITY).map(Command::SwapRemoveBack));
        menu.list(1, (0..CAPACITY).map(Command::SwapRemoveFront));
        menu.list(1, (0..=CAPACITY).map(Command::Truncate));
        menu.list(1, ITEMS.map(Command::Retain));
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let items = |machine: &Machine| -> (Vec<u8>, usize, bool) {
        (machine.0.iter().copied().collect(), machine.0.len(), machine.0.is_full())
    };
    let in_model = |Items(items): &Items| {
        (items.iter().copied().collect(), items.len(), items.len() == CAPACITY)
    };
    run.refines("heapless", Machine::default, (items, in_model))
}
