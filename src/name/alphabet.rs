//! The bytes of names: checked one by one, and many side by side.

/// Whether a byte may stand in a package name: `[A-Za-z0-9+._@/-]` (protocol rule N1).
#[must_use]
pub const fn is_name_byte(byte: u8) -> bool {
    IS_NAME_BYTE[byte as usize]
}

/// The rule as a table, for single bytes.
const IS_NAME_BYTE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[allow(clippy::cast_possible_truncation, reason = "as long as the table, and no longer")]
        let this = byte as u8;
        table[byte] = out_of_alphabet(this) == 0;
        byte += 1;
    }
    table
};

/// The rule without a branch: zero for a byte of the alphabet, and more for any other. A processor can apply
/// it to many bytes at once.
const fn out_of_alphabet(byte: u8) -> u8 {
    let signs = least(byte ^ b'+', byte ^ b'_');
    let others = least(out_of(byte, b'-', b'9'), out_of(byte, b'@', b'Z'));
    least(least(signs, others), out_of(byte, b'a', b'z'))
}

/// Zero for a byte in this range.
const fn out_of(byte: u8, first: u8, last: u8) -> u8 {
    byte.wrapping_sub(first).saturating_sub(last - first)
}

const fn least(one: u8, other: u8) -> u8 {
    if one < other { one } else { other }
}

/// How many bytes at the front may stand in a name. Linear in that.
#[allow(clippy::inline_always, reason = "into what reads a message: counted")]
#[inline(always)]
pub(crate) fn leading_name_bytes(bytes: &[u8]) -> usize {
    let Some((first, rest)) = bytes.split_first_chunk() else { return leading_one_by_one(bytes) };
    // Most names end here, and many others soon after.
    if let Some(at) = first_out_of_alphabet(first) {
        return at;
    }
    match rest.first() {
        Some(&byte) if !is_name_byte(byte) => AT_A_TIME,
        _ => AT_A_TIME + leading_of_many(rest),
    }
}

#[cold]
#[inline(never)]
fn leading_of_many(mut bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some((first, rest)) = bytes.split_first_chunk() {
        if let Some(at) = first_out_of_alphabet(first) {
            return length + at;
        }
        length += AT_A_TIME;
        bytes = rest;
    }
    length + leading_one_by_one(bytes)
}

#[cold]
#[inline(never)]
fn leading_one_by_one(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| is_name_byte(byte)).count()
}

/// The first of this many bytes that may not stand in a name. All are looked at, so that no branch depends on
/// one.
#[allow(clippy::inline_always, reason = "into the loop over all bytes: counted")]
#[inline(always)]
fn first_out_of_alphabet(bytes: &[u8; AT_A_TIME]) -> Option<usize> {
    let mut marks = [0; AT_A_TIME];
    for (mark, &byte) in marks.iter_mut().zip(bytes) {
        *mark = out_of_alphabet(byte);
    }
    let marks = u128::from_le_bytes(marks);
    #[allow(clippy::cast_possible_truncation, reason = "one half, and then the other")]
    let (low, high) = (marks as u64, (marks >> u64::BITS) as u64);
    if low != 0 {
        return Some((low.trailing_zeros() / u8::BITS) as usize);
    }
    (high != 0).then(|| (8 + high.trailing_zeros() / u8::BITS) as usize)
}

/// How many bytes are looked at side by side: as many as fit into one register.
const AT_A_TIME: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte after byte, as a reference for code that looks at several at a time.
    #[test]
    fn the_first_byte_outside_the_alphabet_is_found_anywhere() {
        for length in 0..40 {
            for byte in [b':', b'\n', 0x80, b'|'] {
                let mut bytes = vec![b'x'; 40];
                bytes[length] = byte;
                bytes[length + 1..].fill(byte);
                assert_eq!(leading_name_bytes(&bytes), length);
                bytes[length + 1..].fill(b'x');
                assert_eq!(leading_name_bytes(&bytes), length);
                assert_eq!(leading_name_bytes(&bytes[..length]), length);
            }
        }
    }

    #[test]
    fn the_alphabet_is_that_of_the_rule() {
        let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._@/".contains(byte);
        for byte in 0..=u8::MAX {
            assert_eq!(
                (is_name_byte(byte), out_of_alphabet(byte) == 0),
                (alphabet(&byte), alphabet(&byte))
            );
        }
    }
}
