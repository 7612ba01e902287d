//! priority-queue, whose `PriorityQueue` is to give out the item of the highest priority.

use std::collections::BTreeMap;

use priority_queue::PriorityQueue;

use crate::prelude::*;

const ITEMS: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const PRIORITIES: [u8; 5] = [0, 1, 2, 3, 4];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Push(u8, u8),
    PushIncrease(u8, u8),
    PushDecrease(u8, u8),
    ChangePriority(u8, u8),
    GetPriority(u8),
    Remove(u8),
    Pop,
    Clear,
}

/// No two items have the same: it ends in the item.
type Priority = (u8, u8);
type Reply = Option<(u8, Priority)>;

#[derive(Default)]
struct Machine(PriorityQueue<u8, Priority>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        let of = |item, priority: Option<Priority>| priority.map(|priority| (item, priority));
        Ok(match *command {
            Command::Push(item, priority) => of(item, self.0.push(item, (priority, item))),
            // What these answer differs from version to version.
            Command::PushIncrease(item, priority) => {
                self.0.push_increase(item, (priority, item));
                None
            }
            Command::PushDecrease(item, priority) => {
                self.0.push_decrease(item, (priority, item));
                None
            }
            Command::ChangePriority(item, priority) => {
                of(item, self.0.change_priority(&item, (priority, item)))
            }
            Command::GetPriority(item) => of(item, self.0.get_priority(&item).copied()),
            Command::Remove(item) => self.0.remove(&item),
            Command::Pop => self.0.pop(),
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

#[derive(Clone, Default)]
struct Priorities(BTreeMap<u8, Priority>);

impl Priorities {
    fn highest(&self) -> Reply {
        let highest = self.0.iter().max_by_key(|(_, priority)| **priority);
        highest.map(|(item, priority)| (*item, *priority))
    }
}

impl StateMachine for Priorities {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        let of = |item, priority: Option<Priority>| priority.map(|priority| (item, priority));
        Ok(match *command {
            Command::Push(item, priority) => of(item, self.0.insert(item, (priority, item))),
            Command::PushIncrease(item, priority) => {
                let known = self.0.entry(item).or_insert((priority, item));
                *known = (*known).max((priority, item));
                None
            }
            Command::PushDecrease(item, priority) => {
                let known = self.0.entry(item).or_insert((priority, item));
                *known = (*known).min((priority, item));
                None
            }
            Command::ChangePriority(item, priority) => {
                let known = self.0.get_mut(&item);
                of(item, known.map(|known| std::mem::replace(known, (priority, item))))
            }
            Command::GetPriority(item) => of(item, self.0.get(&item).copied()),
            Command::Remove(item) => self.0.remove_entry(&item),
            Command::Pop => {
                let highest = self.highest();
                highest.and_then(|(item, _)| self.0.remove_entry(&item))
            }
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

impl Model for Priorities {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let pairs = ITEMS.into_iter().flat_map(|item| PRIORITIES.map(|priority| (item, priority)));
        let list = |make: fn(u8, u8) -> Command| {
            pairs.clone().map(move |(item, priority)| make(item, priority))
        };
        menu.list(1, list(Command::Push));
        menu.list(1, list(Command::PushIncrease));
        menu.list(1, list(Command::PushDecrease));
        menu.list(1, list(Command::ChangePriority));
        menu.list(1, ITEMS.map(Command::GetPriority));
        menu.list(1, ITEMS.map(Command::Remove));
        menu.list(1, [Command::Pop]);
        menu.list(1, [Command::Clear]);
    }
}

pub(crate) fn property(run: Run) -> Property {
    let highest = |machine: &Machine| -> (Reply, usize) {
        let highest = machine.0.peek().map(|(item, priority)| (*item, *priority));
        (highest, machine.0.len())
    };
    let in_model = |priorities: &Priorities| (priorities.highest(), priorities.0.len());
    run.refines("priority-queue", Machine::default, (highest, in_model))
}
