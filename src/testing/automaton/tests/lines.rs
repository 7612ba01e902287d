//! The framing alone: every stream up to a length, with every way to cut it into pieces and to read it.

use crate::testing::reference;
use crate::wire::{DEFAULT_MAX_LINE_BYTES, Frame, LineBuffer, MIN_LINE_BYTES};

/// What happens between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Both come in one piece.
    Nothing,
    /// They come in two pieces. The lines of the first are read before the second comes.
    Read,
    /// They come in two pieces, and the next line is only looked at in between.
    Peek,
}

/// Every stream of so many bytes. Each byte is LF, or another that is different at each place.
fn streams(length: usize) -> impl Iterator<Item = Vec<u8>> {
    let byte = |bits: usize, at: usize| {
        if bits >> at & 1 == 1 { b'\n' } else { b'A' + u8::try_from(at).unwrap() }
    };
    (0..1 << length).map(move |bits| (0..length).map(|at| byte(bits, at)).collect())
}

/// Every way to cut so many bytes, with one of these things between two.
fn cuts(length: usize, ways: &[Between]) -> impl Iterator<Item = Vec<Between>> {
    let (cuts, count) = (length.saturating_sub(1), ways.len());
    let all = count.pow(u32::try_from(cuts).unwrap());
    (0..all).map(move |mut number| {
        let next = |_| {
            let way = ways[number % count];
            number /= count;
            way
        };
        (0..cuts).map(next).collect()
    })
}

/// A stream to compare with the rules. Its first bytes come at once, and something happens between any two of
/// the rest.
struct Course<'a> {
    max_line_bytes: usize,
    head: &'a [u8],
    tail: &'a [u8],
    between: &'a [Between],
}

impl Course<'_> {
    /// Checks that each line comes as soon as it may, and with the right bytes.
    fn check(&self) {
        let stream = [self.head, self.tail].concat();
        let expected = reference::lines(&stream, self.max_line_bytes);
        let mut buffer = LineBuffer::new(self.max_line_bytes);
        let mut read = 0;
        let mut arrived = 0;
        while arrived < self.head.len() {
            arrived += buffer.fill(&self.head[arrived..]);
            self.read(&mut buffer, &expected, arrived, &mut read);
        }
        let mut begin = 0;
        for end in 1..=self.tail.len() {
            let between = self.between.get(end - 1).copied().unwrap_or(Between::Read);
            if between == Between::Nothing {
                continue;
            }
            while begin < end {
                let taken = buffer.fill(&self.tail[begin..end]);
                // Bytes that find no space come when there is some.
                begin += taken;
                arrived += taken;
                if between == Between::Read || begin < end {
                    self.read(&mut buffer, &expected, arrived, &mut read);
                } else {
                    let due = reference::due(&expected, arrived) > read;
                    let next = buffer.peek().map(|frame| line_of(&frame));
                    assert_eq!(next, due.then(|| expected[read].1), "{}", self.shown());
                }
            }
        }
    }

    fn read(
        &self,
        buffer: &mut LineBuffer,
        expected: &[(usize, Option<&[u8]>)],
        arrived: usize,
        read: &mut usize,
    ) {
        for frame in buffer.lines() {
            assert_eq!(
                Some(line_of(&frame)),
                expected.get(*read).map(|line| line.1),
                "{}",
                self.shown()
            );
            *read += 1;
        }
        assert_eq!(*read, reference::due(expected, arrived), "{}", self.shown());
    }

    fn shown(&self) -> String {
        let Self { max_line_bytes, head, tail, between } = self;
        let (count, tail) = (head.len(), tail.escape_ascii());
        format!("limit {max_line_bytes}, {count} bytes and then {tail}, {between:?}")
    }
}

/// The line of a frame, or `None` if it was too long.
fn line_of<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    match *frame {
        Frame::Line(line) => Some(line),
        Frame::TooLong(_) => None,
    }
}

/// Tries all streams of up to `longest` bytes after `head`, cut in all these ways.
fn try_all(max_line_bytes: usize, head: &[u8], longest: usize, ways: &[Between]) -> usize {
    let mut tried = 0;
    for length in 1..=longest {
        for tail in streams(length) {
            for between in cuts(length, ways) {
                Course { max_line_bytes, head, tail: &tail, between: &between }.check();
                tried += 1;
            }
        }
    }
    tried
}

/// A framing for lines of up to so many bytes has one more state than that. So these are all words of the
/// W-method for up to two more states. A state is reached by one byte less, three bytes follow, and the limit
/// shows which state it was.
#[test]
fn every_short_stream_in_every_cut_is_framed_as_the_rules_say() {
    for limit in 1..=3 {
        let longest = limit + 3 + limit;
        let tried = try_all(limit, &[], longest, &[Between::Nothing, Between::Read]);
        println!("lines of {limit}: {tried} cuts of streams of up to {longest} bytes");
    }
    let tried = try_all(2, &[], 7, &[Between::Nothing, Between::Read, Between::Peek]);
    println!("lines of 2, looked at: {tried} cuts of streams of up to 7 bytes");
}

#[test]
fn streams_about_a_real_limit_are_framed_as_about_a_short_one() {
    for limit in [MIN_LINE_BYTES, DEFAULT_MAX_LINE_BYTES] {
        // From three bytes before the limit to three after it, because a line may end there.
        let head = vec![b'x'; limit - 4];
        let tried = try_all(limit, &head, 6, &[Between::Nothing, Between::Read]);
        println!("lines of {limit}: {tried} cuts of the last bytes of a stream");
    }
}

/// A new buffer has room for 4,096 bytes, and then for twice as many.
#[test]
fn streams_about_the_end_of_the_buffer_are_framed_as_elsewhere() {
    let ways = [Between::Nothing, Between::Read, Between::Peek];
    for full in [4_096, 8_192] {
        let mut tried = 0;
        for begun in full - 3..=full {
            // Where the line begins that is still open.
            for begin in [1, 2, begun / 2, begun - 1, begun] {
                let mut head = vec![b'x'; begun];
                head[begin - 1] = b'\n';
                tried += try_all(DEFAULT_MAX_LINE_BYTES, &head, 4, &ways);
            }
        }
        println!("about {full} bytes in the buffer: {tried} cuts of the last bytes of a stream");
    }
}
