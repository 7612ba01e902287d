//! Models that guide tests: a model says which commands make sense in its state, and what they refer to.
//!
//! Some machines hand things out, such as leases or keys. Commands that are drawn without a look at the state
//! hardly test them: nearly all commands miss. A [`Model`] offers commands on a [`Menu`], and
//! [`walk`](crate::walk) draws, shrinks and enumerates from these.

use std::fmt::Debug;
use std::mem::discriminant;

use arbitrary::Unstructured;

use crate::machine::StateMachine;
use crate::trace::MAX_COMMANDS;

/// A reference model that knows which commands make sense in its state. Its default value is the state before
/// any command.
///
/// ```
/// use statecheck::model::{Menu, Model, Ref};
/// use statecheck::StateMachine;
/// use std::convert::Infallible;
///
/// #[derive(Debug, Clone, PartialEq)]
/// enum Command {
///     Open,
///     Close(Ref),
/// }
///
/// /// Doors: `true` is open.
/// #[derive(Clone, Default)]
/// struct Doors(Vec<bool>);
///
/// impl StateMachine for Doors {
///     type Command = Command;
///     type Reply = bool;
///     type Error = Infallible;
///
///     fn apply(&mut self, command: &Command) -> Result<bool, Infallible> {
///         Ok(match command {
///             Command::Open => {
///                 self.0.push(true);
///                 true
///             }
///             Command::Close(door) => door.of_mut(&mut self.0).is_some_and(std::mem::take),
///         })
///     }
/// }
///
/// impl Model for Doors {
///     fn offer(&self, menu: &mut Menu<'_, Command>) {
///         menu.list(1, [Command::Open]);
///         menu.list(3, Ref::all(self.0.len()).map(Command::Close));
///     }
///
///     fn granted(&self) -> usize {
///         self.0.len()
///     }
///
///     fn references(command: &mut Command) -> Vec<&mut Ref> {
///         match command {
///             Command::Open => vec![],
///             Command::Close(door) => vec![door],
///         }
///     }
/// }
///
/// let doors = Doors(vec![true]);
/// assert_eq!(statecheck::model::offered(&doors), [Command::Open, Command::Close(Ref(0))]);
/// assert!(!doors.allows(&Command::Close(Ref(1))));
/// ```
pub trait Model:
    StateMachine<Command: Clone + Debug + PartialEq + 'static> + Clone + Default + 'static
{
    /// How many bytes make a command that is [drawn](Menu::draw).
    const BYTES: usize = 8;

    /// The most commands of a walk that is drawn.
    const COMMANDS: usize = MAX_COMMANDS;

    /// Offers the commands that make sense in this state, the simplest first.
    fn offer(&self, menu: &mut Menu<'_, Self::Command>);

    /// Whether a command makes sense in this state: the precondition. By default it does if it is offered.
    ///
    /// A command that was [drawn](Menu::draw) cannot be looked up. By default it makes sense if a sample has
    /// the same variant of the enum, or if there is no sample. This is not asked of commands that are listed,
    /// which must be allowed. It is asked of those that are drawn.
    fn allows(&self, command: &Self::Command) -> bool {
        let Search { found, is_drawn, .. } = search(self, command);
        found.is_some() || is_drawn
    }

    /// How many things were granted so far, including those that are gone. [`Ref`]s from 0 up to this mean
    /// something.
    fn granted(&self) -> usize {
        0
    }

    /// What a command refers to. When shrinking leaves out a command, the others go on referring to the same
    /// things.
    fn references(command: &mut Self::Command) -> Vec<&mut Ref> {
        let _ = command;
        Vec::new()
    }

    /// Simpler commands to try in place of one that is not listed, such as one that was [drawn](Menu::draw).
    /// Each must be simpler by some measure that cannot fall for ever. For a command that is listed, those
    /// listed before it are tried.
    fn simpler(command: &Self::Command) -> Vec<Self::Command> {
        let _ = command;
        Vec::new()
    }
}

/// A symbolic reference: to the nth thing that a machine has granted, from 0. It is looked up when a command
/// runs, in the machine and in the model alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref(pub usize);

impl Ref {
    /// References to all of so many things.
    pub fn all(
        granted: usize,
    ) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        (0..granted).map(Self)
    }

    /// The thing that it stands for, among all that was granted.
    #[must_use]
    pub fn of<T>(self, granted: &[T]) -> Option<&T> {
        granted.get(self.0)
    }

    /// Like [`of`](Self::of), to be changed.
    #[must_use]
    pub fn of_mut<T>(self, granted: &mut [T]) -> Option<&mut T> {
        granted.get_mut(self.0)
    }
}

/// What a model offers: kinds of commands, each with a weight.
pub struct Menu<'a, C>(Mode<'a, C>);

/// What the menu does with the commands that are offered.
enum Mode<'a, C> {
    /// Sums up their weights. A kind without commands weighs 0.
    Weigh { weights: Vec<u32> },
    /// Takes one command of a kind.
    Take { kinds_before: usize, bytes: &'a [u8], taken: Option<C>, is_drawn: bool },
    /// Lists all commands, each with whether it is a sample of those that are drawn.
    List { commands: Vec<(C, bool)> },
    /// Looks for one command.
    Find(Search<'a, C>),
}

/// A search for a command among those that are offered.
struct Search<'a, C> {
    command: &'a C,
    /// The weights of the kinds so far, until it is found.
    weights_before: u64,
    /// The weights of the kinds before that of the command, and its place in its kind.
    found: Option<(u64, usize)>,
    /// Whether it may also be of a kind that is drawn.
    is_drawn: bool,
}

impl<C: Clone + PartialEq> Menu<'_, C> {
    /// Offers these commands, which are of one kind. The kind is as likely as its share of all weights, and
    /// all its commands are equally likely. The simplest comes first.
    ///
    /// # Panics
    /// If a command is drawn from a list of more than 65,536, or the weights of all kinds sum to more than
    /// that. In a property that is a violation.
    pub fn list(&mut self, weight: u32, commands: impl IntoIterator<Item = C>) {
        let mut commands = commands.into_iter();
        match &mut self.0 {
            Mode::Weigh { weights } => {
                weights.push(if commands.next().is_some() { weight } else { 0 });
            }
            Mode::Take { kinds_before: 0, bytes, taken: taken @ None, .. } => {
                let mut commands: Vec<_> = commands.collect();
                assert!(commands.len() <= NUMBERS, "{} commands are listed", commands.len());
                if !commands.is_empty() {
                    *taken = Some(commands.swap_remove(number(bytes) % commands.len()));
                }
            }
            Mode::Take { kinds_before, .. } => *kinds_before = kinds_before.saturating_sub(1),
            Mode::List { commands: all } => all.extend(commands.map(|command| (command, false))),
            Mode::Find(search) => search.go_on(weight, commands),
        }
    }

    /// Offers a kind with too many commands to list: `draw` makes one from bytes. The samples stand for all
    /// of them where [every command](crate::explore) is tried.
    pub fn draw(
        &mut self,
        weight: u32,
        samples: impl IntoIterator<Item = C>,
        draw: impl FnOnce(&mut Unstructured<'_>) -> arbitrary::Result<C>,
    ) {
        match &mut self.0 {
            Mode::Weigh { weights } => weights.push(weight),
            Mode::Take { kinds_before: 0, bytes, taken: taken @ None, is_drawn } => {
                *is_drawn = true;
                *taken = draw(&mut Unstructured::new(bytes)).ok();
            }
            Mode::Find(search) => {
                let variant = discriminant(search.command);
                let mut samples =
                    samples.into_iter().map(|sample| discriminant(&sample)).peekable();
                search.is_drawn |=
                    samples.peek().is_none() || samples.any(|sample| sample == variant);
                search.weights_before += u64::from(weight);
            }
            Mode::List { commands } => {
                commands.extend(samples.into_iter().map(|sample| (sample, true)));
            }
            Mode::Take { kinds_before, .. } => *kinds_before = kinds_before.saturating_sub(1),
        }
    }
}

impl<C: PartialEq> Search<'_, C> {
    /// Continues with the next kind.
    fn go_on(&mut self, weight: u32, commands: impl Iterator<Item = C>) {
        if self.found.is_some() {
            return;
        }
        let mut commands = commands.peekable();
        let is_empty = commands.peek().is_none();
        match commands.position(|offered| offered == *self.command) {
            Some(place) => self.found = Some((self.weights_before, place)),
            None if is_empty => {}
            None => self.weights_before += u64::from(weight),
        }
    }
}

/// Looks for a command among those that a model offers.
fn search<'a, M: Model>(model: &M, command: &'a M::Command) -> Search<'a, M::Command> {
    let search = Search { command, weights_before: 0, found: None, is_drawn: false };
    let mut menu = Menu(Mode::Find(search));
    model.offer(&mut menu);
    match menu.0 {
        Mode::Find(search) => search,
        _ => Search { command, weights_before: 0, found: None, is_drawn: false },
    }
}

/// The number that two bytes make.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().take(2).fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Every command that a model offers, in its order. For what it would draw it has the samples that the model
/// allows.
#[must_use]
pub fn offered<M: Model>(model: &M) -> Vec<M::Command> {
    let all = all(model).into_iter();
    let allowed = all.filter(|(command, is_sample)| !is_sample || model.allows(command));
    allowed.map(|(command, _)| command).collect()
}

/// Every command that a model lists, in its order.
pub(crate) fn listed<M: Model>(model: &M) -> impl Iterator<Item = M::Command> + use<M> {
    all(model).into_iter().filter(|(_, is_sample)| !is_sample).map(|(command, _)| command)
}

/// Every command that a model lists, and every sample, each with whether it is a sample.
fn all<M: Model>(model: &M) -> Vec<(M::Command, bool)> {
    let mut menu = Menu(Mode::List { commands: Vec::new() });
    model.offer(&mut menu);
    match menu.0 {
        Mode::List { commands } => commands,
        _ => Vec::new(),
    }
}

/// How many bytes choose the kind.
const KIND_BYTES: usize = 2;

/// How many numbers two bytes can make.
const NUMBERS: usize = 1 << 16;

/// How many bytes choose a command of this model.
pub(crate) const fn bytes_of_a_command<M: Model>() -> usize {
    KIND_BYTES + if M::BYTES > 2 { M::BYTES } else { 2 }
}

/// The command that some bytes choose in a state. The first two choose the kind, and the others a command of
/// it. `None` if nothing is offered, or if the model does not allow what was drawn.
pub(crate) fn chosen<M: Model>(model: &M, bytes: &[u8]) -> Option<M::Command> {
    let mut menu = Menu(Mode::Weigh { weights: Vec::new() });
    model.offer(&mut menu);
    let Mode::Weigh { weights } = menu.0 else { return None };
    let (kind, bytes) = bytes.split_at_checked(KIND_BYTES)?;
    let kinds_before = place(&weights, number(kind))?;
    let mut menu = Menu(Mode::Take { kinds_before, bytes, taken: None, is_drawn: false });
    model.offer(&mut menu);
    match menu.0 {
        Mode::Take { taken, is_drawn, .. } => taken.filter(|it| !is_drawn || model.allows(it)),
        _ => None,
    }
}

/// The bytes that [choose](chosen) a command in a state. `None` if it is not listed, or if it stands too far
/// after the first for the bytes.
pub(crate) fn bytes_for<M: Model>(model: &M, command: &M::Command) -> Option<Vec<u8>> {
    let (weights_before, place) = search(model, command).found?;
    let kind = u16::try_from(weights_before).ok()?.to_be_bytes();
    let place = u16::try_from(place).ok()?.to_be_bytes();
    let mut bytes = [kind, place].concat();
    bytes.resize(bytes_of_a_command::<M>(), 0);
    Some(bytes)
}

/// The weight on which a number falls.
fn place(weights: &[u32], number: usize) -> Option<usize> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    assert!(total <= NUMBERS as u64, "the weights of all kinds are {total} together");
    let mut left = (number as u64).checked_rem(total)?;
    weights.iter().position(|weight| {
        let falls_here = left < u64::from(*weight);
        left = left.saturating_sub(u64::from(*weight));
        falls_here
    })
}

#[cfg(test)]
mod tests;
