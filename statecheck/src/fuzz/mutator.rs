//! Changes the inputs of a fuzzer element by element: the commands of a trace, the messages of a conversation.
//!
//! To libFuzzer an input is bytes. If it leaves out a byte, every later command reads other bytes and is
//! another command. Here whole elements are left out, repeated, moved, exchanged, replaced, or taken over from
//! another input, and all others stay as they are. The type of the inputs
//! [marks](crate::input::mark_element) where they begin. Half of the changes are still libFuzzer's own, which
//! know its dictionary.

use std::env;
use std::ops::Range;
use std::sync::OnceLock;

use crate::property::Property;

/// The most elements of a run that is left out, repeated or moved.
const LONGEST_RUN: usize = 16;

/// Random bytes in which a new element ends, as a rule.
const ENOUGH: usize = 64;

/// Changes an input in the first `length` bytes of `bytes`. Returns the length of the new one, which is at
/// most `most`. `usual` is libFuzzer's own change, with the same arguments; it is made in half of all cases,
/// and whenever there is no element. The same arguments lead to the same change.
///
/// If `STATECHECK_MUTATOR` is `bytes` in the environment, all changes are libFuzzer's, to compare with.
pub fn mutate(
    property: &Property,
    bytes: &mut [u8],
    length: usize,
    most: usize,
    seed: u32,
    usual: impl FnOnce(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut draw = Draw(u64::from(seed));
    if is_off() || draw.below(2) == 0 {
        return usual(bytes, length, most);
    }
    let input = &bytes[..length];
    let elements = spans(property, input);
    if elements.is_empty() {
        return usual(bytes, length, most);
    }
    let head = input[..elements[0].start].to_vec();
    let elements = elements.into_iter().map(|span| input[span].to_vec()).collect();
    let elements = Elements { property, head: &head }.changed(elements, &mut draw);
    put(bytes, most, &head, &elements)
}

/// Makes an input of the first elements of one and the last of another. Writes it to `out`, and returns its
/// length. The same arguments lead to the same input. If [`mutate`] is to leave all to libFuzzer, it makes
/// none, and returns 0.
pub fn cross_over(
    property: &Property,
    one: &[u8],
    other: &[u8],
    out: &mut [u8],
    seed: u32,
) -> usize {
    if is_off() {
        return 0;
    }
    let mut draw = Draw(u64::from(seed));
    let [mut first, mut last] = [one, other].map(|bytes| spans(property, bytes));
    let head = first.first().map_or(one.len(), |span| span.start);
    first.truncate(draw.below(first.len() + 1));
    let gone = draw.below(last.len() + 1);
    last.drain(..gone);
    let first = first.into_iter().map(|span| one[span].to_vec());
    let elements: Vec<_> = first.chain(last.into_iter().map(|span| other[span].to_vec())).collect();
    let most = out.len();
    put(out, most, &one[..head], &elements)
}

/// Whether only libFuzzer's own changes are wanted.
fn is_off() -> bool {
    static OFF: OnceLock<bool> = OnceLock::new();
    *OFF.get_or_init(|| env::var_os("STATECHECK_MUTATOR").is_some_and(|value| value == "bytes"))
}

/// Where the elements of an input lie. The last one has all the bytes that are left.
fn spans(property: &Property, bytes: &[u8]) -> Vec<Range<usize>> {
    let starts = property.elements(bytes);
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().copied().zip(ends).filter(|(start, end)| start < end).map(|(a, b)| a..b).collect()
}

/// Writes an input: as many of the elements as there is room for.
fn put(bytes: &mut [u8], most: usize, head: &[u8], elements: &[Vec<u8>]) -> usize {
    let mut length = 0;
    for part in [head].into_iter().chain(elements.iter().map(Vec::as_slice)) {
        if length + part.len() > most {
            break;
        }
        bytes[length..length + part.len()].copy_from_slice(part);
        length += part.len();
    }
    length
}

/// What the elements of an input follow, and what they are elements of.
struct Elements<'a> {
    property: &'a Property,
    head: &'a [u8],
}

impl Elements<'_> {
    /// Makes one change to some elements, at least one.
    fn changed(&self, mut elements: Vec<Vec<u8>>, draw: &mut Draw) -> Vec<Vec<u8>> {
        let count = elements.len();
        let at = draw.below(count);
        let to = draw.below(count);
        let run = at..(at + 1 + draw.below(LONGEST_RUN)).min(count);
        match draw.below(6) {
            // None is left if there was only one: that is an input too.
            0 => drop(elements.drain(run)),
            1 => {
                let again = elements[run].to_vec();
                elements.splice(to..to, again);
            }
            2 => {
                let moved: Vec<_> = elements.drain(run).collect();
                let to = to.min(elements.len());
                elements.splice(to..to, moved);
            }
            3 => elements.swap(at, to),
            4 => {
                let mut bytes = elements[at].clone();
                let place = draw.below(bytes.len());
                bytes[place] = draw.byte();
                elements[at] = self.whole(&elements[..at], bytes, draw);
            }
            _ => elements.insert(at, self.whole(&elements[..at], Vec::new(), draw)),
        }
        elements
    }

    /// The one element that begins with these bytes, after those before it, so that what follows is read as
    /// it was. It may need fewer bytes, or more.
    fn whole(&self, before: &[Vec<u8>], bytes: Vec<u8>, draw: &mut Draw) -> Vec<u8> {
        let mut input = self.head.to_vec();
        input.extend(before.iter().flatten());
        input.extend(bytes);
        input.extend(draw.bytes(ENOUGH));
        let starts = self.property.elements(&input);
        match starts.get(before.len()..before.len() + 2) {
            Some(&[start, end]) => input[start..end].to_vec(),
            _ => draw.bytes(1),
        }
    }
}

/// Numbers drawn from a seed (`SplitMix64`: Steele, Lea and Flood, 2014).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below this one, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "less than the bound, which is a usize")]
        let number = (self.next() % bound as u64) as usize;
        number
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

#[cfg(test)]
mod tests;
