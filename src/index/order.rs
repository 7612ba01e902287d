//! In which order the packages of an index can be installed, or indexed elsewhere.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::PackageIndex;
use super::graph::PackageId;
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
        let components = self.graph.components();
        let component_of: HashMap<PackageId, usize> = components
            .iter()
            .enumerate()
            .flat_map(|(number, packages)| packages.iter().map(move |&package| (package, number)))
            .collect();
        let steps: Vec<Step<'_>> = components.iter().map(|packages| self.step(packages)).collect();
        let ready_as = |number: usize| Reverse((steps[number].packages()[0], number));

        // How many dependencies on other components keep each component waiting.
        let leaves = |number: usize, other: PackageId| component_of[&other] != number;
        let mut waits_for: Vec<usize> = components
            .iter()
            .enumerate()
            .map(|(number, packages)| {
                let dependencies = packages.iter().flat_map(|&p| self.graph.dependencies(p));
                dependencies.filter(|&dependency| leaves(number, dependency)).count()
            })
            .collect();
        let mut ready: BinaryHeap<_> =
            (0..components.len()).filter(|&number| waits_for[number] == 0).map(ready_as).collect();

        let mut order = Vec::with_capacity(components.len());
        while let Some(Reverse((_, number))) = ready.pop() {
            order.push(steps[number].clone());
            for &package in &components[number] {
                for dependent in self.graph.dependents(package).filter(|&d| leaves(number, d)) {
                    let waiting = component_of[&dependent];
                    waits_for[waiting] -= 1;
                    if waits_for[waiting] == 0 {
                        ready.push(ready_as(waiting));
                    }
                }
            }
        }
        assert_eq!(order.len(), components.len(), "invariant: components form no cycle");
        if planted(Bug::OrderIsReversed) {
            order.reverse();
        }
        order
    }

    fn step(&self, component: &[PackageId]) -> Step<'_> {
        let mut names: Vec<_> = self.names(component.iter().copied()).collect();
        match names.len() {
            1 => Step::Package(names.swap_remove(0)),
            _ => Step::Cycle(names),
        }
    }
}
