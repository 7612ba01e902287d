//! Programs that some tests need and a machine may lack, and how a person learns what was left out.
//!
//! libtest keeps to itself what a test prints that passes, so what is said here goes to standard
//! error without its knowing.

#![allow(dead_code, reason = "each test binary is a crate of its own and uses what it needs")]

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// A program that some tests need.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its names; one of them is enough.
    pub(crate) names: &'static [&'static str],
    /// What makes it say its version.
    version: &'static str,
    /// With this in the environment, it is a failure that the program is missing.
    checked: &'static str,
}

pub(crate) const ETCD: Program =
    Program { names: &["etcd"], version: "--version", checked: "ETCD_CHECKED" };

pub(crate) const OPENSSL: Program =
    Program { names: &["openssl"], version: "version", checked: "ETCD_CHECKED" };

pub(crate) const BROWSER: Program = Program {
    names: &["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"],
    version: "--version",
    checked: "BROWSER_CHECKED",
};

pub(crate) const TLA_CHECKER: Program =
    Program { names: &["tla"], version: "--version", checked: "SPEC_CHECKED" };

const JAVA: Program = Program { names: &["java"], version: "-version", checked: "SPEC_CHECKED" };

const Z3: Program = Program { names: &["z3"], version: "--version", checked: "SPEC_CHECKED" };

const CVC5: Program = Program { names: &["cvc5"], version: "--version", checked: "SPEC_CHECKED" };

pub(crate) const PROMTOOL: Program =
    Program { names: &["promtool"], version: "--version", checked: "TOOLS_CHECKED" };

pub(crate) const MANDOC: Program =
    Program { names: &["mandoc"], version: "-h", checked: "TOOLS_CHECKED" };

const PYTHON: Program =
    Program { names: &["python3"], version: "--version", checked: "TOOLS_CHECKED" };

pub(crate) const BASH: Program =
    Program { names: &["bash"], version: "--version", checked: "TOOLS_CHECKED" };

pub(crate) const ZSH: Program =
    Program { names: &["zsh"], version: "--version", checked: "TOOLS_CHECKED" };

impl Program {
    /// The first of its names under which it can be started.
    fn found(&self) -> Option<&'static str> {
        let starts = |name: &&str| {
            let mut process = Command::new(name);
            // Some of them read when they are asked nothing else.
            process.arg(self.version).stdin(Stdio::null());
            process.stdout(Stdio::null()).stderr(Stdio::null());
            process.status().is_ok_and(|status| status.success())
        };
        self.names.iter().copied().find(starts)
    }

    fn is_installed(&self) -> bool {
        self.found().is_some()
    }

    /// The same for a test that cannot do without; where it is missing, says that these tests are
    /// left out, or fails if that may not be.
    pub(crate) fn needed_by(&self, tests: &str) -> Option<&'static str> {
        let found = self.found();
        if found.is_none() {
            self.is_missing(tests);
        }
        found
    }

    /// Says that these tests are left out, or fails if that may not be.
    pub(crate) fn is_missing(&self, tests: &str) {
        let said = format!("{} is not installed", self.names.join(" or "));
        let checked = self.checked;
        assert!(std::env::var_os(checked).is_none(), "{checked} is set, but {said}");
        say(&format!("left out: {tests}: {said}"));
    }
}

/// Writes a line that a person sees even if the test passes, once for all tests of a binary.
pub(crate) fn say(line: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let is_new = SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.to_owned());
    if is_new {
        // `eprintln!` would be captured. A line of its own, also in the middle of one of libtest's.
        let _nobody_reads = io::stderr().lock().write_all(format!("\n{line}\n").as_bytes());
    }
}

/// What a test of this binary writes to standard error, with success, on a machine that has no
/// programs at all.
pub(crate) fn said_without_programs(test: &str) -> String {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", test]).env("PATH", "");
    for checked in ["ETCD_CHECKED", "BROWSER_CHECKED", "SPEC_CHECKED"] {
        process.env_remove(checked);
    }
    let output = process.output().unwrap();
    let passed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && passed.contains("1 passed"), "{test}: {passed}");
    String::from_utf8(output.stderr).unwrap()
}

/// Something that is tried where all that it needs is there.
struct Part {
    what: &'static str,
    needs: &'static [Program],
    how: How,
}

/// How a part is tried.
enum How {
    /// By every `cargo test`.
    Always(&'static str),
    /// By one with this feature.
    With { feature: &'static str, run: &'static str },
    /// By no test, but by this command.
    Apart(&'static str),
}

const PARTS: [Part; 10] = [
    Part {
        what: "replicas over a real etcd, with faults, TLS and users",
        needs: &[ETCD, OPENSSL],
        how: How::With { feature: "etcd", run: "cargo test --features etcd --test replicas" },
    },
    Part {
        what: "the cluster of etcd that those stand on",
        needs: &[ETCD],
        how: How::Always("cargo test --test replicas"),
    },
    Part {
        what: "what a browser shows of a drawn history",
        needs: &[BROWSER],
        how: How::Always("cargo test --test library drawing"),
    },
    Part {
        what: "that spec/graph.txt is what the model checker finds",
        needs: &[TLA_CHECKER],
        how: How::Always("cargo test --test spec"),
    },
    Part {
        what: "alerts and metrics, checked by Prometheus",
        needs: &[PROMTOOL],
        how: How::Always("cargo test --test program deploy"),
    },
    Part {
        what: "completions, in the shells that they are for",
        needs: &[BASH, ZSH],
        how: How::Always("cargo test --test program generate"),
    },
    Part {
        what: "the protocol in another language, beside the index",
        needs: &[PYTHON],
        how: How::Always("cargo test --lib session_answers_as_peer"),
    },
    Part {
        what: "man pages, checked for mistakes",
        needs: &[MANDOC],
        how: How::Always("cargo test --test program generate"),
    },
    Part {
        what: "models and proofs of the specification",
        needs: &[TLA_CHECKER, JAVA, Z3, CVC5],
        how: How::Apart("spec/check"),
    },
    Part {
        what: "long fuzzing, all mutants, hours of faults and crashes",
        needs: &[],
        how: How::Apart(".ci/campaign"),
    },
];

/// What a `cargo test` of a build with these features left out on this machine, and how it is run.
pub(crate) fn left_out_here(features: &[&str]) -> String {
    left_out(features, Program::is_installed)
}

/// The same on a machine that has some programs.
pub(crate) fn left_out(features: &[&str], is_installed: impl Fn(&Program) -> bool) -> String {
    let mut text = "\nleft out of this `cargo test`:\n".to_owned();
    for Part { what, needs, how } in &PARTS {
        let missing = needs.iter().filter(|program| !is_installed(program));
        let missing: Vec<_> = missing
            .map(|program| format!("{} is not installed", program.names.join(" or ")))
            .collect();
        let (run, mut reasons) = match how {
            How::Always(run) => (run, Vec::new()),
            How::With { feature, run } if features.contains(feature) => (run, Vec::new()),
            How::With { feature, run } => {
                (run, vec![format!("built without the feature {feature}")])
            }
            How::Apart(run) => (run, vec!["a command of its own".to_owned()]),
        };
        reasons.extend(missing);
        if !reasons.is_empty() {
            text += &format!("- {what}: {}\n  {run}\n", reasons.join(", "));
        }
    }
    text + "all of it but the last: .ci/run\n"
}
