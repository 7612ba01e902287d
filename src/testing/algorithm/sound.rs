//! The invariant of the algorithm, as `State` of `spec/refinement/Lists.v` and what it consists of.

use super::{
    Algorithm, DEPENDENCY, FIRST_IN, FIRST_OUT, NEXT_IN, NEXT_OUT, NONE, PACKAGE, PREVIOUS_IN,
};

impl Algorithm {
    /// Checks all of it.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub(in crate::testing) fn check(&self) -> Result<(), String> {
        let heads: Vec<usize> = self.marks.keys().copied().collect();
        let edges = |package: usize| self.list(self.words[package][FIRST_OUT], NEXT_OUT);
        // Every cell is used for one thing (`role`, and `Pool`).
        let mut cells = self.neighbors_free();
        for (&head, (_, text)) in &self.marks {
            cells.push(head);
            cells.extend(text);
            cells.extend(edges(head));
        }
        cells.sort_unstable();
        ensure(cells.iter().copied().eq(1..self.words.len()), "each cell is used for one thing")?;
        let mut total = 0;
        for &package in &heads {
            let list = edges(package);
            total += list.len();
            // `links_edge` and `links_sorted`.
            ensure(
                list.iter().all(|&edge| self.words[edge][PACKAGE] == package),
                "edges are of their package",
            )?;
            let targets: Vec<usize> =
                list.iter().map(|&edge| self.words[edge][DEPENDENCY]).collect();
            ensure(targets.iter().all(|id| self.marks.contains_key(id)), "nothing dangles")?;
            ensure(targets.is_sorted_by(|a, b| a < b), "lists are in order, each id once")?;
        }
        for &package in &heads {
            // `links_ins`, `links_nodup` and `links_back`.
            let list = self.list(self.words[package][FIRST_IN], NEXT_IN);
            let mut previous = NONE;
            for &edge in &list {
                ensure(self.words[edge][PREVIOUS_IN] == previous, "lists are linked both ways")?;
                previous = edge;
            }
            let mut found = list;
            found.sort_unstable();
            let leads_here = |edge: &usize| self.words[*edge][DEPENDENCY] == package;
            let mut expected: Vec<usize> =
                heads.iter().flat_map(|&head| edges(head)).filter(leads_here).collect();
            expected.sort_unstable();
            ensure(found == expected, "every edge is in both its lists")?;
        }
        // `state_heads`, `good_names`, and the counts.
        let mut table = self.table.clone();
        table.sort_unstable();
        ensure(table == heads, "the table has the packages")?;
        let found = |id: &usize| self.find(self.name_of(*id)) == Some(*id);
        ensure(heads.iter().all(found), "each name is there once")?;
        let text: usize = self.marks.values().map(|(_, text)| text.len()).sum();
        let counts = (self.packages, self.dependencies, self.used);
        ensure(counts == (heads.len(), total, heads.len() + text + total), "counts are right")
    }

    fn list(&self, first: usize, link: usize) -> Vec<usize> {
        let next = |id: usize| Some(id).filter(|&id| id != NONE);
        let edges = std::iter::successors(next(first), |&edge| next(self.words[edge][link]));
        edges.take(self.words.len()).collect()
    }
}

fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("it does not hold that {what}")) }
}
