//! What `cargo test` says in the end of what it left out.

use std::path::Path;
use std::process::Command;

use crate::optional::{BROWSER, left_out};

#[test]
fn what_is_left_out_comes_with_the_reason_and_the_command() {
    let said = left_out(&[], |program| *program != BROWSER);
    let expected = "
left out of this `cargo test`:
- replicas over a real etcd, with faults, TLS and users: built without the feature etcd
  cargo test --features etcd --test replicas
- what a browser shows of a drawn history: chromium-headless-shell or chromium or chromium-browser or google-chrome is not installed
  cargo test --test library drawing
- models and proofs of the specification: a command of its own
  spec/check
- long fuzzing, all mutants, hours of faults and crashes: a command of its own
  .ci/campaign
all of it but the last: .ci/run
";
    assert_eq!(said, expected);
}

/// And one that has all of them is told of none.
#[test]
fn a_machine_with_nothing_is_told_of_every_program() {
    let nothing = left_out(&["etcd"], |_| false);
    for program in [
        "etcd", "openssl", "chromium", "tla", "java", "z3", "cvc5", "promtool", "zsh", "mandoc",
        "python3",
    ] {
        assert!(nothing.contains(program), "{program}: {nothing}");
    }
    assert!(!nothing.contains("built without"), "{nothing}");
    let all = left_out(&["etcd"], |_| true);
    assert!(!all.contains("not installed") && !all.contains("cargo test --"), "{all}");
}

#[test]
#[cfg(unix)]
fn a_campaign_says_what_its_parts_are_and_refuses_others() {
    let campaign = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/campaign");
    let script = std::fs::read_to_string(&campaign).unwrap();
    let (_, parts) = script.split_once("\nparts=(").unwrap();
    let parts: Vec<_> = parts.split_once(')').unwrap().0.split(' ').collect();
    assert!(parts.len() > 5, "{parts:?}");
    let help = Command::new(&campaign).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for part in parts {
        for function in [format!("\n{part}() {{"), format!("\n{part}_steps() {{ ")] {
            assert!(script.contains(&function), "{part} has no{function}");
        }
        assert!(help.contains(&format!("\n  {part} ")), "{part} is not in {help}");
    }
    for (arguments, reason) in [
        (&["everything"][..], "there is no part everything\n"),
        (&["--shard", "5/4"], "--shard 5/4: there are only 4\n"),
        (&["--minutes", "0"], "--minutes takes a number from 1 on\n"),
    ] {
        let refused = Command::new(&campaign).args(arguments).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.ends_with(reason), "{said}");
    }
}

#[test]
fn each_room_whose_mutants_are_tried_has_files_and_a_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join(".ci/rooms")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut rooms = Vec::new();
    for row in rows {
        let [room, files, arguments] = row.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{row}: not a room, its files and what its tests are")
        };
        for path in files.split(' ').map(|path| root.join(path.trim_end_matches("/**"))) {
            assert!(path.exists(), "{row}: there is no {}", path.display());
        }
        // A filter of tests names a module or a test, or nothing would notice a mutant.
        let filters = arguments.split(" -- ").nth(1).unwrap_or_default();
        for module in filters.split(' ').filter_map(|it| it.strip_suffix("::")) {
            let is_there = ["src", "src/testing", "src/testing/scope"]
                .iter()
                .any(|folder| root.join(folder).join(format!("{module}.rs")).exists());
            assert!(is_there, "{row}: there is no module {module}");
        }
        rooms.push(room);
    }
    let right = [
        "name",
        "command",
        "wire",
        "index",
        "model",
        "session",
        "engine",
        "store",
        "log",
        "replica",
        "statecheck",
    ];
    assert_eq!(rooms, right);
}
