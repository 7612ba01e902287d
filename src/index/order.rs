//! In which order the packages of an index can be installed, or indexed elsewhere.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::PackageIndex;
use super::graph::{PackageId, PerPackage};
use crate::bug::{Bug, planted};
use crate::name::NameRef;

/// One step of an installation order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// A package whose dependencies, itself aside, all came in earlier steps.
    Package(NameRef<'a>),
    /// Two or more packages, by name, that need each other (a strongly connected component); what
    /// they need beyond that came in earlier steps.
    Cycle(Vec<NameRef<'a>>),
}

impl<'a> Step<'a> {
    /// The packages of the step, by name.
    #[must_use]
    pub fn packages(&self) -> &[NameRef<'a>] {
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
    /// use package_indexer::{Command, PackageIndex, index::Step};
    ///
    /// let index = PackageIndex::from_iter([
    ///     Command::index("hen", [])?,
    ///     Command::index("egg", ["hen"])?,
    ///     Command::index("hen", ["egg"])?,
    ///     Command::index("cake", ["egg"])?,
    ///     Command::index("apple", [])?,
    /// ]);
    /// let order = index.installation_order();
    /// let names: Vec<Vec<_>> =
    ///     order.iter().map(|step| step.packages().iter().map(|n| n.as_str()).collect()).collect();
    /// assert_eq!(names, [vec!["apple"], vec!["egg", "hen"], vec!["cake"]]);
    /// assert!(matches!(&order[1], Step::Cycle(_)));
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    ///
    /// # Panics
    /// If strongly connected components formed a cycle, which would be a bug.
    #[must_use]
    pub fn installation_order(&self) -> Vec<Step<'_>> {
        let step = |packages: Vec<PackageId>| match *packages {
            [package] => Step::Package(self.graph.name(package)),
            _ => Step::Cycle(packages.iter().map(|&package| self.graph.name(package)).collect()),
        };
        self.steps(&self.ranks()).into_iter().map(step).collect()
    }

    /// The same, as ids; those of a cycle by name.
    pub(super) fn steps(&self, ranks: &PerPackage<u32>) -> Vec<Vec<PackageId>> {
        let mut components = self.graph.components();
        let mut component_of = self.graph.per_package(0);
        for (number, packages) in components.iter_mut().enumerate() {
            packages.sort_unstable_by_key(|&package| ranks[package]);
            for &package in packages.iter() {
                component_of[package] = number;
            }
        }
        let ready_as =
            |number: usize, packages: &[PackageId]| Reverse((ranks[packages[0]], number));

        // How many dependencies on other components keep each component waiting.
        let leaves = |number: usize, other: PackageId| component_of[other] != number;
        let mut waits_for: Vec<usize> = components
            .iter()
            .enumerate()
            .map(|(number, packages)| {
                let dependencies = packages.iter().flat_map(|&p| self.graph.dependencies(p));
                dependencies.filter(|&dependency| leaves(number, dependency)).count()
            })
            .collect();
        let mut ready: BinaryHeap<_> = (0..components.len())
            .filter(|&number| waits_for[number] == 0)
            .map(|number| ready_as(number, &components[number]))
            .collect();

        let mut order = Vec::with_capacity(components.len());
        while let Some(Reverse((_, number))) = ready.pop() {
            for &package in &components[number] {
                for dependent in self.graph.dependents(package).filter(|&d| leaves(number, d)) {
                    let waiting = component_of[dependent];
                    waits_for[waiting] -= 1;
                    if waits_for[waiting] == 0 {
                        ready.push(ready_as(waiting, &components[waiting]));
                    }
                }
            }
            order.push(std::mem::take(&mut components[number]));
        }
        assert_eq!(order.len(), components.len(), "invariant: components form no cycle");
        if planted(Bug::OrderIsReversed) {
            order.reverse();
        }
        order
    }

    /// The place of each package among all by name, so that orders need not compare text.
    pub(super) fn ranks(&self) -> PerPackage<u32> {
        let mut ranks = self.graph.per_package(0);
        for (rank, package) in (0..).zip(self.by_name()) {
            ranks[package] = rank;
        }
        ranks
    }

    /// All packages by name. O(n log n), most of it without a look at the names themselves.
    pub(super) fn by_name(&self) -> Vec<PackageId> {
        let keyed = |package| (self.graph.name(package).beginning(), package);
        let mut packages: Vec<_> = self.graph.packages().map(keyed).collect();
        packages.sort_unstable_by(|(beginning, package), (other, other_package)| {
            let names = || (self.graph.name(*package), self.graph.name(*other_package));
            beginning.cmp(other).then_with(|| names().0.cmp(&names().1))
        });
        packages.into_iter().map(|(_, package)| package).collect()
    }
}
