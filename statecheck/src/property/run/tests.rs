//! Tests of the run of a property: what it keeps and tries again, counts, and prints.

use std::time::Duration;
use std::{env, fs, process};

use super::*;
use crate::trace::Trace;

fn small(limit: u8) -> Property {
    Property::new("small", "All numbers are small.", move |trace: &Trace<u8>| {
        match trace.0.iter().find(|number| **number >= limit) {
            Some(number) => Err(format!("{number} is not")),
            None => Ok(()),
        }
    })
}

/// A folder for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("statecheck-{name}-{}", process::id())))
    }

    fn settings(&self) -> Settings {
        Settings { regressions: Some(self.0.clone()), ..settings() }
    }

    fn read(&self) -> String {
        fs::read_to_string(self.0.join("small.txt")).unwrap()
    }

    fn write(&self, text: &str) {
        fs::create_dir_all(&self.0).unwrap();
        fs::write(self.0.join("small.txt"), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _may_not_be_there = fs::remove_dir_all(&self.0);
    }
}

fn settings() -> Settings {
    Settings { cases: Some(500), time: None, rounds: None, seed: 1, regressions: None }
}

#[test]
fn what_breaks_a_property_is_kept_and_tried_first_from_then_on() {
    let folder = Folder::new("kept");
    let file = folder.0.join("small.txt");
    let Err(Failure::Violated { violation, seed: Some(1), kept, .. }) =
        small(100).run(&folder.settings())
    else {
        panic!("a large number is drawn")
    };
    assert_eq!(kept.as_ref(), Some(&file));
    // One byte is left of what was drawn.
    let [byte] = violation.bytes[..] else { panic!("{violation:?}") };
    let text = folder.read();
    assert_eq!(
        text,
        format!(
            "# What once broke small: tried first at each run. Keep this file with the code.\n\n\
             # 100 is not\n# 100\ncase {byte:02x}\n"
        )
    );
    // No random inputs at all.
    let none = Settings { cases: Some(0), ..folder.settings() };
    let again = small(100).run(&none).unwrap_err();
    assert!(matches!(&again, Failure::Violated { seed: None, .. }), "{again}");
    assert_eq!(small(byte.saturating_add(1)).run(&none).unwrap().regressions, 1);
    // It is kept once.
    fs::remove_file(&file).unwrap();
    for _ in 0..2 {
        let again = small(100).run(&Settings { regressions: None, ..folder.settings() });
        let Err(Failure::Violated { violation, .. }) = again else { panic!("as before") };
        violation.keep_in(&Regressions::of(&folder.0, "small")).unwrap();
    }
    assert_eq!(folder.read().matches("case").count(), 1);
}

#[test]
fn a_file_that_cannot_be_parsed_is_an_error_with_the_line() {
    let folder = Folder::new("line");
    for (text, line) in [("case 0g\n", 1), ("# well\n\ncase 012\n", 3), ("7f\n", 1)] {
        folder.write(text);
        let failure = small(100).run(&folder.settings()).unwrap_err();
        let Failure::Regressions { error: RegressionError::Line { line: named, .. }, .. } =
            &failure
        else {
            panic!("{failure}")
        };
        assert_eq!(*named, line, "{failure}");
    }
    folder.write("# By hand: upper case, and none.\ncase 0A\ncase \n");
    assert_eq!(
        small(0x0b).run(&Settings { cases: Some(0), ..folder.settings() }).unwrap().regressions,
        2
    );
}

#[test]
fn what_cannot_be_kept_is_reported_with_what_was_found() {
    let folder = Folder::new("cannot");
    fs::create_dir_all(folder.0.join("small.txt")).unwrap();
    let failure = small(100).run(&folder.settings()).unwrap_err();
    assert!(matches!(&failure, Failure::Regressions { violation: None, .. }), "{failure}");
    // A file where the folder should be.
    let file = folder.0.join("file");
    fs::write(&file, "").unwrap();
    let kept = Regressions::of(&file.join("below"), "small");
    let violation = small(100).quickcheck(500, 1).unwrap_err();
    let error = violation.keep_in(&kept).unwrap_err();
    assert!(matches!(error, RegressionError::Io { .. }));
    let failure = Failure::Regressions { error, violation: Some((Box::new(violation), 1)) };
    let shown = failure.to_string();
    assert!(
        shown.contains("# SEED=1 repeats it\n") && shown.contains("fn small_again()"),
        "{shown}"
    );
}

#[test]
fn a_test_is_blind_if_too_few_inputs_are_of_a_class() {
    let all = Property::new("all", "", |trace: &Trace<u8>| {
        if trace.0.len() > 50 {
            classes::label("long");
            classes::label("long");
        }
        Ok(())
    });
    let report = Property { shares: &[("long", 50.0)], ..all.clone() }.run(&settings()).unwrap();
    let long = report.classes["long"];
    assert!((250..500).contains(&long), "{report}");
    assert!(report.to_string().starts_with("all holds on 500 random inputs\n   "), "{report}");
    // As many as the least percentage are enough.
    let always = Property::new("always", "All are numbers.", |_: &Trace<u8>| {
        classes::label("any");
        Ok(())
    });
    assert!(Property { shares: &[("any", 100.0)], ..always }.run(&settings()).is_ok());
    for (shares, class) in [(&[("long", 90.0)], "long"), (&[("empty", 0.1)], "empty")] {
        let failure = Property { shares, ..all.clone() }.run(&settings()).unwrap_err();
        let Failure::Blind { class: named, .. } = &failure else { panic!("{failure}") };
        assert_eq!(*named, class);
    }
}

#[test]
fn a_share_is_not_judged_by_fewer_inputs_than_asked_for() {
    let all = Property::new("all", "", |_: &Trace<u8>| Ok(()));
    let none = Property { shares: &[("never", 50.0)], ..all };
    assert_eq!(none.run(&Settings { cases: Some(99), ..settings() }).unwrap().cases, 99);
    let failure = none.run(&Settings { cases: Some(100), ..settings() }).unwrap_err().to_string();
    assert!(failure.ends_with("# SEED=1 repeats it\n"), "{failure}");
}

// A violation while the input is made.
#[test]
fn a_model_that_panics_is_a_violation_but_no_shrinking_step() {
    /// An input that panics when it is made of a 9, or made simpler than 3.
    #[derive(Debug, Clone)]
    struct Touchy(u8);

    impl arbitrary::Arbitrary<'_> for Touchy {
        fn arbitrary(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Self> {
            let number: u8 = u.arbitrary()?;
            assert_ne!(number, 9, "a nine");
            Ok(Self(number))
        }
    }

    impl crate::input::Input for Touchy {
        const BYTES: usize = 1;

        fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
            Box::new(std::iter::once_with(|| {
                assert!(self.0 > 3, "not less than 3");
                Self(self.0 - 1)
            }))
        }
    }

    let never = Property::new("never", "", |_: &Touchy| Err("it is there".to_owned()));
    let made = never.replay(&[9]).unwrap_err();
    assert_eq!(
        made.what,
        "while the input was made: panicked: assertion `left != right` failed: a nine\n  left: 9\n right: 9"
    );
    assert_eq!((made.bytes.as_slice(), made.shown.as_str()), (&[9][..], ""));
    assert_eq!(never.replay(&[7]).unwrap_err().shown, "Touchy(3)\n");
}

#[test]
fn bytes_that_make_another_input_than_the_failing_are_not_kept() {
    /// A number that names the bytes of another.
    #[derive(Debug, Clone, arbitrary::Arbitrary)]
    struct Liar(u8);

    impl crate::input::Input for Liar {
        const BYTES: usize = 1;

        fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
            Box::new(std::iter::empty())
        }

        fn to_bytes(&self) -> Option<Vec<u8>> {
            Some(vec![self.0 / 2])
        }
    }

    let never = Property::new("never", "", |_: &Liar| Err("it is there".to_owned()));
    assert_eq!(never.replay(&[0]).unwrap_err().bytes, [0]);
    assert_eq!(never.replay(&[8]).unwrap_err().bytes, [8]);
}

#[test]
fn a_budget_in_time_goes_through_seeds_for_as_long() {
    let time = |milliseconds| Some(Duration::from_millis(milliseconds));
    let none = Settings { time: time(0), ..settings() };
    let all = Property::new("all", "", |_: &Trace<u8>| Ok(()));
    assert_eq!(all.run(&none).unwrap().cases, 1);
    let some = all.run(&Settings { time: time(100), ..settings() }).unwrap();
    assert!(some.cases > 1, "{some}");
    // A failure in a later batch is repeated by the seed that is named, and needs no other setting.
    let rare = Property::new("rare", "", |trace: &Trace<u8>| match trace.0[..] {
        [7, 7, ..] => Err("begins with 7 7".to_owned()),
        _ => Ok(()),
    });
    let long = Settings { cases: Some(100), time: time(600_000), ..settings() };
    let Err(Failure::Violated { seed: Some(seed), .. }) = rare.run(&long) else {
        panic!("it comes at last")
    };
    assert!(seed > 1);
    assert!(rare.quickcheck(100, seed).is_err());
}

// After the violation itself.
#[test]
fn a_failure_prints_how_to_repeat_it_and_a_test_to_copy() {
    let folder = Folder::new("printed");
    let failure = small(100).run(&folder.settings()).unwrap_err();
    let Failure::Violated { violation, .. } = &failure else { panic!("{failure}") };
    let path = folder.0.join("small.txt");
    assert_eq!(
        failure.to_string(),
        format!(
            "{violation}# SEED=1 QUICKCHECK_TESTS=500 repeats it\n\
             # It is kept in {}, and tried first from now on\n\
             # The same as a test of its own:\n\n\
             #[test]\nfn small_again() {{\n    use statecheck::trace::Trace;\n\n    \
             let input = Trace(vec![\n        100,\n    ]);\n    \
             small().holds_on(&input).unwrap();\n}}\n",
            path.display()
        )
    );
}
