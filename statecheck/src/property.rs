//! A property: a claim about every input of some type, with all that is needed to try it.
//!
//! Quickcheck tries a property on random inputs, and a fuzz target on those that libFuzzer chooses. Both go
//! through [`Property::replay`], so both report the same shrunk [`Violation`]. [`Property::run`], within a
//! budget from the environment, also tries what broke the property before.

mod check;
mod run;

use std::any::type_name;
use std::fmt::{self, Debug, Display};
use std::rc::Rc;

use super::input::Input;
use super::lockstep;
use super::trace::{Trace, TraceCommand};
use crate::machine::StateMachine;
use crate::model::Model;
use crate::regressions::{self, Kind, Regressions};
use crate::source::short_name;
use crate::walk::Walk;

use check::{Check, Typed};

pub use crate::regressions::RegressionError;
pub(crate) use check::guarded;
pub use run::{Failure, Report};

/// A claim about every input of a type.
#[derive(Clone)]
pub struct Property {
    /// Its name, which its test and its fuzz target have too.
    pub name: &'static str,
    /// What it claims, in a line.
    pub promise: &'static str,
    /// The rules of the specification that it covers, by their ids.
    pub rules: &'static [&'static str],
    /// The type of its inputs.
    pub input: String,
    /// How many random inputs the tests try it on.
    pub cases: u64,
    /// Classes of inputs, as [`label`](crate::classes::label) names them, and the least percentage of random
    /// inputs for each. A test fails if there are fewer, because it has gone blind.
    pub shares: &'static [(&'static str, f64)],
    check: Rc<dyn Check>,
}

/// A claim that does not hold, and the shortest input found that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    /// The name of the property.
    pub property: &'static str,
    /// What was seen, in contrast to the claim.
    pub what: String,
    /// The input as its type shows it: by default its `Debug` form.
    pub shown: String,
    /// How many simpler inputs were tried on the way to this one.
    pub tries: usize,
    /// Bytes that fail in the same way when they are [replayed](Property::replay). If the type says
    /// [which](Input::to_bytes), they are those of the input itself; otherwise those from which it was
    /// shrunk.
    pub bytes: Vec<u8>,
    /// The input as statements in Rust that bind it to `input`, if its type has [such](Input::to_rust).
    pub rust: Option<String>,
}

impl Display for Violation {
    /// A transcript, if the input is one: the rest is comments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {} does not hold:", self.property)?;
        for line in self.what.lines() {
            writeln!(f, "# {line}")?;
        }
        if self.shown.is_empty() && self.tries == 0 {
            return Ok(());
        }
        match self.tries {
            0 => writeln!(f, "# It shows with:")?,
            tries => writeln!(f, "# Shrunk in {tries} tries to:")?,
        }
        f.write_str(&self.shown)
    }
}

impl std::error::Error for Violation {}

impl Debug for Violation {
    /// The same as `Display`: test frameworks report by `Debug`, and a person has to read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl Violation {
    /// A test in Rust of the same, to be copied. It calls the function of the table that returns the
    /// property. `None` if the type of the input does not say how it is written.
    #[must_use]
    pub fn to_test(&self) -> Option<String> {
        let lines = self.rust.as_ref()?.lines();
        let indented = lines.map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("    {line}\n"),
        });
        let (property, body) = (self.property, indented.collect::<String>());
        Some(format!(
            "#[test]\nfn {property}_again() {{\n{body}    {property}().holds_on(&input).unwrap();\n}}\n"
        ))
    }

    /// The line that keeps it in the property's file of regressions.
    pub(crate) fn kept_line(&self) -> String {
        regressions::line(Kind::Case, &[&self.bytes])
    }

    /// Keeps it in the property's file of regressions, unless it is there already.
    pub(crate) fn keep_in(&self, kept: &Regressions) -> Result<(), RegressionError> {
        kept.keep(&format!("{}\n{}", self.what, self.shown), &self.kept_line())
    }

    /// A violation for which there is no input to show.
    fn without_input(property: &'static str, what: String) -> Self {
        Self { property, what, shown: String::new(), tries: 0, bytes: Vec::new(), rust: None }
    }
}

impl Property {
    /// Makes a property of a function that checks one input, and returns what it saw if that is not what is
    /// claimed. A panic is a violation too.
    pub fn new<I: Input>(
        name: &'static str,
        promise: &'static str,
        check: impl Fn(&I) -> Result<(), String> + 'static,
    ) -> Self {
        Self {
            name,
            promise,
            rules: &[],
            input: short_name(type_name::<I>()),
            cases: 100,
            shares: &[],
            check: Rc::new(Typed::new(name, check)),
        }
    }

    /// Where the elements begin in the bytes of an input, as its type [marks](crate::input::mark_element) them.
    /// None, if it marks none.
    #[must_use]
    pub fn elements(&self, bytes: &[u8]) -> Vec<usize> {
        self.check.elements(bytes)
    }

    /// The property that two machines answer alike and hold the same after each command of any trace. It runs
    /// [`lockstep::run`], with the arguments of [`explore::run`](super::explore::run).
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
    /// /// The same as the machine, until it is full.
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

    /// The property that a machine answers as its model does, and holds the same, after each command of any
    /// [`Walk`] through the model.
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
            walk.compare(&mut fresh(), (&state, &model_state))
        })
    }

    /// Checks the property on the input that the bytes make, if there are enough of them.
    ///
    /// # Errors
    /// A [`Violation`] with a shrunk input.
    pub fn replay(&self, bytes: &[u8]) -> Result<(), Violation> {
        self.check.replay(bytes)
    }

    /// Checks the property on an input, which has to be of its type.
    ///
    /// # Errors
    /// A [`Violation`] with a shrunk input.
    pub fn holds_on<I: Input>(&self, input: &I) -> Result<(), Violation> {
        self.check.holds_on(input).unwrap_or_else(|| {
            let what =
                format!("it is tried on {}, not on {}", self.input, short_name(type_name::<I>()));
            Err(Violation::without_input(self.name, what))
        })
    }

    /// Bytes to [`replay`](Self::replay) that make inputs like an example, as [`Input::seeds`] says.
    #[must_use]
    pub fn seeds(&self, example: &[u8]) -> Vec<Vec<u8>> {
        self.check.seeds(example)
    }
}

impl Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}): {}", self.name, self.input, self.promise)
    }
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
    fn a_violation_is_shrunk_and_prints_as_a_commented_transcript() {
        let violation = small(100).quickcheck(1_000, 1).unwrap_err();
        let tries = violation.tries;
        assert_eq!(
            violation.to_string(),
            format!("# small does not hold:\n# 100 is not\n# Shrunk in {tries} tries to:\n100\n")
        );
        assert_eq!(format!("{violation:?}"), format!("\n{violation}"));
        let of_bytes = small(100).replay(&[1, 200, 3]).unwrap_err();
        assert_eq!((of_bytes.what, of_bytes.shown), (violation.what, violation.shown));
        // Two are dropped together or one by one, and 200 is lowered a hundred times.
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
    fn a_property_is_tried_on_inputs_of_its_type_alone() {
        #[derive(Debug, Clone, arbitrary::Arbitrary)]
        struct Tick;

        impl TraceCommand for Tick {}

        assert_eq!(small(100).holds_on(&Trace(vec![99_u8])), Ok(()));
        let violation = small(100).holds_on(&Trace(vec![1_u8, 200])).unwrap_err();
        assert_eq!((violation.shown.as_str(), violation.bytes), ("100\n", vec![]));
        let other = small(100).holds_on(&Trace(vec![Tick])).unwrap_err();
        assert_eq!(other.what, "it is tried on Trace<u8>, not on Trace<Tick>");
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
