//! Tests of what a run keeps, tries again, and prints. They have one client alone, so they can be repeated.

use std::path::Path;
use std::{env, fs, process};

use super::super::tests::{Command, Shared, tickets, touchy};
use super::*;
use crate::model::Ref;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("statecheck-clients-{name}-{}", process::id())))
    }

    fn settings(&self) -> Settings {
        let regressions = Some(self.0.clone());
        Settings { cases: None, time: None, rounds: Some(100), seed: 1, regressions }
    }

    fn file(&self) -> PathBuf {
        self.0.join("tickets.txt")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _may_not_be_there = fs::remove_dir_all(&self.0);
    }
}

fn one_client() -> Concurrent<super::super::tests::Tickets, Shared, Ref> {
    touchy().clients(1).named("tickets")
}

#[test]
fn what_fails_is_kept_and_tried_first_from_then_on() {
    let folder = Folder::new("kept");
    let Err(Failure::Unexplained { unexplained, kept, .. }) = one_client().run(&folder.settings())
    else {
        panic!("a ticket is given back twice")
    };
    assert_eq!(kept.as_deref(), Some(folder.file()).as_deref());
    let seed = unexplained.seed.unwrap();
    let text = fs::read_to_string(folder.file()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[2], "# 1> Take");
    let bytes = one_client().bytes(seed);
    assert_eq!(lines.last().unwrap(), &regressions::line(Kind::Round, &[&bytes[0]]));
    // Nothing else is asked.
    let again = one_client().commands(0).run(&folder.settings()).unwrap_err();
    let Failure::Unexplained { unexplained, .. } = &again else { panic!("{again}") };
    assert_eq!(unexplained.seed, None);
    assert!(!again.to_string().contains("SEED="), "{again}");
    let mended = tickets(|_, reply| reply).clients(1).named("tickets");
    assert_eq!(mended.run(&folder.settings()).unwrap().rounds, 100);
}

#[test]
fn a_failure_ends_with_a_test_that_fails_too() {
    let without = Settings { regressions: None, ..Folder::new("none").settings() };
    let failure = one_client().run(&without).unwrap_err();
    let text = failure.to_string();
    let test = "\
#[test]
fn tickets_again() {
    use statecheck::model::Ref;
    use Command::*;

    let scripts = [
        vec![Take, GiveBack(Ref(0)), GiveBack(Ref(0))],
    ];
    // Which client comes when takes luck, and so many tries.
    tickets().check_scripts(&scripts, 5000).unwrap();
}
";
    assert!(text.contains(&format!("# The same as a test of its own:\n\n{test}")), "{text}");
    let give_back = || Command::GiveBack(Ref(0));
    let scripts = [vec![Command::Take, give_back(), give_back()]];
    one_client().check_scripts(&scripts, 1).unwrap_err();
    assert_eq!(one_client().check_scripts(&[scripts[0][..2].to_vec()], 7).unwrap().rounds, 7);
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_an_error() {
    let folder = Folder::new("wrong");
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.file(), "round 1\n").unwrap();
    let error = one_client().run(&folder.settings()).unwrap_err();
    assert!(matches!(error, Failure::Regressions { unexplained: None, .. }), "{error}");
    let below = Settings { regressions: Some(folder.file().join("x")), ..folder.settings() };
    let is_below = |path: &Path| path.starts_with(folder.file());
    let error = one_client().run(&below).unwrap_err();
    let Failure::Regressions { error: RegressionError::Io { path, .. }, .. } = &error else {
        panic!("{error}")
    };
    assert!(is_below(path), "{error}");
}

#[test]
fn a_test_that_has_no_name_is_called_after_its_model() {
    assert_eq!(touchy().name, "tickets_at_once");
}
