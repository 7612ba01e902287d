//! Tests of the index on its own. `testing` compares it with the model.

mod held;

use super::*;
use crate::name::Name;

fn index_of(lists: &[(&str, &[&str])]) -> PackageIndex {
    let mut index = PackageIndex::new();
    for (package, dependencies) in lists {
        assert_eq!(say(&mut index, "INDEX", package, dependencies), Outcome::Ok, "{package}");
    }
    index
}

fn say(index: &mut PackageIndex, verb: &str, package: &str, dependencies: &[&str]) -> Outcome {
    let command = match verb {
        "INDEX" => Command::index(package, dependencies.iter().copied()),
        "REMOVE" => Command::remove(package),
        _ => Command::query(package),
    };
    let outcome = index.apply(&command.unwrap()).unwrap();
    assert_eq!(index.check_invariants(), Ok(()));
    outcome
}

fn listed(names: Option<Names>) -> Vec<String> {
    names.expect("indexed").map(|name| name.to_string()).collect()
}

/// Rules I2, I3.
#[test]
fn a_failed_index_leaves_the_earlier_dependencies_in_place() {
    let mut index = index_of(&[("a", &[]), ("b", &["a"])]);
    let before = index.clone();
    assert_eq!(say(&mut index, "INDEX", "b", &["a", "missing"]), Outcome::Fail);
    assert_eq!(say(&mut index, "INDEX", "new", &["missing"]), Outcome::Fail);
    assert_eq!(index, before);
}

/// Rules I4, X2, X3.
#[test]
fn indexing_again_replaces_the_list() {
    let mut index = index_of(&[("a", &[]), ("b", &[]), ("p", &["a"]), ("p", &["b"])]);
    assert_eq!(listed(index.dependencies("p")), ["b"]);
    assert_eq!(say(&mut index, "REMOVE", "a", &[]), Outcome::Ok);
    assert_eq!(say(&mut index, "REMOVE", "b", &[]), Outcome::Fail);
}

/// Rules I6, X4.
#[test]
fn a_package_that_depends_on_itself_can_be_removed() {
    let mut index = PackageIndex::new();
    assert_eq!(say(&mut index, "INDEX", "p", &["p"]), Outcome::Fail);
    assert_eq!(say(&mut index, "INDEX", "p", &[]), Outcome::Ok);
    assert_eq!(say(&mut index, "INDEX", "p", &["p"]), Outcome::Ok);
    assert_eq!(listed(index.transitive_dependencies("p")), ["p"]);
    assert_eq!(say(&mut index, "REMOVE", "p", &[]), Outcome::Ok);
    assert!(index.is_empty());
}

/// Rules I7, X5.
#[test]
fn members_of_a_cycle_hold_each_other_until_one_gets_a_new_list() {
    let mut index = index_of(&[("b", &[]), ("a", &["b"]), ("b", &["a"])]);
    assert_eq!(say(&mut index, "REMOVE", "a", &[]), Outcome::Fail);
    assert_eq!(say(&mut index, "REMOVE", "b", &[]), Outcome::Fail);
    assert_eq!(say(&mut index, "INDEX", "b", &[]), Outcome::Ok);
    assert_eq!(say(&mut index, "REMOVE", "a", &[]), Outcome::Ok);
}

/// Rules O7, O8.
#[test]
fn a_limit_refuses_and_changes_nothing() {
    let mut index = PackageIndex::with_limits(Limits {
        max_packages: 2,
        max_dependencies: 1,
        ..Limits::default()
    });
    say(&mut index, "INDEX", "a", &[]);
    say(&mut index, "INDEX", "b", &["a", "a"]);
    let before = index.clone();
    let third = Command::index("c", []).unwrap();
    assert_eq!(index.apply(&third), Err(LimitError::Packages { limit: 2 }));
    let second_dependency = Command::index("a", ["b"]).unwrap();
    let refused = Err(LimitError::Dependencies { limit: 1, wanted: 2 });
    assert_eq!(index.apply(&second_dependency), refused);
    assert_eq!(index, before);
    // A list that replaces one of its own length still fits, and FAIL comes before the limit.
    assert_eq!(say(&mut index, "INDEX", "b", &["b"]), Outcome::Ok);
    assert_eq!(say(&mut index, "INDEX", "c", &["missing"]), Outcome::Fail);
    assert_eq!(say(&mut index, "REMOVE", "a", &[]), Outcome::Ok);
    assert_eq!(index.apply(&third), Ok(Outcome::Ok));
}

#[test]
fn more_than_the_graph_can_hold_is_not_allowed_by_any_limit() {
    let limits = Limits {
        max_packages: usize::MAX,
        max_dependencies: usize::MAX,
        max_state_bytes: usize::MAX,
        ..Limits::default()
    };
    assert_eq!(PackageIndex::with_limits(limits).limits, Limits::default());
    let limits = Limits { max_packages: 1, max_dependencies: 2, ..Limits::default() };
    assert_eq!(PackageIndex::with_limits(limits).limits, limits);
}

/// Rules O7, O8.
#[test]
fn the_list_of_one_package_and_the_bytes_of_all_have_limits() {
    let limits = Limits { max_dependencies_per_package: 1, ..Limits::default() };
    let mut index = PackageIndex::with_limits(limits);
    say(&mut index, "INDEX", "a", &[]);
    assert_eq!(say(&mut index, "INDEX", "b", &["a", "a"]), Outcome::Ok);
    let refused = Err(LimitError::DependenciesPerPackage { limit: 1, wanted: 2 });
    assert_eq!(index.apply(&Command::index("c", ["a", "b"]).unwrap()), refused);
    assert_eq!(say(&mut index, "INDEX", "c", &["a", "b", "missing"]), Outcome::Fail);

    let max_state_bytes = 48 + 48 + 20;
    let mut index = PackageIndex::with_limits(Limits { max_state_bytes, ..Limits::default() });
    say(&mut index, "INDEX", "a", &[]);
    let refused =
        Err(LimitError::StateBytes { limit: max_state_bytes, wanted: max_state_bytes + 20 });
    assert_eq!(index.apply(&Command::index("b23456789abc", ["a"]).unwrap()), refused);
    assert_eq!(say(&mut index, "INDEX", "bc", &["a"]), Outcome::Ok);
    assert_eq!(index.state_bytes(), max_state_bytes);
    // A list that replaces one of its own length still fits.
    assert_eq!(say(&mut index, "INDEX", "bc", &["bc"]), Outcome::Ok);
    let refused =
        Err(LimitError::StateBytes { limit: max_state_bytes, wanted: max_state_bytes + 20 });
    assert_eq!(index.apply(&Command::index("bc", ["a", "bc"]).unwrap()), refused);
    say(&mut index, "REMOVE", "bc", &[]);
    assert_eq!(index.state_bytes(), 48);
}

#[test]
fn what_is_shown_depends_on_the_state_and_not_on_its_history() {
    let one = index_of(&[("a", &[]), ("b", &["a"]), ("c", &["b", "a"])]);
    let mut other = index_of(&[("b", &[]), ("x", &["b"]), ("a", &["b"]), ("c", &["a", "b"])]);
    say(&mut other, "INDEX", "a", &[]);
    say(&mut other, "INDEX", "b", &["a"]);
    say(&mut other, "REMOVE", "x", &[]);
    assert_eq!(one, other);
    assert_eq!(one.digest(), other.digest());
    assert_eq!(one.to_commands(), other.to_commands());
    assert_eq!(one.installation_order(), other.installation_order());
    assert_eq!(one.dot().to_string(), other.dot().to_string());
    assert_eq!(format!("{one:?}"), r#"{"a": [], "b": ["a"], "c": ["a", "b"]}"#);
}

#[test]
fn indexes_of_other_packages_or_dependencies_are_not_equal() {
    let index = index_of(&[("a", &[]), ("b", &["a"]), ("c", &[])]);
    let others: [&[(&str, &[&str])]; 4] = [
        &[("a", &[]), ("b", &["a"])],
        &[("a", &[]), ("b", &[]), ("c", &[])],
        &[("a", &[]), ("b", &[]), ("c", &["a"])],
        &[("a", &[]), ("b", &["a"]), ("d", &[])],
    ];
    for lists in others {
        assert_ne!(index, index_of(lists), "{lists:?}");
    }
    // More packages with fewer dependencies, and the reverse.
    assert_ne!(index_of(&[("a", &[]), ("b", &[])]), index_of(&[("a", &[]), ("a", &["a"])]));
}

#[test]
fn a_package_is_contained_from_its_indexing_to_its_removal() {
    let mut index = PackageIndex::new();
    assert!(index.is_empty() && !index.contains("a"));
    say(&mut index, "INDEX", "a", &[]);
    assert!(!index.is_empty() && index.contains("a") && !index.contains("b"));
    say(&mut index, "REMOVE", "a", &[]);
    assert!(index.is_empty() && !index.contains("a"));
}

#[test]
fn a_dot_graph_has_a_line_for_each_package_and_each_dependency() {
    let index = index_of(&[("a", &[]), ("b", &["a"])]);
    let lines = ["digraph packages {", "  \"a\";", "  \"b\";", "  \"b\" -> \"a\";", "}"];
    assert!(index.dot().to_string().lines().eq(lines));
}

#[test]
fn the_order_respects_every_dependency_outside_cycles() {
    let index = index_of(&[
        ("z", &[]),
        ("y", &["z"]),
        ("x", &["y"]),
        ("y", &["z", "x"]),
        ("a", &["x"]),
        ("self", &[]),
        ("self", &["self"]),
    ]);
    let order = index.installation_order();
    let steps: Vec<_> = order.iter().map(InstallationStep::packages).collect();
    assert_eq!(steps, [["self"].as_slice(), &["z"], &["x", "y"], &["a"]]);
    assert_eq!(index.to_commands().into_iter().collect::<PackageIndex>(), index);
}

#[test]
fn a_chain_of_100_000_packages_is_searched_without_recursion() {
    let mut index = PackageIndex::new();
    index.apply(&Command::index("p0", []).unwrap()).unwrap();
    for number in 1..100_000 {
        let dependency = format!("p{}", number - 1);
        let command = Command::index(&format!("p{number}"), [dependency.as_str()]).unwrap();
        assert_eq!(index.apply(&command), Ok(Outcome::Ok));
    }
    assert_eq!(index.transitive_dependencies("p99999").map(|names| names.len()), Some(99_999));
    assert_eq!(index.installation_order().len(), 100_000);
    assert_eq!(index.check_invariants(), Ok(()));
}

#[test]
fn the_names_of_all_packages_are_listed_from_both_ends() {
    let index = index_of(&[("c", &[]), ("a", &["c"]), ("b", &[])]);
    let names = index.packages();
    assert_eq!(names.len(), 3);
    assert_eq!(format!("{names:?}"), r#"["a", "b", "c"]"#);
    assert!(names.clone().eq(["a", "b", "c"]));
    assert!(names.rev().eq(["c", "b", "a"]));
    assert_eq!(index.dependencies("a"), index.dependencies("a"));
    assert_ne!(index.dependencies("a"), index.dependencies("b"));
}

#[test]
fn an_index_that_is_emptied_gives_back_what_many_packages_took() {
    let names: Vec<_> = (0..10 * KEPT_CELLS).map(|number| format!("p{number}")).collect();
    let mut index = PackageIndex::new();
    let fill = |index: &mut PackageIndex, count: usize| {
        index.extend(names[..count].iter().map(|name| Command::index(name, []).unwrap()));
    };
    let empty = |index: &mut PackageIndex| {
        index.extend(names.iter().map(|name| Command::remove(name).unwrap()));
    };
    fill(&mut index, names.len());
    let full = index.held_bytes();
    assert!(full > names.len() * 25);
    empty(&mut index);
    // Each change gives a bounded part back, even if it changes nothing. A copy has nothing to give back.
    let (part, mut held) = (64 * 1_024 * 20, index.held_bytes());
    assert!(held > 2 * part && index.clone().held_bytes() < 1_000);
    while held > 1_000 {
        assert_eq!(say(&mut index, "REMOVE", "p0", &[]), Outcome::Ok);
        let now = index.held_bytes();
        assert!((held.saturating_sub(part)..held).contains(&now) || now < 1_000, "{held} {now}");
        held = now;
    }
    // It serves as before, and keeps what a few packages took for the next.
    assert_eq!(say(&mut index, "INDEX", "a", &[]), Outcome::Ok);
    assert_eq!(say(&mut index, "INDEX", "b", &["a"]), Outcome::Ok);
    fill(&mut index, 100);
    empty(&mut index);
    assert_eq!(say(&mut index, "REMOVE", "b", &[]), Outcome::Ok);
    assert_eq!(say(&mut index, "REMOVE", "a", &[]), Outcome::Ok);
    assert!(index.is_empty());
    assert!(index.held_bytes() > 2_000);
}

/// What the check says of an index of two packages after some damage.
fn check_after(damage: impl FnOnce(&mut PackageIndex)) -> InvariantViolation {
    let mut index = index_of(&[("a", &[]), ("b", &["a"])]);
    damage(&mut index);
    index.check_invariants().unwrap_err()
}

#[test]
fn the_check_notices_names_that_do_not_match_the_packages() {
    let violation = check_after(|index| drop(index.by_name.take()));
    assert_eq!(violation, InvariantViolation::NotOneToOne { in_table: 0, in_graph: 2 });
    let violation = check_after(|index| index.hasher = NameHash::random());
    assert!(matches!(violation, InvariantViolation::NotFound { .. }), "{violation}");
}

#[test]
fn the_check_allows_a_limit_and_notices_what_is_past_it() {
    let with_limits = |max_packages, max_dependencies| {
        move |index: &mut PackageIndex| {
            index.limits = Limits { max_packages, max_dependencies, ..Limits::default() };
        }
    };
    let violation = check_after(with_limits(1, 1));
    assert_eq!(violation, InvariantViolation::PastLimit { what: "packages", held: 2, limit: 1 });
    let violation = check_after(with_limits(2, 0));
    assert_eq!(
        violation,
        InvariantViolation::PastLimit { what: "dependencies", held: 1, limit: 0 }
    );
    let violation = check_after(|index| index.limits.max_dependencies_per_package = 0);
    let what = "dependencies of one package";
    assert_eq!(violation, InvariantViolation::PastLimit { what, held: 1, limit: 0 });
    let violation = check_after(|index| index.limits.max_state_bytes = 115);
    let what = "bytes of state";
    assert_eq!(violation, InvariantViolation::PastLimit { what, held: 116, limit: 115 });
    let mut index = index_of(&[("a", &[]), ("b", &["a"])]);
    with_limits(2, 1)(&mut index);
    index.limits.max_dependencies_per_package = 1;
    index.limits.max_state_bytes = 116;
    assert_eq!(index.check_invariants(), Ok(()));
}
