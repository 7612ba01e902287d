//! From a package list to commands that succeed: alternatives chosen, what does not exist left
//! out, cycles indexed first without each other and then in full.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Write};

use super::Failure;
use super::list::{Need, PackageList, Repeated, Source};
use crate::command::Command;
use crate::index::{LimitError, PackageIndex};
use crate::name::Name;

/// How many names a report gives before it only counts the rest.
const NAMED: usize = 5;

/// What indexing a list comes to.
#[derive(Debug)]
pub(super) struct Plan {
    /// The index that the commands build.
    pub(super) index: PackageIndex,
    /// Commands that build it, each of which succeeds on an empty index.
    pub(super) commands: Vec<Command>,
    /// Needs that no package of the list meets, each with the packages that have it.
    missing: BTreeMap<Need, BTreeSet<Name>>,
    repeated: Option<Repeated>,
}

impl Plan {
    /// Reads a list and plans for it.
    pub(super) fn read(source: &Source) -> Result<Self, Failure> {
        let list = source.read()?;
        Self::for_list(&list).map_err(|error| Failure::Limit { path: source.file.clone(), error })
    }

    fn for_list(list: &PackageList) -> Result<Self, LimitError> {
        let mut index = PackageIndex::new();
        let mut missing: BTreeMap<Need, BTreeSet<Name>> = BTreeMap::new();
        // First every package alone, so that the full lists can come in any order.
        for package in list.packages.keys() {
            index.apply(&Command::Index { package: package.clone(), dependencies: Vec::new() })?;
        }
        for (package, needs) in &list.packages {
            let mut dependencies = Vec::new();
            for need in needs {
                match meet(need, package, list, &index) {
                    Met::By(dependency) => dependencies.push(dependency.clone()),
                    Met::ByItself => {}
                    Met::NotAtAll => {
                        missing.entry(need.clone()).or_default().insert(package.clone());
                    }
                }
            }
            index.apply(&Command::Index { package: package.clone(), dependencies })?;
        }
        let commands = index.to_commands();
        Ok(Self { index, commands, missing, repeated: list.repeated })
    }

    /// The packages that are indexed more than once: each cycle in one group, and each package
    /// that needs only itself alone in one.
    ///
    /// Read off the commands, where such a group stands together behind its first round, so that
    /// the order need not be found twice.
    fn indexed_again(&self) -> Vec<Vec<&str>> {
        let mut groups = Vec::new();
        let mut seen = HashSet::with_capacity(self.index.len());
        let mut in_group = false;
        for package in self.commands.iter().map(|command| command.package().as_str()) {
            if seen.insert(package) {
                in_group = false;
                continue;
            }
            if !std::mem::replace(&mut in_group, true) {
                groups.push(Vec::new());
            }
            groups.last_mut().into_iter().for_each(|group| group.push(package));
        }
        groups
    }

    /// Says what was found and what was done about it.
    pub(super) fn report(&self, output: &mut impl Write) -> io::Result<()> {
        let Self { index, missing, repeated, .. } = self;
        writeln!(output, "packages: {}, dependencies: {}", index.len(), index.dependency_count())?;
        if let Some(Repeated { entries, counts }) = repeated {
            writeln!(output, "repeated entries, of which the {counts} counts: {entries}")?;
        }
        if !missing.is_empty() {
            let count = missing.len();
            writeln!(output, "dependencies that are not in the list, left out: {count}")?;
        }
        for (Need(names), packages) in missing {
            let alternatives: Vec<_> = names.iter().map(Name::as_str).collect();
            let needed_by = some_of(packages.iter().map(Name::as_str));
            writeln!(output, "  {}, needed by {needed_by}", alternatives.join(" | "))?;
        }
        let (cycles, alone): (Vec<_>, Vec<_>) =
            self.indexed_again().into_iter().partition(|group| group.len() > 1);
        if !alone.is_empty() {
            let count = alone.len();
            writeln!(
                output,
                "packages that need themselves, indexed first without and then with: {count}"
            )?;
        }
        if !cycles.is_empty() {
            let count = cycles.len();
            writeln!(
                output,
                "cycles, indexed first without each other and then with their full lists: {count}"
            )?;
        }
        for cycle in cycles {
            writeln!(output, "  {}", cycle.join(" "))?;
        }
        Ok(())
    }
}

/// How a need is met.
enum Met<'a> {
    By(&'a Name),
    /// By something that the package itself provides.
    ByItself,
    NotAtAll,
}

/// The first alternative that exists: as a package of that name or, failing that, as the first
/// package that provides it. Every package of the list is indexed.
fn meet<'a>(
    Need(alternatives): &'a Need,
    package: &Name,
    list: &'a PackageList,
    index: &PackageIndex,
) -> Met<'a> {
    for name in alternatives {
        if index.contains(name.as_str()) {
            return Met::By(name);
        }
        let providers = list.provided.get(name).map_or([].as_slice(), Vec::as_slice);
        if providers.contains(package) {
            return Met::ByItself;
        }
        if let Some(provider) = providers.first() {
            return Met::By(provider);
        }
    }
    Met::NotAtAll
}

/// The first few of some names, and how many more there are.
pub(super) fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = names.take(NAMED).collect::<Vec<_>>().join(" ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Outcome;

    fn names(text: &str) -> Vec<Name> {
        text.split_whitespace().map(|name| name.parse().unwrap()).collect()
    }

    /// A list from `package: need need`, with `|` between alternatives, and `provided = packages`.
    fn plan(packages: &[(&str, &[&str])], provided: &[(&str, &str)]) -> Plan {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let list = PackageList {
            packages: packages
                .iter()
                .map(|(package, needs)| {
                    (name(package), needs.iter().map(|need| Need(names(need))).collect())
                })
                .collect(),
            provided: provided.iter().map(|(what, by)| (name(what), names(by))).collect(),
            repeated: None,
        };
        let plan = Plan::for_list(&list).unwrap();
        let mut replayed = PackageIndex::new();
        for command in &plan.commands {
            assert_eq!(replayed.apply(command), Ok(Outcome::Ok), "{command}");
        }
        assert_eq!(replayed, plan.index);
        plan
    }

    fn printed(plan: &Plan) -> Vec<String> {
        plan.commands.iter().map(ToString::to_string).collect()
    }

    fn reported(plan: &Plan) -> String {
        let mut report = Vec::new();
        plan.report(&mut report).unwrap();
        String::from_utf8(report).unwrap()
    }

    #[test]
    fn dependencies_come_first_whatever_the_order_of_the_list() {
        let plan = plan(&[("a", &["b"]), ("b", &["c"]), ("c", &[])], &[]);
        assert_eq!(printed(&plan), ["INDEX|c|", "INDEX|b|c", "INDEX|a|b"]);
        assert_eq!(reported(&plan), "packages: 3, dependencies: 2\n");
    }

    #[test]
    fn the_first_alternative_that_exists_is_taken_and_a_package_before_its_provider() {
        let provided = [("mta", "postfix exim"), ("awk", "gawk")];
        let packages: [(&str, &[&str]); 5] = [
            ("cron", &["sendmail mta", "gone awk"]),
            ("postfix", &[]),
            ("exim", &["mta"]),
            ("gawk", &[]),
            ("awk", &[]),
        ];
        let plan = plan(&packages, &provided);
        assert_eq!(
            printed(&plan),
            [
                "INDEX|awk|",
                "INDEX|exim|",
                "INDEX|gawk|",
                "INDEX|postfix|",
                "INDEX|cron|awk,postfix"
            ]
        );
    }

    #[test]
    fn what_is_missing_and_what_is_in_a_cycle_is_reported() {
        let packages: [(&str, &[&str]); 4] =
            [("a", &["b", "x y"]), ("b", &["a"]), ("c", &["x y", "c"]), ("d", &["x y"])];
        let plan = plan(&packages, &[]);
        assert_eq!(
            printed(&plan),
            ["INDEX|a|", "INDEX|b|", "INDEX|a|b", "INDEX|b|a", "INDEX|c|", "INDEX|c|c", "INDEX|d|"]
        );
        assert_eq!(
            reported(&plan),
            "packages: 4, dependencies: 3\n\
             dependencies that are not in the list, left out: 1\n  \
             x | y, needed by a c d\n\
             packages that need themselves, indexed first without and then with: 1\n\
             cycles, indexed first without each other and then with their full lists: 1\n  \
             a b\n"
        );
    }

    #[test]
    fn every_package_of_every_cycle_is_named() {
        let packages: [(&str, &[&str]); 11] = [
            ("a", &["b"]),
            ("b", &["c", "b"]),
            ("c", &["d"]),
            ("d", &["e"]),
            ("e", &["f"]),
            ("f", &["g"]),
            ("g", &["a"]),
            ("x", &["y", "a"]),
            ("y", &["x"]),
            ("v", &["w", "x"]),
            ("w", &["v"]),
        ];
        let plan = plan(&packages, &[]);
        let expected: [&[&str]; 3] =
            [&["a", "b", "c", "d", "e", "f", "g"], &["x", "y"], &["v", "w"]];
        assert_eq!(plan.indexed_again(), expected);
        assert!(reported(&plan).ends_with("full lists: 3\n  a b c d e f g\n  x y\n  v w\n"));
    }

    #[test]
    fn long_lists_of_names_are_counted_instead() {
        assert_eq!(some_of(["a", "b"].into_iter()), "a b");
        assert_eq!(
            some_of(["a", "b", "c", "d", "e", "f", "g"].into_iter()),
            "a b c d e and 2 more"
        );
    }
}
