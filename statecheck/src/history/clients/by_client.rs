//! The model of a machine that many clients use. Each client counts separately what it was granted.
//!
//! A [`Ref`] of a model counts what was granted to anybody, which no client can know. So a client counts what
//! it was granted itself. [`ByClient`] knows which of all things that is, in the order that is tried.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::ops::Range;

use crate::machine::StateMachine;
use crate::model::{Model, Ref};

/// A command of a client. Its references count what this client was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<C> {
    /// The client.
    pub client: usize,
    /// The command.
    pub command: C,
    /// The client's own references to what this command granted it.
    pub granted: Range<usize>,
}

/// What came back for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<R> {
    /// A reply.
    Answered {
        /// The reply.
        reply: R,
        /// The client's own references to what it was granted.
        granted: Range<usize>,
    },
    /// The machine panicked, with this message.
    Panicked(String),
}

impl<R: PartialEq> Said<R> {
    /// Whether a model that gives this answer, and grants so many things, agrees with what a client saw.
    pub(super) fn agrees((answer, count): &(R, usize), said: &Self) -> bool {
        match said {
            Self::Answered { reply, granted } => reply == answer && granted.len() == *count,
            Self::Panicked(_) => false,
        }
    }
}

impl<C: Debug> Display for Asked<C> {
    /// As `Debug` prints the command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.command)
    }
}

impl<R: Debug> Display for Said<R> {
    /// As `Debug` prints the reply, with the references to what was granted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { reply, granted } => {
                write!(f, "{reply:?}")?;
                granted.clone().try_for_each(|number| write!(f, ", grants {:?}", Ref(number)))
            }
            Self::Panicked(message) => f.write_str(&message.replace('\n', " ")),
        }
    }
}

/// A model that many clients use.
///
/// ```
/// use statecheck::StateMachine;
/// use statecheck::history::clients::{Asked, ByClient};
/// use statecheck::model::{Menu, Model, Ref};
/// use std::convert::Infallible;
///
/// /// Replies with the place, among all things, of the one that it grants or gets.
/// #[derive(Clone, Default)]
/// struct Numbers(usize);
///
/// impl StateMachine for Numbers {
///     type Command = Option<Ref>;
///     type Reply = usize;
///     type Error = Infallible;
///
///     fn apply(&mut self, command: &Option<Ref>) -> Result<usize, Infallible> {
///         self.0 += usize::from(command.is_none());
///         Ok(command.map_or(self.0 - 1, |Ref(number)| number))
///     }
/// }
///
/// impl Model for Numbers {
///     fn offer(&self, menu: &mut Menu<'_, Option<Ref>>) {
///         menu.list(1, [None]);
///         menu.list(1, Ref::all(self.0).map(Some));
///     }
///
///     fn granted(&self) -> usize {
///         self.0
///     }
///
///     fn references(command: &mut Option<Ref>) -> Vec<&mut Ref> {
///         command.iter_mut().collect()
///     }
/// }
///
/// let mut numbers = ByClient::<Numbers>::default();
/// let grant = |client| Asked { client, command: None, granted: 0..1 };
/// assert_eq!(numbers.apply(&grant(2)), Ok((0, 1)));
/// assert_eq!(numbers.apply(&grant(1)), Ok((1, 1)));
/// let first_of_client_1 = Asked { client: 1, command: Some(Ref(0)), granted: 1..1 };
/// assert_eq!(numbers.apply(&first_of_client_1), Ok((1, 0)));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByClient<M> {
    model: M,
    /// The model's references to what clients were granted, by the client and its own reference.
    granted: BTreeMap<(usize, Ref), Ref>,
}

/// The error for a command without an answer. The model has none, or the command refers to what this client
/// was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

impl<M: Model> StateMachine for ByClient<M> {
    type Command = Asked<M::Command>;
    /// What the model answers, and how many things it grants.
    type Reply = (M::Reply, usize);
    type Error = NoAnswer;

    fn apply(&mut self, asked: &Asked<M::Command>) -> Result<Self::Reply, NoAnswer> {
        let mut command = asked.command.clone();
        for reference in M::references(&mut command) {
            *reference = *self.granted.get(&(asked.client, *reference)).ok_or(NoAnswer)?;
        }
        let before = self.model.granted();
        let reply = self.model.apply(&command).map_err(|_no_answer| NoAnswer)?;
        let granted = before..self.model.granted();
        let count = granted.len();
        let called = asked.granted.clone().map(|number| (asked.client, Ref(number)));
        self.granted.extend(called.zip(granted.map(Ref)));
        Ok((reply, count))
    }
}
