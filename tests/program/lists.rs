//! Package lists as they come, and what `indexer order` and `why` make of them.

use std::fs;

use crate::common::{self, Finished, run};

/// What `order` prints of a list, and what it says beside that.
fn order(format: Option<&str>, list: &[u8]) -> (String, String) {
    let format = format.map_or(Vec::new(), |format| vec!["--format", format]);
    let ordered = run(&[&["order", "-"], &format[..]].concat(), list);
    assert_eq!(ordered.code, Some(0), "{}", ordered.stderr);
    (ordered.stdout, ordered.stderr)
}

/// Each format with the same two packages, under the names that it gives them.
const SAME: [(&str, &[u8], &str); 9] = [
    ("brew", b"\xef\xbb\xbfvim: lua\nlua:\n", "lua\nvim\n"),
    ("brew", b"# comment\nvim: :macOS >= 12 lua [build]\nlua:\n", "lua\nvim\n"),
    ("brew", "vim\n└── lua\n".as_bytes(), "lua\nvim\n"),
    ("commands", b"\xef\xbb\xbfINDEX|vim|lua\nINDEX|lua|\n", "lua\nvim\n"),
    (
        "debian",
        b"\xef\xbb\xbfPackage: vim\nMaintainer: M\xfcller\nDepends: lua\n\nPackage: lua\n",
        "lua\nvim\n",
    ),
    (
        "debian",
        b"Package: vim\nVersion: 1.9\nDepends: x\n\nPackage: vim\nVersion: 1.10\nDepends: lua\n\n\
          Package: x\nStatus: deinstall ok config-files\n\nPackage: lua\nStatus: install ok installed\n",
        "lua\nvim\n",
    ),
    (
        "cargo",
        br#"{"packages":[{"name":"vim","version":"9.1.0","id":"v","manifest_path":"/v"},
            {"name":"lua","version":"5.4.0","id":"l","authors":["M\u00fcller"]}],"resolve":{"nodes":[
            {"id":"v","deps":[{"pkg":"l","dep_kinds":[{"kind":null}]}]},{"id":"l","deps":[]}]}}"#,
        "lua@5.4.0\nvim@9.1.0\n",
    ),
    (
        "npm",
        br#"{"name":"vim","lockfileVersion":3,"packages":{"":{"name":"vim","version":"9.1.0",
            "dependencies":{"lua":"^5"}},"node_modules/lua":{"version":"5.4.0"}}}"#,
        "lua@5.4.0\nvim@9.1.0\n",
    ),
    (
        "npm",
        b"{\"lockfileVersion\":2,\"packages\":{\"\":{\"name\":\"vim\",\"dependencies\":{\"lua\":\"5\"}},\
          \"node_modules/lua\":{\"version\":\"5\",\"license\":\"\xfc\"}}}",
        "lua@5\nvim\n",
    ),
];

#[test]
fn lists_are_read_as_they_come_in_a_named_or_guessed_format() {
    for (format, list, expected) in SAME {
        let (ordered, said) = order(Some(format), list);
        assert_eq!(ordered, expected, "{format}");
        assert!(!said.contains("guess"), "{said}");
        let (ordered, said) = order(None, list);
        assert_eq!(ordered, expected, "{format}, guessed");
        let guess = format!("guessed the format {format}; if it is wrong, give --format\n");
        assert!(said.starts_with(&guess), "{format}: {said}");
    }
}

#[test]
fn a_guess_that_is_unclear_or_wrong_is_refused_with_advice() {
    let refused = |list: &[u8]| {
        let Finished { code, stdout, stderr } = run(&["import", "--dry-run", "-"], list);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        stderr
    };
    for list in [b"".as_slice(), b"what is this\n", b"{\"a\":1}", b"<html></html>", b"\x7fELF\0\0"]
    {
        let error = refused(list);
        let start =
            "error: cannot read - as a package list: its format is not clear from its beginning";
        assert!(error.starts_with(start), "{error}");
        assert!(
            error.ends_with("give its format: --format brew|debian|commands|cargo|npm\n"),
            "{error}"
        );
    }
    // Nothing at its beginning shows what comes later.
    let list = "a:\n".repeat(30_000) + "not a list\n";
    let error = refused(list.as_bytes());
    assert!(
        error.contains("line 30001, column 1: expected `name: dependency dependency`\n"),
        "{error}"
    );
    assert!(error.ends_with("its format was guessed as brew: correct that place, or give --format brew|debian|commands|cargo|npm\n"), "{error}");
}

#[test]
fn what_counts_and_what_is_left_out_is_said() {
    let (_, said) = order(
        Some("debian"),
        b"Package: a\nVersion: 1\n\nPackage: a\nVersion: 2\n\nPackage: b\nStatus: deinstall ok config-files\n",
    );
    assert_eq!(
        said,
        "packages: 1, dependencies: 0\n\
         repeated entries, of which the highest version counts: 1\n\
         packages that are no longer installed, left out: 1\n"
    );
    let (_, said) = order(Some("brew"), b"a: :linux b\nb: :macOS >= 12 (or Linux)\n");
    assert!(said.ends_with("requirements, which are not packages, left out: 2\n"), "{said}");
}

#[test]
fn order_prints_cycles_on_a_line_and_what_some_packages_need() {
    let list = b"a: b\nb: c\nc: b\nd: e\ne:\nf: a e\n";
    let printed =
        |options: &[&str]| run(&[&["order", "--format", "brew", "-"], options].concat(), list);
    assert_eq!(printed(&[]).stdout, "b c\na\ne\nd\nf\n");
    assert_eq!(printed(&["--of", "a"]).stdout, "b c\na\n");
    assert_eq!(printed(&["--of", "d,a", "--of", "e"]).stdout, "b c\na\ne\nd\n");
    let missing = printed(&["--of", "a,g"]);
    assert_eq!(missing.code, Some(2));
    assert_eq!(missing.stderr, "error: the list has no package \"g\"\n  it has: f\n");
    // Homebrew's list, in an order in which each comes after what it needs.
    let ordered = run(&["order", common::BREW], b"").stdout;
    let place: std::collections::BTreeMap<_, _> = ordered.lines().zip(0..).collect();
    let list = fs::read_to_string(common::BREW).unwrap();
    let mut compared = 0;
    for (package, needs) in list.lines().filter_map(|line| line.split_once(':')) {
        for need in needs.split_whitespace().filter_map(|need| place.get(need)) {
            assert!(*need < place[package], "{package}");
            compared += 1;
        }
    }
    assert_eq!(compared, 22_812);
}

#[test]
fn why_prints_a_shortest_chain_or_exits_with_1() {
    let list = b"a: b c\nb: d\nc: e f\nd: e\ne: g\nf: g\ng: a\nh: a\n";
    let why = |from, to| run(&["why", "--format", "brew", "-", from, to], list);
    assert_eq!(
        (why("a", "g").code, why("a", "g").stdout.as_str()),
        (Some(0), "a -> c -> e -> g\n")
    );
    assert_eq!(why("g", "c").stdout, "g -> a -> c\n");
    assert_eq!(why("b", "b").stdout, "b\n");
    let none = why("a", "h");
    let said = "a does not need h, directly or not\n";
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (Some(1), "", said));
    assert_eq!(why("a", "x").code, Some(2));
}
