//! A property: a claim about every input of some type, and everything that is needed to try it.
//!
//! Quickcheck tries a property on random inputs, a fuzz target on what
//! libFuzzer thinks of; both go through [`Property::replay`], so both report the same shrunk
//! [`Violation`].

use std::any::type_name;
use std::fmt::{self, Debug, Display};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use quickcheck::{Gen, QuickCheck, TestResult, Testable};

use super::input::{self, Input};
use super::lockstep;
use super::trace::{Trace, TraceCommand};
use crate::machine::StateMachine;
use crate::model::Model;
use crate::walk::Walk;

/// A claim that holds for every input, or should.
#[derive(Clone)]
pub struct Property {
    /// Its name, also that of its test and of its fuzz target.
    pub name: &'static str,
    /// What it claims, in a line.
    pub promise: &'static str,
    /// The rules of the specification that it covers, by their ids.
    pub rules: &'static [&'static str],
    /// The type of its inputs.
    pub input: String,
    /// On how many random inputs the tests try it.
    pub cases: u64,
    replay: Rc<Replay>,
    draw: fn(&mut Gen) -> Vec<u8>,
    seeds: fn(&[u8]) -> Vec<Vec<u8>>,
}

/// Checks a property on the input that some bytes stand for.
type Replay = dyn Fn(&[u8]) -> Result<(), Violation>;

/// A claim that does not hold, and the shortest input found that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    /// The name of the property.
    pub property: &'static str,
    /// What was seen instead of what it claims.
    pub what: String,
    /// The input as its type shows it: by default its `Debug` form.
    pub shown: String,
    /// How many simpler inputs were tried on the way to this one.
    pub tries: usize,
}

impl Display for Violation {
    /// In transcript form if the input is: the rest is comments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {} does not hold:", self.property)?;
        for line in self.what.lines() {
            writeln!(f, "# {line}")?;
        }
        writeln!(f, "# Shrunk in {} tries to:", self.tries)?;
        f.write_str(&self.shown)
    }
}

impl std::error::Error for Violation {}

impl Debug for Violation {
    /// As it prints: test frameworks report by `Debug`, and a person has to read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl Property {
    /// A property from the function that checks it on one input, which returns what it saw instead
    /// of what is claimed. A panic counts as a violation too.
    pub fn new<I: Input>(
        name: &'static str,
        promise: &'static str,
        check: impl Fn(&I) -> Result<(), String> + 'static,
    ) -> Self {
        let replay = move |bytes: &[u8]| match input::from_bytes::<I>(bytes) {
            None => Ok(()),
            Some(input) => holds(name, input, &check),
        };
        Self {
            name,
            promise,
            rules: &[],
            input: short_name(type_name::<I>()),
            cases: 100,
            replay: Rc::new(replay),
            draw: input::random_bytes::<I>,
            seeds: I::seeds,
        }
    }

    /// The property of two machines that they answer alike, and hold the same, after each command
    /// of any trace: [`lockstep::run`] of what [`explore::run`](super::explore::run) takes.
    ///
    /// ```
    /// use statecheck::StateMachine;
    /// use statecheck::{arbitrary, property::Property, trace::TraceCommand};
    /// use std::convert::Infallible;
    ///
    /// #[derive(Debug, Clone, arbitrary::Arbitrary)]
    /// struct Add(u8);
    ///
    /// impl TraceCommand for Add {}
    ///
    /// #[derive(Clone)]
    /// struct Sum(u64);
    ///
    /// impl StateMachine for Sum {
    ///     type Command = Add;
    ///     type Reply = u64;
    ///     type Error = Infallible;
    ///
    ///     fn apply(&mut self, Add(number): &Add) -> Result<u64, Infallible> {
    ///         self.0 += u64::from(*number);
    ///         Ok(self.0)
    ///     }
    /// }
    ///
    /// /// As the machine, until it is full.
    /// #[derive(Clone)]
    /// struct Small(u8);
    ///
    /// impl StateMachine for Small {
    ///     type Command = Add;
    ///     type Reply = u64;
    ///     type Error = Infallible;
    ///
    ///     fn apply(&mut self, Add(number): &Add) -> Result<u64, Infallible> {
    ///         self.0 = self.0.saturating_add(*number);
    ///         Ok(u64::from(self.0))
    ///     }
    /// }
    ///
    /// let states = (|sum: &Sum| sum.0, |small: &Small| u64::from(small.0));
    /// let same = Property::lockstep("same", "They do the same.", (Sum(0), Small(0)), states);
    /// let violation = same.quickcheck(100, 1).unwrap_err();
    /// assert_eq!(violation.shown.lines().count(), 2);
    /// ```
    pub fn lockstep<A, B, S>(
        name: &'static str,
        promise: &'static str,
        (left, right): (A, B),
        (left_state, right_state): (impl Fn(&A) -> S + 'static, impl Fn(&B) -> S + 'static),
    ) -> Self
    where
        A: StateMachine<Command: TraceCommand, Reply: Debug + PartialEq, Error: Display>,
        B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display>,
        A: Clone + 'static,
        B: Clone + 'static,
        S: Debug + PartialEq,
    {
        Self::new(name, promise, move |Trace(trace): &Trace<A::Command>| {
            let (mut left, mut right) = (left.clone(), right.clone());
            lockstep::run(trace, (&mut left, &left_state), (&mut right, &right_state))
                .map_err(|divergence| divergence.difference)
        })
    }

    /// The property of a machine that it answers as its model does, and holds the same, after each command
    /// of any [`Walk`] through the model.
    pub fn refines<M, S, P>(
        name: &'static str,
        promise: &'static str,
        fresh: impl Fn() -> S + 'static,
        (state, model_state): (impl Fn(&S) -> P + 'static, impl Fn(&M) -> P + 'static),
    ) -> Self
    where
        M: Model<Reply: Debug + PartialEq, Error: Display>,
        S: StateMachine<Command = M::Command, Reply = M::Reply, Error: Display> + 'static,
        P: Debug + PartialEq,
    {
        Self::new(name, promise, move |walk: &Walk<M>| {
            let machines = (&mut fresh(), &mut M::default());
            lockstep::run(walk.commands(), (machines.0, &state), (machines.1, &model_state))
                .map_err(|divergence| divergence.difference)
        })
    }

    /// Checks the property on the input that the bytes stand for, if there are enough of them.
    ///
    /// # Errors
    /// A [`Violation`] with a shrunk input.
    pub fn replay(&self, bytes: &[u8]) -> Result<(), Violation> {
        (self.replay)(bytes)
    }

    /// Bytes to [`replay`](Self::replay) that make inputs like an example, as [`Input::seeds`] says.
    #[must_use]
    pub fn seeds(&self, example: &[u8]) -> Vec<Vec<u8>> {
        (self.seeds)(example)
    }

    /// Checks the property on `cases` random inputs; the seed says which.
    ///
    /// # Errors
    /// A shrunk [`Violation`]: the shortest of the first one and of those found on ten small
    /// inputs more, because the way from one failing input may end before the shortest.
    pub fn quickcheck(&self, cases: u64, seed: u64) -> Result<(), Violation> {
        let first = Rc::default();
        let trial = Trial { property: self.clone(), violation: Rc::clone(&first) };
        let inputs = Gen::from_size_and_seed(USUAL_SIZE, seed);
        let passed = QuickCheck::new().rng(inputs).tests(cases).max_tests(cases).quicktest(trial);
        let violation = match (first.take(), passed) {
            (Some(violation), _) => violation,
            (None, Ok(_)) => return Ok(()),
            (None, Err(other)) => {
                let what = format!("{other:?}");
                Violation { property: self.name, what, shown: String::new(), tries: 0 }
            }
        };
        let mut small = Gen::from_size_and_seed(USUAL_SIZE / 10, seed);
        let others = (0..10).filter_map(|_| self.replay(&(self.draw)(&mut small)).err());
        let shortest = std::iter::once(violation)
            .chain(others)
            .min_by_key(|violation| (violation.shown.len(), violation.shown.clone()));
        shortest.map_or(Ok(()), Err)
    }

    /// Tries the property on as many random inputs as [`cases`](Self::cases) says, or as the variable
    /// `QUICKCHECK_TESTS` of the environment does; the same as in an earlier run if `SEED` says so.
    ///
    /// # Panics
    /// With the [`Violation`] and the seed, if it does not hold.
    pub fn test(&self) {
        let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse().ok());
        let seed = number("SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
        let cases = number("QUICKCHECK_TESTS").unwrap_or(self.cases);
        if let Err(violation) = self.quickcheck(cases, seed) {
            panic!("{violation}# SEED={seed} repeats it\n");
        }
    }
}

/// The size that quickcheck gives its inputs unless told otherwise.
const USUAL_SIZE: usize = 100;

impl Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}): {}", self.name, self.input, self.promise)
    }
}

/// One property in quickcheck's hands. It has shrunk by the time quickcheck hears of a failure.
struct Trial {
    property: Property,
    violation: Rc<std::cell::RefCell<Option<Violation>>>,
}

impl Testable for Trial {
    fn result(&self, g: &mut Gen) -> TestResult {
        match self.property.replay(&(self.property.draw)(g)) {
            Ok(()) => TestResult::passed(),
            Err(violation) => {
                *self.violation.borrow_mut() = Some(violation);
                TestResult::failed()
            }
        }
    }
}

/// Checks an input, and shrinks it if that fails.
fn holds<I: Input>(
    property: &'static str,
    input: I,
    check: &impl Fn(&I) -> Result<(), String>,
) -> Result<(), Violation> {
    let check = |input: &I| guarded(|| check(input));
    let Err(what) = check(&input) else { return Ok(()) };
    let input::Shrunk { input, failure: what, tries } = input::shrink(input, what, check);
    Err(Violation { property, what, shown: input.show(), tries })
}

/// Does something; a panic is an error too.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", message(panic.as_ref()))))
}

/// What a panic said.
fn message(panic: &dyn std::any::Any) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("and said nothing")
}

/// A type's name without the paths in it.
fn short_name(name: &str) -> String {
    let mut short = String::new();
    for part in name.split_inclusive(['<', '>', ',', ' ']) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(limit: u8) -> Property {
        Property::new("small", "All numbers are small.", move |trace: &Trace<u8>| {
            match trace.0.iter().find(|number| **number >= limit) {
                Some(number) => Err(format!("{number} is not")),
                None => Ok(()),
            }
        })
    }

    #[test]
    fn a_violation_is_shrunk_and_prints_as_a_transcript_with_comments() {
        let violation = small(100).quickcheck(1_000, 1).unwrap_err();
        let tries = violation.tries;
        assert_eq!(
            violation.to_string(),
            format!("# small does not hold:\n# 100 is not\n# Shrunk in {tries} tries to:\n100\n")
        );
        assert_eq!(format!("{violation:?}"), format!("\n{violation}"));
        let of_bytes = small(100).replay(&[1, 200, 3]).unwrap_err();
        assert_eq!((of_bytes.what, of_bytes.shown), (violation.what, violation.shown));
        // Two are dropped at once or one by one, and 200 is lowered a hundred times.
        assert!(of_bytes.tries > 100);
    }

    #[test]
    fn a_panic_is_a_violation() {
        let only = Property::new("only", "", |trace: &Trace<u8>| {
            assert!(!trace.0.contains(&9), "there is a nine");
            Ok(())
        });
        let violation = only.replay(&[1, 9]).unwrap_err();
        assert_eq!(
            (violation.what.as_str(), violation.shown.as_str()),
            ("panicked: there is a nine", "9\n")
        );
    }

    #[test]
    #[should_panic(expected = "1\n# SEED=")]
    fn a_test_of_a_property_that_does_not_hold_panics_with_the_violation_and_the_seed() {
        small(1).test();
    }

    #[test]
    fn a_property_that_holds_passes() {
        let modest = Property::new("modest", "", |trace: &Trace<u8>| match trace.0.len() {
            0..=200 => Ok(()),
            length => Err(length.to_string()),
        });
        assert_eq!(modest.quickcheck(100, 1), Ok(()));
        assert_eq!(small(1).replay(&[]), Ok(()));
    }

    #[test]
    fn a_type_is_named_without_its_path() {
        assert_eq!(small(1).input, "Trace<u8>");
        assert_eq!(format!("{:?}", small(1)), "small(Trace<u8>): All numbers are small.");
    }
}
