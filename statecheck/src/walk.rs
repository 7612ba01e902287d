//! Walks: traces in which each command makes sense at its place, by a [`Model`].
//!
//! A walk is made from bytes, a fixed number of them for each command. So a fuzzer that changes one command
//! does not touch the bytes of the others. Shrinking keeps to the model too. It leaves out commands that no
//! longer make sense. The rest refers to the same things as before.

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::iter;
use std::marker::PhantomData;
use std::ops::Range;

use arbitrary::{Arbitrary, Unstructured};

use crate::input::{Input, runs};
use crate::lockstep;
use crate::machine::StateMachine;
use crate::model::{Model, Ref, bytes_for, bytes_of_a_command, chosen, listed};
use crate::source::{commands_in_rust, short_name};

/// The longest walk that is also tried without any two of its commands.
const SHORT: usize = 24;

/// The longest walk that is also tried without any one of its commands and with a simpler one in place of
/// another.
const VERY_SHORT: usize = 12;

/// Commands, in order. Each makes sense after those before it.
pub struct Walk<M: Model> {
    commands: Vec<M::Command>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Debug for Walk<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.commands).finish()
    }
}

impl<M: Model> Clone for Walk<M> {
    fn clone(&self) -> Self {
        Self::of(self.commands.clone())
    }
}

impl<M: Model> PartialEq for Walk<M> {
    fn eq(&self, other: &Self) -> bool {
        self.commands == other.commands
    }
}

impl<M: Model> Walk<M> {
    /// A walk along these commands, without those that make no sense after the ones before them.
    #[must_use]
    pub fn along(commands: impl IntoIterator<Item = M::Command>) -> Self {
        let mut model = M::default();
        let mut allowed = Vec::new();
        for command in commands {
            if model.allows(&command) {
                // The runner of the walk compares the answers.
                let _answer = model.apply(&command);
                allowed.push(command);
            }
        }
        Self::of(allowed)
    }

    /// The walk along exactly these commands.
    ///
    /// # Panics
    /// If one makes no sense after those before it.
    #[must_use]
    pub fn exactly(commands: impl IntoIterator<Item = M::Command>) -> Self {
        let mut model = M::default();
        let commands = commands.into_iter().inspect(|command| {
            assert!(model.allows(command), "{command:?} makes no sense there");
            let _answer = model.apply(command);
        });
        Self::of(commands.collect())
    }

    /// The commands of the walk.
    #[must_use]
    pub fn commands(&self) -> &[M::Command] {
        &self.commands
    }

    /// Runs a machine and the model along the walk. Compares replies and projected states after each command.
    ///
    /// # Errors
    /// How they differ, in words.
    pub fn compare<S, P>(
        &self,
        machine: &mut S,
        (state, model_state): (impl Fn(&S) -> P, impl Fn(&M) -> P),
    ) -> Result<(), String>
    where
        M: Model<Reply: Debug + PartialEq, Error: Display>,
        S: StateMachine<Command = M::Command, Reply = M::Reply, Error: Display>,
        P: Debug + PartialEq,
    {
        lockstep::run(&self.commands, (machine, state), (&mut M::default(), model_state))
            .map_err(|divergence| divergence.difference)
    }

    pub(crate) fn of(commands: Vec<M::Command>) -> Self {
        Self { commands, model: PhantomData }
    }

    /// Each command with the state before it.
    fn steps(&self) -> impl Iterator<Item = (M, &M::Command)> {
        let mut model = M::default();
        self.commands.iter().map(move |command| {
            let before = model.clone();
            let _answer = model.apply(command);
            (before, command)
        })
    }

    /// What each command is granted.
    fn grants(&self) -> Vec<Range<usize>> {
        let mut model = M::default();
        let grants = self.commands.iter().map(|command| granted_by(&mut model, command));
        grants.collect()
    }

    /// The walk with only some of its commands, perhaps with others in their place. A command that refers to
    /// something no longer granted is left out too, or refers to another thing. Returns whether one did.
    fn with_only<'a>(
        commands: impl Iterator<Item = (&'a M::Command, Range<usize>)>,
        otherwise: Otherwise,
    ) -> (Self, bool)
    where
        M: 'a,
    {
        let (mut model, mut kept, mut has_dangled) = (M::default(), Vec::new(), false);
        // Things that exist before any command keep their references.
        let mut now: BTreeMap<_, _> = Ref::all(model.granted()).map(|it| (it, it)).collect();
        for (command, granted) in commands {
            let mut command = command.clone();
            let count = model.granted();
            let found = M::references(&mut command).into_iter().all(|reference| {
                let new = now.get(&*reference).copied().or_else(|| {
                    has_dangled = true;
                    otherwise.one_of(count)
                });
                new.map(|new| *reference = new).is_some()
            });
            if found && model.allows(&command) {
                let granted_now = granted_by(&mut model, &command);
                now.extend(granted.map(Ref).zip(granted_now.map(Ref)));
                kept.push(command);
            }
        }
        (Self::of(kept), has_dangled)
    }

    /// The walk without the commands at some positions, in all ways to go on without them that differ.
    fn without(&self, grants: &[Range<usize>], is_left_out: impl Fn(usize) -> bool) -> Vec<Self> {
        let mut walks = Vec::new();
        for otherwise in [Otherwise::LeftOut, Otherwise::Latest, Otherwise::First] {
            let steps = self.commands.iter().zip(grants.iter().cloned()).enumerate();
            let kept = steps.filter(|(position, _)| !is_left_out(*position)).map(|(_, step)| step);
            let (walk, has_dangled) = Self::with_only(kept, otherwise);
            if !walks.contains(&walk) {
                walks.push(walk);
            }
            if !has_dangled {
                break;
            }
        }
        walks
    }

    /// The walk with a simpler command in one place.
    fn with_a_simpler_command(&self) -> impl Iterator<Item = Self> + '_ {
        let grants = self.grants();
        let steps = self.steps().enumerate();
        steps.flat_map(move |(position, (model, command))| {
            let simpler: Vec<_> = simpler(&model, command).collect();
            let grants = grants.clone();
            simpler.into_iter().map(move |command| {
                let mut commands: Vec<_> =
                    self.commands.iter().zip(grants.iter().cloned()).collect();
                commands[position].0 = &command;
                Self::with_only(commands.into_iter(), Otherwise::LeftOut).0
            })
        })
    }
}

/// What becomes of a command that refers to something no longer granted.
#[derive(Debug, Clone, Copy)]
enum Otherwise {
    LeftOut,
    /// It refers to what was granted last.
    Latest,
    /// It refers to what was granted first.
    First,
}

impl Otherwise {
    /// The reference to use, among so many things.
    fn one_of(self, granted: usize) -> Option<Ref> {
        let last = granted.checked_sub(1)?;
        match self {
            Self::LeftOut => None,
            Self::Latest => Some(Ref(last)),
            Self::First => Some(Ref(0)),
        }
    }
}

/// Applies a command, and returns what it was granted.
fn granted_by<M: Model>(model: &mut M, command: &M::Command) -> Range<usize> {
    let before = model.granted();
    let _answer = model.apply(command);
    before..model.granted()
}

/// Commands that can replace a command in a state: all that are listed before it, or those that its model
/// knows.
fn simpler<M: Model>(model: &M, command: &M::Command) -> impl Iterator<Item = M::Command> + use<M> {
    let mut listed: Vec<_> = listed(model).collect();
    match listed.iter().position(|listed| listed == command) {
        Some(place) => listed.truncate(place),
        None => listed = M::simpler(command),
    }
    listed.into_iter()
}

impl<M: Model> Arbitrary<'_> for Walk<M> {
    fn arbitrary(u: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let bytes = u.bytes(u.len())?;
        let mut model = M::default();
        let mut commands = Vec::new();
        for bytes in bytes.chunks_exact(bytes_of_a_command::<M>()).take(M::COMMANDS) {
            if let Some(command) = chosen(&model, bytes) {
                let _answer = model.apply(&command);
                commands.push(command);
            }
        }
        Ok(Self::of(commands))
    }
}

impl<M: Model> Input for Walk<M> {
    const BYTES: usize = M::COMMANDS * bytes_of_a_command::<M>();

    /// Leaves out runs of commands, then any two, then tries simpler ones in place of each, then both at
    /// once. A walk is simpler than another if it is shorter, or if the first command that differs is
    /// simpler. So this ends.
    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let grants = self.grants();
        let length = self.commands.len();
        let pairs = (0..length)
            .flat_map(move |first| (first + 1..length).map(move |second| (first, second)))
            .take(if length > SHORT { 0 } else { usize::MAX });
        let of_runs = grants.clone();
        let without_runs = runs(length)
            .flat_map(move |run| self.without(&of_runs, |position| run.contains(&position)));
        let without_pairs = pairs.flat_map(move |(first, second)| {
            self.without(&grants, |it| it == first || it == second)
        });
        let simpler = iter::once_with(|| self.with_a_simpler_command()).flatten();
        let fewer_and_simpler = (0..if length > VERY_SHORT { 0 } else { length })
            .flat_map(move |position| self.without(&self.grants(), |it| it == position))
            .flat_map(|walk| walk.with_a_simpler_command().collect::<Vec<_>>());
        Box::new(without_runs.chain(without_pairs).chain(simpler).chain(fewer_and_simpler))
    }

    fn show(&self) -> String {
        self.commands.iter().map(|command| format!("{command:?}\n")).collect()
    }

    /// The bytes of the walk, or `None` if one of its commands was [drawn](crate::model::Menu::draw).
    fn to_bytes(&self) -> Option<Vec<u8>> {
        let chunks = self.steps().map(|(model, command)| bytes_for(&model, command));
        chunks.collect::<Option<Vec<_>>>().map(|chunks| chunks.concat())
    }

    fn to_rust(&self) -> Option<String> {
        let open = format!("Walk::<{}>::exactly([", short_name(type_name::<M>()));
        Some(commands_in_rust("statecheck::walk::Walk", (&open, "])"), &self.commands))
    }
}

#[cfg(test)]
mod tests;
