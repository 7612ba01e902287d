//! Two machines, the same commands: they must answer alike and hold the same after every one.
//!
//! Knows nothing of packages: any two machines with the same commands and replies will do.

use std::fmt::{self, Debug, Display};

use crate::machine::StateMachine;

/// Where two machines part: the commands up to and including the one that showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence<C> {
    /// The commands applied to both; after the last they differ.
    pub trace: Vec<C>,
    /// How they differ.
    pub difference: String,
}

impl<C: Display> Display for Divergence<C> {
    /// The trace as messages, then the difference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for command in &self.trace {
            writeln!(f, "> {command}")?;
        }
        write!(f, "# {}", self.difference)
    }
}

impl<C: Debug + Display> std::error::Error for Divergence<C> {}

/// Applies every command of `trace` to both machines and compares replies and projected states
/// after each. An error counts as a reply of its own.
///
/// ```
/// use package_indexer::testing::{lockstep, state_of_index, state_of_model};
/// use package_indexer::{Command, Model, PackageIndex};
///
/// let trace = [Command::index("a", [])?, Command::index("a", ["a"])?, Command::remove("a")?];
/// let (mut index, mut model) = (PackageIndex::new(), Model::default());
/// lockstep::run(&trace, (&mut index, state_of_index), (&mut model, state_of_model))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first [`Divergence`].
pub fn run<A, B, S>(
    trace: &[A::Command],
    (left, left_state): (&mut A, impl Fn(&A) -> S),
    (right, right_state): (&mut B, impl Fn(&B) -> S),
) -> Result<(), Divergence<A::Command>>
where
    A: StateMachine<Command: Clone, Reply: Debug + PartialEq, Error: Display>,
    B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display>,
    S: Debug + PartialEq,
{
    let same = |left: &A, right: &B| alike(left_state(left), &right_state(right)).map(drop);
    run_comparing(trace, left, right, same)
}

/// As [`run`], for states that can be compared for less than the cost of projecting both: `same`
/// says in words how they differ.
///
/// # Errors
/// The first [`Divergence`].
pub fn run_comparing<A, B>(
    trace: &[A::Command],
    left: &mut A,
    right: &mut B,
    same: impl Fn(&A, &B) -> Result<(), String>,
) -> Result<(), Divergence<A::Command>>
where
    A: StateMachine<Command: Clone, Reply: Debug + PartialEq, Error: Display>,
    B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display>,
{
    for (position, command) in trace.iter().enumerate() {
        let replied = reply(command, left, right);
        replied
            .and_then(|()| same(left, right))
            .map_err(|difference| Divergence { trace: trace[..=position].to_vec(), difference })?;
    }
    Ok(())
}

/// Applies one command to both machines; returns the state that both then hold.
///
/// # Errors
/// How they differ, in words.
pub fn step<A, B, S>(
    command: &A::Command,
    (left, left_state): (&mut A, impl Fn(&A) -> S),
    (right, right_state): (&mut B, impl Fn(&B) -> S),
) -> Result<S, String>
where
    A: StateMachine<Reply: Debug + PartialEq, Error: Display>,
    B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display>,
    S: Debug + PartialEq,
{
    reply(command, left, right)?;
    alike(left_state(left), &right_state(right))
}

/// Applies one command to both machines, which should reply the same.
fn reply<A, B>(command: &A::Command, left: &mut A, right: &mut B) -> Result<(), String>
where
    A: StateMachine<Reply: Debug + PartialEq, Error: Display>,
    B: StateMachine<Command = A::Command, Reply = A::Reply, Error: Display>,
{
    let left = left.apply(command).map_err(|error| error.to_string());
    let right = right.apply(command).map_err(|error| error.to_string());
    if left == right {
        return Ok(());
    }
    Err(format!("one answers {left:?}, the other {right:?}"))
}

/// The one state that two machines hold, if it is one.
fn alike<S: Debug + PartialEq>(left: S, right: &S) -> Result<S, String> {
    if left == *right {
        return Ok(left);
    }
    Err(format!("one holds {left:?}, the other {right:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{state_of_index, state_of_model};
    use crate::{Command, Model, Outcome, PackageIndex};

    /// A model that forgets to keep the list of a package that is indexed again.
    #[derive(Default)]
    struct Forgetful(Model);

    impl StateMachine for Forgetful {
        type Command = Command;
        type Reply = Outcome;
        type Error = std::convert::Infallible;

        fn apply(&mut self, command: &Command) -> Result<Outcome, Self::Error> {
            match command {
                Command::Index { package, .. } if self.0.packages().contains_key(package) => {
                    Ok(Outcome::Ok)
                }
                _ => self.0.apply(command),
            }
        }
    }

    fn trace() -> Vec<Command> {
        vec![
            Command::index("a", []).unwrap(),
            Command::index("b", []).unwrap(),
            Command::index("b", ["a"]).unwrap(),
            Command::remove("a").unwrap(),
        ]
    }

    #[test]
    fn a_difference_in_state_is_reported_at_the_command_that_made_it() {
        let (mut index, mut model) = (PackageIndex::new(), Forgetful::default());
        let divergence = run(
            &trace(),
            (&mut index, state_of_index),
            (&mut model, |forgetful: &Forgetful| state_of_model(&forgetful.0)),
        )
        .unwrap_err();
        assert_eq!(divergence.trace, trace()[..3]);
        assert!(
            divergence.to_string().starts_with("> INDEX|a|\n> INDEX|b|\n> INDEX|b|a\n# one holds")
        );
    }

    #[test]
    fn a_difference_in_replies_is_reported_without_looking_at_the_state() {
        let (mut index, mut model) = (PackageIndex::new(), Forgetful::default());
        let divergence = run(&trace(), (&mut index, |_| ()), (&mut model, |_| ())).unwrap_err();
        assert_eq!(divergence.trace, trace());
        assert_eq!(divergence.difference, "one answers Ok(Fail), the other Ok(Ok)");
    }
}
