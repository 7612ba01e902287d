//! Regular expressions over bytes, and how one becomes an automaton. It uses derivatives (J. A. Brzozowski,
//! "Derivatives of regular expressions", Journal of the ACM 11(4), 1964), which count repetitions without
//! copies.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Automaton;

/// A set of words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Regular {
    /// Any one of these bytes.
    Byte(BTreeSet<u8>),
    /// A word of the first, then a word of the second.
    Then(Rc<Regular>, Rc<Regular>),
    /// A word of any of them. Of an empty set there is no word.
    Either(BTreeSet<Regular>),
    /// So many words of it in a row, from the least number to the most. `None` is no bound.
    Times(Rc<Regular>, usize, Option<usize>),
}

impl Regular {
    pub(super) fn byte(byte: u8) -> Self {
        Self::Byte([byte].into())
    }

    /// No word at all.
    fn never() -> Self {
        Self::Either(BTreeSet::new())
    }

    /// Only the empty word.
    pub(super) fn nothing() -> Self {
        Self::Times(Rc::new(Self::never()), 0, Some(0))
    }

    pub(super) fn then(self, next: Self) -> Self {
        if self == Self::never() || next == Self::never() {
            Self::never()
        } else if self == Self::nothing() {
            next
        } else if next == Self::nothing() {
            self
        } else if let Self::Then(first, second) = self {
            Self::Then(first, Rc::new((*second).clone().then(next)))
        } else {
            Self::Then(Rc::new(self), Rc::new(next))
        }
    }

    pub(super) fn either(all: impl IntoIterator<Item = Self>) -> Self {
        let flat = all.into_iter().flat_map(|one| match one {
            Self::Either(parts) => parts,
            one => [one].into(),
        });
        let mut parts: BTreeSet<Self> = flat.collect();
        if parts.len() == 1 { parts.pop_first().unwrap() } else { Self::Either(parts) }
    }

    pub(super) fn times(self, least: usize, most: Option<usize>) -> Self {
        match most {
            Some(0) => Self::nothing(),
            Some(1) if least == 1 => self,
            most => Self::Times(Rc::new(self), least, most),
        }
    }

    /// Whether the empty word is in the set.
    fn has_nothing(&self) -> bool {
        match self {
            Self::Byte(_) => false,
            Self::Then(first, second) => first.has_nothing() && second.has_nothing(),
            Self::Either(parts) => parts.iter().any(Self::has_nothing),
            Self::Times(one, least, _) => *least == 0 || one.has_nothing(),
        }
    }

    /// What may follow this byte.
    fn after(&self, byte: u8) -> Self {
        match self {
            Self::Byte(bytes) if bytes.contains(&byte) => Self::nothing(),
            Self::Byte(_) => Self::never(),
            Self::Then(first, second) => {
                let within = first.after(byte).then((**second).clone());
                let behind = if first.has_nothing() { second.after(byte) } else { Self::never() };
                Self::either([within, behind])
            }
            Self::Either(parts) => Self::either(parts.iter().map(|part| part.after(byte))),
            Self::Times(one, least, most) => {
                let rest = Self::times(
                    (**one).clone(),
                    least.saturating_sub(1),
                    most.map(|most| most.saturating_sub(1)),
                );
                one.after(byte).then(rest)
            }
        }
    }

    /// An automaton that says of each word whether it is in the set.
    pub(super) fn automaton(self) -> Automaton<bool> {
        Automaton::new(self, Self::after, Self::has_nothing)
    }
}

#[test]
fn an_automaton_takes_the_words_of_its_expression() {
    let (a, b) = (Regular::byte(b'a'), Regular::byte(b'b'));
    let list = a
        .clone()
        .times(1, Some(2))
        .then(b.clone().then(a).times(0, None))
        .then(b.times(0, Some(1)));
    let automaton = list.automaton();
    for word in ["a", "aa", "ab", "aaba", "ababab"] {
        assert!(automaton.says(word.as_bytes()), "{word}");
    }
    for word in ["", "b", "aaa", "abb", "abaa", "ac"] {
        assert!(!automaton.says(word.as_bytes()), "{word}");
    }
    // The five states: nothing yet, one a, an a after which no other may come, a b at which it may end, and
    // no way out.
    assert_eq!((automaton.states(), automaton.letters.len()), (5, 3));
}
