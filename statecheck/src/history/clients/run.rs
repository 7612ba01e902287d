//! Runs a test of concurrent clients: first what failed before, then random rounds, within a budget.
//!
//! Failures are kept in a file, like inputs that break a [property](crate::property). The schedule is not
//! kept, because only the operating system knows it. So a kept round is tried many times.

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::path::PathBuf;
use std::time::Instant;

use super::{Checked, Concurrent, Fault, Seen};
use crate::input;
use crate::model::Model;
use crate::regressions::{self, Kind, RegressionError, Regressions};
use crate::settings::Settings;
use crate::source::{uses_of, written};
use crate::walk::Walk;

/// How many times the few commands of a shortened history are tried, to see whether they fail too.
const TRIES: u64 = 200;

/// How many times the printed test tries its commands. That is mostly more than it takes, and done in a
/// moment.
const TRIES_PRINTED: u64 = 5_000;

/// Why a test of concurrent clients fails.
#[derive(Debug)]
pub enum Failure<C, R> {
    /// No order explains the replies of a round.
    Unexplained {
        /// What was seen.
        unexplained: Box<super::Unexplained<C, R>>,
        /// The file that keeps what was asked.
        kept: Option<PathBuf>,
        /// The same as a test in Rust, to be copied.
        test: String,
    },
    /// Some rounds are undecided: the steps did not suffice to know whether an order explains them.
    Undecided {
        /// What was tried.
        checked: Checked,
        /// The seed that asks the same.
        seed: u64,
    },
    /// The model offered nothing in so many rounds.
    Empty {
        /// The rounds.
        rounds: u64,
    },
    /// What failed before cannot be read, or what fails now cannot be kept.
    Regressions {
        /// What is wrong.
        error: RegressionError,
        /// What fails now.
        unexplained: Option<Box<super::Unexplained<C, R>>>,
    },
}

impl<C: Debug, R: Debug> Display for Failure<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexplained { unexplained, kept, test } => {
                write!(f, "{unexplained}")?;
                if let Some(path) = kept {
                    writeln!(f, "# It is kept in {}, and tried first from now on", path.display())?;
                }
                write!(f, "# The same as a test of its own:\n\n{test}")
            }
            Self::Undecided { checked, seed } => writeln!(
                f,
                "{checked}: nothing is known of those. Have fewer clients or commands, or more steps.\n\
                 # SEED={seed} repeats what was asked"
            ),
            Self::Empty { rounds } => {
                writeln!(f, "nothing was asked in {rounds} rounds: what does the model offer?")
            }
            Self::Regressions { error, unexplained } => {
                if let Some(unexplained) = unexplained {
                    write!(f, "{unexplained}")?;
                }
                writeln!(f, "# {error}")
            }
        }
    }
}

impl<C: Debug, R: Debug> std::error::Error for Failure<C, R> {}

/// The failure of a test of a machine with a model `M`.
type FailureOf<M> = Failure<<M as crate::StateMachine>::Command, <M as crate::StateMachine>::Reply>;

impl<M, S, G> Concurrent<M, S, G>
where
    M: Model<Command: Send, Reply: Clone + Debug + PartialEq + Send> + Ord + Hash,
    S: Sync,
{
    /// Tries as many rounds as [`rounds`](Self::rounds) says, or as the [environment](Settings::from_env)
    /// says in number or time. Tries first what failed before. If the environment has a seed, clients ask the
    /// same as in the run with that seed.
    ///
    /// # Panics
    /// With the [`Failure`], or if a variable of the environment is not a number.
    pub fn test(&self) {
        let settings = Settings::from_env().unwrap_or_else(|error| panic!("{error}"));
        match self.run(&settings) {
            Ok(checked) => println!("{checked} (SEED={})", settings.seed),
            Err(failure) => panic!("\n{failure}"),
        }
    }

    /// Like [`test`](Self::test), by the settings.
    ///
    /// # Errors
    /// A [`Failure`]. What was asked is kept, and tried first in the next run.
    pub fn run(&self, settings: &Settings) -> Result<Checked, FailureOf<M>> {
        let kept = settings.regressions.as_ref().map(|folder| Regressions::of(folder, &self.name));
        let rounds = settings.rounds.unwrap_or(self.rounds);
        let cannot = |error| Failure::Regressions { error, unexplained: None };
        let before = kept.as_ref().map_or(Ok(Vec::new()), |kept| kept.read(Kind::Round));
        for bytes in before.map_err(cannot)? {
            let again = self.check_scripts(&scripts_of::<M>(&bytes), rounds);
            again.map(drop).map_err(|unexplained| self.failure(unexplained, kept.as_ref()))?;
        }
        let (begun, mut seed) = (Instant::now(), settings.seed);
        let mut all = Checked::default();
        loop {
            let checked = self.check(rounds, seed).map_err(|unexplained| {
                if let (Some(kept), Some(seed)) = (&kept, unexplained.seed)
                    && let Err(error) = keep(kept, &unexplained, &self.bytes(seed))
                {
                    return Failure::Regressions { error, unexplained: Some(unexplained) };
                }
                self.failure(unexplained, kept.as_ref())
            })?;
            match checked {
                Checked { commands: 0, .. } if rounds > 0 => return Err(Failure::Empty { rounds }),
                Checked { undecided: 0, .. } => all.add(checked),
                checked => return Err(Failure::Undecided { checked, seed }),
            }
            if settings.time.is_none_or(|time| begun.elapsed() >= time) {
                return Ok(all);
            }
            seed = seed.wrapping_add(rounds.max(1));
        }
    }

    fn failure(&self, unexplained: Box<Fault<M>>, kept: Option<&Regressions>) -> FailureOf<M> {
        let kept = kept.map(|kept| kept.path().to_owned());
        let test = to_test(&self.name, &self.failing_scripts(&unexplained));
        Failure::Unexplained { unexplained, kept, test }
    }

    /// Scripts with which it fails again: the few commands of the shortened history, or all of the round if
    /// those did not fail again. The history may lack commands that caused the fault.
    fn failing_scripts(&self, unexplained: &Fault<M>) -> Vec<Vec<M::Command>> {
        let few = asked_in::<M>(&unexplained.history, self.clients);
        match self.check_scripts(&few, TRIES) {
            Err(_) => few,
            Ok(_) => asked_in::<M>(&unexplained.whole, self.clients),
        }
    }
}

/// Keeps what was asked, with what was seen.
fn keep<C: Debug, R: Debug>(
    kept: &Regressions,
    unexplained: &super::Unexplained<C, R>,
    bytes: &[Vec<u8>],
) -> Result<(), RegressionError> {
    let groups: Vec<_> = bytes.iter().map(Vec::as_slice).collect();
    kept.keep(&unexplained.lines(), &regressions::line(Kind::Round, &groups))
}

/// The walks that these bytes stand for, one for each client.
pub(super) fn scripts_of<M: Model>(bytes: &[Vec<u8>]) -> Vec<Vec<M::Command>> {
    let script = |bytes: &Vec<u8>| {
        input::from_bytes::<Walk<M>>(bytes).map_or_else(Vec::new, |walk| walk.commands().to_vec())
    };
    bytes.iter().map(script).collect()
}

/// What each of so many clients asked.
fn asked_in<M: Model>(seen: &Seen<M>, clients: usize) -> Vec<Vec<M::Command>> {
    let mut scripts = vec![Vec::new(); clients];
    for operation in seen.operations() {
        if let Some(script) = scripts.get_mut(operation.client - 1) {
            script.push(operation.command.command.clone());
        }
    }
    scripts
}

/// A test in Rust in which clients ask this, for the test that a function called `name` returns.
fn to_test<C: Debug>(name: &str, scripts: &[Vec<C>]) -> String {
    let uses = uses_of::<C>(scripts.iter().flatten());
    let uses: String = uses.lines().map(|line| format!("    {line}\n")).collect();
    let scripts: String =
        scripts.iter().map(|script| format!("        vec![{}],\n", written(script))).collect();
    format!(
        "#[test]\nfn {name}_again() {{\n{uses}\n    let scripts = [\n{scripts}    ];\n    \
         // Which client comes when takes luck, and so many tries.\n    \
         {name}().check_scripts(&scripts, {TRIES_PRINTED}).unwrap();\n}}\n\
         # {name}() has to return what test() was called on.\n"
    )
}

#[cfg(test)]
mod tests;
