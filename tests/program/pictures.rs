//! What `indexer dot` draws, and when it does not.

use crate::common::{self, run};

const LIST: &[u8] = b"a: b c d\nb: c\nc: d\nd: c e\ne: f\nf:\ng: a\n";

/// The lines of a drawing that are packages and arrows, and its title.
fn drawn(options: &[&str]) -> (String, Vec<String>) {
    let drawn = run(&[&["dot", "--format", "brew", "-"], options].concat(), LIST);
    assert_eq!(drawn.code, Some(0), "{}", drawn.stderr);
    let title = drawn.stdout.split("label=\"").nth(1).unwrap().split("\\n").next().unwrap();
    let is_own = |line: &&str| line.starts_with("  \"");
    let lines =
        drawn.stdout.lines().filter(is_own).map(|line| line.trim().replace('"', "")).collect();
    (title.to_owned(), lines)
}

/// The arrows of a drawing, without how they look.
fn arrows(options: &[&str]) -> Vec<String> {
    let lines = drawn(options).1.into_iter().filter(|line| line.contains("->"));
    lines
        .map(|line| line.replace(" -> ", "").split([' ', ';']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn dot_draws_all_or_what_is_around_or_some_alone() {
    assert_eq!(arrows(&[]), ["ab", "ac", "ad", "bc", "cd", "dc", "de", "ef", "ga"]);
    assert_eq!(arrows(&["--around", "d"]), ["cd", "dc", "de", "ef"]);
    assert_eq!(arrows(&["--around", "b", "--depth", "1"]), ["bc"]);
    assert_eq!(arrows(&["--around", "b", "--reverse"]), ["ab", "ga"]);
    assert_eq!(arrows(&["--around", "f,a", "--depth", "1", "--reverse"]), ["ef", "ga"]);
    assert_eq!(arrows(&["--only", "a,b,f,d"]), ["ab", "ad"]);
}

#[test]
fn reduced_drawings_have_no_arrow_that_a_longer_way_replaces() {
    assert_eq!(arrows(&["--reduce"]), ["ab", "bc", "cd", "dc", "de", "ef", "ga"]);
    assert_eq!(arrows(&["--reduce", "--only", "a,b,c"]), ["ab", "bc"]);
}

#[test]
fn drawings_say_what_they_show() {
    for (options, title) in [
        (["--around", "a"].as_slice(), "a and the 5 packages that it needs"),
        (&["--around", "f"], "f needs no package"),
        (&["--around", "g", "--reverse"], "no package needs g"),
        (&["--around", "b", "--reverse", "--depth=1"], "b and the package that needs it directly"),
        (&["--around", "e", "--reverse"], "e and the 5 packages that need it"),
        (&["--around", "g", "--depth=2"], "g and the 4 packages that it needs, in 2 steps at most"),
        (&["--around", "e,b", "--depth=1"], "e, b and the 2 packages that they need directly"),
        (&["--only", "e,b"], "2 packages"),
        (&[], "7 packages"),
    ] {
        assert_eq!(drawn(options).0, title);
    }
    let (_, lines) = drawn(&["--around", "c", "--depth=1"]);
    // The centre is dark, what goes on is dashed, a cycle is red.
    assert!(lines[0].starts_with("c [fillcolor=") && !lines[0].contains("dashed"), "{lines:?}");
    assert_eq!(lines[1], "d [style=rounded,filled,dashed];");
    assert!(lines[2].starts_with("c -> d [color=#c0392b") && lines.len() == 4, "{lines:?}");
}

#[test]
fn a_drawing_that_nobody_could_read_is_refused_with_advice() {
    let all = ["dot", "--format", "brew", common::BREW];
    let refused = run(&all, b"");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    let error = "error: the drawing would have 3368 packages and 22812 arrows, too many to read";
    assert!(refused.stderr.contains(error), "{}", refused.stderr);
    assert!(refused.stderr.ends_with("or draw all of it with --all\n"), "{}", refused.stderr);
    let drawn = run(&[&all[..], &["--all"]].concat(), b"");
    assert_eq!((drawn.code, drawn.stdout.matches(" -> ").count()), (Some(0), 22_812));
    // Of one package there is a drawing, also where all of its dependencies are listed.
    let one = run(&[&all[..], &["--around", "wget", "--reduce"]].concat(), b"");
    assert_eq!((one.code, one.stdout.matches("fillcolor=\"#0b69a3\"").count()), (Some(0), 1));
}
