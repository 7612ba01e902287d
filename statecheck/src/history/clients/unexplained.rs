//! A history that no order explains, in a form for people.

use std::fmt::{self, Debug, Display};

use super::{Asked, Said};
use crate::history::History;

/// What clients were told that no order of their commands explains.
#[derive(Clone, PartialEq, Eq)]
pub struct Unexplained<C, R> {
    /// The fewest commands that were found to show it, up to the wrong reply.
    pub history: History<Asked<C>, Said<R>>,
    /// All that was recorded in that round.
    pub whole: History<Asked<C>, Said<R>>,
    /// The seed of that round alone, or `None` if what was asked does not come from a seed.
    pub seed: Option<u64>,
    /// The number of the round, from 1.
    pub round: u64,
}

impl<C, R> Unexplained<C, R> {
    /// The operation whose reply is wrong, by its place in the shortened history, from 0. It is the last
    /// reply.
    #[must_use]
    pub fn fault(&self) -> Option<usize> {
        let replies = self.history.operations().iter().enumerate();
        let replies = replies.filter_map(|(number, it)| Some((it.answer.as_ref()?.at, number)));
        replies.max().map(|(_, number)| number)
    }
}

impl<C: Debug, R: Debug> Unexplained<C, R> {
    /// The shortened history, with a line for each call and each reply.
    pub(super) fn lines(&self) -> String {
        let mut words = self.history.in_words(ToString::to_string, ToString::to_string);
        // The picture has the times.
        words.times.fill(None);
        words.to_string()
    }
}

impl<C: Debug, R: Debug> Display for Unexplained<C, R> {
    /// A line for each call (`1> Acquire('a')`) and each reply (`1< true`), in the order of time. The rest is
    /// comments, which begin with `#`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, whole, seed, round } = self;
        let of = whole.operations().len();
        writeln!(f, "# No order of what clients asked explains what they were told.")?;
        writeln!(f, "# Found in round {round}, and shortened from {of} commands to:")?;
        f.write_str(&self.lines())?;
        if let Some(fault) = self.fault().and_then(|fault| history.operations().get(fault)) {
            let client = fault.client;
            match fault.answer.as_ref().map(|answer| &answer.reply) {
                Some(Said::Panicked(_)) => {
                    writeln!(f, "# The command of client {client} panicked.")?;
                }
                _ => writeln!(
                    f,
                    "# The last reply, to client {client}, is the first that no order explains."
                )?,
            }
        }
        writeln!(f, "# Commands are at once if neither was answered before the other was asked.")?;
        writeln!(f, "# A Ref counts what its own client was granted.")?;
        writeln!(
            f,
            "# Next, look for what may happen in the machine between two steps of a command."
        )?;
        writeln!(
            f,
            "# The command that caused it may be left out: the field `whole` has the whole round."
        )?;
        match seed {
            Some(seed) => writeln!(
                f,
                "# SEED={seed} repeats what was asked; the schedule takes luck, and many rounds"
            ),
            None => Ok(()),
        }
    }
}

impl<C: Debug, R: Debug> Debug for Unexplained<C, R> {
    /// The same as `Display`: test frameworks report by `Debug`, and a person has to read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl<C: Debug, R: Debug> std::error::Error for Unexplained<C, R> {}

#[cfg(feature = "drawing")]
#[cfg_attr(docsrs, doc(cfg(feature = "drawing")))]
impl<C: Debug, R: Debug> Unexplained<C, R> {
    /// Draws the shortened history as a page of HTML, as [`History::to_html`] does, with the wrong reply
    /// marked.
    #[must_use]
    pub fn to_html(&self, title: &str) -> String {
        self.history.to_html(title, self.fault())
    }
}
