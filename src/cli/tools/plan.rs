//! From a package list to commands that succeed: alternatives chosen, what does not exist left
//! out, cycles indexed first without each other and then in full.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};

use super::list::{Need, PackageList, Repeated, Source};
use crate::cli::Failure;
use crate::command::Command;
use crate::index::{LimitError, Limits, PackageIndex, Rows, commands};
use crate::name::Name;

/// How many names a report gives of those that need something, before it only counts the rest.
const NAMED: usize = 5;

/// How many members of a cycle, and alternatives of a need, it gives.
const MEMBERS: usize = 100;

/// What indexing a list comes to.
#[derive(Debug)]
pub(super) struct Plan {
    /// How many packages there are.
    pub(super) packages: usize,
    dependencies: usize,
    /// Commands that index them, each of which succeeds on an empty index.
    pub(super) commands: Vec<Command>,
    /// How many packages are indexed twice because they need themselves.
    alone: usize,
    /// The packages that are indexed twice because they need each other.
    cycles: Vec<Vec<Name>>,
    /// Needs that no package of the list meets, each with the packages that have it.
    missing: BTreeMap<Need, BTreeSet<Name>>,
    repeated: Option<Repeated>,
}

impl Plan {
    /// Reads a list and plans for it.
    pub(super) fn read(source: &Source) -> Result<Self, Failure> {
        let list = source.read()?;
        Self::for_list(&list).map_err(|error| source.too_large(error))
    }

    fn for_list(list: &PackageList) -> Result<Self, LimitError> {
        let limit = Limits::CEILING;
        if list.packages.len() > limit {
            return Err(LimitError::Packages { limit });
        }
        let packages: Vec<&Name> = list.packages.keys().collect();
        let numbers: HashMap<&Name, u32> = packages.iter().copied().zip(0..).collect();
        let mut rows = Rows::with_capacity(packages.len(), 0);
        let mut missing: BTreeMap<Need, BTreeSet<Name>> = BTreeMap::new();
        for (package, needs) in &list.packages {
            rows.push(needs.iter().filter_map(|need| match meet(need, package, list, &numbers) {
                Met::By(dependency) => Some(dependency),
                Met::ByItself => None,
                Met::NotAtAll => {
                    missing.entry(need.clone()).or_default().insert(package.clone());
                    None
                }
            }));
        }
        let name = |number: u32| packages[number as usize].clone();
        let steps = rows.steps();
        Ok(Self {
            packages: packages.len(),
            dependencies: rows.number_count(),
            commands: commands(&rows, &steps, name),
            alone: steps.iter().filter(|step| needs_itself(step, &rows)).count(),
            cycles: steps
                .iter()
                .filter(|step| step.len() > 1)
                .map(|step| step.iter().copied().map(name).collect())
                .collect(),
            missing,
            repeated: list.repeated,
        })
    }

    /// The index that the commands build.
    ///
    /// # Errors
    /// [`LimitError`] if no index can hold that much.
    pub(super) fn index(&self) -> Result<PackageIndex, LimitError> {
        let mut index = PackageIndex::new();
        for command in &self.commands {
            index.apply(command)?;
        }
        Ok(index)
    }

    /// Says what was found and what was done about it.
    pub(super) fn report(&self, output: &mut impl Write) -> io::Result<()> {
        let Self { packages, dependencies, alone, cycles, missing, repeated, .. } = self;
        writeln!(output, "packages: {packages}, dependencies: {dependencies}")?;
        if let Some(Repeated { entries, counts }) = repeated {
            writeln!(output, "repeated entries, of which the {counts} counts: {entries}")?;
        }
        if !missing.is_empty() {
            let count = missing.len();
            writeln!(output, "dependencies that are not in the list, left out: {count}")?;
        }
        for (Need(names), packages) in missing {
            let alternatives = joined(names.iter().map(Name::as_str), " | ", MEMBERS);
            let needed_by = some_of(packages.iter().map(Name::as_str));
            writeln!(output, "  {alternatives}, needed by {needed_by}")?;
        }
        if *alone > 0 {
            writeln!(
                output,
                "packages that need themselves, indexed first without and then with: {alone}"
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
            writeln!(output, "  {}", joined(cycle.iter().map(Name::as_str), " ", MEMBERS))?;
        }
        Ok(())
    }
}

/// Whether a step is one package that depends on itself.
fn needs_itself(step: &[u32], rows: &Rows) -> bool {
    matches!(*step, [package] if rows.row(package).contains(&package))
}

/// How a need is met.
enum Met {
    /// By the package of this number.
    By(u32),
    /// By something that the package itself provides.
    ByItself,
    NotAtAll,
}

/// The first alternative that exists: as a package of that name or, failing that, as the first
/// package that provides it. `numbers` has every package of the list.
fn meet(
    Need(alternatives): &Need,
    package: &Name,
    list: &PackageList,
    numbers: &HashMap<&Name, u32>,
) -> Met {
    for name in alternatives {
        if let Some(&number) = numbers.get(name) {
            return Met::By(number);
        }
        let providers = list.provided.get(name).map_or([].as_slice(), Vec::as_slice);
        if providers.contains(package) {
            return Met::ByItself;
        }
        if let Some(&number) = providers.first().and_then(|provider| numbers.get(provider)) {
            return Met::By(number);
        }
    }
    Met::NotAtAll
}

/// The first few of some names, and how many more there are.
pub(super) fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    joined(names, " ", NAMED)
}

/// So many of some names, and how many more there are.
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
        assert_eq!(
            (replayed.len(), replayed.dependency_count()),
            (plan.packages, plan.dependencies)
        );
        assert_eq!(plan.index().as_ref(), Ok(&replayed));
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
        assert_eq!(plan.cycles, expected.map(|cycle| names(&cycle.join(" "))));
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

    #[test]
    fn a_great_cycle_and_many_alternatives_are_shortened() {
        let names: Vec<String> = (0..1_000).map(|number| format!("p{number:03}")).collect();
        let next: Vec<[&str; 1]> =
            (0..1_000).map(|at| [names[(at + 1) % 1_000].as_str()]).collect();
        let cycle: Vec<(&str, &[&str])> =
            names.iter().zip(&next).map(|(name, next)| (name.as_str(), next.as_slice())).collect();
        let report = reported(&plan(&cycle, &[]));
        assert!(report.ends_with(" p098 p099 and 900 more\n"), "{report}");
        let alternatives = names.join(" ");
        let report = reported(&plan(&[("a", &[&alternatives])], &[]));
        assert!(report.ends_with(" | p099 and 900 more, needed by a\n"), "{report}");
    }
}
