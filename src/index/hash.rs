//! The hash of names. It is fast, and a client that chooses the names cannot choose the collisions.
//!
//! The hash is strongly universal: for any two names, every pair of hashes is equally likely. The chance is
//! over the key, which each index draws at random, and on which nothing visible depends. So two names chosen
//! without the key agree in `n` bits of their hashes with a probability of 2^-n. Hashes that are drawn by lot
//! do no better.
//!
//! That is a theorem (Dietzfelbinger 1996; Thorup, "High Speed Hashing for Integers and Strings", 2015, on
//! *pair-multiply-shift*). A name is a row of pairs of 64-bit words, `(x, y)`. Its hash is the upper half of
//!
//! ```text
//! b + n * c + sum over the pairs of (k + y) * (l + x)      mod 2^128
//! ```
//!
//! with keys of 128 bits: `b`, `c`, and for each place of a pair a `k` and an `l`. `n` is the number of
//! pairs. It is a word like the others, for two names with different numbers of pairs.
//!
//! The proof for two names with equally many pairs: take a place where they differ. The difference of their
//! sums is `k * (x - x') + l * (y - y')` and a constant. `x - x'` is an odd number times at most 2^63. So all
//! bits of the product above the lowest 63 are as random as `k`, and `b` makes the sum itself as random. For
//! names with different numbers of pairs, `c` does what `k` does here.
//!
//! The theorem does not cover attackers who learn hashes over time, from how long answers take. `SipHash` is
//! made to withstand these too. Here they would have to tell a few nanoseconds apart through a socket. And
//! they would have to do so often enough to solve for keys of 128 bits, while each answer shows less than one
//! bit.

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
    /// For each further pair: `c`.
    more: u128,
    /// For the pair at each place: `k` and `l`.
    pairs: [[u128; 2]; MAX_PAIRS],
}

impl NameHash {
    /// A hash with a random key, from the source of the keys of std's own maps.
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

    /// Like [`of`](Self::of), for a name of two words at most. O(1).
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

/// The upper half of a sum, mapped one to one to another number, which leaves the theorem as it is. Names
/// that count upwards have sums that count upwards too. Under some keys these have steps that crowd a table.
#[inline]
fn spread(sum: u128) -> u64 {
    #[allow(clippy::cast_possible_truncation, reason = "the upper half")]
    let upper = (sum >> u64::BITS) as u64;
    (upper ^ upper >> (u64::BITS / 2)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Shows nothing of the key.
impl fmt::Debug for NameHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameHash").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
