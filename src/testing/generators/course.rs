//! What replicas of one log are told and do, step by step, and what goes wrong meanwhile.

use std::fmt::Write;

use arbitrary::{Arbitrary, Result, Unstructured};

use super::command::{Mix, alphabet_size, command, few_names, seeds};
use crate::command::Command;
use crate::name::Name;
use crate::testing::input::{Input, mark_element, without_runs};
use crate::testing::trace::{Trace, TraceCommand};

pub use crate::log::memory::Luck;

/// The steps of some replicas that share a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// How many replicas there are: two or three.
    pub replicas: u8,
    /// What happens, in order.
    pub steps: Vec<CourseStep>,
}

/// Something that happens to one of the replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseStep {
    /// The number of the replica, from 0.
    pub replica: u8,
    /// What happens.
    pub deed: Deed,
}

/// What happens to a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A client hands in commands, at least one, and waits for their answers.
    HandIn(Vec<Command>),
    /// A client only asks, and takes the answer of the moment.
    Query(Name),
    /// All clients that wait lose patience.
    GiveUp,
    /// The replica makes one attempt to append what waits.
    Append(Luck),
    /// It applies all that the log has.
    Follow,
    /// It writes a snapshot if one is due.
    WriteSnapshot,
    /// It appends, follows and writes a snapshot, one after the other, with good luck.
    AllDuties,
    /// It is gone, with all for which clients wait there. Another takes its number.
    Crash,
    /// All that was delayed happens, of any replica.
    Deliver,
}

impl Deed {
    /// The commands that are handed in or asked.
    fn commands(&self) -> Vec<Command> {
        match self {
            Self::HandIn(commands) => commands.clone(),
            Self::Query(package) => vec![Command::Query { package: package.clone() }],
            _ => Vec::new(),
        }
    }

    /// The same deed with other names and lists.
    fn with_commands(&self, commands: &mut impl Iterator<Item = Command>) -> Self {
        match self {
            Self::HandIn(old) => Self::HandIn(commands.take(old.len()).collect()),
            Self::Query(_) => commands
                .next()
                .map_or_else(|| self.clone(), |command| Self::Query(command.package().clone())),
            other => other.clone(),
        }
    }

    /// Deeds with fewer and shorter commands, or better luck.
    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::HandIn(commands) => Trace(commands.clone())
                .simpler()
                .filter(|trace| !trace.0.is_empty())
                .map(|trace| Self::HandIn(trace.0))
                .collect(),
            Self::Append(luck) if *luck != Luck::Good => vec![Self::Append(Luck::Good)],
            Self::AllDuties => vec![Self::Append(Luck::Good), Self::Follow],
            _ => Vec::new(),
        }
    }

    /// The deed in words.
    fn show(&self) -> String {
        match self {
            Self::HandIn(commands) => format!("is handed in so many commands: {}", commands.len()),
            Self::Query(_) => "is asked".to_owned(),
            Self::GiveUp => "has clients that wait no longer".to_owned(),
            Self::Append(luck) => format!("appends, with luck {luck:?}"),
            Self::Follow => "follows".to_owned(),
            Self::WriteSnapshot => "writes a snapshot".to_owned(),
            Self::AllDuties => "appends, follows and writes a snapshot".to_owned(),
            Self::Crash => "crashes".to_owned(),
            Self::Deliver => "sees delivered what was delayed".to_owned(),
        }
    }
}

impl Course {
    /// The most steps.
    pub const MAX_STEPS: usize = 60;

    fn with_steps(&self, steps: Vec<CourseStep>) -> Self {
        Self { replicas: self.replicas, steps }
    }

    fn with_deed(&self, position: usize, deed: Deed) -> Self {
        let mut course = self.clone();
        course.steps[position].deed = deed;
        course
    }

    /// All commands that are handed in or asked, in order.
    pub(super) fn commands(&self) -> Vec<Command> {
        self.steps.iter().flat_map(|step| step.deed.commands()).collect()
    }

    /// The same course with other commands, as many as there are.
    fn with_commands(&self, commands: Vec<Command>) -> Self {
        let mut commands = commands.into_iter();
        let told = |CourseStep { replica, deed }: &CourseStep| CourseStep {
            replica: *replica,
            deed: deed.with_commands(&mut commands),
        };
        self.with_steps(self.steps.iter().map(told).collect())
    }

    /// The course with other numbers for the replicas, if that makes them smaller.
    fn renumbered(&self) -> impl Iterator<Item = Self> + '_ {
        let sum = |course: &Self| course.steps.iter().map(|s| u32::from(s.replica)).sum::<u32>();
        let swaps = (0..self.replicas).flat_map(move |a| (0..a).map(move |b| (a, b)));
        let swapped = swaps.map(move |(a, b)| {
            let mut course = self.clone();
            for CourseStep { replica, .. } in &mut course.steps {
                *replica = if *replica == a {
                    b
                } else if *replica == b {
                    a
                } else {
                    *replica
                };
            }
            course
        });
        let moved = self.steps.iter().enumerate().flat_map(move |(position, step)| {
            (0..step.replica).map(move |to| {
                let mut course = self.clone();
                course.steps[position].replica = to;
                course
            })
        });
        swapped.chain(moved).filter(move |course| sum(course) < sum(self))
    }
}

impl Arbitrary<'_> for Course {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let replicas = 2 + u8::arbitrary(u)? % 2;
        let size = alphabet_size(u)?;
        let mut steps = Vec::new();
        while !u.is_empty() && steps.len() < Self::MAX_STEPS {
            mark_element(u);
            let kind = u8::arbitrary(u)?;
            let (class, kind) = (kind / 16, kind % 16);
            let replica = u8::arbitrary(u)? % replicas;
            let deed = match (kind, class) {
                (0..=4, _) => {
                    let count = 1 + u8::arbitrary(u)? % 3;
                    let commands = (0..count).map(|_| command(u, Mix::LASTING, few_names(size)));
                    Deed::HandIn(commands.collect::<Result<_>>()?)
                }
                (5..=7, class) => Deed::Append(match class % 8 {
                    0 => Luck::Good,
                    1 | 5 => Luck::LostRequest,
                    2 | 6 => Luck::LostReply,
                    3 | 7 => Luck::Delayed,
                    _ => Luck::Full,
                }),
                (8 | 9, _) => Deed::Follow,
                (10 | 11, _) => Deed::AllDuties,
                (12, _) => Deed::Query(few_names(size)(u)?),
                (13, 0..8) => Deed::WriteSnapshot,
                (13 | 14, 8..) => Deed::Deliver,
                (14, _) => Deed::GiveUp,
                (_, 0..4) => Deed::Crash,
                (_, _) => Deed::Query(few_names(size)(u)?),
            };
            steps.push(CourseStep { replica, deed });
        }
        Ok(Self { replicas, steps })
    }
}

impl Input for Course {
    const BYTES: usize = 300;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        /// The steps after commands were handed in, in three kinds. One has all duties. One has an append
        /// whose reply is lost, and the other duties. One has an append that is delayed, a QUERY of the first
        /// name, and the delivery.
        const AFTER: [&[u8]; 3] =
            [&[10, 0], &[0x25, 1, 10, 0], &[0x35, 2, 8, 0, 12, 1, 0, 0x8d, 0]];
        // Three replicas, all eight letters, two commands at a time.
        let commands: Vec<Vec<u8>> = seeds(stream, 8).collect();
        let batches = commands.chunks_exact(2).zip(0_u8..=u8::MAX).flat_map(|(batch, number)| {
            let replica = number % 3;
            [&[0, replica, 1], &*batch.concat(), AFTER[usize::from(replica)]].concat()
        });
        vec![[1, 6].into_iter().chain(batches).collect()]
    }

    /// Courses with fewer steps, fewer and shorter commands, better luck, or fewer replicas.
    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let fewer = without_runs(&self.steps).map(|steps| self.with_steps(steps));
        let all = self.steps.iter().all(|step| step.replica < 2);
        let two = (all && self.replicas > 2).then(|| Self { replicas: 2, ..self.clone() });
        let deeds = self.steps.iter().enumerate().flat_map(move |(position, step)| {
            let simpler = step.deed.simpler().into_iter();
            simpler.map(move |deed| self.with_deed(position, deed))
        });
        let together = std::iter::once_with(|| Command::simpler_together(&self.commands()))
            .flatten()
            .map(move |commands| self.with_commands(commands));
        Box::new(fewer.chain(two).chain(deeds).chain(together).chain(self.renumbered()))
    }

    /// A transcript. The replies are those to all commands in the order of their steps, which is one possible
    /// order.
    fn show(&self) -> String {
        let all = Command::show_trace(&self.commands());
        let mut lines = all.lines();
        let mut text = format!("# replicas: {}\n", self.replicas);
        for CourseStep { replica, deed } in &self.steps {
            let _infallible = writeln!(text, "# replica {replica} {}", deed.show());
            for line in lines.by_ref().take(2 * deed.commands().len()) {
                let _infallible = writeln!(text, "{line}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::input::{Generated, from_bytes, shrink};

    #[test]
    fn the_steps_of_a_course_are_shown_in_one_transcript() {
        // Two replicas and two letters; a batch of two, an append whose reply is lost, a QUERY, and a crash.
        let bytes = [0, 0, 0, 1, 1, 0, 0, 9, 0, 0x25, 1, 12, 0, 0, 15, 1];
        let course: Course = from_bytes(&bytes).unwrap();
        assert_eq!(
            course.show(),
            "# replicas: 2\n\
             # replica 1 is handed in so many commands: 2\n\
             > INDEX|a|\n< OK\n> REMOVE|a|\n< OK\n\
             # replica 1 appends, with luck LostReply\n\
             # replica 0 is asked\n> QUERY|a|\n< FAIL\n\
             # replica 1 crashes\n"
        );
    }

    #[test]
    fn a_course_shrinks_to_what_matters_of_it() {
        // Fails when a replica crashes that was handed an INDEX before.
        let check = |course: &Course| {
            let told = |step: &CourseStep| {
                step.deed.commands().iter().any(|c| matches!(c, Command::Index { .. }))
            };
            let fails = course.steps.iter().enumerate().any(|(position, step)| {
                let before = &course.steps[..position];
                let same = |other: &&CourseStep| other.replica == step.replica;
                step.deed == Deed::Crash && before.iter().filter(same).any(told)
            });
            if fails { Err(()) } else { Ok(()) }
        };
        let mut g = quickcheck::Gen::from_size_and_seed(100, 7);
        let drawn = std::iter::repeat_with(|| quickcheck::Arbitrary::arbitrary(&mut g));
        let failing = |course: &Course| course.replicas == 3 && check(course).is_err();
        let course = drawn.map(|Generated(course)| course).find(failing).unwrap();
        assert_eq!(
            shrink(course, (), check).input.show(),
            "# replicas: 2\n# replica 0 is handed in so many commands: 1\n> INDEX|a|\n< OK\n\
             # replica 0 crashes\n"
        );
    }
}
