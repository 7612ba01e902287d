//! The messages of a load. They are made before the start, so that only sending happens while time is
//! measured.

use std::fs;
use std::path::Path;

use rand::rngs::Xoshiro256PlusPlus as Rng;
use rand::{RngExt, SeedableRng};

use super::{Arguments, Failure, Mix};

/// How many messages are made. After the last one they repeat.
const MESSAGES: usize = 262_144;

/// Messages that are sent one after the other, and then again from the first.
pub(super) struct Traffic {
    bytes: Vec<u8>,
    /// Where each message ends, with its LF.
    ends: Vec<usize>,
}

impl Traffic {
    /// Makes random messages.
    pub(super) fn generate(arguments: &Arguments) -> Self {
        let Arguments { mix, names, dependencies, zipf, seed, .. } = *arguments;
        Self::of(mix, names, dependencies, zipf, Rng::seed_from_u64(seed))
    }

    fn of(mix: Mix, names: u32, dependencies: u32, zipf: f64, mut rng: Rng) -> Self {
        let popularity = Popularity::new(names, zipf);
        let mut traffic = Self { bytes: Vec::new(), ends: Vec::new() };
        for _ in 0..MESSAGES {
            let kind = rng.random_range(..mix.total());
            let verb = match kind {
                kind if kind < mix.index => "INDEX",
                kind if kind < mix.index + mix.remove => "REMOVE",
                _ => "QUERY",
            };
            let package = popularity.draw(&mut rng);
            let mut message = format!("{verb}|load-{package}|");
            if verb == "INDEX" {
                let list: Vec<_> = (0..rng.random_range(..=dependencies))
                    .map(|_| format!("load-{}", popularity.draw(&mut rng)))
                    .collect();
                message += &list.join(",");
            }
            message.push('\n');
            traffic.push(message.as_bytes());
        }
        traffic
    }

    /// Reads the lines of a file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::Read { path: path.to_owned(), error };
        let traffic = Self::of_lines(&fs::read(path).map_err(failed)?);
        if traffic.ends.is_empty() {
            return Err(failed(std::io::Error::other("it contains no message")));
        }
        Ok(traffic)
    }

    /// The lines of a text. A last line without LF gets one.
    pub(super) fn of_lines(text: &[u8]) -> Self {
        let mut traffic = Self { bytes: Vec::new(), ends: Vec::new() };
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            traffic.push(&[line, b"\n"].concat());
        }
        traffic
    }

    fn push(&mut self, message: &[u8]) {
        self.bytes.extend_from_slice(message);
        self.ends.push(self.bytes.len());
    }

    /// How many messages there are before they repeat.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Up to `count` messages from the one with this number on, and how many they are. At the end of the
    /// messages there are fewer.
    pub(super) fn slice(&self, from: usize, count: usize) -> (&[u8], usize) {
        let to = (from + count).min(self.len());
        let start = from.checked_sub(1).map_or(0, |before| self.ends[before]);
        (&self.bytes[start..self.ends[to - 1]], to - from)
    }
}

/// How often each package occurs.
enum Popularity {
    /// All equally often.
    Even(u32),
    /// The k-th in proportion to 1/k^s (Zipf): the cumulated shares.
    Zipf(Vec<f64>),
}

impl Popularity {
    fn new(names: u32, exponent: f64) -> Self {
        if exponent == 0.0 {
            return Self::Even(names);
        }
        let mut sum = 0.0;
        let sums = (1..=names).map(|rank| {
            sum += f64::from(rank).powf(-exponent);
            sum
        });
        Self::Zipf(sums.collect())
    }

    fn draw(&self, rng: &mut Rng) -> usize {
        match self {
            Self::Even(names) => usize::try_from(rng.random_range(..*names)).unwrap_or_default(),
            Self::Zipf(sums) => {
                let place = rng.random::<f64>() * sums.last().copied().unwrap_or_default();
                sums.partition_point(|sum| *sum <= place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Verb};

    fn commands(traffic: &Traffic) -> Vec<Command> {
        let lines = traffic.bytes.split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| crate::wire::parse(line).unwrap().to_command()).collect()
    }

    #[test]
    fn generated_messages_are_well_formed_and_as_frequent_as_asked() {
        let mix = "index=1,remove=1,query=2".parse().unwrap();
        let commands = commands(&Traffic::of(mix, 50, 3, 0.0, Rng::seed_from_u64(1)));
        assert_eq!(commands.len(), MESSAGES);
        let share = |verb| {
            let of_it = commands
                .iter()
                .filter(|command| crate::command::CommandRef::from(*command).verb() == verb);
            of_it.count() * 1_000 / MESSAGES
        };
        // With this many messages, a share is almost always off by one in a thousand at most.
        for (verb, asked) in [(Verb::Index, 250), (Verb::Remove, 250), (Verb::Query, 500)] {
            assert!(share(verb).abs_diff(asked) <= 5, "{verb:?}: {} of 1,000", share(verb));
        }
        let longest = commands.iter().filter_map(|command| match command {
            Command::Index { dependencies, .. } => Some(dependencies.len()),
            Command::Remove { .. } | Command::Query { .. } => None,
        });
        assert_eq!(longest.max(), Some(3));
    }

    #[test]
    fn with_zipf_the_first_package_comes_most_often() {
        let count = |exponent, name| {
            let popularity = Popularity::new(100, exponent);
            let mut rng = Rng::seed_from_u64(1);
            (0..10_000).filter(|_| popularity.draw(&mut rng) == name).count()
        };
        // Without Zipf 1 in 100, with it 1 in 5.19 (the hundredth harmonic number).
        assert!((60..140).contains(&count(0.0, 0)));
        assert!((1_800..2_050).contains(&count(1.0, 0)));
        assert!((900..1_030).contains(&count(1.0, 1)));
        assert_eq!(count(1.0, 100), 0);
    }

    #[test]
    fn slices_go_to_the_end_and_no_further() {
        let traffic = Traffic { bytes: b"a\nbb\nc\n".to_vec(), ends: vec![2, 5, 7] };
        assert_eq!(traffic.slice(0, 2), (&b"a\nbb\n"[..], 2));
        assert_eq!(traffic.slice(2, 9), (&b"c\n"[..], 1));
        assert_eq!(traffic.slice(1, 2), (&b"bb\nc\n"[..], 2));
    }
}
