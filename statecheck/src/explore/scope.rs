//! The bounds of an exploration, and what it has seen within them.

use std::fmt::{self, Debug, Display};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::map::BYTES_A_STATE;
use crate::lockstep::Divergence;

/// What to explore: which states are told apart, and how far to go.
pub struct Scope<P> {
    pub(super) fingerprint: Box<dyn Fn(&P) -> u128>,
    /// Whether states that are treated as one may differ in something that shows.
    pub(super) is_coarse: bool,
    /// Whether replies may differ in states that are treated as one.
    pub(super) ignores_replies: bool,
    most_states: usize,
    most_bytes: usize,
    pub(super) most_commands: usize,
}

impl<P: Hash + 'static> Scope<P> {
    /// Tells states apart by all that the projection shows. It has to show all that decides what happens
    /// next.
    #[must_use]
    pub fn of_states() -> Self {
        Self::of(false, fingerprint)
    }

    /// Treats states as one if some renaming makes one of the other. `renamed` returns what each renaming
    /// makes of a state, the state itself included. Of all states that are renamings of each other one is
    /// explored.
    #[must_use]
    pub fn up_to_renaming(renamed: impl Fn(&P) -> Vec<P> + 'static) -> Self {
        Self::of(true, move |state| {
            let renamed = renamed(state);
            renamed.iter().chain([state]).map(fingerprint).min().unwrap_or_default()
        })
    }
}

impl<P> Scope<P> {
    /// Treats states as one if they have the same key.
    #[must_use]
    pub fn by_key<K: Hash>(key: impl Fn(&P) -> K + 'static) -> Self {
        Self::of(true, move |state| fingerprint(&key(state)))
    }

    fn of(is_coarse: bool, fingerprint: impl Fn(&P) -> u128 + 'static) -> Self {
        Self {
            fingerprint: Box::new(fingerprint),
            is_coarse,
            ignores_replies: false,
            most_states: usize::MAX,
            most_bytes: 256 << 20,
            most_commands: usize::MAX,
        }
    }

    /// Allows replies to differ in states that are treated as one, for example because they hold names.
    /// Checks of these states do not compare them.
    #[must_use]
    pub fn ignoring_replies(self) -> Self {
        Self { ignores_replies: true, ..self }
    }

    /// Explores at most so many states, the first included.
    #[must_use]
    pub fn within_states(self, states: usize) -> Self {
        Self { most_states: states, ..self }
    }

    /// Explores only states to which at most so many commands lead.
    #[must_use]
    pub fn within_commands(self, commands: usize) -> Self {
        Self { most_commands: commands, ..self }
    }

    /// Explores at most as many states as fit into so many bytes. The default is 256 MiB, for some millions
    /// of states.
    #[must_use]
    pub fn within_bytes(self, bytes: usize) -> Self {
        Self { most_bytes: bytes, ..self }
    }

    /// The number of states for which there is room.
    pub(super) fn room(&self) -> usize {
        // States are numbered by 32 bits.
        let fits = (self.most_bytes / BYTES_A_STATE).min(u32::MAX as usize);
        fits.min(self.most_states).max(1)
    }
}

/// Two independent hashes of a value.
fn fingerprint(value: &impl Hash) -> u128 {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        value.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}

/// What an exploration has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// The states that were found, the first included.
    pub states: usize,
    /// The commands that were applied to a state and compared.
    pub transitions: usize,
    /// How many commands lead to the state that is farthest away.
    pub depth: usize,
    /// How many times a state was compared with another that was treated as the same.
    pub checked: usize,
    /// What was not seen, or `None` if all was.
    pub unseen: Option<Unseen>,
}

/// What an exploration has not seen, because of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// How many states were found without a try of their commands.
    pub unexplored: usize,
    /// How many commands led to a state for which there was no room.
    pub dropped: usize,
    /// All walks of up to so many commands were seen.
    pub complete_to: usize,
}

impl Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions, depth, .. } = self;
        write!(f, "{states} states, {transitions} transitions, {depth} commands deep: ")?;
        match self.unseen {
            None => f.write_str("all there are"),
            Some(Unseen { unexplored, dropped, complete_to }) => write!(
                f,
                "all walks of {complete_to} commands, but not all longer ones: {unexplored} states were not \
                 explored further, and {dropped} commands led to states for which there was no room"
            ),
        }
    }
}

/// Why an exploration ended early.
#[derive(Clone, PartialEq, Eq)]
pub enum Found<C> {
    /// Machine and model differ, after the fewest commands that show it.
    Divergence(Divergence<C>),
    /// Two states are treated as one, but do not answer or move alike. The key or the renaming is too coarse.
    Unsound {
        /// The commands that lead to the one state.
        one: Vec<C>,
        /// The commands that lead to the other.
        other: Vec<C>,
    },
}

impl<C: Debug> Display for Found<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Divergence(Divergence { trace, difference }) => {
                trace.iter().try_for_each(|command| writeln!(f, "{command:?}"))?;
                write!(f, "# {difference}")
            }
            Self::Unsound { one, other } => write!(
                f,
                "two states are taken for one, but answer differently or lead to different states: after \
                 {one:?}, and after {other:?}"
            ),
        }
    }
}

impl<C: Debug> Debug for Found<C> {
    /// The same as `Display`: test frameworks report by `Debug`, and a person has to read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl<C: Debug> std::error::Error for Found<C> {}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn the_two_halves_of_a_fingerprint_have_nothing_in_common() {
        for value in 0..100 {
            let halves = fingerprint(&value).to_be_bytes();
            assert!(halves[..8] != halves[8..] && halves[8..] != [0; 8], "{value}");
        }
    }
}
