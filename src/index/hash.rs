//! The hash of names: fast, and such that anyone who chooses the names cannot choose the collisions.
//!
//! It is strongly universal: for any two names, whichever they are, every pair of hashes is as likely as any
//! other, over the key, which each index draws at random and which nothing visible depends on. So of any names
//! that are chosen without the key, two have `n` bits of their hashes in common with a probability of one in
//! 2^n, as if the hashes were drawn by lot.
//!
//! That is a theorem (Dietzfelbinger 1996; Thorup, "High Speed Hashing for Integers and Strings", 2015, on
//! *pair-multiply-shift*). A name is a row of pairs of 64-bit words, `(x, y)`; its hash is the upper half of
//!
//! ```text
//! b + n * c + sum over the pairs of (k + y) * (l + x)      mod 2^128
//! ```
//!
//! with keys of 128 bits: `b`, `c`, and a `k` and an `l` for each place of a pair. `n`, how many pairs there
//! are, is a word like the others, for names of which one has more pairs than the other.
//!
//! Why, for two names of equally many pairs: the difference of their sums is `k * (x - x') + l * (y - y')` and a
//! constant at some place where they differ. `x - x'` is an odd number times at most 2^63, so that all bits of the
//! product above the lowest 63 are as random as `k`; and `b` makes the sum itself as random. For names of unequally
//! many pairs `c` does what `k` does here.
//!
//! The theorem does not speak of attackers who learn hashes by and by, from how long answers take. `SipHash`
//! is made to withstand these too. Here they would have to tell apart a few nanoseconds through a socket, often
//! enough to solve for keys of 128 bits of which each answer shows less than one.

use std::array;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use super::sought::{PAIR_BYTES, Sought};
use crate::name::MAX_NAME_BYTES;

/// How many pairs of words the longest name has.
const MAX_PAIRS: usize = MAX_NAME_BYTES.div_ceil(PAIR_BYTES);

/// Hashes names under a key.
#[derive(Clone)]
pub(super) struct NameHash {
    /// For a name of one pair: `b + c`.
    one: u128,
    /// For each pair more: `c`.
    more: u128,
    /// For the pair at each place: `k` and `l`.
    pairs: [[u128; 2]; MAX_PAIRS],
}

impl NameHash {
    /// One with a key drawn at random, from where the keys of std's own maps come.
    pub(super) fn random() -> Self {
        let source = RandomState::new();
        let mut count = 0_u64;
        let mut word = || {
            count += 1;
            source.hash_one(count)
        };
        let mut key = || u128::from(word()) << u64::BITS | u128::from(word());
        Self { one: key(), more: key(), pairs: array::from_fn(|_| [key(), key()]) }
    }

    /// The hash of a name. O(length).
    #[inline]
    pub(super) fn of(&self, name: &Sought<'_>) -> u64 {
        if name.is_short() { self.of_short(name) } else { self.of_long(name) }
    }

    /// The same of a name of two words at most. O(1).
    #[inline]
    pub(super) fn of_short(&self, name: &Sought<'_>) -> u64 {
        spread(self.one.wrapping_add(product(&self.pairs[0], name.first())))
    }

    fn of_long(&self, name: &Sought<'_>) -> u64 {
        let others = self.pairs[1..].iter().zip(name.others());
        let first = self.one.wrapping_add(product(&self.pairs[0], name.first()));
        spread(others.fold(first, |sum, (keys, pair)| {
            sum.wrapping_add(self.more).wrapping_add(product(keys, pair))
        }))
    }
}

#[inline]
fn product([k, l]: &[u128; 2], [x, y]: [u64; 2]) -> u128 {
    k.wrapping_add(u128::from(y)).wrapping_mul(l.wrapping_add(u128::from(x)))
}

/// The upper half of a sum, and one number in the place of another, each in that of exactly one, which leaves the
/// theorem as it is. Names that count upwards have sums that do so too, under some keys in steps that crowd a
/// table.
#[inline]
fn spread(sum: u128) -> u64 {
    #[allow(clippy::cast_possible_truncation, reason = "the upper half")]
    let upper = (sum >> u64::BITS) as u64;
    (upper ^ upper >> (u64::BITS / 2)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Says nothing of the key.
impl fmt::Debug for NameHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameHash").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
