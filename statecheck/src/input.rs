//! The inputs of properties: one generator for quickcheck and for libFuzzer, and shrinking.
//!
//! An [`Input`] is made from bytes by its [`Arbitrary`] implementation. libFuzzer chooses the bytes by the
//! code that they reach. quickcheck draws them at random, through [`Generated`]. Both shrink a failing input
//! by the same steps. Nothing here knows of machines.

use std::cell::RefCell;
use std::fmt::Debug;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};

use arbitrary::{Arbitrary, Unstructured};

/// Something on which a property can be tried.
pub trait Input: for<'a> Arbitrary<'a> + Clone + Debug + 'static {
    /// About how many bytes an input of full size takes.
    const BYTES: usize;

    /// Simpler inputs, boldest step first. Each must be simpler by some measure that cannot fall for ever, so
    /// that shrinking ends.
    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_>;

    /// Bytes that make inputs like an example, as seeds for a fuzzer. The example has a form that the type
    /// understands. By default there are none.
    fn seeds(example: &[u8]) -> Vec<Vec<u8>> {
        let _ = example;
        Vec::new()
    }

    /// The input in lines, as a person wants to see it when it fails.
    fn show(&self) -> String {
        format!("{self:?}\n")
    }

    /// The bytes that make exactly this input, or `None` if the type does not say which.
    fn to_bytes(&self) -> Option<Vec<u8>> {
        None
    }

    /// Statements in Rust that make this input and bind it to `input`, for a test that a person can copy.
    /// `None` if the type does not say how.
    fn to_rust(&self) -> Option<String> {
        None
    }
}

thread_local! {
    /// The address of the byte where an element begins, for each, while anybody wants to know.
    static MARKS: RefCell<Option<Vec<usize>>> = const { RefCell::new(None) };
}

/// Says that an element of a sequence begins here: a command of a trace, a message of a conversation. The
/// fuzzer's mutator then [moves, repeats and leaves out](crate::fuzz::mutate) whole elements. Call it in an
/// implementation of [`Arbitrary`], before each element is made.
pub fn mark_element(u: &Unstructured<'_>) {
    MARKS.with_borrow_mut(|marks| {
        if let Some(marks) = marks {
            // By address, because `u` may have a part of the input alone.
            marks.extend(u.peek_bytes(u.len()).map(address));
        }
    });
}

/// Where the elements begin in the bytes of an input, in order.
pub(crate) fn elements<I: Input>(bytes: &[u8]) -> Vec<usize> {
    MARKS.set(Some(Vec::new()));
    // A panic or a lack of bytes shows when the property is tried. What was marked until then counts.
    let _made = panic::catch_unwind(|| from_bytes::<I>(bytes).is_some());
    let marks = MARKS.take().unwrap_or_default().into_iter();
    let mut next = 0;
    let starts = marks.filter_map(|mark| mark.checked_sub(address(bytes))).filter(|&start| {
        let is_next = (next..=bytes.len()).contains(&start);
        next = if is_next { start + 1 } else { next };
        is_next
    });
    starts.collect()
}

fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr().addr()
}

/// The input that some bytes make, or `None` if there are too few.
#[must_use]
pub fn from_bytes<I: Input>(bytes: &[u8]) -> Option<I> {
    I::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

/// A failing input from which no single step leads to another failing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk<I, F> {
    /// The input.
    pub input: I,
    /// How it fails.
    pub failure: F,
    /// How many simpler inputs were tried on the way.
    pub tries: usize,
}

/// The most simpler inputs that are tried. If there are more, the type's measure falls for ever.
const MOST_TRIES: usize = 1_000_000;

/// Shrinks a failing input until no single step leads to another failing one, or a million inputs were tried.
/// The same input is always shrunk in the same way. A step that panics does not count.
pub fn shrink<I: Input, F>(
    mut input: I,
    mut failure: F,
    check: impl Fn(&I) -> Result<(), F>,
) -> Shrunk<I, F> {
    let mut tries = 0;
    loop {
        let mut simpler = input.simpler();
        let next = loop {
            let candidate = panic::catch_unwind(AssertUnwindSafe(|| simpler.next()));
            tries += 1;
            match candidate {
                _ if tries > MOST_TRIES => break None,
                Err(_) => {}
                Ok(None) => {
                    tries -= 1;
                    break None;
                }
                Ok(Some(candidate)) => {
                    if let Err(failure) = check(&candidate) {
                        break Some((candidate, failure));
                    }
                }
            }
        };
        drop(simpler);
        match next {
            Some(next) => (input, failure) = next,
            None => return Shrunk { input, failure, tries },
        }
    }
}

/// An input as quickcheck draws it, for properties that are written for quickcheck directly.
#[derive(Debug, Clone)]
pub struct Generated<I>(pub I);

impl<I: Input> quickcheck::Arbitrary for Generated<I> {
    fn arbitrary(g: &mut quickcheck::Gen) -> Self {
        loop {
            if let Some(input) = from_bytes(&random_bytes::<I>(g)) {
                return Self(input);
            }
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let simpler: Vec<_> = self.0.simpler().map(Self).collect();
        Box::new(simpler.into_iter())
    }
}

/// Random bytes, enough for inputs of all sizes: up to [`Input::BYTES`] at quickcheck's usual size of 100.
#[must_use]
pub fn random_bytes<I: Input>(g: &mut quickcheck::Gen) -> Vec<u8> {
    let most = (I::BYTES * g.size() / 100).max(1);
    let length = <usize as quickcheck::Arbitrary>::arbitrary(g) % (most + 1);
    (0..length).map(|_| quickcheck::Arbitrary::arbitrary(g)).collect()
}

/// All lists that result from leaving out a run of items, long runs first.
///
/// ```
/// use statecheck::input::without_runs;
///
/// let shorter: Vec<_> = without_runs(&['a', 'b', 'c']).collect();
/// assert_eq!(shorter, [vec![], vec!['b', 'c'], vec!['a', 'c'], vec!['a', 'b']]);
/// ```
pub fn without_runs<T: Clone>(list: &[T]) -> impl Iterator<Item = Vec<T>> + '_ {
    runs(list.len()).map(|run| [&list[..run.start], &list[run.end..]].concat())
}

/// The runs into which a list of so many items is divided: all of it, its halves, and so on down to single
/// items.
pub fn runs(count: usize) -> impl Iterator<Item = Range<usize>> {
    let lengths = std::iter::successors(Some(count), |length| Some(length / 2));
    lengths.take_while(|length| *length > 0).flat_map(move |length| {
        (0..count).step_by(length).map(move |start| start..(start + length).min(count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Bytes(Vec<u8>);

    impl Arbitrary<'_> for Bytes {
        fn arbitrary(u: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
            Ok(Self(u.bytes(u.len())?.to_vec()))
        }
    }

    impl Input for Bytes {
        const BYTES: usize = 64;

        fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
            Box::new(without_runs(&self.0).map(Self))
        }
    }

    #[test]
    fn shrinking_ends_at_an_input_that_no_step_makes_simpler() {
        // Fails if a 7 comes anywhere before a 9.
        let check = |bytes: &Bytes| {
            let after_seven = bytes.0.iter().skip_while(|byte| **byte != 7);
            if after_seven.clone().any(|byte| *byte == 9) { Err(bytes.0.len()) } else { Ok(()) }
        };
        let long = Bytes((0..200).rev().chain(0..200).collect());
        let shrunk = shrink(long.clone(), 400, check);
        assert_eq!((&shrunk.input, shrunk.failure), (&Bytes(vec![7, 9]), 2));
        assert!(shrunk.tries > 7, "{shrunk:?}");
        assert_eq!(shrink(long, 400, check), shrunk);
    }

    #[test]
    fn runs_of_every_length_are_left_out_long_ones_first() {
        let shorter: Vec<_> = without_runs(&[1, 2, 3, 4]).collect();
        let halves = [vec![], vec![3, 4], vec![1, 2]];
        let single = [vec![2, 3, 4], vec![1, 3, 4], vec![1, 2, 4], vec![1, 2, 3]];
        assert_eq!(shorter, [&halves[..], &single[..]].concat());
    }

    #[test]
    fn a_plain_input_has_no_seeds_and_shows_its_debug_form() {
        assert!(Bytes::seeds(b"any").is_empty());
        assert_eq!(Bytes(vec![1, 2]).show(), "Bytes([1, 2])\n");
    }

    #[test]
    fn quickcheck_draws_inputs_of_many_sizes_and_shrinks_them() {
        let mut g = quickcheck::Gen::from_size_and_seed(100, 7);
        let mut drawn = || <Generated<Bytes> as quickcheck::Arbitrary>::arbitrary(&mut g);
        let sizes: std::collections::BTreeSet<_> = (0..500).map(|_| drawn().0.0.len()).collect();
        assert!(sizes.len() > 50, "{sizes:?}");
        let shrunk = quickcheck::Arbitrary::shrink(&Generated(Bytes(vec![1, 2]))).count();
        assert_eq!(shrunk, 3);
    }
}
