//! The framing: bytes in any segmentation in, lines of bounded length out.
//!
//! The grammar reads what a line says. The caller decides where its bytes come from.

use memchr::memchr;

/// The default line limit, in bytes, with LF (protocol rule L2).
pub const DEFAULT_MAX_LINE_BYTES: usize = 65_536;

/// The least useful line limit: room for `REMOVE|`, a name of 255 bytes, a bar and LF.
pub const MIN_LINE_BYTES: usize = 264;

/// The size of a fresh buffer, in bytes. It doubles each time that one read fills all of it.
const INITIAL_BYTES: usize = 4_096;

/// The largest buffer for short lines, in bytes, so that one read can bring many of them.
const MANY_LINES_BYTES: usize = 65_536;

/// What the framing found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A line within the limit, with its LF.
    Line(&'a [u8]),
    /// A line passed the limit. Contains its first bytes, as many as the limit. It is yielded once a line, as
    /// soon as the limit is passed. The rest up to the LF is dropped without being stored.
    TooLong(&'a [u8]),
}

/// Collects bytes and yields the lines that are complete.
///
/// It takes no memory until the first read, and then 4 KiB. If a client sends much at once, it grows up to the
/// line limit, or to 64 KiB if that is more. How the bytes are split into reads makes no difference.
///
/// ```
/// use package_indexer::wire::{Frame, LineBuffer};
///
/// let mut buffer = LineBuffer::new(65_536);
/// buffer.fill(b"QUERY|a|\nQUE");
/// assert_eq!(buffer.lines().collect::<Vec<_>>(), [Frame::Line(b"QUERY|a|\n")]);
/// buffer.fill(b"RY|b|\n");
/// assert_eq!(buffer.lines().collect::<Vec<_>>(), [Frame::Line(b"QUERY|b|\n")]);
/// ```
#[derive(Debug)]
pub struct LineBuffer {
    /// Initialized memory. `cursor.start..filled` is in use.
    bytes: Vec<u8>,
    filled: usize,
    cursor: Cursor,
    max_line_bytes: usize,
}

/// How far the lines of a buffer have been read.
#[derive(Debug, Default, Clone, Copy)]
struct Cursor {
    /// Where the next line begins.
    start: usize,
    /// There is no LF between `start` and here, so no byte is searched twice.
    searched: usize,
    /// Whether the rest of a line that passed the limit must still be dropped.
    discarding: bool,
}

impl LineBuffer {
    /// An empty buffer for lines of at most `max_line_bytes` bytes, with LF; at least 1.
    #[must_use]
    pub fn new(max_line_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            filled: 0,
            cursor: Cursor::default(),
            max_line_bytes: max_line_bytes.max(1),
        }
    }

    /// Free space for the next read, never empty once [`lines`](Self::lines) has been exhausted.
    ///
    /// Report with [`advance`](Self::advance) how much of it was filled.
    pub fn space(&mut self) -> &mut [u8] {
        self.make_room();
        &mut self.bytes[self.filled..]
    }

    /// Reports that a read filled the first `count` bytes of [`space`](Self::space).
    ///
    /// # Panics
    /// If `count` is more than the space, which is a bug of the caller.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.bytes.len() - self.filled, "a read cannot fill more than its space");
        self.filled += count;
    }

    /// Copies as much of `bytes` as fits, and returns how much that was.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let count = space.len().min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        self.advance(count);
        count
    }

    /// The complete lines, each yielded once. Dropping the iterator early keeps the rest.
    pub fn lines(&mut self) -> Lines<'_> {
        Lines {
            bytes: &self.bytes[..self.filled],
            cursor: &mut self.cursor,
            max_line_bytes: self.max_line_bytes,
        }
    }

    /// The line that [`lines`](Self::lines) will yield next.
    pub fn peek(&mut self) -> Option<Frame<'_>> {
        let mut cursor = self.cursor;
        let frame = next_frame(&self.bytes[..self.filled], &mut cursor, self.max_line_bytes);
        if frame.is_none() {
            // So that no byte is searched twice, not even if a line arrives byte by byte.
            self.cursor = cursor;
        }
        frame
    }

    /// The bytes of memory in use, for limits and their tests.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Moves the rest to the front. Grows, up to the bound, if the bytes in use or the last read filled
    /// everything.
    fn make_room(&mut self) {
        let was_full = self.filled == self.bytes.len();
        let Cursor { start, searched, .. } = &mut self.cursor;
        if *start == self.filled || was_full {
            self.bytes.copy_within(*start..self.filled, 0);
            self.filled -= *start;
            *searched -= *start;
            *start = 0;
        }
        if was_full {
            let bound = self.max_line_bytes.max(MANY_LINES_BYTES);
            let wanted = (self.bytes.len() * 2).clamp(INITIAL_BYTES, bound);
            self.bytes.reserve_exact(wanted.saturating_sub(self.bytes.len()));
            self.bytes.resize(wanted.max(self.bytes.len()), 0);
        }
    }
}

/// The complete lines of a [`LineBuffer`]. Linear in the bytes, each looked at once.
#[derive(Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    cursor: &'a mut Cursor,
    max_line_bytes: usize,
}

impl<'a> Lines<'a> {
    /// The bytes from the beginning of a line on. Empty if that beginning has been searched for an end.
    pub(crate) fn fresh(&self) -> &'a [u8] {
        let Cursor { start, searched, discarding } = *self.cursor;
        if start == searched && !discarding { &self.bytes[start..] } else { &[] }
    }

    /// Reports that this many of the [`fresh`](Self::fresh) bytes were read as lines. They end with the LF of
    /// the last line, and no line is too long.
    pub(crate) fn skip_fresh(&mut self, count: usize) {
        self.cursor.start += count;
        self.cursor.searched = self.cursor.start;
        debug_assert!(count == 0 || self.bytes[..self.cursor.start].ends_with(b"\n"), "no line");
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Frame<'a>;

    #[allow(clippy::inline_always, reason = "with the search, into the loop over lines: counted")]
    #[inline(always)]
    fn next(&mut self) -> Option<Frame<'a>> {
        next_frame(self.bytes, self.cursor, self.max_line_bytes)
    }
}

/// The next line of `bytes`, if it is complete or too long. Moves `cursor` past it.
#[allow(clippy::inline_always, reason = "into the loop over lines: counted")]
#[inline(always)]
fn next_frame<'a>(
    bytes: &'a [u8],
    cursor: &mut Cursor,
    max_line_bytes: usize,
) -> Option<Frame<'a>> {
    while let Some(position) = memchr(b'\n', &bytes[cursor.searched..]) {
        cursor.searched += position + 1;
        let line = &bytes[cursor.start..cursor.searched];
        cursor.start = cursor.searched;
        if !std::mem::take(&mut cursor.discarding) {
            let fits = line.len() <= max_line_bytes;
            return Some(if fits {
                Frame::Line(line)
            } else {
                Frame::TooLong(&line[..max_line_bytes])
            });
        }
    }
    // Without its LF, a line that fills the limit has already passed it.
    let rest = &bytes[cursor.start..];
    let too_long = rest.len() >= max_line_bytes;
    let dropped = cursor.discarding;
    cursor.searched = bytes.len();
    if too_long || dropped {
        cursor.start = cursor.searched;
        cursor.discarding = true;
    }
    (too_long && !dropped).then(|| Frame::TooLong(&rest[..max_line_bytes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in pieces of `size` bytes and returns what came out.
    fn frames(input: &[u8], size: usize, max_line_bytes: usize) -> Vec<Result<Vec<u8>, ()>> {
        let mut buffer = LineBuffer::new(max_line_bytes);
        let mut frames = Vec::new();
        for mut piece in input.chunks(size) {
            while !piece.is_empty() {
                piece = &piece[buffer.fill(piece)..];
                frames.extend(buffer.lines().map(|frame| match frame {
                    Frame::Line(line) => Ok(line.to_vec()),
                    Frame::TooLong(_) => Err(()),
                }));
            }
        }
        frames
    }

    /// Rules L1, L2, L3, L5, L8, L9.
    #[test]
    fn segmentation_changes_nothing() {
        let mut input = b"a\n\nbcd\r\n".to_vec();
        input.extend([b'x'; 9]);
        input.extend(b"\n1234567\n12345678\nend\ncut off");
        let whole = frames(&input, input.len(), 8);
        assert_eq!(
            whole,
            [
                Ok(b"a\n".to_vec()),
                Ok(b"\n".to_vec()),
                Ok(b"bcd\r\n".to_vec()),
                Err(()),
                Ok(b"1234567\n".to_vec()),
                Err(()),
                Ok(b"end\n".to_vec()),
            ]
        );
        for size in 1..input.len() {
            assert_eq!(frames(&input, size, 8), whole, "in pieces of {size}");
        }
    }

    #[test]
    fn a_long_line_is_reported_as_soon_as_the_limit_is_passed() {
        let mut buffer = LineBuffer::new(8);
        buffer.fill(b"1234567");
        assert_eq!(buffer.lines().next(), None);
        buffer.fill(b"8");
        assert_eq!(buffer.lines().next(), Some(Frame::TooLong(b"12345678")));
        buffer.fill(b"more of the same");
        assert_eq!(buffer.lines().next(), None);
        buffer.fill(b" line\nnext\n");
        assert_eq!(buffer.lines().collect::<Vec<_>>(), [Frame::Line(b"next\n")]);
    }

    #[test]
    fn ten_megabytes_without_lf_cost_no_more_than_the_limit() {
        let mut buffer = LineBuffer::new(DEFAULT_MAX_LINE_BYTES);
        let mut reported = 0;
        let mut left = 10_000_000;
        while left > 0 {
            let space = buffer.space();
            let count = space.len().min(left);
            space[..count].fill(b'x');
            buffer.advance(count);
            left -= count;
            reported += buffer.lines().count();
        }
        assert_eq!(reported, 1);
        assert!(buffer.capacity() <= DEFAULT_MAX_LINE_BYTES, "{}", buffer.capacity());
    }

    #[test]
    fn lines_left_unread_are_kept() {
        let mut buffer = LineBuffer::new(100);
        buffer.fill(b"a\nb\nc");
        assert_eq!(buffer.lines().next(), Some(Frame::Line(b"a\n")));
        buffer.fill(b"d\n");
        let rest: Vec<_> = buffer.lines().collect();
        assert_eq!(rest, [Frame::Line(b"b\n"), Frame::Line(b"cd\n")]);
    }

    #[test]
    fn a_line_that_was_looked_at_is_still_to_come() {
        let mut buffer = LineBuffer::new(8);
        buffer.fill(b"a");
        assert_eq!(buffer.peek(), None);
        assert_eq!(buffer.cursor.searched, 1, "no byte is searched twice");
        buffer.fill(b"\nb\n");
        for _ in 0..2 {
            assert_eq!(buffer.peek(), Some(Frame::Line(b"a\n")));
        }
        assert_eq!(buffer.lines().count(), 2);
        buffer.fill(b"long, longer");
        for _ in 0..2 {
            assert_eq!(buffer.peek(), Some(Frame::TooLong(b"long, lo")));
        }
        assert_eq!(buffer.lines().next(), Some(Frame::TooLong(b"long, lo")));
        buffer.fill(b"!\nc\n");
        assert_eq!(buffer.peek(), Some(Frame::Line(b"c\n")));
    }

    #[test]
    fn what_was_searched_for_an_end_is_not_read_before_it_has_one() {
        let mut buffer = LineBuffer::new(8);
        buffer.fill(b"a\nb");
        let mut lines = buffer.lines();
        assert_eq!(lines.fresh(), b"a\nb");
        lines.skip_fresh(2);
        assert_eq!((lines.fresh(), lines.next(), lines.fresh()), (&b"b"[..], None, &b""[..]));
        buffer.fill(b"c\nlonger, ");
        let mut lines = buffer.lines();
        assert_eq!((lines.fresh(), lines.next()), (&b""[..], Some(Frame::Line(b"bc\n"))));
        assert_eq!(lines.next(), Some(Frame::TooLong(b"longer, ")));
        buffer.fill(b"x\nd\n");
        let mut lines = buffer.lines();
        assert_eq!((lines.fresh(), lines.next()), (&b""[..], Some(Frame::Line(b"d\n"))));
    }

    #[test]
    fn a_client_with_little_to_say_costs_four_kilobytes() {
        let mut buffer = LineBuffer::new(DEFAULT_MAX_LINE_BYTES);
        assert_eq!(buffer.capacity(), 0);
        for _ in 0..10_000 {
            buffer.fill(b"QUERY|a|\n");
            assert_eq!(buffer.lines().count(), 1);
        }
        assert_eq!(buffer.capacity(), 4_096);
    }

    #[test]
    fn a_client_that_fills_its_buffer_gets_a_larger_one_to_a_bound() {
        let mut buffer = LineBuffer::new(300);
        let input = b"QUERY|a|\n".repeat(100_000);
        let (mut left, mut reads, mut lines) = (input.as_slice(), 0, 0);
        while !left.is_empty() {
            left = &left[buffer.fill(left)..];
            lines += buffer.lines().count();
            reads += 1;
        }
        assert_eq!((lines, buffer.capacity()), (100_000, MANY_LINES_BYTES));
        assert!(reads < 30, "{reads}");
    }

    #[test]
    fn the_least_limit_lets_an_empty_line_through() {
        assert_eq!(frames(b"\na\n\n", 1, 0), [Ok(b"\n".to_vec()), Err(()), Ok(b"\n".to_vec())]);
    }
}
