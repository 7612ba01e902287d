//! A bounded cache whose entries expire. When it is full, the least recently used makes room.

use crate::measure::count_command;

pub const KEYS: [char; 4] = ['a', 'b', 'c', 'd'];
pub const VALUES: std::ops::Range<u8> = 0..2;
pub const TIMES: std::ops::RangeInclusive<u32> = 1..=3;
const MOST: usize = 3;

/// The least traces that show the bugs, of 4, 5 and 6 commands:
///
/// 1. Put a, b and c, put a.
/// 2. Put a, b and c, get a, put d.
/// 3. Put a for one tick, get a, tick, put three others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cache<const BUG: u8> {
    /// The least recently used first.
    entries: Vec<Entry>,
    ghosts: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Entry {
    key: char,
    value: u8,
    left: u32,
    was_read: bool,
}

impl<const BUG: u8> Cache<BUG> {
    /// Returns the key that had to go.
    pub fn put(&mut self, key: char, value: u8, time: u32) -> Option<char> {
        count_command();
        // Bug 1: room is made for what has its place already.
        if BUG != 1 || self.entries.len() < MOST {
            self.entries.retain(|entry| entry.key != key);
        }
        let is_full = self.entries.len() + self.ghosts >= MOST && !self.entries.is_empty();
        let gone = is_full.then(|| self.entries.remove(0).key);
        self.entries.retain(|entry| entry.key != key);
        self.entries.push(Entry { key, value, left: time, was_read: false });
        gone
    }

    pub fn get(&mut self, key: char) -> Option<u8> {
        count_command();
        let place = self.entries.iter().position(|entry| entry.key == key)?;
        self.entries[place].was_read = true;
        let value = self.entries[place].value;
        // Bug 2: the first of a full cache stays the first.
        if BUG != 2 || place > 0 || self.entries.len() < MOST {
            self.entries[place..].rotate_left(1);
        }
        Some(value)
    }

    pub fn tick(&mut self) {
        count_command();
        self.entries.iter_mut().for_each(|entry| entry.left -= 1);
        // Bug 3: what was read leaves its place taken when it expires, once.
        let has_ghost =
            self.entries.iter().any(|entry| BUG == 3 && entry.left == 0 && entry.was_read);
        self.ghosts = self.ghosts.max(usize::from(has_ghost));
        self.entries.retain(|entry| entry.left > 0);
    }

    /// Each key with its value and how many ticks it has left, by key.
    pub fn entries(&self) -> Vec<(char, u8, u32)> {
        let mut entries: Vec<_> =
            self.entries.iter().map(|entry| (entry.key, entry.value, entry.left)).collect();
        entries.sort_unstable();
        entries
    }
}

/// The model: what is kept, the least recently used first.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entries(Vec<(char, u8, u32)>);

impl Entries {
    pub fn put(&mut self, key: char, value: u8, time: u32) -> Option<char> {
        self.0.retain(|entry| entry.0 != key);
        let gone = (self.0.len() == MOST).then(|| self.0.remove(0).0);
        self.0.push((key, value, time));
        gone
    }

    pub fn get(&mut self, key: char) -> Option<u8> {
        let place = self.0.iter().position(|entry| entry.0 == key)?;
        let entry = self.0.remove(place);
        self.0.push(entry);
        Some(entry.1)
    }

    pub fn tick(&mut self) {
        self.0.iter_mut().for_each(|entry| entry.2 -= 1);
        self.0.retain(|entry| entry.2 > 0);
    }

    pub fn entries(&self) -> Vec<(char, u8, u32)> {
        let mut entries = self.0.clone();
        entries.sort_unstable();
        entries
    }
}
