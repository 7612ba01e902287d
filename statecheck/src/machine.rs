//! The trait of everything that answers commands.
//!
//! A machine, its model and the client of a remote machine all implement [`StateMachine`]. So a driver of one
//! of them can drive the others.

/// A machine that changes state one command at a time and answers each command.
///
/// Commands are borrowed, because they are data that is kept, shrunk and replayed. A machine is
/// *deterministic* when the same commands always give the same replies. One that holds its own state should
/// be.
///
/// ```
/// use statecheck::StateMachine;
/// use std::convert::Infallible;
///
/// /// Counts up to a limit; `true` counts, `false` reads.
/// struct Counter(u32);
///
/// impl StateMachine for Counter {
///     type Command = bool;
///     type Reply = u32;
///     type Error = Infallible;
///
///     fn apply(&mut self, &count: &bool) -> Result<u32, Infallible> {
///         self.0 = (self.0 + u32::from(count)).min(10);
///         Ok(self.0)
///     }
/// }
///
/// let mut counter = Counter(9);
/// let replies = [true, true, false].map(|command| counter.apply(&command));
/// assert_eq!(replies, [Ok(10), Ok(10), Ok(10)]);
/// ```
pub trait StateMachine {
    /// A command for the machine.
    type Command;
    /// Its answer.
    type Reply;
    /// Why it has no answer: [`Infallible`](std::convert::Infallible) for a machine in memory without limits,
    /// an I/O error for a remote one.
    type Error;

    /// Applies one command, and returns its reply.
    ///
    /// # Errors
    /// If the command has no answer. A machine in memory has then not changed; a remote one may have.
    fn apply(&mut self, command: &Self::Command) -> Result<Self::Reply, Self::Error>;
}
