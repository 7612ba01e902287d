//! How much of the file is in use, and how the rest is given back.
//!
//! A commit writes to free pages, and frees those that it replaces. While a snapshot lives no page can be
//! freed, so the file grows with each commit. The growth is bounded here, which means that a snapshot may
//! have to be given up. Afterwards most of the file is free and is used again. But the file keeps its length,
//! because the pages in use are scattered over it. If the file is large and little of it is in use, a start
//! moves those to the front and cuts off the rest.

use redb::Database;

/// A file shorter than this is left as it is, in bytes.
pub(super) const WORTHWHILE: u64 = 16 << 20;

/// A file is left as it is if more than one in so many of its bytes is in use. A full file doubles, so half
/// of it may well be free and about to be used.
const ONE_IN: u64 = 3;

/// A file with more bytes in use than this is left as it is: a start would take too long.
const MOST_USED: u64 = 1 << 30;

/// How much a file may grow while a snapshot lives: by this many bytes, or by its own length if that is more.
const MOST_GROWTH: u64 = 256 << 20;

/// Shortens a file of this length to what is in use, if it has at least `worthwhile` bytes. That takes about
/// as long as writing what is in use, and several commits. A crash between two of them loses nothing.
pub(super) fn give_back(
    database: &mut Database,
    length: u64,
    worthwhile: u64,
) -> Result<(), redb::Error> {
    if length < worthwhile {
        return Ok(());
    }
    let transaction = database.begin_write()?;
    let stats = transaction.stats()?;
    transaction.abort()?;
    let used = stats.allocated_pages().saturating_mul(stats.page_size() as u64);
    if used <= (length / ONE_IN).min(MOST_USED) {
        database.compact()?;
    }
    Ok(())
}

/// Whether a file has grown too much since it had the length `before`.
pub(super) fn has_outgrown(before: u64, now: u64) -> bool {
    now.saturating_sub(before) > before.max(MOST_GROWTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_grow_by_its_length_or_a_quarter_of_a_gib() {
        const GIB: u64 = 1 << 30;
        for (before, most) in [(0, GIB / 4), (GIB / 8, GIB * 3 / 8), (GIB, 2 * GIB)] {
            assert!(!has_outgrown(before, most), "{before}");
            assert!(has_outgrown(before, most + 1), "{before}");
        }
        assert!(!has_outgrown(GIB, 0));
    }
}
