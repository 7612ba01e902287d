//! What the table claims about replicas: that the order of their log explains all that they answer.

use std::sync::Arc;
use std::time::Duration;

use super::{State, Subject, state_of_index};
use crate::command::{Command, CommandRef, Outcome};
use crate::index::{Limits, PackageIndex};
use crate::log::memory::{Luck, Memory};
use crate::log::{Entry, Log, LogError};
use crate::model::Model;
use crate::name::Name;
use crate::replica::{Answer, Reads, Replica, ReplicaConfig, ReplicaError, Submission, Unanswered};
use crate::testing::generators::{Course, CourseStep, Deed};
use crate::wire;

/// Nobody waits, and almost every entry makes a snapshot due.
const HOW: ReplicaConfig =
    ReplicaConfig { patience: Duration::ZERO, reads: Reads::Linearizable, snapshot_every: 30 };

pub(super) fn replicas_apply_one_order(course: &Course) -> Result<(), String> {
    run(course, Kind::Right).map(drop)
}

/// The kind of replicas that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Right,
    /// They answer QUERYs from their own state, even if the log is far ahead.
    #[cfg(test)]
    ReadLocally,
    /// They apply commands at once, and again at their place in the log.
    #[cfg(test)]
    ApplyEarly,
}

/// Runs replicas through a course. Returns how each batch ended.
fn run(course: &Course, kind: Kind) -> Result<Vec<End>, String> {
    let trial = CourseRun::new(course.replicas, kind)?.go_through(course)?;
    Ok(trial.batches.into_iter().filter_map(|batch| batch.end).collect())
}

/// What replicas hold in the end that first get an index by its commands, and then run through a course.
pub(super) fn moved_in(
    commands: &[Command],
    index: &PackageIndex,
    course: &Course,
) -> Result<PackageIndex, String> {
    let mut trial = CourseRun::new(course.replicas, Kind::Right)?;
    for (replica, commands) in (0..course.replicas).cycle().zip(commands.chunks(3)) {
        trial.move_in(replica, commands)?;
    }
    let model = trial.order.model().packages().iter();
    let moved = model.filter(|(name, _)| number_of(name.as_str()).is_none());
    let moved: State = moved.map(|(name, list)| (name.clone(), list.clone())).collect();
    if moved != state_of_index(index) {
        return Err(format!("{moved:?} has moved in, not {:?}", state_of_index(index)));
    }
    let late = trial.go_through(course)?.replicas.pop().ok_or("there is no replica")?;
    late.read(PackageIndex::clone).map_err(|error| error.to_string())
}

/// A replica that does its duties when a course says so.
fn start(log: &Memory, kind: Kind) -> Result<Replica, String> {
    let how = match kind {
        #[cfg(test)]
        Kind::ReadLocally => ReplicaConfig { reads: Reads::Local, ..HOW },
        _ => HOW,
    };
    let replica = Replica::start(Arc::new(log.clone()), Limits::default(), how, |_| ());
    replica.map_err(|error| format!("a replica does not start: {error}"))
}

/// Commands that a client handed in.
struct Batch {
    replica: usize,
    commands: Vec<Command>,
    submission: Arc<Submission>,
    /// What its client was told, or `None` while it waits.
    end: Option<End>,
}

/// What a client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Answered,
    Withdrawn,
    Unknown,
    Skipped,
    Abandoned,
    /// Nothing, because the replica crashed.
    Crashed,
}

/// What a log says about commands: the model after each of its entries, and the right answers to each batch.
struct Order {
    models: Vec<Model>,
    /// For each batch in the log, the number of entries up to its own, and its right answers.
    told: Vec<Option<(usize, Vec<Outcome>)>>,
}

impl Order {
    /// Reads what has been appended since the last call, and finds the batches in it.
    fn take_in(&mut self, log: &Memory, batches: &[Batch]) -> Result<(), String> {
        self.told.resize(batches.len(), None);
        for entry in log.history().into_iter().skip(self.models.len() - 1) {
            self.append(&entry, batches)
                .map_err(|what| format!("entry {} at {} {what}", entry.id, entry.place))?;
        }
        Ok(())
    }

    fn append(&mut self, entry: &Entry, batches: &[Batch]) -> Result<(), String> {
        let mut model = self.model().clone();
        let lines = entry.messages.split_inclusive(|byte| *byte == b'\n');
        let commands: Result<Vec<_>, _> =
            lines.map(|line| wire::parse(line).map(CommandRef::to_command)).collect();
        let mut commands = commands.map_err(|error| error.to_string())?.into_iter();
        while let Some(first) = commands.next() {
            let number = number_of(first.package().as_str());
            let batch = number.and_then(|number| batches.get(number).map(|batch| (number, batch)));
            let Some((number, batch)) = batch else { return Err(format!("has {first}")) };
            let mut answers = Vec::new();
            for (position, command) in batch.commands.iter().enumerate() {
                let is_there = match command {
                    Command::Query { .. } => true,
                    _ if position == 0 => first == *command,
                    _ => commands.next().as_ref() == Some(command),
                };
                if !is_there {
                    return Err(format!("lacks {command} of batch {number}"));
                }
                let Ok(outcome) = model.apply(command);
                answers.push(outcome);
            }
            if self.told[number].replace((self.models.len(), answers)).is_some() {
                return Err(format!("has batch {number} once more"));
            }
        }
        self.models.push(model);
        Ok(())
    }

    /// The model after all entries.
    fn model(&self) -> &Model {
        &self.models[self.models.len() - 1]
    }
}

/// The package that the first command of a batch indexes. No other command names it, so it finds the batch in
/// the log.
fn mark(number: usize) -> Result<Command, String> {
    Command::index(&format!("batch-{number}"), []).map_err(|error| error.to_string())
}

fn number_of(mark: &str) -> Option<usize> {
    mark.strip_prefix("batch-")?.parse().ok()
}

/// The progress of a course.
struct CourseRun {
    kind: Kind,
    log: Memory,
    replicas: Vec<Replica>,
    batches: Vec<Batch>,
    order: Order,
    /// How many entries have had an effect that somebody saw.
    seen: usize,
}

impl CourseRun {
    fn new(replicas: u8, kind: Kind) -> Result<Self, String> {
        let log = Memory::default();
        let replicas = (0..replicas).map(|_| start(&log, kind)).collect::<Result<_, _>>()?;
        let order = Order { models: vec![Model::default()], told: Vec::new() };
        Ok(Self { kind, log, replicas, batches: Vec::new(), order, seen: 0 })
    }

    /// Hands commands in until they are answered: a client may be told that what became of them is unknown.
    fn move_in(&mut self, replica: u8, commands: &[Command]) -> Result<(), String> {
        for _ in 0..4 {
            self.take(&CourseStep { replica, deed: Deed::HandIn(commands.to_vec()) })?;
            // A replica that has not followed needs some attempts.
            for _ in 0..4 {
                self.take(&CourseStep { replica, deed: Deed::AllDuties })?;
                self.look()?;
            }
            if self.batches.last().is_some_and(|batch| batch.end == Some(End::Answered)) {
                return Ok(());
            }
        }
        let end = self.batches.last().and_then(|batch| batch.end);
        Err(format!("what moves to replica {replica} is not answered: {end:?}"))
    }

    /// Takes all steps and brings the course to its end.
    fn go_through(mut self, course: &Course) -> Result<Self, String> {
        for (number, step) in course.steps.iter().enumerate() {
            let at = |what| format!("at step {}: {what}", number + 1);
            self.take(step).and_then(|()| self.look()).map_err(at)?;
        }
        self.settle().map_err(|what| format!("at the end: {what}"))?;
        Ok(self)
    }

    fn take(&mut self, step: &CourseStep) -> Result<(), String> {
        let number = usize::from(step.replica);
        match &step.deed {
            Deed::HandIn(commands) => self.hand_in(number, commands),
            Deed::Query(package) => self.query(number, package),
            Deed::GiveUp => self.give_up(number),
            Deed::Append(luck) => self.append(number, *luck).map(drop),
            Deed::Follow => self.follow(number),
            Deed::WriteSnapshot => self.write_snapshot(number),
            Deed::AllDuties => {
                self.append(number, Luck::Good)?;
                self.follow(number)?;
                self.write_snapshot(number)
            }
            Deed::Crash => {
                let lost = |batch: &&mut Batch| batch.replica == number && batch.end.is_none();
                let lost = self.batches.iter_mut().filter(lost);
                lost.for_each(|batch| batch.end = Some(End::Crashed));
                self.replicas[number] = start(&self.log, self.kind)?;
                Ok(())
            }
            Deed::Deliver => {
                self.log.deliver();
                Ok(())
            }
        }
    }

    fn hand_in(&mut self, replica: usize, commands: &[Command]) -> Result<(), String> {
        let mark = mark(self.batches.len())?;
        let commands: Vec<Command> =
            std::iter::once(mark).chain(commands.iter().cloned()).collect();
        let messages: String = commands.iter().map(|command| format!("{command}\n")).collect();
        #[cfg(test)]
        if self.kind == Kind::ApplyEarly {
            let early = |index: &mut PackageIndex| index.extend(commands.iter().cloned());
            let applied = self.replicas[replica].engine().batch(early);
            applied.map_err(|error| error.to_string())?;
        }
        let submission = match self.replicas[replica].hand_in(messages.into_bytes()) {
            // Such a batch must not be found anywhere, so it needs no number.
            Err(Unanswered::Refused(_)) => return Ok(()),
            submission => submission.map_err(|error| error.to_string())?,
        };
        self.batches.push(Batch { replica, commands, submission, end: None });
        Ok(())
    }

    /// Checks that a client whose QUERY is answered sees at least what any client has seen before.
    fn query(&mut self, replica: usize, package: &Name) -> Result<(), String> {
        let query = Command::Query { package: package.clone() };
        let answer = match self.replicas[replica].apply(&query) {
            Ok(answer) => answer,
            Err(ReplicaError::Unanswered(Unanswered::Behind(_))) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        // The earliest possible place leaves most room for later ones.
        let fits = |model: &Model| model.clone().apply(&query) == Ok(answer);
        let found = self.order.models[self.seen..].iter().position(fits);
        let Some(later) = found else {
            let (seen, all) = (self.seen, self.order.models.len() - 1);
            return Err(format!(
                "answered {answer:?}, which it is after none of {seen} to {all} entries"
            ));
        };
        self.seen += later;
        Ok(())
    }

    fn give_up(&mut self, replica: usize) -> Result<(), String> {
        for number in 0..self.batches.len() {
            let batch = &self.batches[number];
            if batch.replica == replica && batch.end.is_none() {
                let told = self.replicas[replica].wait_for_answers(&batch.submission);
                self.hear(number, told)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, replica: usize, luck: Luck) -> Result<bool, String> {
        self.log.set_luck(luck);
        let appended = self.replicas[replica].append();
        self.log.set_luck(Luck::Good);
        match appended {
            Err(LogError::Unreachable { .. } | LogError::Refused { .. }) if luck != Luck::Good => {
                Ok(true)
            }
            appended => appended.map_err(|error| format!("it cannot append: {error}")),
        }
    }

    fn follow(&self, replica: usize) -> Result<(), String> {
        let followed = self.replicas[replica].follow();
        followed.map_err(|error| format!("it cannot follow: {error}"))
    }

    fn write_snapshot(&self, replica: usize) -> Result<(), String> {
        let written = self.replicas[replica].write_snapshot();
        written.map(drop).map_err(|error| format!("it writes no snapshot: {error}"))
    }

    /// Reads what the log has got, and what clients were told, since the last look.
    fn look(&mut self) -> Result<(), String> {
        self.order.take_in(&self.log, &self.batches)?;
        for number in 0..self.batches.len() {
            let Batch { end, submission, .. } = &self.batches[number];
            match (end, submission.answers()) {
                (None, Some(told)) => self.hear(number, told)?,
                (Some(End::Withdrawn), _) if self.order.told[number].is_some() => {
                    return Err(format!("batch {number} was withdrawn, and is there"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that a client is told what the log says.
    fn hear(&mut self, number: usize, told: Result<Vec<Answer>, Unanswered>) -> Result<(), String> {
        let end = match told {
            Ok(answers) => {
                let Some((entries, expected)) = &self.order.told[number] else {
                    return Err(format!("batch {number} was answered and is not in the log"));
                };
                if !answers.iter().copied().eq(expected.iter().map(|outcome| Ok(*outcome))) {
                    let what = format!("{answers:?}, not {expected:?}");
                    return Err(format!("batch {number} was answered {what}"));
                }
                self.seen = self.seen.max(*entries);
                End::Answered
            }
            Err(Unanswered::Withdrawn(_)) => End::Withdrawn,
            Err(Unanswered::Unknown(_)) => End::Unknown,
            Err(Unanswered::Skipped) => End::Skipped,
            Err(Unanswered::Refused(_)) => End::Withdrawn,
            Err(Unanswered::Abandoned(_)) => End::Abandoned,
            Err(error) => return Err(format!("batch {number}: {error}")),
        };
        self.batches[number].end = Some(end);
        Ok(())
    }

    /// Brings the course to its end, with good luck, and checks that all replicas hold the same.
    fn settle(&mut self) -> Result<(), String> {
        self.log.deliver();
        // An attempt that fails, one that looks where the log ends, and one that succeeds. And one that finds
        // out that the log takes changes again.
        let mut rounds = 3 * (self.batches.len() + 1) + 1;
        let mut moves = true;
        while moves {
            moves = false;
            for number in 0..self.replicas.len() {
                moves |= self.append(number, Luck::Good)?;
                self.follow(number)?;
                self.look()?;
            }
            rounds = rounds.checked_sub(1).ok_or("it does not come to rest")?;
        }
        for number in 0..self.replicas.len() {
            self.follow(number)?;
        }
        self.look()?;
        if let Some(number) = self.batches.iter().position(|batch| batch.end.is_none()) {
            return Err(format!("batch {number} is not answered"));
        }
        // A replica that comes late has to reach the same state.
        self.replicas.push(start(&self.log, self.kind)?);
        let end = self.log.head().map_err(|error| error.to_string())?;
        let mut digest = None;
        for (number, replica) in self.replicas.iter().enumerate() {
            let model = self.order.model();
            let look = |index: &PackageIndex| {
                index.check_invariants().map_err(|violation| violation.to_string())?;
                let same = index.holds(model.packages()) == Some(true);
                let differs = || format!("{:?} is held, not {model:?}", index.state());
                same.then(|| index.digest()).ok_or_else(differs)
            };
            let own = replica.read(look).map_err(|error| error.to_string())?;
            let own = own.map_err(|what| format!("replica {number}: {what}"))?;
            if *digest.get_or_insert(own) != own || replica.applied() < end {
                return Err(format!(
                    "replica {number} has another digest, or has not come to {end}"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
