//! rangemap, whose `RangeMap` is to hold values for ranges of numbers.

use std::ops::Range;

use rangemap::RangeMap;

use crate::prelude::*;

/// Numbers are below this.
const END: usize = 8;
const VALUES: [char; 2] = ['a', 'b'];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    Insert(Range<usize>, char),
    Remove(Range<usize>),
    Get(usize),
    Gaps(Range<usize>),
}

/// Ranges, each with its value if it has one.
type Runs = Vec<(Range<usize>, Option<char>)>;

#[derive(Default)]
struct Machine(RangeMap<usize, char>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Runs;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Runs, Infallible> {
        Ok(match command.clone() {
            Command::Insert(range, value) => {
                self.0.insert(range, value);
                vec![]
            }
            Command::Remove(range) => {
                self.0.remove(range);
                vec![]
            }
            Command::Get(number) => {
                let found = self.0.get_key_value(&number).into_iter();
                found.map(|(range, value)| (range.clone(), Some(*value))).collect()
            }
            Command::Gaps(outer) => self.0.gaps(&outer).map(|gap| (gap, None)).collect(),
        })
    }
}

/// A value or none for each number.
#[derive(Clone, Default)]
struct Numbers([Option<char>; END]);

impl Numbers {
    /// The longest ranges with one value, or none, in some range.
    fn runs(&self, within: Range<usize>) -> Runs {
        let mut runs = Runs::new();
        for number in within {
            match runs.last_mut() {
                Some((run, value)) if *value == self.0[number] => run.end += 1,
                _ => runs.push((number..number + 1, self.0[number])),
            }
        }
        runs
    }

    fn with_values(&self) -> Runs {
        self.runs(0..END).into_iter().filter(|(_, value)| value.is_some()).collect()
    }
}

impl StateMachine for Numbers {
    type Command = Command;
    type Reply = Runs;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Runs, Infallible> {
        Ok(match command.clone() {
            Command::Insert(range, value) => {
                self.0[range].fill(Some(value));
                vec![]
            }
            Command::Remove(range) => {
                self.0[range].fill(None);
                vec![]
            }
            Command::Get(number) => {
                let runs = self.with_values().into_iter();
                runs.filter(|(range, _)| range.contains(&number)).collect()
            }
            Command::Gaps(outer) => {
                self.runs(outer).into_iter().filter(|(_, value)| value.is_none()).collect()
            }
        })
    }
}

impl Model for Numbers {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let ranges = (0..END).flat_map(|start| (start + 1..=END).map(move |end| start..end));
        let inserts = ranges.clone().flat_map(|range| VALUES.map(|value| (range.clone(), value)));
        menu.list(1, inserts.map(|(range, value)| Command::Insert(range, value)));
        menu.list(1, ranges.clone().map(Command::Remove));
        menu.list(1, (0..END).map(Command::Get));
        menu.list(1, ranges.map(Command::Gaps));
    }
}

pub(crate) fn property(run: Run) -> Property {
    let ranges = |machine: &Machine| -> Runs {
        machine.0.iter().map(|(range, value)| (range.clone(), Some(*value))).collect()
    };
    run.refines("rangemap", Machine::default, (ranges, Numbers::with_values))
}
