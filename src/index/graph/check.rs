//! What must hold in the graph after every change, checked in full.

use petgraph::Direction::Incoming;

use super::{DependencyGraph, FIRST_IN, FIRST_OUT, NEXT_IN, NEXT_OUT, PREVIOUS_IN, PackageId};
use crate::index::cells::NONE;
use crate::name::Name;

/// How a [`DependencyGraph`] contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::index) enum GraphFault {
    #[error("the dependencies of {package} are not in order, or {dependency} is there twice")]
    Order { package: Name, dependency: Name },
    #[error("{counted} {what} are counted, {found} are there")]
    Count { what: &'static str, counted: usize, found: usize },
    #[error("an edge of {package} comes from elsewhere, or leads to no package")]
    Edge { package: Name },
    #[error("the edges into {package} are not linked both ways, or lead elsewhere")]
    Links { package: Name },
    #[error("cell {cell} is used twice")]
    UsedTwice { cell: u32 },
}

/// The cells that have been seen, so that each is seen once.
struct Seen(Vec<bool>);

impl Seen {
    fn note(&mut self, cell: u32) -> Result<(), GraphFault> {
        match self.0.get_mut(cell as usize) {
            Some(seen) if !*seen => {
                *seen = true;
                Ok(())
            }
            _ => Err(GraphFault::UsedTwice { cell }),
        }
    }
}

impl DependencyGraph {
    /// Checks what the methods of the graph rely on. Linear in the graph.
    pub(in crate::index) fn check(&self) -> Result<(), GraphFault> {
        let mut seen = Seen(vec![false; self.cells.bound()]);
        let mut is_package = seen.0.clone();
        for package in self.packages() {
            is_package[package.0 as usize] = true;
        }
        let mut dependencies = 0;
        for package in self.packages() {
            seen.note(package.0)?;
            self.text_cells(package).try_for_each(|cell| seen.note(cell))?;
            dependencies += self.check_list(package, &is_package, &mut seen)?;
        }
        let mut incoming = 0;
        for package in self.packages() {
            incoming += self.check_dependents(package, &seen)?;
        }
        let used = seen.0.iter().filter(|&&seen| seen).count();
        self.cells.free().try_for_each(|cell| seen.note(cell))?;
        for (what, counted, found) in [
            ("packages", self.packages, self.packages().count()),
            ("dependencies", self.dependencies, dependencies),
            ("edges into packages", self.dependencies, incoming),
            ("cells in use", self.cells.used(), used),
            ("cells", self.cells.ids().count(), used + self.cells.free().count()),
        ] {
            if counted != found {
                return Err(GraphFault::Count { what, counted, found });
            }
        }
        Ok(())
    }

    /// Checks the edges out of a package, and returns how many there are.
    fn check_list(
        &self,
        package: PackageId,
        is_package: &[bool],
        seen: &mut Seen,
    ) -> Result<usize, GraphFault> {
        let (mut count, mut last) = (0, None);
        let mut edge = self.cells.at(package.0)[FIRST_OUT];
        while edge != NONE {
            seen.note(edge)?;
            let cell = self.cells.at(edge);
            let target = cell[1];
            if cell[0] != package.0 || is_package.get(target as usize) != Some(&true) {
                return Err(GraphFault::Edge { package: self.name(package) });
            }
            if last.is_some_and(|last| last >= target) {
                let dependency = self.name(PackageId(target));
                return Err(GraphFault::Order { package: self.name(package), dependency });
            }
            (last, count, edge) = (Some(target), count + 1, cell[NEXT_OUT]);
        }
        Ok(count)
    }

    /// Checks the edges into a package, and returns how many there are. All edges out of packages have been
    /// seen before.
    fn check_dependents(&self, package: PackageId, seen: &Seen) -> Result<usize, GraphFault> {
        let (mut count, mut previous) = (0, NONE);
        let mut edge = self.cells.at(package.0)[FIRST_IN];
        while edge != NONE {
            let is_seen = seen.0.get(edge as usize) == Some(&true);
            if !is_seen
                || self.cells.at(edge)[1] != package.0
                || self.cells.at(edge)[PREVIOUS_IN] != previous
            {
                return Err(GraphFault::Links { package: self.name(package) });
            }
            (count, previous, edge) = (count + 1, edge, self.cells.at(edge)[NEXT_IN]);
        }
        debug_assert_eq!(count, self.neighbors_of(package.0, Incoming).count());
        Ok(count)
    }
}
