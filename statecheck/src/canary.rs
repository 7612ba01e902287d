//! Canaries: for each property of a table, something wrong that it has to report. A property that no longer
//! reports its bug is blind, even if all its tests pass.

use crate::property::{Property, Violation};

/// Something wrong that a property has to report.
pub trait Canary {
    /// Tries the property on something wrong. Passes if the property reports nothing.
    ///
    /// # Errors
    /// The [`Violation`] that the property reports.
    fn try_out(self, property: &Property) -> Result<(), Violation>;

    /// The part of a violation that is compared with the expected text: by default its lines, between
    /// semicolons.
    #[must_use]
    fn told(violation: &Violation) -> String {
        violation.shown.lines().collect::<Vec<_>>().join("; ")
    }
}

/// The same claim about a wrong machine, tried on as many inputs as the property is.
impl Canary for Property {
    fn try_out(self, property: &Property) -> Result<(), Violation> {
        self.quickcheck(property.cases, 1)
    }
}

/// Asserts that a property reports a canary by the expected text. For [`canaries!`](crate::canaries).
///
/// # Panics
/// If nothing is reported, or something else.
pub fn assert_reported<C: Canary>(canary: C, property: &Property, expected: &str) {
    match canary.try_out(property) {
        Ok(()) => {
            panic!("{property:?}: the canary is wrong on purpose, and the property reports nothing")
        }
        Err(violation) => assert_eq!(C::told(&violation), expected, "{violation}"),
    }
}

/// Makes a test of each line like `leases sees broken(), in "Acquire('a'); Tick";`. The property of that
/// name, from the module above, must report the wrong thing by just that shortest input. Anything that is a
/// [`Canary`] can be the wrong thing, such as the same [`Property`] of a machine with a bug.
///
/// One more test, `every_property_has_a_canary`, compares the names, in order, with the roster that the first
/// line names.
///
/// ```
/// mod properties {
///     use statecheck::trace::{Trace, TraceCommand};
///
///     #[derive(Debug, Clone, statecheck::arbitrary::Arbitrary)]
///     pub struct Tick;
///
///     impl TraceCommand for Tick {}
///
///     /// The promise, of a counter that begins again at `end`.
///     fn counts(end: usize, ticks: &Trace<Tick>) -> Result<(), String> {
///         let count = ticks.0.iter().fold(0, |count, _| (count + 1) % end);
///         (count == ticks.0.len()).then_some(()).ok_or(format!("it says {count}"))
///     }
///
///     statecheck::properties! {
///         /// A counter counts every tick.
///         counts_every_tick(Trace<Tick>) = |ticks| counts(1_000, ticks);
///     }
///
///     mod canaries {
///         use statecheck::property::Property;
///
///         statecheck::canaries! {
///             for super::roster();
///             counts_every_tick sees Property::new("", "", |ticks| super::counts(2, ticks)),
///                 in "Tick; Tick";
///         }
///     }
/// }
/// ```
#[macro_export]
macro_rules! canaries {
    (for $roster:expr; $( $property:ident sees $wrong:expr, in $told:expr; )*) => {
        $(
            #[test]
            fn $property() {
                $crate::canary::assert_reported($wrong, &super::$property(), $told.as_ref());
            }
        )*

        #[test]
        fn every_property_has_a_canary() {
            let properties: ::std::vec::Vec<_> =
                $roster.iter().map(|property| property.name).collect();
            assert_eq!([$(stringify!($property)),*].as_slice(), properties);
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Trace;

    fn small(limit: u8) -> Property {
        Property::new("small", "All are small.", move |trace: &Trace<u8>| {
            let large = trace.0.iter().find(|number| **number >= limit);
            large.map_or(Ok(()), |number| Err(format!("{number} is not")))
        })
    }

    #[test]
    fn what_is_wrong_has_to_be_reported_by_its_shortest_input() {
        assert_reported(small(3), &small(4), "3");
    }

    #[test]
    #[should_panic(expected = "the property reports nothing")]
    fn a_property_that_reports_nothing_is_blind() {
        let all = Property::new("all", "", |_: &Trace<u8>| Ok(()));
        assert_reported(all.clone(), &all, "");
    }

    #[test]
    #[should_panic(expected = "left: \"3\"")]
    fn a_property_that_reports_something_else_is_told_so() {
        assert_reported(small(3), &small(4), "4");
    }
}
