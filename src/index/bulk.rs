//! Builds an index of whole rows, in one pass and in any order of the rows.
//!
//! A list may name packages whose rows come later. Such a package is indexed when it is first named, with an
//! empty list, and is *owed* until its row comes. So the index is what INDEX commands make of it: one with an
//! empty list for each name that is new, and then one for each row. In the end nothing may be owed.
//!
//! It is faster than those commands. Each name is hashed and found once. Many names are looked up side by
//! side, so that they wait for memory together. And the table has its size from the beginning.

use std::hint::black_box;
use std::iter;

use super::graph::PackageId;
use super::sought::Sought;
use super::table::Table;
use super::{LimitError, Limits, PackageIndex};
use crate::command::Dependencies;
use crate::name::{Name, NameRef};

/// How many names are looked up side by side: more than a processor waits for at a time.
const SIDE_BY_SIDE: usize = 64;

/// An index that is being built.
#[derive(Debug, Clone)]
pub(crate) struct Bulk {
    index: PackageIndex,
    /// A bit for each id of a cell: whether it is a package whose row has come.
    come: Vec<u64>,
    /// How many packages have such a bit.
    count: usize,
    /// The packages that some rows name, kept for its memory.
    named: Vec<PackageId>,
}

/// Why rows make no index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BulkError {
    /// A package is one too many, or its list is too long.
    Limit { package: Name, error: LimitError },
    /// A package has two rows.
    Twice { package: Name },
    /// A package has no row, and another needs it.
    Owed { package: Name, dependency: Name },
}

impl Bulk {
    /// Begins with an empty index, for about so many packages. There may be more or fewer.
    pub(crate) fn new(limits: Limits, packages: usize) -> Self {
        let index = PackageIndex {
            by_name: Table::expecting(packages.min(limits.max_packages)),
            ..PackageIndex::with_limits(limits)
        };
        Self { index, come: Vec::new(), count: 0, named: Vec::new() }
    }

    /// Adds rows: packages with their lists. It is worth it for hundreds of rows at once. O(names), and a sort
    /// of each list.
    ///
    /// # Errors
    /// [`BulkError`] if that would pass a limit, or if a package comes again. What was built so far is then of
    /// no use.
    pub(crate) fn add<'a>(
        &mut self,
        rows: impl Iterator<Item = (NameRef<'a>, Dependencies<'a>)> + Clone,
    ) -> Result<(), BulkError> {
        let limit =
            |package: NameRef<'_>, error| BulkError::Limit { package: package.to_name(), error };
        let mut named = std::mem::take(&mut self.named);
        named.clear();
        self.name(
            &mut named,
            rows.clone().flat_map(|(package, list)| list.iter().chain(iter::once(package))),
        )
        .map_err(|(package, error)| limit(package, error))?;
        let mut rest = named.as_slice();
        for (package, list) in rows {
            let (ids, others) = rest.split_at(list.count());
            let Some((&id, others)) = others.split_first() else {
                unreachable!("invariant: each name has an id")
            };
            rest = others;
            let index = &mut self.index;
            index.list.clear();
            index.list.extend_from_slice(ids);
            index.list.sort_unstable();
            index.list.dedup();
            index.check_limits(package, Some(id)).map_err(|error| limit(package, error))?;
            index.graph.set_dependencies(id, &index.list);
            if !self.note(id) {
                return Err(BulkError::Twice { package: package.to_name() });
            }
        }
        self.named = named;
        Ok(())
    }

    /// The index, when all rows have come.
    ///
    /// # Errors
    /// [`BulkError::Owed`] if a list names a package that has no row. It has the first in the order of names,
    /// and the first that needs it.
    pub(crate) fn finish(self) -> Result<PackageIndex, BulkError> {
        let Self { index, come, count, .. } = self;
        if count == index.len() {
            return Ok(index);
        }
        let graph = &index.graph;
        let owed = graph.packages().filter(|&id| !has(&come, id));
        let dependency = owed.min_by(|&one, &other| graph.by_name(one, other));
        let by = dependency
            .and_then(|id| graph.dependents(id).min_by(|&one, &other| graph.by_name(one, other)));
        match (by, dependency) {
            (Some(by), Some(dependency)) => {
                Err(BulkError::Owed { package: graph.name(by), dependency: graph.name(dependency) })
            }
            _ => unreachable!("invariant: a package without a row was named by a list"),
        }
    }

    /// Finds or adds the package of each name, in their order.
    fn name<'a>(
        &mut self,
        named: &mut Vec<PackageId>,
        mut names: impl Iterator<Item = NameRef<'a>>,
    ) -> Result<(), (NameRef<'a>, LimitError)> {
        let index = &mut self.index;
        index.list.clear();
        loop {
            let mut some = [None; SIDE_BY_SIDE];
            for (place, name) in some.iter_mut().zip(&mut names) {
                let sought = Sought::new(name);
                *place = Some((name, index.hasher.of(&sought)));
            }
            // Any package with such a hash. Whether it is the right one is seen below.
            let likely = some.map(|name| index.by_name.find(name?.1, |_| true));
            let edges = likely.map(|id| Some(index.graph.touch_for_edge(id?)));
            black_box(edges.map(|edge| Some(index.graph.touch_edge(edge?))));
            for (name, likely) in some.iter().zip(likely) {
                let &Some((name, hash)) = name else { return Ok(()) };
                let sought = Sought::new(name);
                let found = likely.filter(|&id| index.graph.is_named(id, &sought));
                let found = found.or_else(|| index.find_hashed(hash, &sought));
                let id = if let Some(id) = found {
                    id
                } else {
                    index.check_limits(name, None).map_err(|error| (name, error))?;
                    index.insert(hash, name)
                };
                named.push(id);
            }
        }
    }

    /// Notes that the row of a package has come, or returns `false` if it had.
    fn note(&mut self, id: PackageId) -> bool {
        let (word, bit) = id.bit();
        if self.come.len() <= word {
            self.come.resize(word + 1, 0);
        }
        let is_new = self.come[word] & bit == 0;
        self.come[word] |= bit;
        self.count += usize::from(is_new);
        is_new
    }
}

fn has(come: &[u64], id: PackageId) -> bool {
    let (word, bit) = id.bit();
    come.get(word).is_some_and(|word| word & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(bulk: &mut Bulk, rows: &[(&str, &[&str])]) -> Result<(), BulkError> {
        let name = |name: &&str| Name::new(*name).unwrap();
        let rows: Vec<(Name, Vec<Name>)> = rows
            .iter()
            .map(|(package, list)| (name(package), list.iter().map(name).collect()))
            .collect();
        bulk.add(rows.iter().map(|(package, list)| (package.borrowed(), list.into())))
    }

    fn built(rows: &[(&str, &[&str])]) -> Result<PackageIndex, BulkError> {
        let mut bulk = Bulk::new(Limits::default(), rows.len());
        add(&mut bulk, rows)?;
        bulk.finish()
    }

    #[test]
    fn a_list_may_name_what_comes_later_and_itself() {
        let index = built(&[("a", &["b", "a", "b"]), ("b", &["c", "a"]), ("c", &[])]).unwrap();
        assert_eq!(format!("{index:?}"), r#"{"a": ["a", "b"], "b": ["a", "c"], "c": []}"#);
        assert_eq!(index.check_invariants(), Ok(()));
    }

    #[test]
    fn a_package_that_comes_again_is_refused() {
        let again = built(&[("a", &[]), ("b", &["a"]), ("a", &["b"])]).unwrap_err();
        assert_eq!(again, BulkError::Twice { package: "a".parse().unwrap() });
    }

    #[test]
    fn a_package_without_a_row_is_owed() {
        let owed = built(&[("z", &["x", "m"]), ("b", &["x", "m"]), ("x", &[])]).unwrap_err();
        let [package, dependency] = ["b", "m"].map(|name| name.parse().unwrap());
        assert_eq!(owed, BulkError::Owed { package, dependency });
    }

    #[test]
    fn what_would_pass_a_limit_is_named() {
        let limits =
            Limits { max_packages: 2, max_dependencies_per_package: 1, ..Limits::default() };
        let refused = |rows| match add(&mut Bulk::new(limits, 0), rows) {
            Err(BulkError::Limit { package, .. }) => Some(package.to_string()),
            other => other.map(|()| None).unwrap(),
        };
        assert_eq!(refused(&[("a", &["b"]), ("b", &["b"])]), None);
        assert_eq!(refused(&[("a", &["b"]), ("c", &[])]), Some("c".into()));
        assert_eq!(refused(&[("a", &["b", "a"])]), Some("a".into()));
    }

    /// Tables are split or stay half empty, but find every name.
    #[test]
    fn a_wrong_guess_of_the_number_builds_the_same() {
        let names: Vec<Name> =
            (0..20_000).map(|number| Name::new(format!("p{number}")).unwrap()).collect();
        let rows = || {
            names
                .iter()
                .map(|name| (name.borrowed(), Dependencies::from(std::slice::from_ref(name))))
        };
        for expected in [0, 1, 4_000, 20_000, 1_000_000] {
            let mut bulk = Bulk::new(Limits::default(), expected);
            for start in (0..names.len()).step_by(1_000) {
                bulk.add(rows().skip(start).take(1_000)).unwrap();
            }
            let index = bulk.finish().unwrap();
            assert_eq!((index.len(), index.dependency_count()), (20_000, 20_000));
            assert_eq!(index.check_invariants(), Ok(()));
        }
    }
}
