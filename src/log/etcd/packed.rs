//! Messages as they lie in etcd: compressed, because what they cost there goes by the byte.

use crate::log::MAX_ENTRY_BYTES;

/// The first byte of what is packed this way: LZ4, the length of what is in it before.
const FORMAT: u8 = 1;

/// Packs messages.
pub(super) fn pack(messages: &[u8]) -> Vec<u8> {
    let compressed = lz4_flex::block::compress(messages);
    // No entry is longer than 32 bits can say.
    let length = u32::try_from(messages.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[FORMAT], &length[..], &compressed].concat()
}

/// Unpacks what [`pack`] made; what is wrong with it otherwise.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let (format, rest) = packed.split_first().ok_or("it is empty")?;
    if *format != FORMAT {
        return Err(format!("it has format {format}, and this version reads {FORMAT}"));
    }
    let (length, compressed) = rest.split_first_chunk::<4>().ok_or("it has no length")?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_ENTRY_BYTES {
        return Err(format!("it has {length} bytes, and {MAX_ENTRY_BYTES} are allowed"));
    }
    let messages = lz4_flex::block::decompress(compressed, length).map_err(|e| e.to_string())?;
    if messages.len() != length {
        return Err(format!("it has {} bytes in place of {length}", messages.len()));
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        for messages in [&b""[..], b"INDEX|a|\n", &b"INDEX|vim|ncurses,lua\n".repeat(4_000)] {
            assert_eq!(unpack(&pack(messages)).as_deref(), Ok(messages));
        }
        assert!(pack(&b"INDEX|vim|ncurses,lua\n".repeat(4_000)).len() < 2_000);
    }

    #[test]
    fn what_nobody_packed_is_refused() {
        let long = [&[FORMAT], &(2_000_000_u32).to_le_bytes()[..], b"?"].concat();
        let mut short = pack(&b"INDEX|a|\n".repeat(9));
        short[1] += 1;
        for (packed, problem) in [
            (&b""[..], "it is empty"),
            (b"\x01\x00", "it has no length"),
            (b"\x07", "it has format 7, and this version reads 1"),
            (&long, "it has 2000000 bytes, and 1048576 are allowed"),
        ] {
            assert_eq!(unpack(packed).unwrap_err(), problem);
        }
        unpack(&short).unwrap_err();
        unpack(&pack(b"INDEX|a|\n")[..9]).unwrap_err();
    }
}
