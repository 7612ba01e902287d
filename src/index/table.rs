//! Finds packages by the hash of their names, in tables of bounded size (extendible hashing).
//!
//! A single table would have to be built again, all at once, each time that it is full. Here a full table is
//! split into two, which moves some thousands of ids, at any total. A directory says which table has which
//! hashes. It doubles sometimes, at four bytes a table.
//!
//! The graph knows the names. The caller brings the hash, and a function that compares.

use hashbrown::HashTable;

use super::graph::PackageId;

/// The most names of one table: as many as 4,096 buckets have room for.
const MAX_NAMES: usize = 4_096 / 8 * 7;

/// The lowest bit of a hash that chooses the table. The bits below it, and the topmost seven, choose the
/// place in a table of hashbrown's.
const FIRST_BIT: u32 = 32;

/// The most bits that choose the table. Beyond that a table grows.
const MAX_DEPTH: u32 = 24;

/// The number of buckets from which a table shrinks.
const WORTH_SHRINKING: usize = 16;

/// Ids of packages, by the hashes of their names.
#[derive(Debug, Clone)]
pub(super) struct Table {
    parts: Vec<Part>,
    /// Which part has the hashes with these bits. The length is a power of two.
    directory: Vec<u32>,
    len: usize,
    max_names: usize,
    /// For how many names a part has room at first.
    first_room: usize,
}

#[derive(Debug, Clone)]
struct Part {
    ids: HashTable<PackageId>,
    /// How many bits of their hashes all names of the part have in common.
    depth: u32,
}

impl Table {
    pub(super) fn new() -> Self {
        Self::with_max_names(MAX_NAMES)
    }

    /// A table whose parts are split when they have so many names.
    pub(super) fn with_max_names(max_names: usize) -> Self {
        let parts = vec![Part { ids: HashTable::new(), depth: 0 }];
        Self { parts, directory: vec![0], len: 0, max_names: max_names.max(1), first_room: 0 }
    }

    /// An empty table for about so many names. If that many come, no part is split or grows on the way, but
    /// for a few.
    pub(super) fn expecting(names: usize) -> Self {
        let mut depth = 0;
        while depth < MAX_DEPTH && names >> depth > MAX_NAMES / 4 * 3 {
            depth += 1;
        }
        let parts = vec![Part { ids: HashTable::new(), depth }; 1 << depth];
        let first_room = if depth == 0 { 0 } else { with_room(names >> depth) };
        Self { directory: (0..1 << depth).collect(), parts, first_room, ..Self::new() }
    }

    /// Takes everything out, and leaves nothing. O(1).
    pub(super) fn take(&mut self) -> Self {
        let empty = Self::with_max_names(self.max_names);
        std::mem::replace(self, empty)
    }

    /// Frees at most so many parts of a table that is no longer used. Returns `false` if none was left.
    pub(super) fn give_back(&mut self, most: usize) -> bool {
        let left = self.parts.len();
        self.parts.truncate(left.saturating_sub(most));
        left > 0
    }

    /// How many names there are. O(1).
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The package with this hash for which `is_it` holds. O(1).
    #[allow(clippy::inline_always, reason = "where the name is at hand: counted")]
    #[inline(always)]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(PackageId) -> bool) -> Option<PackageId> {
        // Not hashbrown's `find`, which calls its argument through a pointer.
        self.parts[self.part_of(hash)].ids.iter_hash(hash).copied().find(|&id| is_it(id))
    }

    /// Adds a package that is not there. O(1), and sometimes the hashes of one part.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        id: PackageId,
        hash_of: impl Fn(PackageId) -> u64 + Copy,
    ) {
        self.len += 1;
        let mut number = self.part_of(hash);
        while self.parts[number].ids.len() >= self.max_names && self.parts[number].depth < MAX_DEPTH
        {
            self.split(number, hash_of);
            number = self.part_of(hash);
        }
        let ids = &mut self.parts[number].ids;
        if ids.len() == ids.capacity() {
            let room = if ids.capacity() == 0 { self.first_room } else { 0 };
            resize(ids, with_room(ids.len()).max(room), hash_of);
        }
        ids.insert_unique(hash, id, |&id| hash_of(id));
    }

    /// Removes a package, or returns `false` if it is not there. O(1), and sometimes the hashes of one part.
    pub(super) fn remove(
        &mut self,
        hash: u64,
        id: PackageId,
        hash_of: impl Fn(PackageId) -> u64 + Copy,
    ) -> bool {
        let number = self.part_of(hash);
        let ids = &mut self.parts[number].ids;
        let Ok(entry) = ids.find_entry(hash, |&other| other == id) else { return false };
        entry.remove();
        self.len -= 1;
        // Less than a quarter of the room.
        let buckets = ids.num_buckets();
        if buckets > WORTH_SHRINKING && ids.len() * 32 < buckets * 7 {
            resize(ids, 2 * ids.len(), hash_of);
        }
        true
    }

    /// The memory that it holds, in bytes. Linear in the tables.
    pub(super) fn held_bytes(&self) -> usize {
        let tables: usize = self.parts.iter().map(|part| part.ids.allocation_size()).sum();
        tables
            + self.parts.capacity() * size_of::<Part>()
            + self.directory.capacity() * size_of::<u32>()
    }

    #[inline]
    fn part_of(&self, hash: u64) -> usize {
        // The directory is never empty, and the cast keeps the low bits, which are the ones needed.
        #[allow(clippy::cast_possible_truncation, reason = "no more bits than the directory has")]
        let slot = (hash >> FIRST_BIT) as usize & (self.directory.len() - 1);
        self.directory[slot] as usize
    }

    /// Splits a part by the next bit of the hashes. Costs the hashes of that part, and the directory if that
    /// has to double.
    fn split(&mut self, number: usize, hash_of: impl Fn(PackageId) -> u64 + Copy) {
        let depth = self.parts[number].depth;
        let bit = 1_usize << depth;
        if self.directory.len() == bit {
            self.directory.extend_from_within(..);
        }
        let mut halves = [Vec::new(), Vec::new()];
        let mut some_hash = 0;
        for id in std::mem::take(&mut self.parts[number].ids) {
            let hash = hash_of(id);
            some_hash = hash;
            halves[usize::from(hash >> FIRST_BIT & 1 << depth != 0)].push((hash, id));
        }
        let [stay, go] = halves.map(|half| {
            let mut ids = HashTable::with_capacity(with_room(half.len()));
            for (hash, id) in half {
                ids.insert_unique(hash, id, |&id| hash_of(id));
            }
            Part { ids, depth: depth + 1 }
        });
        let new = self.parts.len();
        self.parts[number] = stay;
        self.parts.push(go);
        #[allow(clippy::cast_possible_truncation, reason = "no more bits than the directory has")]
        let common = (some_hash >> FIRST_BIT) as usize & (bit - 1);
        let new = u32::try_from(new).unwrap_or_else(|_| unreachable!("there are at most 2^24"));
        for slot in (common | bit..self.directory.len()).step_by(2 * bit) {
            self.directory[slot] = new;
        }
    }
}

/// Room for so many names and some more, so that it does not grow again at once.
fn with_room(names: usize) -> usize {
    names + 1 + names / 16
}

/// Builds a part again, with room for so many: larger, smaller, or without the marks of removed names. A
/// table of hashbrown's never grows by itself here, because it would also double for the sake of these marks.
fn resize(
    ids: &mut HashTable<PackageId>,
    capacity: usize,
    hash_of: impl Fn(PackageId) -> u64 + Copy,
) {
    let mut resized = HashTable::with_capacity(capacity.max(ids.len()));
    for id in std::mem::take(ids) {
        resized.insert_unique(hash_of(id), id, |&id| hash_of(id));
    }
    *ids = resized;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::graph::DependencyGraph;

    /// Packages whose names do not matter. The hash of each is that of its number.
    fn packages(count: usize) -> Vec<PackageId> {
        let mut graph = DependencyGraph::new();
        (0..count).map(|_| graph.add_package(b"a")).collect()
    }

    /// A hash that mixes well, and is always the same.
    fn hash(id: PackageId) -> u64 {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(id)
    }

    fn filled(table: &mut Table, ids: &[PackageId]) {
        for &id in ids {
            table.insert(hash(id), id, hash);
        }
    }

    fn finds(table: &Table, id: PackageId) -> bool {
        table.find(hash(id), |other| other == id).is_some()
    }

    #[test]
    fn what_was_added_is_found_however_often_tables_were_split() {
        let ids = packages(1_000);
        for names in [1, 2, 3, 100, MAX_NAMES] {
            let mut table = Table::with_max_names(names);
            for (count, &id) in ids.iter().enumerate() {
                assert!(!finds(&table, id));
                table.insert(hash(id), id, hash);
                assert_eq!(table.len(), count + 1);
            }
            assert!(ids.iter().all(|&id| finds(&table, id)));
            assert!(table.parts.iter().all(|part| part.ids.len() <= names));
            for &id in &ids {
                assert!(table.remove(hash(id), id, hash) && !finds(&table, id));
            }
            assert!(!table.remove(hash(ids[0]), ids[0], hash) && table.len() == 0);
        }
    }

    #[test]
    fn no_table_is_larger_than_the_largest() {
        let ids = packages(50_000);
        let mut table = Table::new();
        filled(&mut table, &ids);
        assert!(table.parts.len() >= 50_000 / MAX_NAMES);
        assert!(table.parts.iter().all(|part| part.ids.num_buckets() <= 4_096));
    }

    #[test]
    fn a_name_takes_no_more_than_was_counted() {
        let ids = packages(200_000);
        let mut table = Table::new();
        let mut most = 0;
        for (count, &id) in (1..).zip(&ids) {
            table.insert(hash(id), id, hash);
            if count % 1_000 == 0 && count >= 10_000 {
                most = most.max(table.held_bytes() * 100 / count);
            }
        }
        assert!((1_100..1_200).contains(&most), "{most}");
    }

    #[test]
    fn a_table_of_the_expected_size_is_as_full_as_one_that_grew() {
        for count in [1_000, 5_000, 20_000, 50_000, 87_000, 200_000] {
            let ids = packages(count);
            let mut table = Table::expecting(count);
            let parts = table.parts.len();
            filled(&mut table, &ids);
            assert_eq!(table.parts.len(), parts, "{count}");
            let held = table.held_bytes() * 100 / count;
            assert!(held < 1_300, "{held} for each of {count}");
            assert!(ids.iter().all(|&id| finds(&table, id)));
        }
    }

    #[test]
    fn names_that_come_and_go_do_not_make_tables_grow() {
        let ids = packages(20_000);
        let mut table = Table::new();
        filled(&mut table, &ids[..10_000]);
        let held = table.held_bytes();
        for round in 0..40 {
            let at = round * 250;
            for (&old, &new) in ids[at..at + 250].iter().zip(&ids[10_000 + at..]) {
                assert!(table.remove(hash(old), old, hash));
                table.insert(hash(new), new, hash);
            }
        }
        assert!(table.held_bytes() <= held * 5 / 4, "{} {held}", table.held_bytes());
    }

    #[test]
    fn a_table_that_is_thinned_out_shrinks() {
        let ids = packages(100_000);
        let mut table = Table::new();
        filled(&mut table, &ids);
        let held = table.held_bytes();
        for &id in &ids[1_000..] {
            assert!(table.remove(hash(id), id, hash));
        }
        assert!(table.held_bytes() * 10 < held, "{} {held}", table.held_bytes());
        assert!(ids[..1_000].iter().all(|&id| finds(&table, id)));
        let mut taken = table.take();
        assert!(table.held_bytes() < 200 && table.len() == 0);
        assert_eq!(taken.len(), 1_000);
        while taken.give_back(3) {}
        assert!(taken.parts.is_empty());
    }
}
