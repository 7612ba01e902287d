//! The memory of the graph: one pool of equal cells, in pages.
//!
//! Every package, every piece of a long name and every dependency takes cells of this pool. All cells are
//! alike, so a free one serves any next use. The pool thus never holds more cells than were once in use at
//! the same time.
//!
//! The pool grows by a page of bounded size, and never moves a page. Copies of the pool can share a page. It
//! is copied when one of them writes to it, and not before.

use std::sync::Arc;

/// Five words. The code that took the cell knows their meaning.
pub(super) type Cell = [u32; 5];

/// The bytes of a cell.
pub(super) const CELL_BYTES: usize = size_of::<Cell>();

/// An id that no cell has.
pub(super) const NONE: u32 = u32::MAX;

/// The most cells that can be in use: as many as 32-bit ids can tell apart, without [`NONE`].
pub(super) const MAX_CELLS: usize = (1 << (u32::BITS - PAGE_BITS)) * (PAGE_CELLS - MAP_CELLS) - 1;

/// How many bits of an id number the cells of a page.
const PAGE_BITS: u32 = 10;

/// The cells of a page: 20 KiB. A larger page would take longer to copy, and smaller ones would be more to
/// share.
const PAGE_CELLS: usize = 1 << PAGE_BITS;

/// The bits in a word of the map of marks.
const WORD_BITS: usize = u32::BITS as usize;

/// The number of cells at the start of a page that hold its map: a bit for each cell, whether it is marked.
const MAP_CELLS: usize = PAGE_CELLS.div_ceil(WORD_BITS * 5);

/// The cells for which the first page has room at first, so that small pools stay small.
const FIRST_CELLS: usize = 16;

/// The pool.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    pages: Vec<Page>,
    /// The first free cell. The first word of each is the id of the next.
    free: u32,
    used: usize,
}

#[derive(Debug)]
enum Page {
    Own(Vec<Cell>),
    /// Perhaps shared with other pools.
    Shared(Arc<Vec<Cell>>),
}

impl Cells {
    /// A pool without memory.
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), free: NONE, used: 0 }
    }

    /// How many cells are in use. O(1).
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// A cell in use. O(1).
    #[inline]
    pub(super) fn at(&self, id: u32) -> &Cell {
        let (page, place) = place(id);
        &self.pages[page].cells()[place]
    }

    /// A cell in use, to be changed. O(1), and a copy of its page if that is shared.
    #[inline]
    pub(super) fn at_mut(&mut self, id: u32) -> &mut Cell {
        let (page, place) = place(id);
        &mut self.pages[page].cells_mut()[place]
    }

    /// Takes a free cell, or else a new one. O(1), and sometimes a new page.
    #[inline]
    pub(super) fn insert(&mut self, cell: Cell) -> u32 {
        self.used += 1;
        let id = self.free;
        if id == NONE {
            return self.append(cell);
        }
        let free = self.at_mut(id);
        let [next, ..] = std::mem::replace(free, cell);
        self.free = next;
        id
    }

    /// Frees a cell. O(1).
    #[inline]
    pub(super) fn remove(&mut self, id: u32) {
        let next = self.free;
        self.at_mut(id)[0] = next;
        self.free = id;
        self.used -= 1;
    }

    fn append(&mut self, cell: Cell) -> u32 {
        if self.pages.last().is_none_or(|page| page.cells().len() == PAGE_CELLS) {
            let room = if self.pages.is_empty() { FIRST_CELLS } else { PAGE_CELLS };
            let mut cells = Vec::with_capacity(room);
            cells.resize(MAP_CELLS, Cell::default());
            self.pages.push(Page::Own(cells));
        }
        let number = self.pages.len() - 1;
        let cells = self.pages[number].cells_mut();
        let place = cells.len();
        cells.push(cell);
        u32::try_from(number << PAGE_BITS | place)
            .unwrap_or_else(|_| unreachable!("invariant: the limits allow no more cells"))
    }

    /// Marks a cell, or takes its mark away. O(1).
    pub(super) fn mark(&mut self, id: u32, marked: bool) {
        let (page, place) = place(id);
        let word = map_word_mut(self.pages[page].cells_mut(), place / WORD_BITS);
        let bit = 1 << (place % WORD_BITS);
        *word = if marked { *word | bit } else { *word & !bit };
    }

    /// The marked cells, in the order of their ids. Linear in all cells, 32 at a time.
    pub(super) fn marked(&self) -> impl Iterator<Item = u32> {
        (0..).step_by(WORD_BITS).zip(self.map()).flat_map(|(first, word)| {
            let next = |rest: &u32| Some(rest & (rest - 1)).filter(|rest| *rest != 0);
            let rests = std::iter::successors(Some(word).filter(|word| *word != 0), next);
            rests.map(move |rest| first + rest.trailing_zeros())
        })
    }

    /// A bit for each cell, the lowest first, that says whether it is marked.
    pub(super) fn map(&self) -> impl Iterator<Item = u32> {
        self.pages.iter().flat_map(|page| {
            (0..PAGE_CELLS / WORD_BITS).map(|word| page.cells()[word / 5][word % 5])
        })
    }

    /// The least id that no cell has reached. O(1).
    pub(super) fn bound(&self) -> usize {
        self.pages.len() << PAGE_BITS
    }

    /// The free cells. O(1) each.
    pub(super) fn free(&self) -> impl Iterator<Item = u32> {
        let next = |id: u32| Some(id).filter(|&id| id != NONE);
        std::iter::successors(next(self.free), move |&id| next(self.at(id)[0]))
    }

    /// The ids of all cells, in use or free.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.pages).flat_map(|(number, page)| {
            (0_u32..).zip(page.cells()).skip(MAP_CELLS).map(move |(id, _)| number << PAGE_BITS | id)
        })
    }

    /// A copy that shares every page with this one. O(pages).
    pub(super) fn share(&mut self) -> Self {
        let Self { pages, free, used } = self;
        let pages = pages.iter_mut().map(|page| Page::Shared(page.share())).collect();
        Self { pages, free: *free, used: *used }
    }

    /// Frees at most so many pages of a pool that is no longer used. The newest go first: the allocator can
    /// return the end of its memory, but not the middle. Returns `false` if none was left.
    pub(super) fn give_back(&mut self, most: usize) -> bool {
        let left = self.pages.len();
        self.pages.truncate(left.saturating_sub(most));
        left > 0
    }

    /// The memory that the pool holds, in bytes. Shared pages count here too. O(pages).
    pub(super) fn held_bytes(&self) -> usize {
        let cells: usize = self.pages.iter().map(Page::capacity).sum();
        cells * CELL_BYTES + self.pages.capacity() * size_of::<Page>()
    }
}

/// The page of a cell, and its place in the page.
#[inline]
fn place(id: u32) -> (usize, usize) {
    ((id >> PAGE_BITS) as usize, id as usize % PAGE_CELLS)
}

fn map_word_mut(cells: &mut [Cell], word: usize) -> &mut u32 {
    &mut cells[word / 5][word % 5]
}

impl Page {
    #[inline]
    fn cells(&self) -> &Vec<Cell> {
        match self {
            Self::Own(cells) => cells,
            Self::Shared(cells) => cells,
        }
    }

    #[inline]
    fn cells_mut(&mut self) -> &mut Vec<Cell> {
        if let Self::Shared(_) = self {
            self.own();
        }
        match self {
            Self::Own(cells) => cells,
            Self::Shared(_) => unreachable!("invariant: a page that is written to is our own"),
        }
    }

    /// Makes the cells this pool's own. Copies them if others use them.
    #[cold]
    fn own(&mut self) {
        if let Self::Shared(cells) = std::mem::replace(self, Self::Own(Vec::new())) {
            *self = Self::Own(Arc::try_unwrap(cells).unwrap_or_else(|cells| copy(&cells)));
        }
    }

    fn share(&mut self) -> Arc<Vec<Cell>> {
        match self {
            Self::Shared(cells) => Arc::clone(cells),
            Self::Own(cells) => {
                let shared = Arc::new(std::mem::take(cells));
                *self = Self::Shared(Arc::clone(&shared));
                shared
            }
        }
    }

    fn capacity(&self) -> usize {
        self.cells().capacity()
    }
}

impl Clone for Page {
    fn clone(&self) -> Self {
        match self {
            Self::Own(cells) => Self::Own(copy(cells)),
            Self::Shared(cells) => Self::Shared(Arc::clone(cells)),
        }
    }
}

/// A copy with the same room.
#[allow(clippy::ptr_arg, reason = "the room of a vector is what a slice does not know")]
fn copy(cells: &Vec<Cell>) -> Vec<Cell> {
    let mut copy = Vec::with_capacity(cells.capacity());
    copy.extend_from_slice(cells);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u32) -> (Cells, Vec<u32>) {
        let mut cells = Cells::new();
        let ids = (0..count).map(|number| cells.insert([number; 5])).collect();
        (cells, ids)
    }

    #[test]
    fn a_cell_keeps_its_place_while_pages_come() {
        let (cells, ids) = filled(5_000);
        assert!(ids.is_sorted_by(|a, b| a < b) && cells.ids().eq(ids.iter().copied()));
        assert!((0..).zip(&ids).all(|(number, &id)| *cells.at(id) == [number; 5]));
        assert_eq!((cells.used(), cells.bound()), (5_000, 5 * PAGE_CELLS));
    }

    #[test]
    fn a_freed_cell_serves_the_next() {
        let (mut cells, ids) = filled(3_000);
        let held = cells.held_bytes();
        for _ in 0..3 {
            for &id in &ids {
                cells.remove(id);
            }
            assert_eq!((cells.used(), cells.free().count()), (0, 3_000));
            for _ in &ids {
                cells.insert([7; 5]);
            }
            assert_eq!((cells.used(), cells.free().count()), (3_000, 0));
        }
        assert_eq!(cells.held_bytes(), held);
    }

    #[test]
    fn marks_are_listed_in_order_and_can_be_taken_away() {
        let (mut cells, ids) = filled(3_000);
        let some: Vec<u32> = ids.iter().copied().filter(|id| id % 7 < 2).collect();
        for &id in some.iter().rev() {
            cells.mark(id, true);
        }
        assert!(cells.marked().eq(some.iter().copied()));
        for &id in &some[1..] {
            cells.mark(id, false);
        }
        assert!(cells.marked().eq([some[0]]));
        assert!((0..).zip(&ids).all(|(number, &id)| *cells.at(id) == [number; 5]));
    }

    #[test]
    fn few_cells_take_little_memory() {
        assert_eq!(Cells::new().held_bytes(), 0);
        let (cells, _) = filled(9);
        assert!(cells.held_bytes() <= FIRST_CELLS * CELL_BYTES + 4 * size_of::<Page>());
        let (cells, _) = filled(900);
        assert!(cells.held_bytes() <= PAGE_CELLS * CELL_BYTES + 4 * size_of::<Page>());
    }

    #[test]
    fn a_shared_page_is_copied_only_when_it_is_written_to() {
        let (mut cells, ids) = filled(3_000);
        let copy = cells.share();
        let shared = |cells: &Cells| {
            let alike = |(a, b): (&Page, &Page)| std::ptr::eq(a.cells(), b.cells());
            cells.pages.iter().zip(&copy.pages).filter(|pages| alike(*pages)).count()
        };
        assert_eq!(shared(&cells), 3);
        cells.at_mut(ids[0])[0] = 9;
        cells.mark(ids[1], true);
        assert_eq!(shared(&cells), 2);
        // The last page has room, and so does its copy.
        let added = cells.insert([8; 5]);
        assert_eq!((shared(&cells), cells.pages[2].capacity()), (1, PAGE_CELLS));
        assert_eq!((copy.at(ids[0])[0], copy.marked().count(), copy.used()), (0, 0, 3_000));
        assert_eq!((cells.at(ids[0])[0], *cells.at(added)), (9, [8; 5]));
        // A page that is no longer shared is not copied again.
        let cells_of = |cells: &Cells| cells.pages[1].cells().as_ptr();
        let before = cells_of(&cells);
        drop(copy);
        cells.at_mut(ids[1_500])[0] = 9;
        assert_eq!(cells_of(&cells), before);
    }
}
