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
    for program in
        ["etcd", "openssl", "chromium", "tla", "java", "z3", "cvc5", "promtool", "zsh", "mandoc"]
    {
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
        assert!(script.contains(&format!("\n{part}() {{\n")), "{part} does nothing");
        assert!(help.contains(&format!("\n  {part} ")), "{part} is not in {help}");
    }
    let refused = Command::new(&campaign).arg("everything").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).ends_with("there is no part everything\n"));
}
