//! The names of packages, spread over cells.
//!
//! A name of up to 11 bytes lies in the head of its package. A longer one goes on in further cells, of 16
//! bytes each. The last of them has text in its last word as well.

use std::cmp::Ordering;

use super::{DependencyGraph, FIRST_IN, PackageId};
use crate::index::cells::{CELL_BYTES, Cell, NONE};
use crate::index::sought::Sought;
use crate::name::{MAX_NAME_BYTES, Name, NameRef};

/// The most bytes of a name that lies in the head alone.
const IN_HEAD: usize = 11;

/// The bytes in the head of a longer name.
const BEFORE_REST: usize = 7;

/// The bytes in a cell that another cell follows.
const IN_CELL: usize = 16;

/// How many cells a package with a name of so many bytes takes. O(1).
pub(in crate::index) const fn cells_of_name(length: usize) -> usize {
    1 + length.saturating_sub(IN_HEAD).div_ceil(IN_CELL)
}

/// Memory for a name that is read out of its cells.
pub(in crate::index) struct Text([u8; MAX_NAME_BYTES + CELL_BYTES]);

impl Text {
    pub(in crate::index) const fn new() -> Self {
        Self([0; MAX_NAME_BYTES + CELL_BYTES])
    }
}

impl DependencyGraph {
    /// The name of a package. O(length).
    pub(in crate::index) fn name(&self, package: PackageId) -> Name {
        self.read_name(package, &mut Text::new()).to_name()
    }

    /// The name of a package, in memory of the caller. O(length).
    pub(in crate::index) fn read_name<'t>(
        &self,
        package: PackageId,
        text: &'t mut Text,
    ) -> NameRef<'t> {
        let head = self.cells.at(package.0);
        let [_, _, first, second, rest] = *head;
        let bytes = &mut text.0;
        let length = usize::from(length_of(head));
        bytes[..4].copy_from_slice(&(first >> 8).to_le_bytes());
        bytes[3..BEFORE_REST].copy_from_slice(&second.to_le_bytes());
        if length <= IN_HEAD {
            bytes[BEFORE_REST..IN_HEAD].copy_from_slice(&rest.to_le_bytes());
        } else {
            let (mut at, mut next) = (BEFORE_REST, rest);
            while at < length {
                let cell = self.cells.at(next);
                bytes[at..at + CELL_BYTES].copy_from_slice(&bytes_of(cell));
                next = cell[4];
                at += if length - at > CELL_BYTES { IN_CELL } else { CELL_BYTES };
            }
        }
        NameRef::from_checked(&bytes[..length])
    }

    /// Whether a package has this name. O(length), without a copy of the name.
    #[inline]
    pub(in crate::index) fn is_named(&self, package: PackageId, name: &Sought<'_>) -> bool {
        if name.is_short() {
            return self.has_short_name(package, name);
        }
        let head = self.cells.at(package.0);
        let [first, _] = name.first();
        begins(head, first, name.bytes().len())
            && self.continues(head[4], &name.bytes()[BEFORE_REST..])
    }

    /// Like `is_named`, for a name of two words at most.
    #[allow(clippy::inline_always, reason = "into the search: counted")]
    #[inline(always)]
    pub(in crate::index) fn has_short_name(&self, package: PackageId, name: &Sought<'_>) -> bool {
        let head = self.cells.at(package.0);
        let ([first, second], length) = (name.first(), name.bytes().len());
        if !begins(head, first, length) {
            return false;
        }
        // What comes after the bytes that the head of any name has.
        let [first, second] = [first >> (8 * BEFORE_REST) | second << 8, second >> 56];
        if length <= IN_HEAD {
            return u64::from(head[4]) == first;
        }
        let &[low, high, last, ..] = self.cells.at(head[4]);
        both(low, high) == first && u64::from(last) == second
    }

    /// Whether the text that begins in a cell is this.
    #[inline(never)]
    fn continues(&self, mut cell: u32, mut rest: &[u8]) -> bool {
        loop {
            let own = self.cells.at(cell);
            let bytes = bytes_of(own);
            if rest.len() <= CELL_BYTES {
                return is_same(&bytes[..rest.len()], rest);
            }
            let (here, after) = rest.split_at(IN_CELL);
            if bytes[..IN_CELL] != *here {
                return false;
            }
            (cell, rest) = (own[4], after);
        }
    }

    /// Compares two packages by their names. O(length).
    pub(in crate::index) fn by_name(&self, one: PackageId, other: PackageId) -> Ordering {
        let [mut a, mut b] = [Text::new(), Text::new()];
        self.read_name(one, &mut a).cmp(&self.read_name(other, &mut b))
    }

    /// Reads the head of a package, and the next cell of its name if there is one.
    pub(in crate::index) fn touch(&self, package: PackageId) -> u32 {
        let head = self.cells.at(package.0);
        let is_long = usize::from(length_of(head)) > IN_HEAD;
        if is_long { self.cells.at(head[4])[0] } else { head[4] }
    }

    /// Reads the head of a package, and the next cell of its name if there is one. Returns the newest edge
    /// into the package, or [`NONE`], for [`touch_edge`](Self::touch_edge).
    pub(in crate::index) fn touch_for_edge(&self, package: PackageId) -> (u32, u32) {
        (self.touch(package), self.cells.at(package.0)[FIRST_IN])
    }

    /// Reads the edge that changes when another comes before it.
    pub(in crate::index) fn touch_edge(&self, (name, edge): (u32, u32)) -> u32 {
        if edge == NONE { name } else { self.cells.at(edge)[0] }
    }

    /// Puts a name into cells. Returns the words that go into the head.
    pub(super) fn insert_text(&mut self, name: &[u8]) -> [u32; 3] {
        let mut start = [0; 1 + IN_HEAD];
        let length = u8::try_from(name.len())
            .unwrap_or_else(|_| unreachable!("invariant: a name has at most 255 bytes"));
        start[0] = length;
        if name.len() <= IN_HEAD {
            start[1..=name.len()].copy_from_slice(name);
        } else {
            start[1..=BEFORE_REST].copy_from_slice(&name[..BEFORE_REST]);
            let rest = self.insert_rest(&name[BEFORE_REST..]);
            start[1 + BEFORE_REST..].copy_from_slice(&rest.to_le_bytes());
        }
        let word = |at: usize| {
            u32::from_le_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]])
        };
        [word(0), word(4), word(8)]
    }

    /// Puts the rest of a name into cells, the last piece first. Returns the first cell.
    fn insert_rest(&mut self, rest: &[u8]) -> u32 {
        let whole = rest.len().saturating_sub(CELL_BYTES - IN_CELL + 1) / IN_CELL;
        let (pieces, last) = rest.split_at(whole * IN_CELL);
        let mut next = self.cells.insert(cell_of(last));
        for piece in pieces.rchunks_exact(IN_CELL) {
            let mut cell = cell_of(piece);
            cell[4] = next;
            next = self.cells.insert(cell);
        }
        next
    }

    /// Frees the cells of a name, except the head.
    pub(super) fn remove_text(&mut self, package: PackageId) {
        let head = self.cells.at(package.0);
        let count = cells_of_name(usize::from(length_of(head))) - 1;
        let mut next = head[4];
        for _ in 0..count {
            let cell = next;
            next = self.cells.at(cell)[4];
            self.cells.remove(cell);
        }
    }

    /// The cells of a name after the head.
    pub(super) fn text_cells(&self, package: PackageId) -> impl Iterator<Item = u32> {
        let head = self.cells.at(package.0);
        let count = cells_of_name(usize::from(length_of(head))) - 1;
        let first = (count > 0).then_some(head[4]);
        std::iter::successors(first, |&cell| Some(self.cells.at(cell)[4])).take(count)
    }
}

/// Whether two texts of the same length are equal. The length is at most that of a cell. It compares them as
/// one number, or as two that overlap, because a call that compares byte by byte takes longer.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    match one.len() {
        16.. => have_same_ends::<16>(one, other),
        8.. => have_same_ends::<8>(one, other),
        4.. => have_same_ends::<4>(one, other),
        2.. => have_same_ends::<2>(one, other),
        _ => one.first() == other.first(),
    }
}

fn have_same_ends<const BYTES: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<BYTES>() == other.first_chunk()
        && one.last_chunk::<BYTES>() == other.last_chunk()
}

/// Whether a head has this length, and the first bytes of a name that begins with this word.
#[inline]
fn begins(&[_, _, low, high, _]: &Cell, first: u64, length: usize) -> bool {
    both(low, high) == (first << 8 | length as u64)
}

/// Two words as one number, in the order in which they lie.
fn both(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << u32::BITS
}

/// The length of a package's name.
fn length_of(head: &Cell) -> u8 {
    head[2].to_le_bytes()[0]
}

fn bytes_of(cell: &Cell) -> [u8; CELL_BYTES] {
    let mut bytes = [0; CELL_BYTES];
    for (place, word) in bytes.chunks_exact_mut(4).zip(cell) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// A cell that begins with these bytes.
fn cell_of(text: &[u8]) -> Cell {
    let mut bytes = [0; CELL_BYTES];
    bytes[..text.len()].copy_from_slice(text);
    let mut cell = Cell::default();
    for (word, bytes) in cell.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    cell
}
