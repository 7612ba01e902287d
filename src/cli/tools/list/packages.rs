//! The contents of a list as numbers: packages in the order read, and the needs of each.

use super::ListError;
use super::error::{Line, Problem};
use super::interned::{Interner, Names};
use crate::index::{LimitError, Limits};
use crate::name::{NameError, NameRef};

/// Packages and their needs. Names are numbers here.
#[derive(Debug)]
pub(in crate::cli::tools) struct PackageList {
    names: Interner,
    /// The package of each entry.
    packages: Vec<u32>,
    /// Where the needs of each entry begin, and where those of the next entry will begin.
    bounds: Vec<usize>,
    needs: Vec<Alternative>,
    /// By name: the entry that counts, or [`NONE`].
    counts: Vec<u32>,
    /// Names, each with an entry that provides it.
    provided: Vec<(u32, u32)>,
    /// Entries for packages that were in the list before.
    pub(in crate::cli::tools) repeated: Option<Repeated>,
    /// What is left out because it is not a package, and how often it occurred.
    pub(in crate::cli::tools) left_out: Option<(&'static str, usize)>,
}

/// Marks a missing entry. There are fewer entries, see [`Limits::CEILING`].
const NONE: u32 = u32::MAX;

/// Entries for packages that were in the list before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::tools) struct Repeated {
    pub(in crate::cli::tools) entries: usize,
    /// Which entry of a package counts: `first`, `last` or `highest version`.
    pub(in crate::cli::tools) counts: &'static str,
}

/// A name that meets a need, and whether another alternative follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::tools) struct Alternative(u32);

impl Alternative {
    /// Numbers of names are below this, so that one bit is free.
    const OR_THE_NEXT: u32 = 1 << 31;

    /// The number of the name.
    pub(in crate::cli::tools) fn name(self) -> u32 {
        self.0 & !Self::OR_THE_NEXT
    }

    fn is_last(self) -> bool {
        self.0 & Self::OR_THE_NEXT == 0
    }
}

impl PackageList {
    pub(super) fn new() -> Self {
        Self {
            names: Interner::new(),
            packages: Vec::new(),
            bounds: vec![0],
            needs: Vec::new(),
            counts: Vec::new(),
            provided: Vec::new(),
            repeated: None,
            left_out: None,
        }
    }

    /// The number of the name `text`, which is a piece of `line`.
    pub(super) fn name_in(&mut self, line: Line<'_>, text: &[u8]) -> Result<u32, ListError> {
        match NameRef::check(text) {
            Ok(name) => Ok(self.number(name)?),
            Err(error) => {
                let offset = if let NameError::Byte { offset, .. } = error { offset } else { 0 };
                let problem = Problem::Name { text: text.to_owned(), error };
                Err(line.error_at(&text[offset..], problem))
            }
        }
    }

    /// The number of a name.
    pub(super) fn number(&mut self, name: NameRef<'_>) -> Result<u32, LimitError> {
        let number = self.names.number(name)?;
        if self.counts.len() < self.names.len() {
            self.counts.push(NONE);
        }
        Ok(number)
    }

    /// Adds a need to the next entry.
    pub(super) fn need(&mut self, name: u32) {
        self.needs.push(Alternative(name));
    }

    /// Adds a need for any one of these to the next entry, best first. No alternatives add no need.
    pub(super) fn need_any(&mut self, names: &[u32]) {
        if let Some((&last, others)) = names.split_last() {
            let or_the_next = |name| Alternative(name | Alternative::OR_THE_NEXT);
            self.needs.extend(others.iter().copied().map(or_the_next));
            self.needs.push(Alternative(last));
        }
    }

    /// Whether a package is in the list.
    pub(super) fn has(&self, package: u32) -> bool {
        self.counts[package as usize] != NONE
    }

    /// Adds a package with the needs that were added before, unless it is in the list. Returns whether it was
    /// added. `counts` says which entry of a package counts.
    pub(super) fn add(&mut self, package: u32, counts: &'static str) -> Result<bool, LimitError> {
        if self.has(package) {
            self.needs.truncate(self.bounds.last().copied().unwrap_or(0));
            self.repeat(counts);
            return Ok(false);
        }
        self.push(package)?;
        Ok(true)
    }

    /// Adds a package with the needs that were added before, and replaces its earlier entry.
    pub(super) fn replace(&mut self, package: u32, counts: &'static str) -> Result<(), LimitError> {
        if self.has(package) {
            self.repeat(counts);
        }
        self.push(package)
    }

    fn push(&mut self, package: u32) -> Result<(), LimitError> {
        let limit = Limits::CEILING;
        let entry =
            u32::try_from(self.packages.len()).ok().filter(|&entry| (entry as usize) < limit);
        self.counts[package as usize] = entry.ok_or(LimitError::Packages { limit })?;
        self.packages.push(package);
        self.bounds.push(self.needs.len());
        Ok(())
    }

    fn repeat(&mut self, counts: &'static str) {
        self.repeated.get_or_insert(Repeated { entries: 0, counts }).entries += 1;
    }

    /// Records that the last entry of a package provides something that others may need.
    pub(super) fn provide(&mut self, name: u32, package: u32) {
        self.provided.push((name, self.counts[package as usize]));
    }

    /// Counts something that is left out.
    pub(super) fn leave_out(&mut self, what: &'static str) {
        self.left_out.get_or_insert((what, 0)).1 += 1;
    }

    /// The number of names: of packages, and of what is needed or provided. O(1).
    pub(in crate::cli::tools) fn name_count(&self) -> usize {
        self.names.len()
    }

    /// The name with a number. O(1).
    pub(in crate::cli::tools) fn name(&self, number: u32) -> NameRef<'_> {
        self.names.get(number)
    }

    /// The packages, in ascending order of their names. O(n log n).
    pub(in crate::cli::tools) fn by_name(&self) -> Vec<u32> {
        let mut listed: Vec<u32> = (0..)
            .zip(&self.counts)
            .filter(|(_, entry)| **entry != NONE)
            .map(|(name, _)| name)
            .collect();
        self.names.sort(&mut listed);
        listed
    }

    /// The needs of a package, each with its alternatives, best first. O(1) each.
    pub(in crate::cli::tools) fn needs(
        &self,
        package: u32,
    ) -> impl Iterator<Item = &[Alternative]> {
        let entry = self.counts[package as usize] as usize;
        let needs = match self.bounds.get(entry..) {
            Some(&[start, end, ..]) => &self.needs[start..end],
            _ => &[],
        };
        needs.split_inclusive(|alternative| alternative.is_last())
    }

    /// What is provided, and by which package, in the order read.
    pub(in crate::cli::tools) fn provided(&self) -> impl Iterator<Item = (u32, u32)> {
        let of_those_that_count = |&(name, entry): &(u32, u32)| {
            let package = self.packages[entry as usize];
            (self.counts[package as usize] == entry).then_some((name, package))
        };
        self.provided.iter().filter_map(of_those_that_count)
    }

    /// How many needs all entries have. O(1).
    pub(in crate::cli::tools) fn need_count(&self) -> usize {
        self.needs.len()
    }

    /// Keeps only these names, in this order, and gives back the memory of the rest.
    pub(in crate::cli::tools) fn into_names(self, numbers: &[u32]) -> Names {
        self.names.into_names().picked(numbers)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The list as text, one line a package.
    pub(in crate::cli::tools::list) fn printed(list: &PackageList) -> String {
        let need = |need: &[Alternative]| {
            let names: Vec<_> = need.iter().map(|it| list.name(it.name()).as_str()).collect();
            format!(" {}", names.join("|"))
        };
        let line = |package| {
            let needs: String = list.needs(package).map(need).collect();
            format!("{}:{needs}\n", list.name(package))
        };
        list.by_name().into_iter().map(line).collect()
    }

    /// What is provided, and by which packages.
    pub(in crate::cli::tools::list) fn provided(list: &PackageList) -> String {
        let pair = |(name, package)| format!("{} by {}\n", list.name(name), list.name(package));
        list.provided().map(pair).collect()
    }

    #[test]
    fn what_was_replaced_neither_needs_nor_provides_anything() {
        let mut list = PackageList::new();
        let [a, b, c, v] =
            ["a", "b", "c", "v"].map(|name| list.number(NameRef::new(name).unwrap()).unwrap());
        list.need(b);
        list.replace(a, "last").unwrap();
        list.provide(v, a);
        list.need_any(&[c, b]);
        list.replace(a, "last").unwrap();
        list.need_any(&[]);
        assert_eq!(list.add(b, "first"), Ok(true));
        list.provide(c, b);
        list.need(a);
        assert_eq!(list.add(b, "first"), Ok(false));
        assert_eq!(list.add(c, "first"), Ok(true));
        assert_eq!(printed(&list), "a: c|b\nb:\nc:\n");
        assert_eq!(provided(&list), "c by b\n");
        assert_eq!(list.repeated, Some(Repeated { entries: 2, counts: "last" }));
    }
}
