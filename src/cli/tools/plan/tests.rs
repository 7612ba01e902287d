//! Lists of a few packages, and their plans.

use super::super::list::Format;
use super::super::messages::Messages;
use super::*;
use crate::command::{Command, Outcome};
use crate::index::PackageIndex;

/// The plan of a list of stanzas: `package: need need`, with `|` between alternatives, and `provided =
/// package package`. Checks that its messages build an index with all of it.
fn plan(text: &str) -> Plan {
    let (packages, provided): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| !line.contains(" = "));
    let mut stanzas = String::new();
    for line in packages {
        let (package, needs) = line.split_once(':').unwrap();
        let needs = needs.split_whitespace().collect::<Vec<_>>().join(", ");
        stanzas += &format!("Package: {package}\nDepends: {needs}\n");
        let provides = |line: &&&str| line.split_whitespace().skip(2).any(|by| by == package);
        let provides: Vec<_> = provided
            .iter()
            .filter(provides)
            .map(|line| line.split_once(" = ").unwrap().0)
            .collect();
        stanzas += &format!("Provides: {}\n\n", provides.join(", "));
    }
    let list = Format::Debian.read(stanzas.as_bytes(), b"").unwrap();
    let plan = Plan::for_list(list).unwrap();
    let mut index = PackageIndex::new();
    for command in printed(&plan) {
        let command: Command = command.parse().unwrap();
        assert_eq!(index.apply(&command), Ok(Outcome::Ok), "{command}");
    }
    assert_eq!((index.len(), index.dependency_count()), (plan.len(), plan.rows.number_count()));
    plan
}

/// The messages and the package of each. Checks that there are as many as announced.
fn printed(plan: &Plan) -> Vec<String> {
    let mut messages = Messages::new(plan, plan.rows.steps());
    let count = messages.count();
    let (mut lines, mut packages) = (Vec::new(), Vec::new());
    loop {
        let mut text = Vec::new();
        packages.extend(messages.write(&mut text, 1));
        if text.is_empty() {
            break;
        }
        lines.extend(String::from_utf8(text).unwrap().lines().map(str::to_owned));
    }
    assert_eq!((lines.len(), packages.len()), (count, count));
    for (line, package) in lines.iter().zip(packages) {
        assert!(line.starts_with(&format!("INDEX|{}|", plan.name(package))), "{line}");
    }
    lines
}

fn reported(plan: &Plan) -> String {
    let mut report = Vec::new();
    plan.report(&plan.rows.steps(), &mut report).unwrap();
    String::from_utf8(report).unwrap()
}

#[test]
fn dependencies_come_first_in_any_order_of_the_list() {
    let plan = plan("a: b\nb: c\nc:\n");
    assert_eq!(printed(&plan), ["INDEX|c|", "INDEX|b|c", "INDEX|a|b"]);
    assert_eq!(reported(&plan), "packages: 3, dependencies: 2\n");
}

#[test]
fn the_first_alternative_that_exists_is_taken() {
    let plan = plan(
        "cron: sendmail|mta gone|awk\npostfix:\nexim: mta\ngawk:\nawk:\nmta = postfix exim\nawk = gawk\n",
    );
    assert_eq!(
        printed(&plan),
        ["INDEX|awk|", "INDEX|exim|", "INDEX|gawk|", "INDEX|postfix|", "INDEX|cron|awk,postfix"]
    );
}

#[test]
fn what_is_missing_and_what_is_in_a_cycle_is_reported() {
    let plan = plan("a: b x|y\nb: a\nc: x|y c x|y\nd: x|y\n");
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
    let plan =
        plan("a: b\nb: c b\nc: d\nd: e\ne: f\nf: g\ng: a\nx: y a\ny: x\nv: w x\nw: v\nz: v\n");
    let report = reported(&plan);
    assert!(report.ends_with("full lists: 3\n  a b c d e f g\n  v w\n  x y\n"), "{report}");
    let printed = printed(&plan);
    // The cycle that another needs comes before it.
    let place = |line: &str| printed.iter().position(|it| it == line).unwrap();
    assert!(place("INDEX|y|x") < place("INDEX|v|x") && place("INDEX|w|v") < place("INDEX|z|v"));
}

#[test]
fn a_great_cycle_and_many_alternatives_are_shortened() {
    let cycle: String =
        (0..1_000).map(|at| format!("p{at:03}: p{:03}\n", (at + 1) % 1_000)).collect();
    let report = reported(&plan(&cycle));
    assert!(report.ends_with(" p098 p099 and 900 more\n"), "{report}");
    let alternatives: Vec<String> = (0..1_000).map(|number| format!("p{number:03}")).collect();
    let report = reported(&plan(&format!("a: {}\n", alternatives.join("|"))));
    assert!(report.ends_with(" | p099 and 900 more, needed by a\n"), "{report}");
}

#[test]
fn a_package_is_found_with_its_version_and_without() {
    let plan = plan("a@1:\na@2:\nab:\nb@1:\nc:\n");
    let name = |text: &str| plan.find(text).map(|package| plan.name(package).to_string());
    assert_eq!(name("a@2").unwrap(), "a@2");
    assert_eq!(name("b").unwrap(), "b@1");
    for (text, hint) in [("a", "it has: a@1 a@2"), ("b@", "it has: b@1"), ("bz", "it has: b@1 c")] {
        let failure = name(text).unwrap_err();
        assert_eq!(failure.hint().unwrap(), hint, "{text}");
        assert_eq!(failure.to_string(), format!("the list has no package {text:?}"));
    }
}
