//! Deterministic automata, and the words that tell a program from one. The module `tests` compares the wire
//! with them, word by word.
//!
//! `regular` makes an automaton of a rule, and `abnf` reads the rules in `spec/protocol.md`. Nothing here
//! knows what a message is.
//!
//! The words are those of the W-method (T. S. Chow, "Testing software design modeled by finite-state
//! machines", IEEE Transactions on Software Engineering 4(3), 1978). Each has three parts. The first leads to
//! a state. The second is any word of up to `extra + 1` letters. The third comes from a set that tells any
//! two states apart. Suppose that a program is an automaton with at most `extra` more states, and answers all
//! these words as the automaton does. Then it answers every word so.

use std::collections::{BTreeMap, VecDeque};

mod abnf;
mod regular;
mod tests;

/// A deterministic automaton that says something in each state. No two of its states always say the same.
#[derive(Debug, Clone)]
struct Automaton<O> {
    /// One byte of each class. From every state, bytes of one class lead to the same state.
    letters: Vec<u8>,
    class_of: Vec<usize>,
    /// For each state and each class, the next state. State 0 is the first.
    next: Vec<Vec<usize>>,
    said: Vec<O>,
}

impl<O: Copy + Ord> Automaton<O> {
    /// All states that can be reached from a start. States that always say the same are merged.
    fn new<S: Ord + Clone>(start: S, step: impl Fn(&S, u8) -> S, say: impl Fn(&S) -> O) -> Self {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        let (mut numbers, mut states) = (BTreeMap::from([(start.clone(), 0)]), vec![start]);
        let mut next: Vec<Vec<usize>> = Vec::new();
        while let Some(state) = states.get(next.len()).cloned() {
            let reached = bytes.iter().map(|&byte| {
                let reached = step(&state, byte);
                *numbers.entry(reached).or_insert_with_key(|reached| {
                    states.push(reached.clone());
                    states.len() - 1
                })
            });
            next.push(reached.collect());
        }
        let said = states.iter().map(say).collect();
        // Merges bytes into classes first, so that there is less to compare.
        Self { letters: bytes.clone(), class_of: (0..bytes.len()).collect(), next, said }
            .with_classes()
            .with_blocks()
            .with_classes()
    }

    /// Merges bytes that lead to the same state from every state into one class.
    fn with_classes(self) -> Self {
        let (mut classes, mut letters) = (BTreeMap::new(), Vec::new());
        let column = |class: usize| self.next.iter().map(move |next| next[class]);
        let new: Vec<usize> = (0..self.letters.len())
            .map(|class| {
                *classes.entry(column(class).collect::<Vec<_>>()).or_insert_with(|| {
                    letters.push(class);
                    letters.len() - 1
                })
            })
            .collect();
        let of = |next: &Vec<usize>| letters.iter().map(|&class| next[class]).collect();
        Self {
            class_of: self.class_of.iter().map(|&class| new[class]).collect(),
            next: self.next.iter().map(of).collect(),
            letters: letters.iter().map(|&class| self.letters[class]).collect(),
            said: self.said,
        }
    }

    /// Merges states that always say the same.
    fn with_blocks(self) -> Self {
        let block = Self::blocks(&self.next, &self.said);
        let mut firsts = BTreeMap::new();
        for (state, &block) in block.iter().enumerate() {
            firsts.entry(block).or_insert(state);
        }
        let of = |&state: &usize| self.next[state].iter().map(|&reached| block[reached]).collect();
        Self {
            next: firsts.values().map(of).collect(),
            said: firsts.values().map(|&state| self.said[state]).collect(),
            ..self
        }
    }

    /// For each state, the number of its block: states of one block say the same after any word. Blocks are
    /// split until no two of their states differ (Moore).
    fn blocks(next: &[Vec<usize>], said: &[O]) -> Vec<usize> {
        let numbered = |keys: Vec<(usize, Vec<usize>)>| -> Vec<usize> {
            let mut numbers = BTreeMap::new();
            let mut number = |key| {
                let count = numbers.len();
                *numbers.entry(key).or_insert(count)
            };
            keys.into_iter().map(&mut number).collect()
        };
        let place = |one: &O| said.iter().position(|other| other == one).unwrap();
        let mut block = numbered(said.iter().map(|said| (place(said), Vec::new())).collect());
        loop {
            let keys = (0..next.len()).map(|state| {
                (block[state], next[state].iter().map(|&reached| block[reached]).collect())
            });
            let finer = numbered(keys.collect());
            if finer == block {
                return block;
            }
            block = finer;
        }
    }

    fn states(&self) -> usize {
        self.next.len()
    }

    fn step(&self, state: usize, byte: u8) -> usize {
        self.next[state][self.class_of[usize::from(byte)]]
    }

    fn reached(&self, from: usize, word: &[u8]) -> usize {
        word.iter().fold(from, |state, &byte| self.step(state, byte))
    }

    fn says(&self, word: &[u8]) -> O {
        self.said[self.reached(0, word)]
    }

    /// The same automaton, with other things to say in its states.
    fn saying<P: Copy + Ord>(&self, say: impl Fn(usize) -> P) -> Automaton<P> {
        Automaton::new(0, |&state, byte| self.step(state, byte), |&state| say(state))
    }

    /// From which states a wanted one can be reached.
    fn can_reach(&self, wanted: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut can: Vec<bool> = (0..self.states()).map(wanted).collect();
        loop {
            let more: Vec<bool> = (0..self.states())
                .map(|state| can[state] || self.next[state].iter().any(|&reached| can[reached]))
                .collect();
            if more == can {
                return can;
            }
            can = more;
        }
    }

    /// Which states can be reached from this one.
    fn can_reach_from(&self, state: usize) -> Vec<bool> {
        let mut reached = vec![false; self.states()];
        let mut waiting = vec![state];
        while let Some(state) = waiting.pop() {
            if !std::mem::replace(&mut reached[state], true) {
                waiting.extend(&self.next[state]);
            }
        }
        reached
    }

    /// A shortest word that leads to each state.
    fn cover(&self) -> Vec<Vec<u8>> {
        let mut words: Vec<Option<Vec<u8>>> = vec![None; self.states()];
        words[0] = Some(Vec::new());
        let mut waiting = VecDeque::from([0]);
        while let Some(state) = waiting.pop_front() {
            for (class, &reached) in self.next[state].iter().enumerate() {
                if words[reached].is_none() {
                    let word = words[state].iter().flatten().chain([&self.letters[class]]);
                    words[reached] = Some(word.copied().collect());
                    waiting.push_back(reached);
                }
            }
        }
        words.into_iter().map(|word| word.expect("every state can be reached")).collect()
    }

    /// Words that tell any two states apart by what is said after one of them. The longest that are needed
    /// come first, because they often tell more pairs apart.
    fn characterising(&self) -> Vec<Vec<u8>> {
        let first = self.apart();
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut told: Vec<Vec<O>> = vec![Vec::new(); self.states()];
        for &(mut one, mut other) in first.pairs.iter().rev() {
            if told[one] != told[other] {
                continue;
            }
            let mut word = Vec::new();
            while let Some(class) = first.class[one][other] {
                word.push(self.letters[class]);
                (one, other) = (self.next[one][class], self.next[other][class]);
            }
            for (state, told) in told.iter_mut().enumerate() {
                told.push(self.said[self.reached(state, &word)]);
            }
            words.push(word);
        }
        words
    }

    /// For any two states, the first letter of a shortest word that tells them apart.
    fn apart(&self) -> Apart {
        let states = self.states();
        let mut before = vec![vec![Vec::new(); states]; self.letters.len()];
        for (state, next) in self.next.iter().enumerate() {
            for (class, &reached) in next.iter().enumerate() {
                before[class][reached].push(state);
            }
        }
        let mut class = vec![vec![None; states]; states];
        let differ = |one: usize, other: usize| self.said[one] != self.said[other];
        let all = (0..states).flat_map(|one| (0..states).map(move |other| (one, other)));
        let mut pairs: Vec<_> = all.filter(|(one, other)| differ(*one, *other)).collect();
        let mut known = vec![vec![false; states]; states];
        for &(one, other) in &pairs {
            known[one][other] = true;
        }
        let mut at = 0;
        while let Some(&(one, other)) = pairs.get(at) {
            for (letter, before) in before.iter().enumerate() {
                for (&one, &other) in
                    before[one].iter().flat_map(|one| before[other].iter().map(move |o| (one, o)))
                {
                    if !known[one][other] {
                        known[one][other] = true;
                        class[one][other] = Some(letter);
                        pairs.push((one, other));
                    }
                }
            }
            at += 1;
        }
        assert_eq!(pairs.len(), states * (states - 1), "two states say the same for ever");
        Apart { pairs, class }
    }

    /// Tries every word of the W-method over these letters, for programs with up to `extra` more states.
    /// `check` gets the word, and what has to be said at its end. Returns how many words there were.
    fn try_all(&self, letters: &[u8], extra: usize, check: &mut impl FnMut(&[u8], O)) -> usize {
        let ends = self.characterising();
        let last = |state: usize| ends.iter().map(move |end| self.said[self.reached(state, end)]);
        let told: Vec<Vec<O>> = (0..self.states()).map(|state| last(state).collect()).collect();
        let mut tried = 0;
        for (state, word) in self.cover().into_iter().enumerate() {
            let mut trial =
                Trial { automaton: self, letters, ends: &ends, told: &told, word, tried: 0 };
            trial.go_on(state, extra + 1, check);
            tried += trial.tried;
        }
        tried
    }
}

/// The words that tell states apart.
struct Apart {
    /// Any two states, in both orders. Pairs that a shorter word tells apart come first.
    pairs: Vec<(usize, usize)>,
    /// The class of that word's first letter, or `None` if the word is empty.
    class: Vec<Vec<Option<usize>>>,
}

/// The words that begin with the same letters.
struct Trial<'a, O> {
    automaton: &'a Automaton<O>,
    letters: &'a [u8],
    ends: &'a [Vec<u8>],
    /// For each end and each state, what is said.
    told: &'a [Vec<O>],
    word: Vec<u8>,
    tried: usize,
}

impl<O: Copy + Ord> Trial<'_, O> {
    fn go_on(&mut self, state: usize, more: usize, check: &mut impl FnMut(&[u8], O)) {
        let length = self.word.len();
        for (end, said) in self.ends.iter().zip(&self.told[state]) {
            self.word.extend(end);
            check(&self.word, *said);
            self.word.truncate(length);
        }
        self.tried += self.ends.len();
        if more > 0 {
            for &letter in self.letters {
                self.word.push(letter);
                self.go_on(self.automaton.step(state, letter), more - 1, check);
                self.word.pop();
            }
        }
    }
}
