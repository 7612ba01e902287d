//! The state graph of a specification, as a model checker found it. It is a machine to compare others with.
//!
//! `spec/graph.txt` is the graph of `PackageIndex.tla` with three packages. `tests/spec/main.rs` makes it
//! from what the checker prints.

use std::collections::VecDeque;
use std::str::FromStr;

use statecheck::StateMachine;

use crate::command::{Command, Outcome};
use crate::name::Name;
use crate::testing::State;

/// Every state, and for every command in it the reply and the next state.
///
/// ```
/// use package_indexer::testing::{explore, state_graph::{StateGraph, Walk}, state_of_index};
/// use package_indexer::PackageIndex;
///
/// let graph: StateGraph = "
///     commands: INDEX|a| REMOVE|a| QUERY|a|
///     0: OK>1 OK FAIL
///     1 a[]: OK OK>0 OK
/// ".parse()?;
/// let machines = (PackageIndex::new(), graph.walk());
/// let projections = (state_of_index, |walk: &Walk<'_>| walk.state().clone());
/// let explored = explore::run(graph.commands(), machines, projections)?;
/// assert_eq!((explored.states, explored.transitions), (2, 6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateGraph {
    commands: Vec<Command>,
    states: Vec<State>,
    /// For each state and each command: the reply, and the number of the next state.
    steps: Vec<Vec<(Outcome, usize)>>,
}

/// Why a text is not a state graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct StateGraphError {
    /// Counted from one. It is the line after the last if something is missing there.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// A command that the graph does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a command of the state graph")]
pub struct UnknownCommand(pub Command);

impl StateGraph {
    /// The commands that every state has an answer to.
    #[must_use]
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// How many states there are.
    #[must_use]
    pub fn state_count(&self) -> usize {
        self.states.len()
    }

    /// A machine in the first state, which answers as the graph says.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        Walk { graph: self, at: 0 }
    }

    /// Commands that lead from the first state through every step that can be reached, some of them several
    /// times. It is for a machine that cannot be put into a state. Quadratic in the states at worst.
    #[must_use]
    pub fn tour(&self) -> Vec<Command> {
        let mut untried: Vec<Vec<usize>> =
            self.steps.iter().map(|steps| (0..steps.len()).collect()).collect();
        // Steps that stay in the same state come first.
        for (state, untried) in untried.iter_mut().enumerate() {
            untried.sort_by_key(|&command| self.steps[state][command].1 == state);
        }
        let mut tour = Vec::new();
        let mut at = 0;
        while let Some(path) = self.path(at, |state| !untried[state].is_empty()) {
            for command in path {
                tour.push(self.commands[command].clone());
                at = self.steps[at][command].1;
            }
            while let Some(command) = untried[at].pop() {
                tour.push(self.commands[command].clone());
                at = self.steps[at][command].1;
            }
        }
        tour
    }

    /// The numbers of the commands on a shortest path to a wanted state.
    fn path(&self, from: usize, wanted: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        let mut reached = vec![false; self.states.len()];
        reached[from] = true;
        let mut ahead = VecDeque::from([(from, Vec::new())]);
        while let Some((state, path)) = ahead.pop_front() {
            if wanted(state) {
                return Some(path);
            }
            for (command, &(_, next)) in self.steps[state].iter().enumerate() {
                if !std::mem::replace(&mut reached[next], true) {
                    ahead.push_back((next, [&path[..], &[command]].concat()));
                }
            }
        }
        None
    }
}

/// A machine that does what a [`StateGraph`] says.
#[derive(Debug, Clone)]
pub struct Walk<'g> {
    graph: &'g StateGraph,
    at: usize,
}

impl Walk<'_> {
    /// The current state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.graph.states[self.at]
    }
}

impl StateMachine for Walk<'_> {
    type Command = Command;
    type Reply = Outcome;
    type Error = UnknownCommand;

    /// Linear in the commands of the graph.
    fn apply(&mut self, command: &Command) -> Result<Outcome, UnknownCommand> {
        let known = self.graph.commands.iter().position(|known| known == command);
        let number = known.ok_or_else(|| UnknownCommand(command.clone()))?;
        let (outcome, next) = self.graph.steps[self.at][number];
        self.at = next;
        Ok(outcome)
    }
}

/// Reads lines, and skips blank ones and those that begin with `#`. The first is `commands: ` and all
/// commands. Then each state has a line: its number, from 0 on, its packages, a colon, and an outcome for
/// each command. A package has its list in brackets. The outcome is `OK` or `FAIL`, with `>` and a number if
/// the next state is another.
impl FromStr for StateGraph {
    type Err = StateGraphError;

    fn from_str(text: &str) -> Result<Self, StateGraphError> {
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let end = StateGraphError {
            line: text.lines().count() + 1,
            what: "the commands are missing".to_owned(),
        };
        let (line, commands) = lines.next().ok_or(end)?;
        let at = |line, what: String| StateGraphError { line, what };
        let commands = commands
            .strip_prefix("commands:")
            .ok_or_else(|| at(line, "no `commands:`".to_owned()))?
            .split_whitespace()
            .map(|command| command.parse().map_err(|error| at(line, format!("{command}: {error}"))))
            .collect::<Result<Vec<Command>, _>>()?;
        let (mut states, mut steps) = (Vec::new(), Vec::new());
        let mut last = Vec::new();
        for (line, row) in lines {
            let (state, row) = state_and_steps(row, states.len(), commands.len())
                .map_err(|what| at(line, what))?;
            states.push(state);
            last.push((line, row.iter().map(|step| step.1).max().unwrap_or_default()));
            steps.push(row);
        }
        if let Some((line, next)) = last.into_iter().find(|(_, next)| *next >= states.len()) {
            return Err(at(line, format!("there is no state {next}")));
        }
        Ok(Self { commands, states, steps })
    }
}

/// Reads one line, for the state of that number.
fn state_and_steps(
    row: &str,
    number: usize,
    commands: usize,
) -> Result<(State, Vec<(Outcome, usize)>), String> {
    let (state, steps) = row.split_once(':').ok_or("no colon")?;
    let mut words = state.split_whitespace();
    if words.next() != Some(number.to_string().as_str()) {
        return Err(format!("state {number} should come here"));
    }
    let name = |text: &str| text.parse::<Name>().map_err(|error| format!("{text:?}: {error}"));
    let package = |word: &str| {
        let inside = word.strip_suffix(']').and_then(|word| word.split_once('['));
        let (package, list) =
            inside.ok_or_else(|| format!("{word} is no package with its list"))?;
        let list = list.split(',').filter(|dependency| !dependency.is_empty());
        Ok((name(package)?, list.map(name).collect::<Result<_, _>>()?))
    };
    let state = words.map(package).collect::<Result<State, String>>()?;
    let step = |word: &str| {
        let (outcome, next) = word.split_once('>').unwrap_or((word, ""));
        let outcome = match outcome {
            "OK" => Outcome::Ok,
            "FAIL" => Outcome::Fail,
            _ => return Err(format!("{word} is no reply")),
        };
        let next = if next.is_empty() { Ok(number) } else { next.parse() };
        Ok((outcome, next.map_err(|error| format!("{word}: {error}"))?))
    };
    let steps = steps.split_whitespace().map(step).collect::<Result<Vec<_>, _>>()?;
    if steps.len() != commands {
        return Err(format!("{} replies to {commands} commands", steps.len()));
    }
    Ok((state, steps))
}

#[cfg(test)]
mod tests;
