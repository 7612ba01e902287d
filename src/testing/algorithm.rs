//! The algorithm of the index once more, as `spec/refinement` has it and proves it: what the index is held against,
//! word by word.
//!
//! Each function stands in that text under the same name: in `Cells.v`, `Dependencies.v`, `Packages.v`, `Index.v`
//! and `Bulk.v`.
//! Hold them against each other by eye, and change them together. One thing is added, so that cells come in the same
//! order as in the index: a long name takes further cells. Nothing here is fast.

mod sound;

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Command, Outcome};
use crate::index::{CellUse, Representation};
use crate::name::Name;

/// The id of no cell.
const NONE: usize = 0;

/// The words of a head.
const FIRST_OUT: usize = 0;
const FIRST_IN: usize = 1;

/// The words of an edge.
const PACKAGE: usize = 0;
const DEPENDENCY: usize = 1;
const NEXT_OUT: usize = 2;
const NEXT_IN: usize = 3;
const PREVIOUS_IN: usize = 4;

/// What a command is about to change: a package, and the list that it has.
#[derive(Debug, Clone)]
struct Change {
    of: Name,
    before: Option<Vec<Name>>,
}

/// An index, and its graph.
#[derive(Debug, Clone)]
pub(super) struct Algorithm {
    /// Of cell 0 there is nothing to be read.
    words: Vec<[usize; 5]>,
    free: usize,
    used: usize,
    packages: usize,
    dependencies: usize,
    /// For each head that is marked, the name and the further cells that it takes.
    marks: BTreeMap<usize, (Name, Vec<usize>)>,
    table: Vec<usize>,
    /// The last comes last.
    changes: Vec<Change>,
}

// Cells.v
impl Algorithm {
    fn insert_cell(&mut self, cell: [usize; 5]) -> usize {
        self.used += 1;
        let id = self.free;
        if id == NONE {
            self.words.push(cell);
            return self.words.len() - 1;
        }
        self.free = self.words[id][0];
        self.words[id] = cell;
        id
    }

    fn remove_cell(&mut self, id: usize) {
        self.words[id][0] = self.free;
        self.free = id;
        self.used -= 1;
    }

    fn neighbors(&self, first: usize, link: usize, other_end: usize) -> Vec<usize> {
        let next = |id: usize| Some(id).filter(|&id| id != NONE);
        let edges = std::iter::successors(next(first), |&edge| next(self.words[edge][link]));
        edges.take(self.words.len()).map(|edge| self.words[edge][other_end]).collect()
    }

    fn link_out(&mut self, package: usize, last: Option<usize>, edge: usize) {
        match last {
            Some(last) => self.words[last][NEXT_OUT] = edge,
            None => self.words[package][FIRST_OUT] = edge,
        }
    }

    fn insert_edge(&mut self, package: usize, dependency: usize, next_out: usize) -> usize {
        let next_in = self.words[dependency][FIRST_IN];
        let edge = self.insert_cell([package, dependency, next_out, next_in, NONE]);
        self.words[dependency][FIRST_IN] = edge;
        if next_in != NONE {
            self.words[next_in][PREVIOUS_IN] = edge;
        }
        edge
    }

    fn unlink_in(&mut self, edge: usize) {
        let [_, target, _, next, previous] = self.words[edge];
        if previous == NONE {
            self.words[target][FIRST_IN] = next;
        } else {
            self.words[previous][NEXT_IN] = next;
        }
        if next != NONE {
            self.words[next][PREVIOUS_IN] = previous;
        }
    }
}

// Dependencies.v
impl Algorithm {
    fn keep(&mut self, package: usize, wanted: &[usize]) -> usize {
        let mut edge = self.words[package][FIRST_OUT];
        let (mut last, mut is_torn, mut kept, mut removed) = (None, false, 0, 0);
        while edge != NONE {
            let target = self.words[edge][DEPENDENCY];
            let next = self.words[edge][NEXT_OUT];
            // Both are in order, so that it is enough to look at the first that is not below.
            if wanted.contains(&target) {
                if is_torn {
                    self.link_out(package, last, edge);
                }
                (last, is_torn, kept) = (Some(edge), false, kept + 1);
            } else {
                self.unlink_in(edge);
                self.remove_cell(edge);
                (is_torn, removed) = (true, removed + 1);
            }
            edge = next;
        }
        if is_torn {
            self.link_out(package, last, NONE);
        }
        self.dependencies -= removed;
        kept
    }

    fn begin(&mut self, package: usize, ids: &[usize]) {
        if ids.is_empty() {
            return;
        }
        let backwards = ids.iter().rev();
        let first = backwards.fold(NONE, |next, &id| self.insert_edge(package, id, next));
        self.words[package][FIRST_OUT] = first;
        self.dependencies += ids.len();
    }

    fn advance(
        &self,
        dependency: usize,
        mut last: Option<usize>,
        mut next: usize,
    ) -> (Option<usize>, usize, bool) {
        while next != NONE {
            let [_, target, after, ..] = self.words[next];
            if dependency < target {
                break;
            }
            (last, next) = (Some(next), after);
            if target == dependency {
                return (last, next, true);
            }
        }
        (last, next, false)
    }

    fn complete(&mut self, package: usize, ids: &[usize]) {
        let (mut last, mut next) = (None, self.words[package][FIRST_OUT]);
        for &dependency in ids {
            let is_there;
            (last, next, is_there) = self.advance(dependency, last, next);
            if !is_there {
                let edge = self.insert_edge(package, dependency, next);
                self.link_out(package, last, edge);
                self.dependencies += 1;
                last = Some(edge);
            }
        }
    }

    fn set_dependencies(&mut self, package: usize, ids: &[usize]) {
        match self.keep(package, ids) {
            0 => self.begin(package, ids),
            kept if kept < ids.len() => self.complete(package, ids),
            _ => {}
        }
    }
}

// Packages.v
impl Algorithm {
    fn dependencies_of(&self, package: usize) -> Vec<usize> {
        self.neighbors(self.words[package][FIRST_OUT], NEXT_OUT, DEPENDENCY)
    }

    fn dependents_of(&self, package: usize) -> Vec<usize> {
        self.neighbors(self.words[package][FIRST_IN], NEXT_IN, PACKAGE)
    }

    fn has_other_dependent(&self, package: usize) -> bool {
        self.dependents_of(package).iter().any(|dependent| *dependent != package)
    }

    fn add_package(&mut self, name: &Name) -> usize {
        self.packages += 1;
        // 11 bytes of a name are in its head, and 16 in each further cell.
        let more = name.as_str().len().saturating_sub(11).div_ceil(16);
        let text = (0..more).map(|_| self.insert_cell([NONE; 5])).collect();
        let head = self.insert_cell([NONE; 5]);
        self.marks.insert(head, (name.clone(), text));
        head
    }

    fn remove_package(&mut self, package: usize) {
        self.set_dependencies(package, &[]);
        let (_, text) =
            self.marks.remove(&package).unwrap_or_else(|| panic!("{package} has no mark"));
        text.into_iter().rev().for_each(|cell| self.remove_cell(cell));
        self.remove_cell(package);
        self.packages -= 1;
    }
}

// Index.v
impl Algorithm {
    pub(super) fn new() -> Self {
        Self {
            words: vec![[NONE; 5]],
            free: NONE,
            used: 0,
            packages: 0,
            dependencies: 0,
            marks: BTreeMap::new(),
            table: Vec::new(),
            changes: Vec::new(),
        }
    }

    fn name_of(&self, id: usize) -> &Name {
        &self.marks[&id].0
    }

    fn names_of(&self, ids: &[usize]) -> Vec<Name> {
        ids.iter().map(|&id| self.name_of(id).clone()).collect()
    }

    fn find(&self, name: &Name) -> Option<usize> {
        self.table.iter().copied().find(|&id| self.name_of(id) == name)
    }

    fn resolve(&self, names: &[Name]) -> Option<Vec<usize>> {
        let mut ids: Vec<usize> =
            names.iter().map(|name| self.find(name)).collect::<Option<_>>()?;
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    fn insert(&mut self, name: &Name) -> usize {
        let id = self.add_package(name);
        self.table.push(id);
        id
    }

    fn forget(&mut self, id: usize) {
        self.table.retain(|other| *other != id);
        self.remove_package(id);
    }

    fn note(&mut self, id: usize, before: Option<Vec<usize>>) {
        let before = before.map(|ids| self.names_of(&ids));
        self.changes.push(Change { of: self.name_of(id).clone(), before });
    }

    fn index(&mut self, package: &Name, names: &[Name]) -> Outcome {
        let Some(ids) = self.resolve(names) else { return Outcome::Fail };
        let indexed = self.find(package);
        let id = indexed.unwrap_or_else(|| self.insert(package));
        let old = self.dependencies_of(id);
        if indexed.is_none() || old != ids {
            self.note(id, indexed.map(|_| old));
        }
        self.set_dependencies(id, &ids);
        Outcome::Ok
    }

    fn remove(&mut self, package: &Name) -> Outcome {
        match self.find(package) {
            None => Outcome::Ok,
            Some(id) if self.has_other_dependent(id) => Outcome::Fail,
            Some(id) => {
                self.note(id, Some(self.dependencies_of(id)));
                self.forget(id);
                Outcome::Ok
            }
        }
    }

    pub(super) fn apply(&mut self, command: &Command) -> Outcome {
        match command {
            Command::Index { package, dependencies } => self.index(package, dependencies),
            Command::Remove { package } => self.remove(package),
            Command::Query { package } => Outcome::when(self.find(package).is_some()),
        }
    }

    fn undo_one(&mut self, Change { of, before }: &Change) {
        match (before, self.find(of)) {
            (None, None) => {}
            (None, Some(id)) => self.forget(id),
            (Some(names), indexed) => {
                let id = indexed.unwrap_or_else(|| self.insert(of));
                let mut ids: Vec<usize> = names.iter().filter_map(|name| self.find(name)).collect();
                ids.sort_unstable();
                self.set_dependencies(id, &ids);
            }
        }
    }

    /// Takes back all that was recorded.
    pub(super) fn undo(&mut self) {
        for change in std::mem::take(&mut self.changes).iter().rev() {
            self.undo_one(change);
        }
    }

    /// Forgets what was recorded, so that it is not taken back.
    pub(super) fn take_changes(&mut self) {
        self.changes.clear();
    }

    pub(super) fn representation(&self) -> Representation {
        let mut cells: Vec<CellUse> =
            self.words[1..].iter().map(|cell| CellUse::Edge(*cell)).collect();
        for id in self.neighbors_free() {
            cells[id - 1] = CellUse::Free { next: self.words[id][0] };
        }
        for (&head, (name, text)) in &self.marks {
            for cell in text {
                cells[cell - 1] = CellUse::Text;
            }
            let [first_out, first_in, ..] = self.words[head];
            cells[head - 1] = CellUse::Head { name: name.clone(), first_out, first_in };
        }
        Representation {
            cells,
            free: self.free,
            used: self.used,
            packages: self.packages,
            dependencies: self.dependencies,
        }
    }

    fn neighbors_free(&self) -> Vec<usize> {
        let next = |id: usize| Some(id).filter(|&id| id != NONE);
        let cells = std::iter::successors(next(self.free), |&id| next(self.words[id][0]));
        cells.take(self.words.len()).collect()
    }
}

// Bulk.v
impl Algorithm {
    fn name(&mut self, names: &[Name]) -> Vec<usize> {
        names.iter().map(|name| self.find(name).unwrap_or_else(|| self.insert(name))).collect()
    }

    /// Adds rows: packages with their lists.
    pub(super) fn add(&mut self, rows: &[(Name, Vec<Name>)]) {
        let named: Vec<_> = rows
            .iter()
            .map(|(package, list)| (self.name(list), self.name(std::slice::from_ref(package))[0]))
            .collect();
        for (mut ids, package) in named {
            ids.sort_unstable();
            ids.dedup();
            self.set_dependencies(package, &ids);
        }
    }

    /// Whether a package is among those whose rows have come, for each.
    pub(super) fn is_complete(&self, come: &BTreeSet<Name>) -> bool {
        self.table.iter().all(|&id| come.contains(self.name_of(id)))
    }
}
