//! Batches that are committed one after the other, and outages that they have to survive: the power fails, or
//! the disk does.

use std::fmt::Write;

use arbitrary::{Arbitrary, Result, Unstructured};

use super::command::{Mix, alphabet_size, command, few_names, seeds};
use crate::command::Command;
use crate::testing::input::{Input, mark_element, without_runs};
use crate::testing::trace::{MAX_COMMANDS, Trace, TraceCommand};

/// The commands of an index with a store, and when the power or the disk fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The commands, grouped by commit. No group is empty.
    pub batches: Vec<Vec<Command>>,
    /// The power cuts. Each comes after the index was restored from the one before.
    pub cuts: Vec<PowerCut>,
}

/// A power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerCut {
    /// The step at which it happens. At step 0 the store is opened, each commit is one step, and the last
    /// step closes the store. No number is too large for that.
    pub step: u8,
    /// How many calls to the storage come before it, from that step on.
    pub calls: u8,
    /// What is left of what was written and not synced. 0 is nothing, 1 is all, and every other number is
    /// another part.
    pub left: u16,
    /// What happens then.
    pub fault: Fault,
}

/// What goes wrong at a call to the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power fails.
    Power,
    /// So many calls fail, and later the process ends. What a sync failed to write can still be read.
    Killed(u8),
    /// So many calls fail, and later the power fails.
    PowerLater(u8),
}

impl Fault {
    /// The most calls that fail.
    pub const MAX_CALLS: u8 = 3;
}

impl Arbitrary<'_> for Fault {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let drawn = u8::arbitrary(u)?;
        // Mostly one. After that the disk can still note that it failed.
        let calls = (drawn / 4 % 8).saturating_sub(5) + 1;
        Ok(match drawn % 4 {
            0 | 1 => Self::Power,
            2 => Self::Killed(calls),
            _ => Self::PowerLater(calls),
        })
    }
}

impl Arbitrary<'_> for PowerCut {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        // A quarter happen while the store is opened, after an earlier cut.
        let step = (u8::arbitrary(u)? % 16).saturating_sub(3);
        let calls = u8::arbitrary(u)? % 64;
        Ok(Self { step, calls, left: u16::arbitrary(u)?, fault: Fault::arbitrary(u)? })
    }
}

impl Outage {
    /// The most power cuts.
    pub const MAX_CUTS: u8 = 3;

    /// The same outage with other commands, as many as there are.
    fn with_commands(&self, commands: Vec<Command>) -> Self {
        let mut commands = commands.into_iter();
        let mut outage = self.clone();
        outage.batches.iter_mut().flatten().zip(&mut commands).for_each(|(old, new)| *old = new);
        outage
    }
}

impl Arbitrary<'_> for Outage {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let cuts = 1 + u8::arbitrary(u)? % Self::MAX_CUTS;
        let cuts = (0..cuts).map(|_| PowerCut::arbitrary(u)).collect::<Result<_>>()?;
        let size = alphabet_size(u)?;
        let (mut batches, mut left) = (Vec::new(), MAX_COMMANDS);
        while !u.is_empty() && left > 0 {
            mark_element(u);
            let count = (1 + usize::from(u8::arbitrary(u)? % 4)).min(left);
            let commands = (0..count).map(|_| command(u, Mix::LASTING, few_names(size)));
            batches.push(commands.collect::<Result<_>>()?);
            left -= count;
        }
        Ok(Self { batches, cuts })
    }
}

impl Input for Outage {
    const BYTES: usize = 400;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        // The disk fails at the second commit, and the power while the store is restored; all eight letters;
        // three commands a commit.
        let head = vec![1, 5, 4, 0, 3, 2, 0, 5, 0, 7, 0, 6];
        let commands: Vec<Vec<u8>> = seeds(stream, 8).collect();
        let batches = commands.chunks_exact(3).flat_map(|batch| [vec![2], batch.concat()].concat());
        vec![head.into_iter().chain(batches).collect()]
    }

    /// Outages with fewer batches, fewer cuts, fewer and shorter commands, earlier cuts, or plainer remains.
    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let fewer = without_runs(&self.batches).flat_map(move |batches| {
            let one = Self { batches, cuts: self.cuts.clone() };
            // With one batch less before it, a cut comes one step earlier.
            let earlier = (0..self.cuts.len()).filter(|cut| self.cuts[*cut].step > 0);
            let earlier: Vec<_> =
                earlier.map(|cut| one.with_cut(cut, self.cuts[cut].earlier())).collect();
            std::iter::once(one).chain(earlier)
        });
        let fewer_cuts =
            without_runs(&self.cuts).map(move |cuts| Self { batches: self.batches.clone(), cuts });
        let shorter = self.batches.iter().enumerate().flat_map(move |(position, batch)| {
            let simpler: Vec<_> = Trace(batch.clone()).simpler().collect();
            simpler.into_iter().filter(|batch| !batch.0.is_empty()).map(move |batch| {
                let mut outage = self.clone();
                outage.batches[position] = batch.0;
                outage
            })
        });
        let together = std::iter::once_with(|| Command::simpler_together(&self.batches.concat()))
            .flatten()
            .map(move |commands| self.with_commands(commands));
        let cuts = self.cuts.iter().enumerate().flat_map(move |(position, cut)| {
            cut.simpler().map(move |simpler| self.with_cut(position, simpler))
        });
        Box::new(fewer.chain(fewer_cuts).chain(shorter).chain(together).chain(cuts))
    }

    fn show(&self) -> String {
        let lengths: Vec<usize> = self.batches.iter().map(Vec::len).collect();
        let mut text = format!("# committed so many at a time: {lengths:?}\n");
        for PowerCut { step, calls, left, fault } in &self.cuts {
            let fault = match fault {
                Fault::Power => "power cut".into(),
                Fault::Killed(calls) => format!("{calls} calls fail, and a kill later,"),
                Fault::PowerLater(calls) => format!("{calls} calls fail, and a power cut later,"),
            };
            let what = format!("at step {step}, after {calls} calls, and number {left} is left");
            let _infallible = writeln!(text, "# {fault} {what}");
        }
        text + &Command::show_trace(&self.batches.concat())
    }
}

impl Outage {
    fn with_cut(&self, position: usize, cut: PowerCut) -> Self {
        let mut outage = self.clone();
        outage.cuts[position] = cut;
        outage
    }
}

impl PowerCut {
    /// One step earlier.
    fn earlier(self) -> Self {
        Self { step: self.step.saturating_sub(1), ..self }
    }

    /// At an earlier step, after fewer calls, or with plainer remains.
    fn simpler(self) -> impl Iterator<Item = Self> {
        let less = |number: u8| [0, number / 2, number.saturating_sub(1)];
        let steps = less(self.step).into_iter().filter(move |step| *step < self.step);
        let calls = less(self.calls).into_iter().filter(move |calls| *calls < self.calls);
        let left = 0..self.left.min(2);
        let faults = match self.fault {
            Fault::Power => vec![],
            Fault::Killed(1) | Fault::PowerLater(1) => vec![Fault::Power],
            Fault::Killed(_) => vec![Fault::Power, Fault::Killed(1)],
            Fault::PowerLater(_) => vec![Fault::Power, Fault::PowerLater(1)],
        };
        let faults = faults.into_iter().map(move |fault| Self { fault, ..self });
        let steps = steps.map(move |step| Self { step, ..self });
        let calls = calls.map(move |calls| Self { calls, ..self });
        let left = left.map(move |left| Self { left, ..self });
        faults.chain(steps).chain(calls).chain(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::input::{Generated, from_bytes, shrink};

    #[test]
    fn batches_are_shown_as_one_transcript() {
        // A cut in the second commit; two letters; batches of two, one and two.
        let bytes = [0, 5, 7, 2, 1, 0, 0, 1, 0, 0, 9, 0, 0, 0, 0, 1, 13, 0, 9, 0];
        let outage: Outage = from_bytes(&bytes).unwrap();
        assert_eq!(
            outage.show(),
            "# committed so many at a time: [2, 1, 2]\n\
             # power cut at step 2, after 7 calls, and number 258 is left\n\
             > INDEX|a|\n< OK\n> REMOVE|a|\n< OK\n> INDEX|a|\n< OK\n> QUERY|a|\n< OK\n\
             > REMOVE|a|\n< OK\n"
        );
    }

    #[test]
    fn an_outage_shrinks_to_what_matters_of_it() {
        // Fails with a cut from the second call on, while two or more packages are committed.
        let check = |outage: &Outage| {
            let fails = |cut: &PowerCut| {
                let before = usize::from(cut.step).checked_sub(1);
                let batch = before.and_then(|before| outage.batches.get(before));
                let indexed = |command: &&Command| matches!(command, Command::Index { .. });
                cut.calls >= 2
                    && batch.is_some_and(|batch| batch.iter().filter(indexed).count() > 1)
            };
            if outage.cuts.iter().any(fails) { Err(()) } else { Ok(()) }
        };
        let mut g = quickcheck::Gen::from_size_and_seed(100, 7);
        let drawn = std::iter::repeat_with(|| quickcheck::Arbitrary::arbitrary(&mut g));
        let failing = |outage: &Outage| outage.cuts.len() == 3 && check(outage).is_err();
        let outage = drawn.map(|Generated(outage)| outage).find(failing).unwrap();
        let shown = shrink(outage, (), check).input.show();
        assert_eq!(
            shown,
            "# committed so many at a time: [2]\n\
             # power cut at step 1, after 2 calls, and number 0 is left\n\
             > INDEX|a|\n< OK\n> INDEX|a|\n< OK\n"
        );
    }
}
