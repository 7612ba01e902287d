//! The report on a list: what it holds, what is missing, and what was done about that.

use std::io::{self, Write};

use super::list::Repeated;
use super::plan::Plan;
use crate::index::Steps;
use crate::name::{Name, NameRef};

/// How many of the names that need something are printed. The rest is counted.
const NAMED: usize = 5;

/// How many members of a cycle, or alternatives of a need, are printed.
const MEMBERS: usize = 100;

impl Plan {
    /// Prints the report. `steps` are the steps of the plan's rows.
    pub(super) fn report(&self, steps: &Steps, output: &mut impl Write) -> io::Result<()> {
        let (packages, dependencies) = (self.len(), self.rows.number_count());
        writeln!(output, "packages: {packages}, dependencies: {dependencies}")?;
        if let Some(Repeated { entries, counts }) = self.repeated {
            writeln!(output, "repeated entries, of which the {counts} counts: {entries}")?;
        }
        if let Some((what, count)) = self.left_out {
            writeln!(output, "{what}, left out: {count}")?;
        }
        if !self.missing.is_empty() {
            let count = self.missing.len();
            writeln!(output, "dependencies that are not in the list, left out: {count}")?;
        }
        for (names, packages) in &self.missing {
            let alternatives = joined(names.iter().map(Name::as_str), " | ", MEMBERS);
            let needed_by = some_of(self.texts(packages));
            writeln!(output, "  {alternatives}, needed by {needed_by}")?;
        }
        let alone = steps.alone(&self.rows);
        if alone > 0 {
            writeln!(
                output,
                "packages that need themselves, indexed first without and then with: {alone}"
            )?;
        }
        let cycles = steps.cycles().count();
        if cycles > 0 {
            writeln!(
                output,
                "cycles, indexed first without each other and then with their full lists: {cycles}"
            )?;
        }
        for cycle in steps.cycles() {
            writeln!(output, "  {}", joined(self.texts(cycle), " ", MEMBERS))?;
        }
        Ok(())
    }

    fn texts<'a>(&'a self, packages: &'a [u32]) -> impl ExactSizeIterator<Item = &'a str> {
        packages.iter().map(|&package| NameRef::as_str(self.name(package)))
    }
}

/// The first few of some names, and how many more there are.
pub(super) fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    joined(names, " ", NAMED)
}

/// The first `most` of some names, and how many more there are.
fn joined<'a>(
    names: impl ExactSizeIterator<Item = &'a str>,
    separator: &str,
    most: usize,
) -> String {
    let more = names.len().saturating_sub(most);
    let named = names.take(most).collect::<Vec<_>>().join(separator);
    if more > 0 { format!("{named} and {more} more") } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_names_are_counted_instead() {
        assert_eq!(some_of(["a", "b"].into_iter()), "a b");
        assert_eq!(
            some_of(["a", "b", "c", "d", "e", "f", "g"].into_iter()),
            "a b c d e and 2 more"
        );
    }
}
