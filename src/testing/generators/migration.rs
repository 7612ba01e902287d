//! An index that moves: from a store to replicas, and from those to another store.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::course::Course;
use super::outage::Outage;
use crate::command::Command;
use crate::testing::input::Input;
use crate::testing::trace::TraceCommand;

/// What happens to an index that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// What happens to it in a store. The cuts are also those of the store that it moves to in the end.
    pub outage: Outage,
    /// What happens to the replicas that it moves to.
    pub course: Course,
}

/// How many bytes a step of the number that divides an input stands for.
const STEP: usize = 2;

impl Arbitrary<'_> for Migration {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        // An outage takes all bytes that it is given.
        let length = (usize::from(u8::arbitrary(u)?) * STEP).min(u.len());
        let outage = Outage::arbitrary(&mut Unstructured::new(u.bytes(length)?))?;
        Ok(Self { outage, course: Course::arbitrary(u)? })
    }
}

impl Input for Migration {
    const BYTES: usize = 500;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        let together = Outage::seeds(stream).into_iter().zip(Course::seeds(stream));
        let seeds = together.map(|(mut outage, course)| {
            let steps = u8::try_from(outage.len() / STEP).unwrap_or(u8::MAX);
            outage.truncate(usize::from(steps) * STEP);
            [vec![steps], outage, course].concat()
        });
        seeds.collect()
    }

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let outages = self.outage.simpler();
        let outages = outages.map(|outage| Self { outage, course: self.course.clone() });
        let courses = self.course.simpler();
        let courses = courses.map(|course| Self { outage: self.outage.clone(), course });
        Box::new(outages.chain(courses))
    }

    /// What happens, and one transcript of all commands.
    fn show(&self) -> String {
        let happens =
            [self.outage.show(), "# then it moves to replicas\n".into(), self.course.show()];
        let lines = happens.iter().flat_map(|text| text.lines());
        let lines = lines.filter(|line| line.starts_with('#')).map(|line| format!("{line}\n"));
        let commands = [self.outage.batches.concat(), self.course.commands()].concat();
        lines.collect::<String>() + &Command::show_trace(&commands)
    }
}
