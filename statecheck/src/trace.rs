//! Traces: commands for a machine, generated and shrunk.
//!
//! A type of commands implements [`TraceCommand`], which makes and simplifies its values. [`Trace`] does the
//! rest.

use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};

use super::input::{Input, mark_element, without_runs};
use crate::source::commands_in_rust;

/// The most commands of a generated trace.
pub const MAX_COMMANDS: usize = 200;

/// A command for traces. Only the supertraits are needed. The methods make traces better and counterexamples
/// shorter.
pub trait TraceCommand: for<'a> Arbitrary<'a> + Clone + Debug + 'static {
    /// About how many bytes make a command.
    const BYTES: usize = 4;

    /// A trace of at most [`MAX_COMMANDS`]. Override it if the commands of a trace should have something in
    /// common. Then [mark](mark_element) where each begins.
    ///
    /// # Errors
    /// If there are too few bytes.
    fn arbitrary_trace(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Self>> {
        let mut trace = Vec::new();
        while !u.is_empty() && trace.len() < MAX_COMMANDS {
            mark_element(u);
            trace.push(Self::arbitrary(u)?);
        }
        Ok(trace)
    }

    /// Simpler commands to try in place of this one. Each must be simpler by some measure that
    /// cannot fall for ever.
    fn simpler_alone(&self) -> Vec<Self> {
        Vec::new()
    }

    /// Simpler traces of the same length, by steps that change several commands at once. Each must
    /// be simpler by some measure that cannot fall for ever.
    fn simpler_together(trace: &[Self]) -> Vec<Vec<Self>> {
        let _ = trace;
        Vec::new()
    }

    /// Bytes that make traces like an example, as [`Input::seeds`] says.
    fn trace_seeds(example: &[u8]) -> Vec<Vec<u8>> {
        let _ = example;
        Vec::new()
    }

    /// A trace in lines, as a person wants to see it when it fails.
    fn show_trace(trace: &[Self]) -> String {
        trace.iter().map(|command| format!("{command:?}\n")).collect()
    }

    /// A trace in Rust, like [`Input::to_rust`]. By default it uses the `Debug` forms of its commands, which
    /// is right if these are valid Rust.
    fn trace_to_rust(trace: &[Self]) -> Option<String> {
        Some(commands_in_rust("statecheck::trace::Trace", ("Trace(vec![", "])"), trace))
    }
}

/// Commands, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace<C>(pub Vec<C>);

impl<C: TraceCommand> Arbitrary<'_> for Trace<C> {
    fn arbitrary(u: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        C::arbitrary_trace(u).map(Self)
    }
}

impl<C: TraceCommand> Input for Trace<C> {
    const BYTES: usize = MAX_COMMANDS * C::BYTES;

    /// Drops commands, then simplifies what they share, then each alone.
    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let each = self.0.iter().enumerate().flat_map(move |(position, command)| {
            command.simpler_alone().into_iter().map(move |simpler| {
                let mut trace = self.0.clone();
                trace[position] = simpler;
                trace
            })
        });
        let together = std::iter::once_with(|| C::simpler_together(&self.0)).flatten();
        Box::new(without_runs(&self.0).chain(together).chain(each).map(Self))
    }

    fn seeds(example: &[u8]) -> Vec<Vec<u8>> {
        C::trace_seeds(example)
    }

    fn show(&self) -> String {
        C::show_trace(&self.0)
    }

    fn to_rust(&self) -> Option<String> {
        C::trace_to_rust(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{from_bytes, shrink};

    impl TraceCommand for u8 {
        const BYTES: usize = 1;

        fn simpler_alone(&self) -> Vec<Self> {
            (*self > 0).then(|| self - 1).into_iter().collect()
        }
    }

    #[test]
    fn a_trace_uses_all_bytes_up_to_its_bound() {
        assert_eq!(from_bytes::<Trace<u8>>(&[3, 1, 2]), Some(Trace(vec![3, 1, 2])));
        assert_eq!(from_bytes::<Trace<u8>>(&[]), Some(Trace(vec![])));
        assert_eq!(from_bytes::<Trace<u8>>(&[0; 1_000]).unwrap().0.len(), MAX_COMMANDS);
    }

    #[test]
    fn shrinking_drops_commands_and_simplifies_those_that_stay() {
        let trace = Trace((0..=199).collect());
        let sum = |trace: &Trace<u8>| trace.0.iter().map(|byte| usize::from(*byte)).sum::<usize>();
        let check = |trace: &Trace<u8>| if sum(trace) >= 100 { Err(()) } else { Ok(()) };
        assert_eq!(shrink(trace, (), check).input, Trace(vec![100]));
    }

    #[test]
    fn a_command_that_says_no_more_is_only_dropped() {
        #[derive(Debug, Clone, PartialEq, Arbitrary)]
        struct Tick(bool);

        impl TraceCommand for Tick {
            const BYTES: usize = 1;
        }

        let trace = Trace(vec![Tick(true)]);
        assert!(trace.simpler().eq([Trace(vec![])]));
        assert!(Trace::<Tick>::seeds(b"any").is_empty());
    }

    #[test]
    fn a_trace_is_shown_line_by_line() {
        assert_eq!(Trace(vec![1_u8, 2]).show(), "1\n2\n");
    }
}
