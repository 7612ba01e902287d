//! What a graph is made of, cell by cell: for tests that hold it to the algorithm of `spec/refinement`.

use std::collections::BTreeMap;

use super::{DependencyGraph, FIRST_IN, FIRST_OUT};
use crate::index::cells::NONE;
use crate::name::Name;

/// What a cell is used for. Cells are numbered from 1 in the order in which they came; 0 is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CellUse {
    Head {
        name: Name,
        first_out: usize,
        first_in: usize,
    },
    /// It has more of a name.
    Text,
    /// The package, its dependency, the next out of it, the next into that, and the one before.
    Edge([usize; 5]),
    Free {
        next: usize,
    },
}

/// All cells of a graph, and what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Representation {
    pub(crate) cells: Vec<CellUse>,
    pub(crate) free: usize,
    pub(crate) used: usize,
    pub(crate) packages: usize,
    pub(crate) dependencies: usize,
}

impl DependencyGraph {
    /// O(n log n) in the cells.
    pub(in crate::index) fn representation(&self) -> Representation {
        let places: BTreeMap<u32, usize> = self.cells.ids().zip(0..).collect();
        let number = |id: u32| match places.get(&id) {
            Some(place) => place + 1,
            None if id == NONE => 0,
            // Of no cell.
            None => usize::MAX,
        };
        let edge = |id| CellUse::Edge(self.cells.at(id).map(number));
        let mut cells: Vec<CellUse> = self.cells.ids().map(edge).collect();
        // A list that is a circle has no end.
        for id in self.cells.free().take(cells.len()) {
            cells[places[&id]] = CellUse::Free { next: number(self.cells.at(id)[0]) };
        }
        for package in self.packages() {
            for id in self.text_cells(package) {
                cells[places[&id]] = CellUse::Text;
            }
            let head = self.cells.at(package.0);
            cells[places[&package.0]] = CellUse::Head {
                name: self.name(package),
                first_out: number(head[FIRST_OUT]),
                first_in: number(head[FIRST_IN]),
            };
        }
        Representation {
            cells,
            free: self.cells.free().next().map_or(0, number),
            used: self.cells.used(),
            packages: self.packages,
            dependencies: self.dependencies,
        }
    }
}
