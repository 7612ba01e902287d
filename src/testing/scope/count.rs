//! Calculates how many states and commands a scope has, to compare with what an exploration finds.

use super::{Scope, renamings};

impl Scope {
    /// How many commands there are: n · 2ⁿ INDEX, n REMOVE, n QUERY.
    #[must_use]
    pub fn command_count(&self) -> usize {
        self.packages * (1 << self.packages) + 2 * self.packages
    }

    /// How many states there are: for each k of the packages, any relation among those k.
    #[must_use]
    pub fn state_count(&self) -> usize {
        (0..=self.packages).map(|k| choose(self.packages, k) << (k * k)).sum()
    }

    /// How many states there are if names do not matter: for each number k of packages, the relations among k
    /// packages without names.
    ///
    /// ```
    /// use package_indexer::testing::scope::Scope;
    ///
    /// let scope = Scope::new(1).unwrap();
    /// // No package; one package; one that depends on itself.
    /// assert_eq!(scope.class_count(), 3);
    /// ```
    #[must_use]
    pub fn class_count(&self) -> usize {
        (0..=self.packages).map(unnamed_relations).sum()
    }
}

/// How many ways there are to choose k of n.
fn choose(n: usize, k: usize) -> usize {
    (0..k).fold(1, |ways, chosen| ways * (n - chosen) / (chosen + 1))
}

/// The relations among some packages without names (OEIS A000595), by Burnside's lemma. It is the average,
/// over all renamings, of how many relations a renaming leaves as they are.
fn unnamed_relations(packages: usize) -> usize {
    let renamings = renamings(packages);
    let unchanged: usize = renamings.iter().map(|renaming| 1 << cycles_of_pairs(renaming)).sum();
    unchanged / renamings.len()
}

/// The cycles in which a renaming moves the pairs of packages. It leaves a relation as it is if that holds
/// for all pairs of each cycle, or for none.
fn cycles_of_pairs(renaming: &[usize]) -> usize {
    let lengths = cycle_lengths(renaming);
    let pairs = lengths.iter().flat_map(|one| lengths.iter().map(move |other| (*one, *other)));
    // A pair returns when both of its packages do: after the least common multiple of their moves.
    pairs.map(|(one, other)| greatest_common_divisor(one, other)).sum()
}

/// The lengths of the cycles in which a renaming moves the packages.
fn cycle_lengths(renaming: &[usize]) -> Vec<usize> {
    let mut seen = vec![false; renaming.len()];
    let mut lengths = Vec::new();
    for start in 0..renaming.len() {
        let (mut package, mut length) = (start, 0);
        while !std::mem::replace(&mut seen[package], true) {
            package = renaming[package];
            length += 1;
        }
        lengths.extend((length > 0).then_some(length));
    }
    lengths
}

fn greatest_common_divisor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The On-Line Encyclopedia of Integer Sequences.
    #[test]
    fn unnamed_relations_are_as_many_as_the_encyclopedia_says() {
        let counts: Vec<_> = (0..=5).map(unnamed_relations).collect();
        assert_eq!(counts, [1, 2, 10, 104, 3_044, 291_968]);
    }

    #[test]
    fn counts_are_those_found_by_hand() {
        let counts = |packages| {
            let scope = Scope::new(packages).unwrap();
            (scope.state_count(), scope.class_count(), scope.command_count())
        };
        assert_eq!((counts(0), counts(1)), ((1, 1, 0), (3, 3, 4)));
        assert_eq!((counts(3), counts(4)), ((567, 117, 30), (67_689, 3_161, 72)));
        assert_eq!(counts(5).1, 295_129);
    }

    #[test]
    fn there_are_as_many_commands_as_are_counted() {
        for packages in 0..=super::super::MAX_PACKAGES {
            let scope = Scope::new(packages).unwrap();
            assert_eq!(scope.commands().len(), scope.command_count());
        }
        assert!(Scope::new(super::super::MAX_PACKAGES + 1).is_none());
    }
}
