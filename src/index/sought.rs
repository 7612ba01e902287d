//! A name to look for. It is read into words once, for its hash and for every comparison.

use crate::name::NameRef;

/// The bytes of two words.
pub(super) const PAIR_BYTES: usize = 16;

/// A name, and its beginning as numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'a> {
    bytes: &'a [u8],
    /// Its first bytes, padded with zeros. No name has a zero byte, so two names never have the same words.
    first: [u64; 2],
}

impl<'a> Sought<'a> {
    /// Reads a name. O(1).
    #[inline]
    pub(super) fn new(name: NameRef<'a>) -> Self {
        let bytes = name.as_bytes();
        let first = bytes.first_chunk::<PAIR_BYTES>().map_or_else(|| padded(bytes), whole);
        Self { bytes, first }
    }

    /// The whole name.
    #[inline]
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the first two words are the whole name.
    #[inline]
    pub(super) fn is_short(&self) -> bool {
        self.bytes.len() <= PAIR_BYTES
    }

    /// The first two words.
    #[inline]
    pub(super) fn first(&self) -> [u64; 2] {
        self.first
    }

    /// The pairs of words after the first. Linear in them.
    pub(super) fn others(&self) -> impl Iterator<Item = [u64; 2]> {
        let (pairs, last) = self.bytes.get(PAIR_BYTES..).unwrap_or_default().as_chunks();
        pairs.iter().map(whole).chain((!last.is_empty()).then(|| padded(last)))
    }
}

/// The words of so many bytes.
#[inline]
fn whole(bytes: &[u8; PAIR_BYTES]) -> [u64; 2] {
    let both = u128::from_le_bytes(*bytes);
    #[allow(clippy::cast_possible_truncation, reason = "the lower half, and then the upper one")]
    [both as u64, (both >> u64::BITS) as u64]
}

/// The words of fewer bytes, at least one, padded with zeros. It takes a few steps, where a copy byte by byte
/// takes many.
#[inline]
fn padded(bytes: &[u8]) -> [u64; 2] {
    let length = bytes.len();
    if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk())
        && length > 8
    {
        return [u64::from_le_bytes(*head), u64::from_le_bytes(*tail) >> (8 * (16 - length))];
    }
    if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [head, tail] = [head, tail].map(|half| u64::from(u32::from_le_bytes(*half)));
        return [head | tail << (8 * (length - 4)), 0];
    }
    let at = |place: usize| u64::from(bytes[place]) << (8 * place);
    [at(0) | at(length / 2) | at(length - 1), 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_bytes_and_zeros_after_them() {
        let text: String = ('a'..='z').cycle().take(255).collect();
        for length in 1..=text.len() {
            let sought = Sought::new(NameRef::new(&text[..length]).unwrap());
            let words: Vec<u64> =
                [sought.first()].into_iter().chain(sought.others()).flatten().collect();
            let mut bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
            assert_eq!(bytes.len(), length.next_multiple_of(PAIR_BYTES));
            assert!(bytes[length..].iter().all(|byte| *byte == 0));
            bytes.truncate(length);
            assert_eq!(
                (&*bytes, sought.bytes()),
                (&text.as_bytes()[..length], &text.as_bytes()[..length])
            );
        }
    }
}
