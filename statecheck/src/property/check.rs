//! How a property handles inputs of its type, with an interface that does not name the type.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};

use quickcheck::Gen;

use super::Violation;
use crate::input::{self, Input};

/// A check of inputs whose type is not named.
pub(super) trait Check {
    /// Whether it fails on the input that the bytes make.
    fn fails_on(&self, bytes: &[u8]) -> bool;

    /// Checks that input, and shrinks it if it fails.
    fn replay(&self, bytes: &[u8]) -> Result<(), Violation>;

    /// Does the same with an input, or returns `None` if it is not of this type.
    fn holds_on(&self, input: &dyn Any) -> Option<Result<(), Violation>>;

    /// Bytes of a random input.
    fn draw(&self, g: &mut Gen) -> Vec<u8>;

    /// As [`Input::seeds`] says.
    fn seeds(&self, example: &[u8]) -> Vec<Vec<u8>>;

    /// Where the elements begin in the bytes of an input.
    fn elements(&self, bytes: &[u8]) -> Vec<usize>;
}

/// A check of inputs of this type.
pub(super) struct Typed<I, F> {
    property: &'static str,
    check: F,
    input: PhantomData<fn(&I)>,
}

impl<I: Input, F: Fn(&I) -> Result<(), String>> Typed<I, F> {
    pub(super) fn new(property: &'static str, check: F) -> Self {
        Self { property, check, input: PhantomData }
    }

    fn guarded(&self, input: &I) -> Result<(), String> {
        guarded(|| (self.check)(input))
    }

    /// Checks an input. `bytes` make it, as far as is known.
    fn holds(&self, input: I, bytes: &[u8]) -> Result<(), Violation> {
        let Err(what) = self.guarded(&input) else { return Ok(()) };
        let input::Shrunk { input, failure: what, tries } =
            input::shrink(input, what, |input| self.guarded(input));
        Err(Violation {
            property: self.property,
            what,
            shown: input.show(),
            tries,
            bytes: exact_bytes(&input).unwrap_or_else(|| bytes.to_vec()),
            rust: input.to_rust(),
        })
    }
}

impl<I: Input, F: Fn(&I) -> Result<(), String>> Check for Typed<I, F> {
    fn fails_on(&self, bytes: &[u8]) -> bool {
        match made::<I>(bytes) {
            Ok(made) => made.is_some_and(|input| self.guarded(&input).is_err()),
            Err(_) => true,
        }
    }

    fn replay(&self, bytes: &[u8]) -> Result<(), Violation> {
        match made::<I>(bytes) {
            Ok(made) => made.map_or(Ok(()), |input| self.holds(input, bytes)),
            Err(what) => {
                let what = format!("while the input was made: {what}");
                let bytes = bytes.to_vec();
                Err(Violation { bytes, ..Violation::without_input(self.property, what) })
            }
        }
    }

    fn holds_on(&self, input: &dyn Any) -> Option<Result<(), Violation>> {
        let input: &I = input.downcast_ref()?;
        Some(self.holds(input.clone(), &[]))
    }

    fn draw(&self, g: &mut Gen) -> Vec<u8> {
        input::random_bytes::<I>(g)
    }

    fn seeds(&self, example: &[u8]) -> Vec<Vec<u8>> {
        I::seeds(example)
    }

    fn elements(&self, bytes: &[u8]) -> Vec<usize> {
        input::elements::<I>(bytes)
    }
}

/// The input that the bytes make. Making it panics if a model does.
fn made<I: Input>(bytes: &[u8]) -> Result<Option<I>, String> {
    guarded(|| Ok(input::from_bytes(bytes)))
}

/// The bytes that make exactly this input, if its type says which, and is right.
fn exact_bytes<I: Input>(input: &I) -> Option<Vec<u8>> {
    let written = |input: &I| format!("{input:?}");
    let bytes = input.to_bytes()?;
    let made: I = input::from_bytes(&bytes)?;
    (written(&made) == written(input)).then_some(bytes)
}

/// Does some work. A panic is an error too.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", message(panic.as_ref()))))
}

/// The message of a panic.
fn message(panic: &dyn Any) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("and said nothing")
}
