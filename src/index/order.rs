//! In which order the packages of an index can be installed, or indexed elsewhere.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::PackageIndex;
use super::graph::{PackageId, Text};
use super::rows::Rows;
use crate::name::Name;

/// One step of an installation order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallationStep {
    /// A package whose dependencies, itself aside, all came in earlier steps.
    Package(Name),
    /// Two or more packages, by name, that need each other (a strongly connected component). All else that
    /// they need came in earlier steps.
    Cycle(Vec<Name>),
}

impl InstallationStep {
    /// The packages of the step, by name.
    #[must_use]
    pub fn packages(&self) -> &[Name] {
        match self {
            Self::Package(package) => std::slice::from_ref(package),
            Self::Cycle(packages) => packages,
        }
    }
}

impl PackageIndex {
    /// The packages in an order in which each comes after what it depends on, with each cycle as one step.
    /// Where that leaves a choice, the least name comes first, so equal indices have equal orders.
    /// O((packages + dependencies) log packages).
    ///
    /// ```
    /// use package_indexer::{Command, PackageIndex, index::InstallationStep};
    ///
    /// let index = PackageIndex::from_iter([
    ///     Command::index("hen", [])?,
    ///     Command::index("egg", ["hen"])?,
    ///     Command::index("hen", ["egg"])?,
    ///     Command::index("cake", ["egg"])?,
    ///     Command::index("apple", [])?,
    /// ]);
    /// let order = index.installation_order();
    /// let names: Vec<_> = order.iter().map(InstallationStep::packages).collect();
    /// assert_eq!(names, [["apple"].as_slice(), &["egg", "hen"], &["cake"]]);
    /// assert!(matches!(&order[1], InstallationStep::Cycle(_)));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    ///
    /// # Panics
    /// If strongly connected components formed a cycle, which would be a bug.
    #[must_use]
    pub fn installation_order(&self) -> Vec<InstallationStep> {
        let (packages, rows) = self.numbered();
        let name = |&number: &u32| self.graph.name(packages[number as usize]);
        let step = |numbers: &[u32]| match numbers {
            [number] => InstallationStep::Package(name(number)),
            _ => InstallationStep::Cycle(numbers.iter().map(name).collect()),
        };
        let mut steps = rows.steps();
        let mut order = Vec::with_capacity(rows.len());
        while let Some(numbers) = steps.take_step() {
            order.push(step(numbers));
        }
        order
    }

    /// All packages by name, and the dependencies of each as places among them.
    pub(super) fn numbered(&self) -> (Vec<PackageId>, Rows) {
        let packages = self.by_name();
        let mut numbers = self.graph.per_package(0);
        for (number, &package) in (0..).zip(&packages) {
            numbers[package] = number;
        }
        let mut rows = Rows::with_capacity(self.len(), self.dependency_count());
        for &package in &packages {
            rows.push(self.graph.dependencies(package).map(|dependency| numbers[dependency]));
        }
        (packages, rows)
    }

    /// All packages by name. O(n log n), mostly without a look at the names themselves.
    pub(super) fn by_name(&self) -> Vec<PackageId> {
        let mut text = Text::new();
        let keyed = |id| (self.graph.read_name(id, &mut text).beginning(), id);
        let mut packages: Vec<_> = self.graph.packages().map(keyed).collect();
        packages.sort_unstable_by(|(beginning, package), (other, other_package)| {
            let by_name = || self.graph.by_name(*package, *other_package);
            beginning.cmp(other).then_with(by_name)
        });
        packages.into_iter().map(|(_, package)| package).collect()
    }
}

impl Rows {
    /// The rows in an order in which each comes after those whose numbers it has. Strongly connected rows
    /// come together, in ascending order. Where that leaves a choice, the least number comes first. O((rows +
    /// numbers) log rows): this call is linear, and each step costs the rest.
    pub(crate) fn steps(&self) -> Steps {
        self.steps_telling(|| ())
    }

    /// Like [`steps`](Self::steps), and calls `looked_at` for each row while it looks for cycles, which is
    /// most of the work.
    pub(crate) fn steps_telling(&self, looked_at: impl FnMut()) -> Steps {
        let dependents = self.transposed();
        let cycles = self.cycles(&dependents, looked_at);
        let firsts = cycles.iter().map(|rows| rows.iter().map(|&row| (row, rows[0])));
        let mut steps = Steps {
            first_of: firsts.flatten().collect(),
            waits_for: vec![0; self.len()],
            ready: BinaryHeap::new(),
            taken: [0],
            left: self.len(),
            dependents,
            cycles,
        };
        for row in self.numbers() {
            let is_apart = |dependency: &&u32| steps.first_of(**dependency) != steps.first_of(row);
            let count = self.row(row).iter().filter(is_apart).count();
            let first = steps.first_of(row);
            // No more than all numbers together: see `Limits::CEILING`.
            steps.waits_for[first as usize] += u32::try_from(count).unwrap_or(u32::MAX);
        }
        let is_ready =
            |&row: &u32| steps.first_of(row) == row && steps.waits_for[row as usize] == 0;
        steps.ready = self.numbers().filter(is_ready).map(Reverse).collect();
        steps
    }
}

/// Steps that are still to come. See [`Rows::steps`]. Each is known by its first row.
#[derive(Debug)]
pub(crate) struct Steps {
    dependents: Rows,
    /// The rows on cycles, and for each of them the first row of its cycle.
    cycles: Rows,
    first_of: HashMap<u32, u32>,
    /// For how many rows of other steps each step still waits.
    waits_for: Vec<u32>,
    /// The steps that wait for none.
    ready: BinaryHeap<Reverse<u32>>,
    /// The last step, if it was no cycle.
    taken: [u32; 1],
    /// How many rows are still to come.
    left: usize,
}

impl Steps {
    /// Takes the next step, and returns its rows. O(log rows), and linear in what depends on them.
    ///
    /// # Panics
    /// If strongly connected components formed a cycle, which would be a bug.
    pub(crate) fn take_step(&mut self) -> Option<&[u32]> {
        let Some(Reverse(first)) = self.ready.pop() else {
            assert_eq!(self.left, 0, "invariant: components form no cycle");
            return None;
        };
        self.taken = [first];
        let Self { dependents, cycles, first_of, waits_for, ready, taken, .. } = self;
        let step = match first_of.get(&first) {
            // The cycles stand in the order of their first rows.
            Some(_) => cycles.row(cycles.partition_point(|rows| rows[0] < first)),
            None => taken.as_slice(),
        };
        for &dependent in step.iter().flat_map(|&row| dependents.row(row)) {
            let waiting = first_among(first_of, dependent);
            if waiting != first {
                waits_for[waiting as usize] -= 1;
                if waits_for[waiting as usize] == 0 {
                    ready.push(Reverse(waiting));
                }
            }
        }
        self.left -= step.len();
        Some(step)
    }

    /// How many rows are still to come. O(1).
    #[cfg(feature = "tools")]
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// The steps of two rows or more, in the order of their first rows.
    #[cfg(feature = "tools")]
    pub(crate) fn cycles(&self) -> impl Iterator<Item = &[u32]> {
        self.cycles.iter()
    }

    /// How many of these rows have themselves, and are on no other cycle.
    #[cfg(feature = "tools")]
    pub(crate) fn alone(&self, rows: &Rows) -> usize {
        let needs_itself = |row: &u32| rows.has(*row, *row);
        let is_alone = |row: &u32| !self.first_of.contains_key(row);
        rows.numbers().filter(needs_itself).filter(is_alone).count()
    }

    /// The first row of the step to which a row belongs.
    fn first_of(&self, row: u32) -> u32 {
        first_among(&self.first_of, row)
    }
}

fn first_among(first_of: &HashMap<u32, u32>, row: u32) -> u32 {
    // Most indices have no cycles, and then nothing is looked up.
    if first_of.is_empty() { row } else { first_of.get(&row).copied().unwrap_or(row) }
}
