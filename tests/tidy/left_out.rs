//! What `cargo test` says in the end of what it left out.

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

#[test]
fn a_machine_with_nothing_is_told_of_every_program_and_one_with_all_of_none() {
    let nothing = left_out(&["etcd"], |_| false);
    for program in ["etcd", "openssl", "chromium", "tla", "java", "z3", "cvc5"] {
        assert!(nothing.contains(program), "{program}: {nothing}");
    }
    assert!(!nothing.contains("built without"), "{nothing}");
    let all = left_out(&["etcd"], |_| true);
    assert!(!all.contains("not installed") && !all.contains("cargo test --"), "{all}");
}
