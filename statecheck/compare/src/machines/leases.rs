//! A lease manager, which hands out ids. A lease ends when it is released, or when its time is up.

use crate::measure::count_command;

pub const NAMES: [char; 4] = ['a', 'b', 'c', 'd'];
const TIME_TO_LIVE: u32 = 3;
const MOST: usize = 3;

/// The least traces that show the bugs, of 3, 4 and 5 commands:
///
/// 1. Acquire a, acquire b, release a.
/// 2. Acquire a, b and c, renew c.
/// 3. Acquire a, acquire b, three ticks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Leases<const BUG: u8> {
    held: Vec<Lease>,
    next_id: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lease {
    id: u64,
    name: char,
    left: u32,
}

impl<const BUG: u8> Leases<BUG> {
    pub fn acquire(&mut self, name: char) -> Option<u64> {
        count_command();
        if self.held.len() == MOST || self.held.iter().any(|lease| lease.name == name) {
            return None;
        }
        self.next_id += 7;
        self.held.push(Lease { id: self.next_id, name, left: TIME_TO_LIVE });
        Some(self.next_id)
    }

    pub fn renew(&mut self, id: u64) -> bool {
        count_command();
        let last = self.held.len();
        let lease = self.held.iter_mut().enumerate().find(|(_, lease)| lease.id == id);
        // Bug 2: of a full table, the last cannot be renewed.
        let lease = lease.filter(|(place, _)| BUG != 2 || last < MOST || place + 1 < last);
        lease.map(|(_, lease)| lease.left = TIME_TO_LIVE).is_some()
    }

    pub fn release(&mut self, id: u64) -> bool {
        count_command();
        let Some(place) = self.held.iter().position(|lease| lease.id == id) else { return false };
        // Bug 1: the wrong one goes if it is the first of several.
        if BUG == 1 && place == 0 {
            self.held.pop()
        } else {
            Some(self.held.remove(place))
        };
        true
    }

    pub fn tick(&mut self) {
        count_command();
        for lease in &mut self.held {
            lease.left -= 1;
        }
        // Bug 3: one at a time.
        if BUG == 3 {
            if let Some(place) = self.held.iter().position(|lease| lease.left == 0) {
                self.held.remove(place);
            }
            self.held.iter_mut().for_each(|lease| lease.left = lease.left.max(1));
        } else {
            self.held.retain(|lease| lease.left > 0);
        }
    }

    /// Each name that is held, and for how long, by name.
    pub fn held(&self) -> Vec<(char, u32)> {
        sorted(self.held.iter().map(|lease| (lease.name, lease.left)))
    }
}

/// The model: what was granted, in order, and how long each is held. Its ids are places in that list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Granted(Vec<(char, u32)>);

impl Granted {
    pub fn acquire(&mut self, name: char) -> bool {
        let held = self.held();
        let is_free = held.len() < MOST && held.iter().all(|held| held.0 != name);
        self.0.extend(is_free.then_some((name, TIME_TO_LIVE)));
        is_free
    }

    pub fn renew(&mut self, nth: usize) -> bool {
        self.set(nth, TIME_TO_LIVE)
    }

    pub fn release(&mut self, nth: usize) -> bool {
        self.set(nth, 0)
    }

    fn set(&mut self, nth: usize, time: u32) -> bool {
        match self.0.get_mut(nth) {
            Some((_, left @ 1..)) => {
                *left = time;
                true
            }
            _ => false,
        }
    }

    pub fn tick(&mut self) {
        self.0.iter_mut().for_each(|(_, left)| *left = left.saturating_sub(1));
    }

    pub fn held(&self) -> Vec<(char, u32)> {
        sorted(self.0.iter().copied().filter(|(_, left)| *left > 0))
    }

    /// How many were granted, those included that have ended.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn sorted(held: impl Iterator<Item = (char, u32)>) -> Vec<(char, u32)> {
    let mut held: Vec<_> = held.collect();
    held.sort_unstable();
    held
}
