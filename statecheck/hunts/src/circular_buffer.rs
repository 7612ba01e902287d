//! circular-buffer, which is to hold so many items and to drop those at the other end.

use std::collections::VecDeque;

use circular_buffer::CircularBuffer;

use crate::prelude::*;

const CAPACITY: usize = 4;
const ITEMS: [u8; 3] = [0, 1, 2];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    PushBack(u8),
    PushFront(u8),
    PopBack,
    PopFront,
    Get(usize),
    Remove(usize),
    Swap(usize, usize),
    Range(usize, usize),
    TruncateBack(usize),
    TruncateFront(usize),
    Clear,
}

#[derive(Default)]
struct Machine(CircularBuffer<CAPACITY, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Vec<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Vec<u8>, Infallible> {
        let Self(buffer) = self;
        match *command {
            // Newer versions answer what they drop.
            Command::PushBack(item) => {
                buffer.push_back(item);
            }
            Command::PushFront(item) => {
                buffer.push_front(item);
            }
            Command::PopBack => return Ok(buffer.pop_back().into_iter().collect()),
            Command::PopFront => return Ok(buffer.pop_front().into_iter().collect()),
            Command::Get(place) => return Ok(buffer.get(place).copied().into_iter().collect()),
            Command::Remove(place) => return Ok(buffer.remove(place).into_iter().collect()),
            Command::Swap(one, other) => buffer.swap(one, other),
            Command::Range(start, end) => return Ok(buffer.range(start..end).copied().collect()),
            Command::TruncateBack(length) => buffer.truncate_back(length),
            Command::TruncateFront(length) => buffer.truncate_front(length),
            Command::Clear => buffer.clear(),
        }
        Ok(vec![])
    }
}

#[derive(Clone, Default)]
struct Items(VecDeque<u8>);

impl StateMachine for Items {
    type Command = Command;
    type Reply = Vec<u8>;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Vec<u8>, Infallible> {
        let Self(items) = self;
        match *command {
            Command::PushBack(item) => {
                items.push_back(item);
                items.drain(..items.len().saturating_sub(CAPACITY));
            }
            Command::PushFront(item) => {
                items.push_front(item);
                items.truncate(CAPACITY);
            }
            Command::PopBack => return Ok(items.pop_back().into_iter().collect()),
            Command::PopFront => return Ok(items.pop_front().into_iter().collect()),
            Command::Get(place) => return Ok(items.get(place).copied().into_iter().collect()),
            Command::Remove(place) => return Ok(items.remove(place).into_iter().collect()),
            Command::Swap(one, other) => items.swap(one, other),
            Command::Range(start, end) => return Ok(items.range(start..end).copied().collect()),
            Command::TruncateBack(length) => items.truncate(length),
            Command::TruncateFront(length) => {
                items.drain(..items.len().saturating_sub(length));
            }
            Command::Clear => items.clear(),
        }
        Ok(vec![])
    }
}

impl Model for Items {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let length = self.0.len();
        let places = (0..length).flat_map(move |one| (0..length).map(move |other| (one, other)));
        let ranges =
            (0..=length).flat_map(move |start| (start..=length).map(move |end| (start, end)));
        menu.list(1, ITEMS.map(Command::PushBack));
        menu.list(1, ITEMS.map(Command::PushFront));
        menu.list(1, [Command::PopBack]);
        menu.list(1, [Command::PopFront]);
        menu.list(1, (0..=CAPACITY).map(Command::Get));
        menu.list(1, (0..length).map(Command::Remove));
        menu.list(1, places.map(|(one, other)| Command::Swap(one, other)));
        menu.list(1, ranges.map(|(start, end)| Command::Range(start, end)));
        menu.list(1, (0..=CAPACITY).map(Command::TruncateBack));
        menu.list(1, (0..=CAPACITY).map(Command::TruncateFront));
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let items = |machine: &Machine| machine.0.iter().copied().collect::<Vec<_>>();
    let in_model = |items: &Items| items.0.iter().copied().collect();
    run.refines("circular-buffer", Machine::default, (items, in_model))
}
