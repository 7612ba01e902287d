//! How messages are stored in etcd: compressed, because they cost by the byte, and with a checksum. So no
//! replica applies what was changed on its way or on a disk.
//!
//! A value has a byte for its format, the length of the messages, the checksum, and the messages as LZ4.
//! Numbers have four bytes, the least first. The checksum is CRC-32 over the owner of the value and the
//! messages. So a value that was moved to another key is noticed too.

use crate::log::{EntryId, MAX_ENTRY_BYTES};

/// The first byte of this format. Format 1, which no release wrote, had no checksum.
const FORMAT: u8 = 2;

/// What the messages belong to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    Entry(EntryId),
    /// A chunk, by the id of its snapshot and its number.
    Chunk(u64, u32),
}

impl Owner {
    /// The checksum of these messages. It notices accidents, not malice.
    fn checksum(self, messages: &[u8]) -> u32 {
        let (kind, id, number) = match self {
            Self::Entry(EntryId { writer, number }) => (b'e', writer, number),
            Self::Chunk(id, number) => (b'c', id, u64::from(number)),
        };
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&[kind]);
        for part in [&id.to_le_bytes()[..], &number.to_le_bytes(), messages] {
            checksum.update(part);
        }
        checksum.finalize()
    }
}

/// Packs messages.
pub(super) fn pack(owner: Owner, messages: &[u8]) -> Vec<u8> {
    let compressed = lz4_flex::block::compress(messages);
    // No entry is longer than 32 bits can say.
    let length = u32::try_from(messages.len()).unwrap_or(u32::MAX).to_le_bytes();
    let checksum = owner.checksum(messages).to_le_bytes();
    [&[FORMAT], &length[..], &checksum, &compressed].concat()
}

/// Unpacks what [`pack`] made for the same owner. Fails with what is wrong.
pub(super) fn unpack(owner: Owner, packed: &[u8]) -> Result<Vec<u8>, String> {
    let (format, rest) = packed.split_first().ok_or("it is empty")?;
    if *format != FORMAT {
        return Err(format!("it has format {format}, and this version reads {FORMAT}"));
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or("it has no length")?;
    let (checksum, compressed) = rest.split_first_chunk::<4>().ok_or("it has no checksum")?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_ENTRY_BYTES {
        return Err(format!("it has {length} bytes, and {MAX_ENTRY_BYTES} are allowed"));
    }
    let messages = lz4_flex::block::decompress(compressed, length).map_err(|e| e.to_string())?;
    if messages.len() != length {
        return Err(format!("it has {} bytes instead of {length}", messages.len()));
    }
    let (written, own) = (u32::from_le_bytes(*checksum), owner.checksum(&messages));
    if written != own {
        return Err(format!("its checksum is {own:08x} instead of {written:08x}"));
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner::Entry(EntryId { writer: 7, number: 3 });

    #[test]
    fn what_was_packed_is_unpacked() {
        for messages in [&b""[..], b"INDEX|a|\n", &b"INDEX|vim|ncurses,lua\n".repeat(4_000)] {
            assert_eq!(unpack(OWNER, &pack(OWNER, messages)).as_deref(), Ok(messages));
        }
        assert!(pack(OWNER, &b"INDEX|vim|ncurses,lua\n".repeat(4_000)).len() < 2_000);
    }

    #[test]
    fn what_nobody_packed_is_refused() {
        let long = [&[FORMAT], &(2_000_000_u32).to_le_bytes()[..], b"12345"].concat();
        let mut short = pack(OWNER, &b"INDEX|a|\n".repeat(9));
        short[1] += 1;
        for (packed, problem) in [
            (&b""[..], "it is empty"),
            (b"\x02\x00", "it has no length"),
            (b"\x02\x00\x00\x00\x00\x00", "it has no checksum"),
            (b"\x01\x00\x00\x00\x00\x00", "it has format 1, and this version reads 2"),
            (b"\x07", "it has format 7, and this version reads 2"),
            (&long, "it has 2000000 bytes, and 1048576 are allowed"),
        ] {
            assert_eq!(unpack(OWNER, packed).unwrap_err(), problem);
        }
        unpack(OWNER, &short).unwrap_err();
        unpack(OWNER, &pack(OWNER, b"INDEX|a|\n")[..9]).unwrap_err();
    }

    #[test]
    fn no_flipped_bit_changes_messages_unnoticed() {
        let messages = b"INDEX|vim|ncurses,lua\nREMOVE|emacs|\n";
        let packed = pack(OWNER, messages);
        let mut noticed = 0;
        for bit in 0..8 * packed.len() {
            let mut flipped = packed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match unpack(OWNER, &flipped) {
                Err(_) => noticed += 1,
                // LZ4 has some bits that mean nothing.
                Ok(unpacked) => assert_eq!(unpacked, messages, "bit {bit}"),
            }
        }
        assert!(noticed > 8 * messages.len(), "{noticed}");
    }

    #[test]
    fn what_was_packed_for_another_is_refused() {
        let packed = pack(OWNER, b"INDEX|a|\n");
        for other in [
            Owner::Entry(EntryId { writer: 7, number: 4 }),
            Owner::Entry(EntryId { writer: 8, number: 3 }),
            Owner::Chunk(7, 3),
        ] {
            let problem = unpack(other, &packed).unwrap_err();
            assert!(problem.starts_with("its checksum is "), "{other:?}: {problem}");
        }
    }
}
