//! Drives two machines with the same commands: they must answer alike and hold the same after every one.
//!
//! It works for any two machines with the same commands and replies.

use std::fmt::{self, Debug, Display};

use crate::machine::StateMachine;

/// A difference between two machines: the commands up to the one that showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence<C> {
    /// The commands applied to both. After the last they differ.
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

/// Applies every command of `trace` to both machines. Compares replies and projected states after each, and
/// states before the first. An error counts as a reply of its own.
///
/// ```
/// use statecheck::StateMachine;
/// use statecheck::lockstep;
/// use std::convert::Infallible;
///
/// /// Remembers the last few numbers, and answers their sum.
/// struct Last<const PLACES: usize>(Vec<u32>);
///
/// impl<const PLACES: usize> StateMachine for Last<PLACES> {
///     type Command = u32;
///     type Reply = u32;
///     type Error = Infallible;
///
///     fn apply(&mut self, number: &u32) -> Result<u32, Infallible> {
///         self.0.push(*number);
///         self.0 = self.0.split_off(self.0.len().saturating_sub(PLACES));
///         Ok(self.0.iter().sum())
///     }
/// }
///
/// let (mut three, mut two) = (Last::<3>(vec![]), Last::<2>(vec![]));
/// let divergence = lockstep::run(
///     &[1, 0, 1, 4],
///     (&mut three, |last: &Last<3>| last.0.clone()),
///     (&mut two, |last: &Last<2>| last.0.clone()),
/// );
/// assert_eq!(
///     divergence.unwrap_err().to_string(),
///     "> 1\n> 0\n> 1\n# one answers Ok(2), the other Ok(1)"
/// );
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

/// Like [`run`], if comparing states costs less than projecting both: `same` returns in words how they
/// differ.
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
    same(left, right).map_err(|difference| Divergence { trace: Vec::new(), difference })?;
    for (position, command) in trace.iter().enumerate() {
        let replied = reply(command, left, right);
        replied
            .and_then(|()| same(left, right))
            .map_err(|difference| Divergence { trace: trace[..=position].to_vec(), difference })?;
    }
    Ok(())
}

/// Applies one command to both machines. Returns the state that both then hold.
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

/// The state that both machines hold, if it is the same.
pub(crate) fn alike<S: Debug + PartialEq>(left: S, right: &S) -> Result<S, String> {
    if left == *right {
        return Ok(left);
    }
    Err(format!("one holds {left:?}, the other {right:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Command, Model, Outcome, state};

    /// A model that loses the needs of a thing that is put there again.
    #[derive(Default)]
    struct Forgetful(Model);

    impl StateMachine for Forgetful {
        type Command = Command;
        type Reply = Outcome;
        type Error = std::convert::Infallible;

        fn apply(&mut self, command: &Command) -> Result<Outcome, Self::Error> {
            match command {
                Command::Index { thing, .. } if self.0.things().contains_key(thing) => {
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
    fn a_difference_in_state_is_reported_at_its_command() {
        let (mut model, mut forgetful) = (Model::default(), Forgetful::default());
        let divergence = run(
            &trace(),
            (&mut model, state),
            (&mut forgetful, |forgetful: &Forgetful| state(&forgetful.0)),
        )
        .unwrap_err();
        assert_eq!(divergence.trace, trace()[..3]);
        assert!(
            divergence.to_string().starts_with("> INDEX|a|\n> INDEX|b|\n> INDEX|b|a\n# one holds")
        );
    }

    #[test]
    fn a_difference_from_the_start_is_reported_without_a_command() {
        let (mut model, mut other) = (Model::default(), Model::default());
        other.apply(&Command::index("a", []).unwrap()).unwrap();
        let divergence = run(&[], (&mut model, state), (&mut other, state)).unwrap_err();
        assert_eq!(divergence.trace, []);
    }

    #[test]
    fn a_difference_in_replies_is_reported_without_the_state() {
        let (mut model, mut forgetful) = (Model::default(), Forgetful::default());
        let divergence = run(&trace(), (&mut model, |_| ()), (&mut forgetful, |_| ())).unwrap_err();
        assert_eq!(divergence.trace, trace());
        assert_eq!(divergence.difference, "one answers Ok(Fail), the other Ok(Ok)");
    }
}
