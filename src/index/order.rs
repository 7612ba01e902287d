//! In which order the packages of an index can be installed, or indexed elsewhere.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::PackageIndex;
use super::graph::{PackageId, Text};
use super::rows::Rows;
use crate::name::Name;

/// One step of an installation order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallationStep {
    /// A package whose dependencies, itself aside, all came in earlier steps.
    Package(Name),
    /// Two or more packages, by name, that need each other (a strongly connected component); what
    /// they need beyond that came in earlier steps.
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
    /// The packages in an order in which each comes after what it depends on, cycles taken as one
    /// step. Where the rule leaves a choice, the least name comes first, so that equal indices have
    /// equal orders. O((packages + dependencies) log packages).
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
        rows.steps().iter().map(step).collect()
    }

    /// All packages by name, and in which places among them those are that each depends on.
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

    /// All packages by name. O(n log n), most of it without a look at the names themselves.
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
    /// The rows in an order in which each comes after those whose numbers it has, strongly
    /// connected ones together and ascending; where that leaves a choice, the least number first.
    /// O((rows + numbers) log rows).
    ///
    /// # Panics
    /// If strongly connected components formed a cycle, which would be a bug.
    pub(crate) fn steps(&self) -> Self {
        let dependents = self.transposed();
        let components = self.components(&dependents);
        let mut component_of = vec![0; self.len()];
        for (number, rows) in (0_u32..).zip(components.iter()) {
            for &row in rows {
                component_of[row as usize] = number;
            }
        }
        let leaves = |number: u32, other: u32| component_of[other as usize] != number;
        let ready_as = |number: u32| Reverse((components.row(number)[0], number));

        // How many dependencies on other components keep each component waiting.
        let mut waits_for = Vec::with_capacity(components.len());
        let mut ready = BinaryHeap::new();
        for (number, rows) in (0..).zip(components.iter()) {
            let dependencies = rows.iter().flat_map(|&row| self.row(row));
            let count = dependencies.filter(|&&dependency| leaves(number, dependency)).count();
            waits_for.push(count);
            if count == 0 {
                ready.push(ready_as(number));
            }
        }

        let mut order = Self::with_capacity(components.len(), self.len());
        while let Some(Reverse((_, number))) = ready.pop() {
            let rows = components.row(number);
            let others = rows.iter().flat_map(|&row| dependents.row(row));
            for &dependent in others.filter(|&&dependent| leaves(number, dependent)) {
                let waiting = component_of[dependent as usize];
                waits_for[waiting as usize] -= 1;
                if waits_for[waiting as usize] == 0 {
                    ready.push(ready_as(waiting));
                }
            }
            order.push(rows.iter().copied());
        }
        assert_eq!(order.len(), components.len(), "invariant: components form no cycle");
        order
    }
}
