//! What was tried without finding a fault.

use std::fmt::{self, Display};

use crate::history::{Event, History};

/// What was checked without finding a fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "it may have left rounds undecided"]
pub struct Checked {
    /// How many rounds there were, each with a fresh machine.
    pub rounds: u64,
    /// How many commands the machines got.
    pub commands: u64,
    /// How many of them were under way together with a command of another client. If there are few, races
    /// were hardly tried.
    pub overlapping: u64,
    /// How many rounds are undecided: the steps did not suffice to know whether an order explains them.
    pub undecided: u64,
}

impl Checked {
    pub(super) fn add(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.commands += other.commands;
        self.overlapping += other.overlapping;
        self.undecided += other.undecided;
    }

    pub(super) fn count<C, R>(&mut self, history: &History<C, R>) {
        self.rounds += 1;
        self.commands += history.operations().len() as u64;
        self.overlapping += overlapping(history) as u64;
    }
}

impl Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, commands, overlapping, undecided } = self;
        write!(
            f,
            "{rounds} rounds, {commands} commands, {overlapping} of them at once with others, \
             {undecided} rounds undecided"
        )
    }
}

/// How many operations were under way together with one of another client.
pub(super) fn overlapping<C, R>(history: &History<C, R>) -> usize {
    let (mut open, mut overlapped) = (Vec::new(), vec![false; history.operations().len()]);
    for (number, _, event) in history.in_order() {
        match event {
            Event::Call(_) => open.push(number),
            Event::Reply(_) => open.retain(|open| *open != number),
        }
        if open.len() > 1 {
            for open in &open {
                overlapped[*open] = true;
            }
        }
    }
    overlapped.into_iter().filter(|overlapped| *overlapped).count()
}
