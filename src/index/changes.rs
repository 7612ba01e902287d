//! What commands changed, so that it can be kept elsewhere as well, or undone.
//!
//! An index records nothing unless it is told to. The engine makes a record durable, or undoes it if that
//! fails.

use super::PackageIndex;
use super::graph::PackageId;
use super::sought::Sought;
use crate::name::{Name, NameRef};

/// What a command made of one package: its list of dependencies, or its absence, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    package: Name,
    before: Option<Box<[Name]>>,
    after: Option<Box<[Name]>>,
}

impl Change {
    /// The package that was indexed, indexed again with another list, or removed.
    #[must_use]
    pub fn package(&self) -> NameRef<'_> {
        self.package.borrowed()
    }

    /// What it depends on since then, by name, each once. `None` if it is no longer indexed.
    #[must_use]
    pub fn dependencies(&self) -> Option<&[Name]> {
        self.after.as_deref()
    }

    /// How many names it holds, as a measure of its memory.
    pub(crate) fn name_count(&self) -> usize {
        let lists = [&self.before, &self.after].into_iter().flatten();
        1 + lists.map(|list| list.len()).sum::<usize>()
    }
}

impl PackageIndex {
    /// Records every change from here on, until [`take_changes`](Self::take_changes) takes them.
    pub(crate) fn record_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// Takes what has changed since the last call, in order. O(1).
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Undoes the last changes, given in the order in which they were made, and records nothing. Costs as
    /// much as making them.
    pub(crate) fn undo(&mut self, changes: impl DoubleEndedIterator<Item = Change>) {
        for Change { package, before, .. } in changes.rev() {
            let name = package.borrowed();
            let sought = Sought::new(name);
            let hash = self.hasher.of(&sought);
            match (before, self.find_hashed(hash, &sought)) {
                (None, None) => {}
                (None, Some(id)) => self.forget(hash, id),
                (Some(list), indexed) => {
                    let id = indexed.unwrap_or_else(|| self.insert(hash, name));
                    let find = |name: &Name| self.find(name.borrowed());
                    let mut list: Vec<PackageId> = list.iter().filter_map(find).collect();
                    list.sort_unstable();
                    self.graph.set_dependencies(id, &list);
                }
            }
        }
    }

    /// Records that a package, new or not, is about to get `self.list` as its list.
    pub(super) fn note_list(&mut self, package: PackageId, is_new: bool) {
        let old: Vec<PackageId> = self.graph.dependencies(package).collect();
        // A list that stays the same is no change.
        if !is_new && old == self.list {
            return;
        }
        let before = (!is_new).then(|| self.owned_names(&old));
        let after = Some(self.owned_names(&self.list));
        self.note(package, before, after);
    }

    /// Records that a package is about to go.
    pub(super) fn note_removal(&mut self, package: PackageId) {
        let old: Vec<PackageId> = self.graph.dependencies(package).collect();
        self.note(package, Some(self.owned_names(&old)), None);
    }

    fn note(&mut self, id: PackageId, before: Option<Box<[Name]>>, after: Option<Box<[Name]>>) {
        let package = self.graph.name(id);
        if let Some(changes) = &mut self.changes {
            changes.push(Change { package, before, after });
        }
    }

    fn owned_names(&self, packages: &[PackageId]) -> Box<[Name]> {
        self.names(packages.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    /// An index that records, after it has applied some commands.
    fn recorded(commands: &[&str]) -> PackageIndex {
        let mut index = PackageIndex::new();
        index.record_changes();
        index.extend(commands.iter().map(|command| command.parse::<Command>().unwrap()));
        index
    }

    fn printed(changes: &[Change]) -> Vec<String> {
        let list = |change: &Change| match change.dependencies() {
            None => format!("-{}", change.package()),
            Some(list) => format!("+{} {list:?}", change.package()),
        };
        changes.iter().map(list).collect()
    }

    #[test]
    fn what_changes_nothing_is_not_recorded() {
        let mut index = recorded(&[
            "INDEX|a|",
            "INDEX|a|",
            "QUERY|a|",
            "REMOVE|b|",
            "INDEX|b|x",
            "INDEX|b|a,b,a",
            "INDEX|b|a,a",
            "REMOVE|a|",
            "INDEX|b|a",
            "REMOVE|b|",
        ]);
        assert_eq!(printed(&index.take_changes()), ["+a []", "+b [\"a\"]", "-b"]);
        assert_eq!(index.take_changes(), []);
    }

    #[test]
    fn names_come_in_order_and_once() {
        let mut index = recorded(&["INDEX|b|", "INDEX|a|", "INDEX|c|", "INDEX|c|c,b,a,b"]);
        assert_eq!(printed(&index.take_changes())[3], r#"+c ["a", "b", "c"]"#);
    }

    #[test]
    fn an_index_that_was_not_told_to_records_nothing() {
        let mut index = PackageIndex::from_iter([Command::index("a", []).unwrap()]);
        assert_eq!(index.take_changes(), []);
    }

    #[test]
    fn changes_are_taken_back_in_the_reverse_of_their_order() {
        let first = ["INDEX|a|", "INDEX|b|a", "INDEX|c|a,b", "INDEX|c|a,b,c"];
        let then = [
            "INDEX|d|c",
            "INDEX|c|d,a",
            "REMOVE|b|",
            "INDEX|a|d,a",
            "INDEX|d|",
            "INDEX|c|",
            "INDEX|b|c",
            "REMOVE|c|",
            "INDEX|d|d",
            "REMOVE|d|",
            "INDEX|e|e",
        ];
        let before = recorded(&first);
        for length in 0..=then.len() {
            let mut index = before.clone();
            index.take_changes();
            index.extend(then[..length].iter().map(|command| command.parse::<Command>().unwrap()));
            let changes = index.take_changes();
            index.undo(changes.into_iter());
            assert_eq!(index, before, "{:?}", &then[..length]);
            assert_eq!(index.check_invariants(), Ok(()));
            assert_eq!(index.take_changes(), []);
        }
    }
}
