//! An exploration as a test of a property. What it finds is kept and printed like any input that breaks the
//! property.

use std::any::type_name;
use std::fmt::{Debug, Display};

use super::{Coverage, Found, Scope, walks};
use crate::input::Input;
use crate::lockstep::Divergence;
use crate::machine::StateMachine;
use crate::model::Model;
use crate::property::{Failure, Property, Violation};
use crate::regressions::Regressions;
use crate::settings::Settings;
use crate::source::short_name;
use crate::walk::Walk;

/// Explores like [`walks()`], for a property of [`Walk`]s that compares the same machine with the same model.
///
/// What it finds is kept in the property's file of regressions, so that the property's own test tries it
/// first from then on. The exploration is deterministic, so it finds the same again. A failure ends with a
/// test in Rust of the property, on the walk that was found.
///
/// ```
/// use statecheck::explore::{self, Scope};
/// use statecheck::model::{Menu, Model};
/// use statecheck::property::Property;
/// use statecheck::walk::Walk;
/// use statecheck::StateMachine;
/// use std::convert::Infallible;
///
/// /// A switch.
/// #[derive(Clone, Default)]
/// struct Switch(bool);
///
/// impl StateMachine for Switch {
///     type Command = ();
///     type Reply = bool;
///     type Error = Infallible;
///
///     fn apply(&mut self, (): &()) -> Result<bool, Infallible> {
///         self.0 = !self.0;
///         Ok(self.0)
///     }
/// }
///
/// impl Model for Switch {
///     fn offer(&self, menu: &mut Menu<'_, ()>) {
///         menu.list(1, [()]);
///     }
/// }
///
/// let states = (|switch: &Switch| switch.0, |model: &Switch| model.0);
/// let switches = Property::refines("switches", "It is on or off.", Switch::default, states);
/// let coverage = explore::test(&switches, Switch::default, states, &Scope::of_states());
/// assert_eq!((coverage.states, coverage.transitions), (2, 2));
/// ```
///
/// # Panics
/// With what was [`Found`]. Also if the property is about something else than walks through this model, or if
/// a variable of the [environment](Settings::from_env) is not a number.
pub fn test<M, S, P>(
    property: &Property,
    fresh: impl Fn() -> S,
    states: (impl Fn(&S) -> P, impl Fn(&M) -> P),
    scope: &Scope<P>,
) -> Coverage
where
    M: Model<Reply: Debug + PartialEq, Error: Display> + 'static,
    S: StateMachine<Command = M::Command, Reply = M::Reply, Error: Display>,
    P: Debug + PartialEq,
    Walk<M>: Input,
{
    let input = short_name(type_name::<Walk<M>>());
    assert_eq!(property.input, input, "{} is to be a property of {input}", property.name);
    let settings = Settings::from_env().unwrap_or_else(|error| panic!("{error}"));
    match walks(fresh, states, scope) {
        Ok(coverage) => coverage,
        Err(found) => panic!("\n{}", told::<M>(property, found, &settings)),
    }
}

/// Keeps what was found for a property of walks through a model `M`, and returns what to say of it.
fn told<M: Model>(property: &Property, found: Found<M::Command>, settings: &Settings) -> String
where
    Walk<M>: Input,
{
    let Found::Divergence(Divergence { trace, difference }) = found else {
        return found.to_string();
    };
    let what = format!("{difference}\nNo shorter walk shows it.");
    failure(property, &Walk::<M>::of(trace), what, settings).to_string()
}

/// Makes a failure of the property on a walk, and keeps it.
fn failure<M: Model>(
    property: &Property,
    walk: &Walk<M>,
    what: String,
    settings: &Settings,
) -> Failure
where
    Walk<M>: Input,
{
    let bytes = walk.to_bytes();
    let kept = settings.regressions.as_ref().filter(|_| bytes.is_some());
    let kept = kept.map(|folder| Regressions::of(folder, property.name));
    let violation = Box::new(Violation {
        property: property.name,
        what,
        shown: walk.show(),
        tries: 0,
        bytes: bytes.unwrap_or_default(),
        rust: walk.to_rust(),
    });
    if let Some(Err(error)) = kept.as_ref().map(|kept| violation.keep_in(kept)) {
        return Failure::Regressions { error, violation: Some((violation, settings.seed)) };
    }
    let kept = kept.map(|kept| kept.path().to_owned());
    Failure::Violated { violation, seed: None, cases: None, kept }
}

#[cfg(test)]
mod tests;
