//! How a property is tried: on what broke it before, then on random inputs, within a budget.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use quickcheck::{Gen, QuickCheck, TestResult, Testable};

use super::{Property, Violation};
use crate::classes;
use crate::input::without_runs;
use crate::regressions::{Kind, RegressionError, Regressions};
use crate::settings::Settings;

/// The size of inputs that quickcheck uses by default.
const USUAL_SIZE: usize = 100;

/// How many times the bytes of an input are shortened, at most, before they are kept.
const SHORTENINGS: usize = 500;

/// The inputs on which a property was tried, and held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The name of the property.
    pub property: &'static str,
    /// How many inputs that broke it before.
    pub regressions: usize,
    /// How many random inputs.
    pub cases: u64,
    /// How many of the random inputs were of each class.
    pub classes: BTreeMap<&'static str, u64>,
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { property, regressions, cases, classes } = self;
        write!(f, "{property} holds on {cases} random inputs")?;
        if *regressions > 0 {
            write!(f, " and {regressions} that broke it before")?;
        }
        classes
            .iter()
            .try_for_each(|(class, seen)| write!(f, "\n  {:5.1} % {class}", share(*seen, *cases)))
    }
}

/// The percentage of some among all.
#[expect(clippy::cast_precision_loss, reason = "a share is shown and compared with few digits")]
fn share(some: u64, all: u64) -> f64 {
    100.0 * some as f64 / all.max(1) as f64
}

/// Why a test of a property fails.
#[derive(Debug)]
pub enum Failure {
    /// The property does not hold.
    Violated {
        /// What was seen.
        violation: Box<Violation>,
        /// The seed that repeats it, or `None` if it is a regression that was kept.
        seed: Option<u64>,
        /// How many inputs that takes, if not as many as the property says.
        cases: Option<u64>,
        /// The file where the input is kept.
        kept: Option<PathBuf>,
    },
    /// The property was hardly tried on a class of inputs.
    Blind {
        /// The name of the property.
        property: &'static str,
        /// The class.
        class: &'static str,
        /// How many inputs were of the class.
        seen: u64,
        /// How many inputs there were.
        cases: u64,
        /// The least percentage that should have been of the class.
        least: f64,
        /// The seed that repeats it.
        seed: u64,
    },
    /// What broke it before cannot be read, or what breaks it now cannot be kept.
    Regressions {
        /// What is wrong.
        error: RegressionError,
        /// What breaks it now, and the seed that repeats it.
        violation: Option<(Box<Violation>, u64)>,
    },
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violated { violation, seed, cases, kept } => {
                write!(f, "{violation}")?;
                if let Some(seed) = seed {
                    let cases = cases.map(|cases| format!(" QUICKCHECK_TESTS={cases}"));
                    writeln!(f, "# SEED={seed}{} repeats it", cases.unwrap_or_default())?;
                }
                if let Some(path) = kept {
                    writeln!(f, "# It is kept in {}, and tried first from now on", path.display())?;
                }
                write_test(f, violation)
            }
            Self::Blind { property, class, seen, cases, least, seed } => writeln!(
                f,
                "{property} is blind: {seen} of {cases} random inputs were `{class}`, {:.1} %, and {least} % \
                 should be.\nThe generator no longer makes such inputs, or the share is set too high.\n\
                 # SEED={seed} repeats it",
                share(*seen, *cases)
            ),
            Self::Regressions { error, violation } => {
                if let Some((violation, seed)) = violation {
                    writeln!(f, "{violation}# SEED={seed} repeats it")?;
                    write_test(f, violation)?;
                }
                writeln!(f, "# {error}")
            }
        }
    }
}

fn write_test(f: &mut fmt::Formatter<'_>, violation: &Violation) -> fmt::Result {
    violation
        .to_test()
        .map_or(Ok(()), |test| write!(f, "# The same as a test of its own:\n\n{test}"))
}

impl std::error::Error for Failure {}

impl Property {
    /// Checks the property on `cases` random inputs, chosen by the seed.
    ///
    /// # Errors
    /// A shrunk [`Violation`]. It is the shortest among the first one and those of ten more small inputs,
    /// because shrinking from one failing input may end before the shortest.
    pub fn quickcheck(&self, cases: u64, seed: u64) -> Result<(), Violation> {
        self.quickcheck_counting(cases, seed, &Rc::default())
    }

    /// Tries the property on what broke it before, then on random inputs, and checks the classes of these.
    ///
    /// # Errors
    /// A [`Failure`]. An input that breaks the property is kept, and tried first in the next run.
    pub fn run(&self, settings: &Settings) -> Result<Report, Failure> {
        let kept = settings.regressions.as_ref().map(|it| Regressions::of(it, self.name));
        let cannot = |error, violation| Failure::Regressions { error, violation };
        let before = kept.as_ref().map_or(Ok(Vec::new()), |kept| kept.read(Kind::Case));
        let before = before.map_err(|error| cannot(error, None))?;
        for bytes in &before {
            self.replay(&bytes.concat()).map_err(|violation| Failure::Violated {
                violation: Box::new(violation),
                seed: None,
                cases: None,
                kept: kept.as_ref().map(|it| it.path().to_owned()),
            })?;
        }
        let tally: Rc<RefCell<Tally>> = Rc::default();
        self.quickcheck_within(settings, &tally).map_err(|(seed, mut violation)| {
            violation.bytes = self.shortened(std::mem::take(&mut violation.bytes));
            if let Some(Err(error)) = kept.as_ref().map(|it| violation.keep_in(it)) {
                return cannot(error, Some((violation, seed)));
            }
            let kept = kept.as_ref().map(|it| it.path().to_owned());
            let cases =
                settings.cases.filter(|cases| settings.time.is_none() && *cases > self.cases);
            Failure::Violated { violation, seed: Some(seed), cases, kept }
        })?;
        let Tally { cases, classes, .. } = tally.take();
        // With fewer inputs than the property asks for, a class may have too few by chance.
        let shares = if cases < self.cases { &[] } else { self.shares };
        for (class, least) in shares {
            let seen = classes.get(class).copied().unwrap_or(0);
            if share(seen, cases) < *least {
                let (property, class, least) = (self.name, *class, *least);
                let seed = settings.seed;
                return Err(Failure::Blind { property, class, seen, cases, least, seed });
            }
        }
        Ok(Report { property: self.name, regressions: before.len(), cases, classes })
    }

    /// [Runs](Self::run) as the [environment](Settings::from_env) says, and prints the report.
    ///
    /// # Panics
    /// With the [`Failure`], or if a variable of the environment is not a number.
    pub fn test(&self) {
        let settings = Settings::from_env().unwrap_or_else(|error| panic!("{error}"));
        match self.run(&settings) {
            Ok(report) => println!("{report}"),
            Err(failure) => panic!("\n{failure}"),
        }
    }

    /// Returns the violation with the seed that repeats it.
    fn quickcheck_within(
        &self,
        settings: &Settings,
        tally: &Rc<RefCell<Tally>>,
    ) -> Result<(), (u64, Box<Violation>)> {
        let cases = settings.cases.unwrap_or(self.cases);
        let tried = |cases, seed| {
            self.quickcheck_counting(cases, seed, tally)
                .map_err(|violation| (seed, Box::new(violation)))
        };
        let Some(time) = settings.time else { return tried(cases, settings.seed) };
        let until = Instant::now() + time;
        tally.borrow_mut().until = Some(until);
        let mut seed = settings.seed;
        loop {
            // No more than a run without a budget tries, so the seed alone repeats it.
            tried(self.cases, seed)?;
            if Instant::now() >= until {
                return Ok(());
            }
            seed = seed.wrapping_add(1);
        }
    }

    fn quickcheck_counting(
        &self,
        cases: u64,
        seed: u64,
        tally: &Rc<RefCell<Tally>>,
    ) -> Result<(), Violation> {
        let trial = Trial { property: self.clone(), tally: Rc::clone(tally) };
        let inputs = Gen::from_size_and_seed(USUAL_SIZE, seed);
        let passed = QuickCheck::new().rng(inputs).tests(cases).max_tests(cases).quicktest(trial);
        let first = tally.borrow_mut().violation.take();
        let violation = match (first, passed) {
            (Some(violation), _) => violation,
            (None, Ok(_)) => return Ok(()),
            (None, Err(other)) => Violation::without_input(self.name, format!("{other:?}")),
        };
        let mut small = Gen::from_size_and_seed(USUAL_SIZE / 10, seed);
        let others = (0..10).filter_map(|_| self.replay(&self.check.draw(&mut small)).err());
        let shortest = std::iter::once(violation)
            .chain(others)
            .min_by_key(|violation| (violation.shown.len(), violation.shown.clone()));
        shortest.map_or(Ok(()), Err)
    }

    /// Fewer bytes that fail too.
    fn shortened(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let mut left = SHORTENINGS;
        loop {
            let shorter = without_runs(&bytes)
                .take_while(|_| left.checked_sub(1).map(|fewer| left = fewer).is_some())
                .find(|shorter| self.check.fails_on(shorter));
            match shorter {
                Some(shorter) => bytes = shorter,
                None => return bytes,
            }
        }
    }
}

/// The counts of a run under way.
#[derive(Default)]
struct Tally {
    cases: u64,
    /// When to stop.
    until: Option<Instant>,
    classes: BTreeMap<&'static str, u64>,
    violation: Option<Violation>,
}

/// A property as quickcheck tries it. When quickcheck hears of a failure, it is already shrunk.
struct Trial {
    property: Property,
    tally: Rc<RefCell<Tally>>,
}

impl Testable for Trial {
    fn result(&self, g: &mut Gen) -> TestResult {
        let is_late = |tally: &Tally| {
            tally.cases > 0 && tally.until.is_some_and(|until| Instant::now() >= until)
        };
        if is_late(&self.tally.borrow()) {
            return TestResult::discard();
        }
        let bytes = self.property.check.draw(g);
        let (result, classes) = classes::of(|| self.property.replay(&bytes));
        let mut tally = self.tally.borrow_mut();
        tally.cases += 1;
        for class in classes {
            *tally.classes.entry(class).or_default() += 1;
        }
        match result {
            Ok(()) => TestResult::passed(),
            Err(violation) => {
                tally.violation = Some(violation);
                TestResult::failed()
            }
        }
    }
}

#[cfg(test)]
mod tests;
