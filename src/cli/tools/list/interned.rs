//! The names of a list. Each is stored once and has a number.
//!
//! A list of millions of packages repeats each name several times. So names are stored once, in one piece of
//! memory, and everything else holds numbers of four bytes.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::index::{LimitError, Limits};
use crate::name::NameRef;

/// Names in the order in which they were added, in one piece of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::tools) struct Names {
    bytes: Vec<u8>,
    /// Where each name begins, and where the last one ends.
    bounds: Vec<usize>,
}

impl Names {
    fn new() -> Self {
        Self { bytes: Vec::new(), bounds: vec![0] }
    }

    /// The number of names. O(1).
    pub(in crate::cli::tools) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// The name with a number. O(1).
    pub(in crate::cli::tools) fn get(&self, number: u32) -> NameRef<'_> {
        let number = number as usize;
        NameRef::from_checked(&self.bytes[self.bounds[number]..self.bounds[number + 1]])
    }

    fn push(&mut self, name: NameRef<'_>) {
        self.bytes.extend_from_slice(name.as_bytes());
        self.bounds.push(self.bytes.len());
    }

    /// A copy of some of the names, in this order.
    pub(super) fn picked(&self, numbers: &[u32]) -> Self {
        let mut picked = Self::new();
        picked.bounds.reserve_exact(numbers.len());
        for &number in numbers {
            picked.push(self.get(number));
        }
        picked
    }

    /// Sorts numbers by their names. O(n log n), mostly without reading the names.
    pub(super) fn sort(&self, numbers: &mut Vec<u32>) {
        let mut keyed: Vec<_> =
            numbers.iter().map(|&number| (self.get(number).beginning(), number)).collect();
        keyed.sort_unstable_by(|(beginning, number), (other, other_number)| {
            let whole = || self.get(*number).cmp(&self.get(*other_number));
            beginning.cmp(other).then_with(whole)
        });
        numbers.clear();
        numbers.extend(keyed.into_iter().map(|(_, number)| number));
    }

    /// The place of a name among names in ascending order. O(log n).
    pub(in crate::cli::tools) fn search(&self, name: &[u8]) -> Result<u32, u32> {
        let (mut from, mut to) = (0, u32::try_from(self.len()).unwrap_or(u32::MAX));
        while from < to {
            let middle = from + (to - from) / 2;
            match self.get(middle).as_bytes().cmp(name) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }
}

/// Names, and a table that finds their numbers.
#[derive(Debug, Clone)]
pub(super) struct Interner {
    names: Names,
    slots: HashTable<Slot>,
    hasher: RandomState,
}

/// A name in the table, with its place in memory. To look that up by number would be another cache miss, and
/// cache misses take most of the time that a long list takes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    number: u32,
    /// Where its bytes begin, without the lowest 24 bits.
    start: u32,
    /// Those 24 bits, and its length in the lowest eight.
    rest: u32,
}

impl Slot {
    /// With fewer than 2^31 names of at most 255 bytes, no byte lies past 2^40.
    fn new(number: u32, start: usize, length: usize) -> Self {
        let place = (start as u64) << 8 | (length as u64 & 0xff);
        #[allow(clippy::cast_possible_truncation, reason = "taken apart")]
        let [start, rest] = [(place >> 32) as u32, place as u32];
        Self { number, start, rest }
    }

    fn bytes(self, names: &Names) -> &[u8] {
        let place = u64::from(self.start) << 32 | u64::from(self.rest);
        let start = usize::try_from(place >> 8).unwrap_or(usize::MAX);
        &names.bytes[start..start + (place & 0xff) as usize]
    }
}

impl Interner {
    pub(super) fn new() -> Self {
        let hasher = RandomState::new();
        Self { names: Names::new(), slots: HashTable::new(), hasher }
    }

    /// The number of a name. A new name gets the next number. O(length).
    ///
    /// # Errors
    /// [`LimitError`] if there are more names than an index may have packages.
    pub(super) fn number(&mut self, name: NameRef<'_>) -> Result<u32, LimitError> {
        let Self { names, slots, hasher } = self;
        let own = hasher.hash_one(name.as_bytes());
        if let Some(slot) = slots.find(own, |slot| slot.bytes(names) == name.as_bytes()) {
            return Ok(slot.number);
        }
        let limit = Limits::CEILING;
        let next = u32::try_from(names.len()).ok().filter(|&next| (next as usize) < limit);
        let next = next.ok_or(LimitError::Packages { limit })?;
        let slot = Slot::new(next, names.bytes.len(), name.as_bytes().len());
        names.push(name);
        slots.insert_unique(own, slot, |slot| hasher.hash_one(slot.bytes(names)));
        Ok(next)
    }

    pub(super) fn get(&self, number: u32) -> NameRef<'_> {
        self.names.get(number)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Sorts numbers by their names. O(n log n).
    pub(super) fn sort(&self, numbers: &mut Vec<u32>) {
        self.names.sort(numbers);
    }

    /// Gives back the memory of the table, and keeps the names.
    pub(super) fn into_names(self) -> Names {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interned(names: &[&str]) -> (Interner, Vec<u32>) {
        let mut interner = Interner::new();
        let numbers = names
            .iter()
            .map(|name| interner.number(NameRef::new(name).unwrap()).unwrap())
            .collect();
        (interner, numbers)
    }

    #[test]
    fn a_name_has_one_number_however_often_it_comes() {
        let many: Vec<String> = (0..2_000).map(|number| format!("p{}", number % 1_000)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (interner, numbers) = interned(&many);
        assert_eq!(interner.len(), 1_000);
        assert_eq!(numbers[..1_000], numbers[1_000..]);
        assert!(numbers.iter().zip(&many).all(|(&it, name)| interner.get(it) == **name));
    }

    #[test]
    fn names_are_sorted_by_all_of_their_bytes_and_found() {
        let long = "x".repeat(20);
        let all = ["b", &format!("{long}b"), "a", &long, &format!("{long}a")];
        let (interner, mut numbers) = interned(&all);
        let names = interner.into_names();
        names.sort(&mut numbers);
        let sorted = names.picked(&numbers);
        let texts: Vec<_> = (0..5).map(|number| sorted.get(number).as_str()).collect();
        assert_eq!(texts, ["a", "b", all[3], all[4], all[1]]);
        assert!(
            (0..5).all(|number| sorted.search(texts[number as usize].as_bytes()) == Ok(number))
        );
        assert_eq!(
            ["+", "ab", "z"].map(|name| sorted.search(name.as_bytes())),
            [Err(0), Err(1), Err(5)]
        );
    }
}
