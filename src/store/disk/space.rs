//! How much of the file is in use, and what becomes of the rest.
//!
//! A commit writes to pages that are free, and frees those that it replaces. While a snapshot is there no
//! page can be freed, and the file grows with each commit: that is bounded here, and so a snapshot may have
//! to be given up. Afterwards most of the file is free, and is used again, but the file stays as long as it
//! is, because what is in use lies anywhere in it. A start moves that to the front and cuts off the rest, if
//! the file is large and little of it is in use.

use redb::Database;

/// A shorter file is left as it is, in bytes.
pub(super) const WORTHWHILE: u64 = 16 << 20;

/// A file is left as it is if more than one in so many of its bytes is in use. A file doubles when it is
/// full, so half of it may well be free and about to be used.
const ONE_IN: u64 = 3;

/// A file with more in use is left as it is, in bytes: a start would take too long.
const MOST_USED: u64 = 1 << 30;

/// How much a file may grow beside a snapshot: by this many bytes, or by its own length if that is more.
const MOST_GROWTH: u64 = 256 << 20;

/// Shortens a file of this length, of at least `worthwhile` bytes, to what is in use. Takes about as long as
/// to write that anew, and as many commits as it takes; a crash between two of them loses nothing.
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
