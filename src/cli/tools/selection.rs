//! Parts of a graph: what is near some packages, and a chain from one to another.

use std::collections::{BTreeMap, VecDeque};

use crate::index::Rows;

/// Some packages of a graph, and the dependencies among them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The packages, ascending. In the part, each is numbered by its place here.
    pub(super) packages: Vec<u32>,
    pub(super) rows: Rows,
}

impl Part {
    /// The part with these packages, which must be ascending. Linear in their dependencies, with a look-up
    /// for each.
    pub(super) fn of(packages: Vec<u32>, rows: &Rows) -> Self {
        let place = |package: &u32| {
            let place = packages.binary_search(package).ok()?;
            u32::try_from(place).ok()
        };
        let mut own = Rows::with_capacity(packages.len(), 0);
        for &package in &packages {
            own.push(rows.row(package).iter().filter_map(place));
        }
        Self { packages, rows: own }
    }
}

/// The packages that can be reached from `from` in at most `depth` steps, with `from` itself: ascending.
/// Linear in what is reached, and a sort.
pub(super) fn reached(from: &[u32], rows: &Rows, depth: Option<usize>) -> Vec<u32> {
    let mut seen = vec![false; rows.len()];
    let (mut reached, mut edge) = (Vec::new(), from.to_vec());
    let mut left = depth.unwrap_or(usize::MAX);
    while !edge.is_empty() {
        edge.retain(|&package| !std::mem::replace(&mut seen[package as usize], true));
        reached.extend_from_slice(&edge);
        if left == 0 {
            break;
        }
        left -= 1;
        edge = edge.iter().flat_map(|&package| rows.row(package)).copied().collect();
    }
    reached.sort_unstable();
    reached
}

/// A shortest chain from one package to another, with both ends, in which each depends on the next. Of
/// several chains it takes the least number at each step from the end. `None` if there is none. Linear in
/// what is reached.
pub(super) fn chain(from: u32, to: u32, rows: &Rows) -> Option<Vec<u32>> {
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(package) = waiting.pop_front().filter(|_| !came_from.contains_key(&to)) {
        for &next in rows.row(package) {
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                package
            });
        }
    }
    let mut chain = vec![to];
    let mut at = *came_from.get(&to)?;
    while chain.last() != Some(&from) {
        chain.push(at);
        at = *came_from.get(&at)?;
    }
    chain.reverse();
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[u32]]) -> Rows {
        let mut made = Rows::with_capacity(0, 0);
        for row in rows {
            made.push(row.iter().copied());
        }
        made
    }

    #[test]
    fn what_is_reached_stops_at_the_depth_and_at_cycles() {
        let rows = rows(&[&[1, 2], &[3], &[0], &[4], &[], &[0]]);
        assert_eq!(reached(&[0], &rows, Some(0)), [0]);
        assert_eq!(reached(&[0], &rows, Some(1)), [0, 1, 2]);
        assert_eq!(reached(&[0], &rows, Some(2)), [0, 1, 2, 3]);
        assert_eq!(reached(&[2, 2], &rows, None), [0, 1, 2, 3, 4]);
        assert_eq!(reached(&[0, 2], &rows.transposed(), None), [0, 2, 5]);
        let part = Part::of(vec![0, 2, 3], &rows);
        assert!(part.rows.iter().eq([[1].as_slice(), &[0], &[]]));
    }

    #[test]
    fn a_chain_is_a_shortest_one() {
        let rows = rows(&[&[1, 2], &[3], &[3, 4], &[5], &[5], &[0], &[]]);
        assert_eq!(chain(0, 5, &rows), Some(vec![0, 1, 3, 5]));
        assert_eq!(chain(2, 1, &rows), Some(vec![2, 3, 5, 0, 1]));
        assert_eq!(chain(3, 3, &rows), Some(vec![3]));
        assert_eq!(chain(0, 6, &rows), None);
        assert_eq!(chain(6, 0, &rows), None);
    }
}
