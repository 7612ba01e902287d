//! Compares the wire with automata on every word that can make a difference, and prints how many words those
//! are.
//!
//! `EXTRA_STATES` says how many more states than the automaton a parser may have and still be found out. The
//! default is 2. Each further state takes about twenty times as long.

use std::env;

use super::Automaton;
use super::abnf::rule;
use crate::command::{CommandRef, Dependencies};
use crate::wire::{self, ParseError};

mod lines;
mod streams;

fn extra_states() -> usize {
    env::var("EXTRA_STATES").map_or(2, |number| number.parse().expect("a number of states"))
}

/// The lines that are messages, with names of at most so many bytes.
fn messages(max_name_bytes: usize) -> Automaton<bool> {
    rule("message", max_name_bytes).automaton()
}

/// Compares a parser with the automaton on every word of the W-method over these letters.
fn compare(
    what: &str,
    automaton: &Automaton<bool>,
    letters: &[u8],
    extra: usize,
    mut parse: impl FnMut(&[u8]) -> Result<(), ParseError>,
) {
    let begins = automaton.can_reach(|state| automaton.said[state]);
    let tried = automaton.try_all(letters, extra, &mut |word, expected| {
        let found = parse(word);
        assert_eq!(found.is_ok(), expected, "{what}: {}: {found:?}", word.escape_ascii());
        if let Err(error) = found {
            assert_eq!(error.found, word.get(error.offset).copied(), "{}", word.escape_ascii());
            // The text before the place of the error can still become a message.
            let before =
                word.get(..error.offset).expect("the error points into the line or at its end");
            assert!(begins[automaton.reached(0, before)], "{}: {error}", word.escape_ascii());
        }
    });
    let (states, letters) = (automaton.states(), letters.len());
    println!("{what}: {tried} words, for {states} states and {extra} more, {letters} letters");
}

/// Reads a line, and checks that the result is what stands there between bars and commas.
fn read_with<'a>(
    parse: fn(&'a [u8]) -> Result<CommandRef<'a>, ParseError>,
    line: &'a [u8],
) -> Result<(), ParseError> {
    let command = parse(line)?;
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let mut fields = text.split(|byte| *byte == b'|');
    assert_eq!(fields.next(), Some(command.verb().as_str().as_bytes()), "{}", line.escape_ascii());
    let package = command.package().as_str();
    assert_eq!(fields.next(), Some(package.as_bytes()), "{}", line.escape_ascii());
    let list = match command {
        CommandRef::Index { dependencies, .. } => dependencies,
        CommandRef::Remove { .. } | CommandRef::Query { .. } => return Ok(()),
    };
    let names = fields.next().unwrap_or_default().split(|byte| *byte == b',');
    let names = names.filter(|name| !name.is_empty());
    let read = Dependencies::iter(list).map(|name| name.as_str().as_bytes());
    assert!(read.eq(names), "{}", line.escape_ascii());
    Ok(())
}

#[test]
fn every_line_that_could_differ_is_read_as_the_grammar_says() {
    let short = messages(3);
    // The beginnings of the three words, a bar, and names of up to three bytes and how a list goes on.
    assert_eq!((short.states(), short.letters.len()), (26, 18));
    compare("messages, names of 3", &short, &short.letters, extra_states(), |line| {
        read_with(wire::parse_within::<3>, line)
    });
    let shorter = messages(2);
    compare("messages, names of 2", &shorter, &shorter.letters, extra_states().min(1), |line| {
        read_with(wire::parse_within::<2>, line)
    });
    let shortest = messages(1);
    compare("messages, names of 1", &shortest, &shortest.letters, extra_states().min(1), |line| {
        read_with(wire::parse_within::<1>, line)
    });
}

#[test]
fn every_byte_in_every_state_is_read_as_the_grammar_says() {
    let (short, bytes) = (messages(3), every_byte());
    compare("messages, every byte", &short, &bytes, 0, |line| {
        read_with(wire::parse_within::<3>, line)
    });
}

#[test]
fn names_of_254_255_and_256_bytes_are_read_as_short_ones() {
    let short = messages(3);
    let mut tried = 0;
    // Long names take the place of short ones of two, three and four bytes.
    short.try_all(&short.letters, 1, &mut |word, expected| {
        let Some(bar) = word.iter().position(|byte| *byte == b'|') else { return };
        let (mut long, mut run) = (word[..=bar].to_vec(), 0);
        for &byte in &word[bar + 1..] {
            let is_of_name = !matches!(byte, b'|' | b',' | b'\r' | b'\n' | 0..=0x1f | 0x80..);
            run = if is_of_name { run + 1 } else { 0 };
            let copies = if run == 2 { 253 } else { 1 };
            long.extend(std::iter::repeat_n(byte, copies));
        }
        let found = read_with(wire::parse, &long);
        assert_eq!(found.is_ok(), expected, "{}: {found:?}", long.escape_ascii());
        tried += 1;
    });
    println!("messages, names of 1, 254, 255, 256 bytes and more: {tried} words");
}

#[test]
fn every_step_of_the_whole_grammar_is_read_as_it_says() {
    let whole = messages(255);
    assert_eq!((whole.states(), whole.letters.len()), (26 + 2 * 252, 18));
    // Only names can be longer here, and in them the letters of the three words are like any others.
    let is_of_words = |letter: &u8| b"INDEXREMOVEQUERY".contains(letter);
    let letters: Vec<u8> = whole.letters.iter().copied().filter(|l| !is_of_words(l)).collect();
    compare("messages, names of 255", &whole, &letters, 0, |line| read_with(wire::parse, line));
}

#[test]
fn every_reply_that_could_differ_is_read_as_the_grammar_says() {
    let replies = rule("reply", 3).automaton();
    let read = |line: &[u8]| {
        let reply = wire::parse_reply(line)?;
        assert_eq!(reply.as_line(), line);
        Ok(())
    };
    compare("replies", &replies, &replies.letters, extra_states(), read);
    compare("replies, every byte", &replies, &every_byte(), 0, read);
}

fn every_byte() -> Vec<u8> {
    (0..=u8::MAX).collect()
}

#[test]
fn every_http_request_that_could_differ_is_recognised() {
    let requests = rule("request-line", 3).automaton();
    // How a line that is cut off is judged: its method and a space have come, but not its end.
    let can_end = requests.can_reach(|state| requests.said[state]);
    let target = requests.reached(0, b"G ");
    let behind = requests.can_reach_from(target);
    let begun = requests.saying(|state| behind[state] && can_end[state] && !requests.said[state]);
    let bytes = every_byte();
    for (what, automaton, judge) in [
        ("request lines", &requests, wire::is_http_request as fn(&[u8]) -> bool),
        ("beginnings of request lines", &begun, wire::begins_http_request),
    ] {
        for (letters, extra) in [(&automaton.letters, extra_states()), (&bytes, 0)] {
            let tried = automaton.try_all(letters, extra, &mut |word, expected| {
                assert_eq!(judge(word), expected, "{what}: {}", word.escape_ascii());
            });
            let (states, letters) = (automaton.states(), letters.len());
            println!(
                "{what}: {tried} words, for {states} states and {extra} more, {letters} letters"
            );
        }
    }
}
