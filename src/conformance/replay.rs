//! Tries saved transcripts and histories again.

use std::str::FromStr;

use super::Settings;
use super::cannot_test::CannotTest;
use super::concurrent::{self, Round};
use super::finding::Finding;
use super::namespace::{LONG_LINE, Namespace, raw};
use super::system::System;
use super::target::Target;
use crate::command::{Command, Reply};
use crate::testing::history::{History, HistoryError, Operation, Script};
use crate::testing::transcript::{Transcript, TranscriptError};

/// How often clients follow the scripts of a history, at most. They stop once no order explains what
/// they see.
const MOST_HISTORIES: usize = 200;

/// A saved transcript or history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// A conversation, with the expected replies.
    Transcript(Transcript),
    /// What clients at once saw.
    History(History<Command, Reply>),
}

/// Why a text is neither a transcript nor a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// It was read as a transcript.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// It was read as a history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It has no step.
    #[error("there is no step in it")]
    Empty,
}

impl FromStr for Saved {
    type Err = SavedError;

    /// Reads a history if the first line that is no comment begins with a client's number or a time.
    /// Otherwise it reads a transcript.
    fn from_str(text: &str) -> Result<Self, SavedError> {
        let mut lines = text.lines().map(str::trim_start);
        let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let first = first.ok_or(SavedError::Empty)?;
        let numbered = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        if numbered(first) || first.strip_prefix('@').is_some_and(numbered) {
            Ok(Self::History(text.parse()?))
        } else {
            Ok(Self::Transcript(text.parse()?))
        }
    }
}

/// Tries a saved transcript or history again, with names of this run.
///
/// A transcript is held as it is, with its own replies. Clients follow a history up to 200 times,
/// until no order explains what they see. Each time, they repeat a short history, always about other
/// packages.
///
/// With several addresses, a connection that is named after one of them goes there. Connections to the
/// same address of another system share an address here. All others take turns. The clients of a
/// history take turns too, and begin at the next address each time.
///
/// # Errors
/// When nothing answers at one of the addresses.
pub fn replay(
    system: &System,
    saved: &Saved,
    settings: &Settings,
) -> Result<Option<Finding>, CannotTest> {
    let target = Target::new(system.clone(), settings.seed, settings.patience);
    target.reach()?;
    Ok(match saved {
        Saved::Transcript(transcript) => {
            // Without comments, the line numbers are those of the transcript as it is shown.
            let as_it_is = |it: &Transcript| Transcript::from_steps(it.steps().cloned());
            target.hold(transcript, as_it_is).err().map(|held| Finding::of(&held))
        }
        Saved::History(history) => follow(&target, history, settings.commands),
    })
}

/// Lets clients follow a history again, until no order explains what they see.
///
/// A few commands alone seldom overlap, and how often depends on the machine. So the clients repeat a
/// short history many times, each time about other packages.
fn follow(target: &Target, history: &History<Command, Reply>, commands: usize) -> Option<Finding> {
    let scripts = scripts_of(history);
    let is_short = |it: &Operation<Command, Reply>| it.command.to_string().len() < LONG_LINE;
    // Not all names in a long line can be replaced, so such a history uses only one group of packages.
    let times = match history.operations() {
        all if all.iter().all(is_short) => commands / all.len().max(1),
        _ => 1,
    };
    (0..MOST_HISTORIES).find_map(|number| {
        let again = (1..times).map(|_| of_free_packages(target, &scripts));
        let round = again.fold(of_free_packages(target, &scripts), Round::then);
        concurrent::judge(target, number, round, || None).err().map(|finding| *finding)
    })
}

/// The same scripts about packages that the server does not have.
fn of_free_packages(target: &Target, scripts: &[Script<Command>]) -> Round {
    let renamed = |namespace: &Namespace, command: &Command| {
        namespace.command(command).unwrap_or_else(|| command.clone())
    };
    let names = |namespace: &Namespace| {
        let commands = scripts.iter().flatten().flatten();
        raw(&commands.map(|it| renamed(namespace, it).package().clone()).collect::<Vec<_>>())
    };
    let (namespace, names) = target.free_namespace(names);
    let rename = |script: &Script<Command>| {
        let burst = |burst: &Vec<Command>| {
            burst.iter().map(|command| renamed(&namespace, command)).collect()
        };
        script.iter().map(burst).collect()
    };
    Round::new(scripts.iter().map(rename).collect(), names)
}

/// The commands that each client sent, in bursts. A command belongs to the burst before it if the
/// client still waited for a reply.
fn scripts_of(history: &History<Command, Reply>) -> Vec<Script<Command>> {
    let operations = history.operations();
    let mut clients: Vec<usize> = operations.iter().map(|operation| operation.client).collect();
    clients.sort_unstable();
    clients.dedup();
    let script = |client: usize| {
        let mut script: Script<Command> = Vec::new();
        let mut answered = Some(0);
        for operation in operations.iter().filter(|operation| operation.client == client) {
            let waits = answered.is_none_or(|at| at > operation.called);
            match script.last_mut().filter(|_| waits) {
                Some(burst) => burst.push(operation.command.clone()),
                None => script.push(vec![operation.command.clone()]),
            }
            answered = operation.answer.as_ref().map(|answer| answer.at);
        }
        script
    };
    clients.into_iter().map(script).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_told_apart_by_its_first_step() {
        for history in ["# > no\n1> INDEX|a|\n1< OK\n", "@1.5 1> INDEX|a|\n"] {
            assert!(matches!(history.parse(), Ok(Saved::History(_))), "{history}");
        }
        for transcript in ["# 1> no\n> INDEX|a|\n< OK\n", "@ two\n> INDEX|a|\n"] {
            assert!(matches!(transcript.parse(), Ok(Saved::Transcript(_))), "{transcript}");
        }
        assert_eq!("# nothing\n\n".parse::<Saved>(), Err(SavedError::Empty));
        let wrong = "1> INDEX|a|\n2< OK\n".parse::<Saved>().unwrap_err();
        assert!(wrong.to_string().starts_with("line 2: "), "{wrong}");
    }

    #[test]
    fn a_history_is_followed_burst_by_burst() {
        let history: History<Command, Reply> =
            "1> INDEX|a|\n1> QUERY|a|\n2> QUERY|a|\n1< OK\n1< OK\n2< OK\n1> REMOVE|a|\n2> QUERY|b|\n"
                .parse()
                .unwrap();
        let scripts = scripts_of(&history).into_iter().map(|script| {
            let bursts = script
                .iter()
                .map(|burst| burst.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
            bursts.collect::<Vec<_>>()
        });
        let expected = [["INDEX|a| QUERY|a|", "REMOVE|a|"], ["QUERY|a|", "QUERY|b|"]];
        assert!(scripts.eq(expected));
    }
}
