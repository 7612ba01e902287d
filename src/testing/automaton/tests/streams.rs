//! Framing and parser together: what has been said after every byte of a stream.

use super::{extra_states, messages};
use crate::testing::automaton::Automaton;
use crate::wire::{self, Frame, LineBuffer};

/// What the last byte of a stream leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Nothing,
    Message,
    Malformed,
    TooLong,
}

/// Where a stream stands: within a line, or in the rest of one that was too long. And what was said last.
type Place = (Option<(usize, usize)>, Said);

/// Streams of lines of at most so many bytes: rules L1 to L5, L9 and L10.
fn streams(messages: &Automaton<bool>, max_line_bytes: usize) -> Automaton<Said> {
    const BEGIN: Option<(usize, usize)> = Some((0, 0));
    let step = |&(line, _): &Place, byte: u8| -> Place {
        let Some((state, length)) = line else {
            return (if byte == b'\n' { BEGIN } else { None }, Said::Nothing);
        };
        let (state, length) = (messages.step(state, byte), length + 1);
        if byte == b'\n' {
            (BEGIN, if messages.said[state] { Said::Message } else { Said::Malformed })
        } else if length == max_line_bytes {
            (None, Said::TooLong)
        } else {
            (Some((state, length)), Said::Nothing)
        }
    };
    Automaton::new((BEGIN, Said::Nothing), step, |&(_, said)| said)
}

/// What framing and parser say of a stream after each of its bytes.
fn said<const MAX: usize>(stream: &[u8], max_line_bytes: usize) -> impl Iterator<Item = Said> {
    let mut buffer = LineBuffer::new(max_line_bytes);
    stream.iter().map(move |byte| {
        buffer.fill(&[*byte]);
        let mut frames = buffer.lines();
        let said = match frames.next() {
            None => Said::Nothing,
            Some(Frame::TooLong(_)) => Said::TooLong,
            Some(Frame::Line(line)) if wire::parse_within::<MAX>(line).is_ok() => Said::Message,
            Some(Frame::Line(_)) => Said::Malformed,
        };
        assert_eq!(frames.next(), None, "one byte brings one line at most");
        said
    })
}

/// Tries all streams for a line limit, with names of at most `MAX` bytes.
fn compare<const MAX: usize>(max_line_bytes: usize, extra: usize) {
    let streams = streams(&messages(MAX), max_line_bytes);
    let tried = streams.try_all(&streams.letters, extra, &mut |word, _| {
        let mut state = 0;
        for (at, said) in said::<MAX>(word, max_line_bytes).enumerate() {
            state = streams.step(state, word[at]);
            assert_eq!(said, streams.said[state], "{} at byte {at}", word.escape_ascii());
        }
    });
    let (states, letters) = (streams.states(), streams.letters.len());
    print!("streams, names of {MAX} and lines of {max_line_bytes}: {tried} words, ");
    println!("for {states} states and {extra} more, {letters} letters");
}

#[test]
fn every_stream_that_could_differ_is_answered_as_the_rules_say() {
    let extra = extra_states().saturating_sub(1);
    // Lines that the limit cuts off before they can be a message. Then a limit after one QUERY, and one in
    // any list.
    compare::<1>(8, extra);
    compare::<1>(9, extra);
    compare::<2>(11, extra);
}
