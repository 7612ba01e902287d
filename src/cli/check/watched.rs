//! A run in its own thread, watched by one that listens to signals.
//!
//! A server can make a run wait for long. A person who interrupts it still sees all results within a second.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::table::Table;
use crate::cli::output::diagnostics;
use crate::cli::progress::Progress;
use crate::conformance::{
    self, Behaviour, CannotTest, CheckOutcome, Event, Report, Settings, System,
};

/// How often to look for an interrupt.
const BETWEEN: Duration = Duration::from_millis(50);

/// How long a run may continue after an interrupt, to clean up.
const GRACE: Duration = Duration::from_millis(700);

/// A message from the run.
enum Said {
    Observed(Vec<Behaviour>),
    Begun { name: String, cases: u64 },
    Tried,
    Ended(Box<CheckOutcome>),
    Over(Result<Report, CannotTest>),
}

/// Runs the suite and shows its progress.
///
/// # Errors
/// If nothing can be tested.
pub(super) fn run(
    system: &System,
    settings: &Settings,
    asked_to_end: &Arc<AtomicBool>,
    table: &mut Table,
) -> Result<Report, CannotTest> {
    let (say, said) = mpsc::channel();
    let of_the_run = (system.clone(), settings.clone(), Arc::clone(asked_to_end));
    thread::spawn(move || {
        let (system, settings, asked_to_end) = of_the_run;
        let observed = |event: Event<'_>| {
            let event = match event {
                Event::Observed(behaviours) => Said::Observed(behaviours.to_vec()),
                Event::Begun(check) => Said::Begun { name: check.name.clone(), cases: check.cases },
                Event::Tried => Said::Tried,
                Event::Ended(outcome) => Said::Ended(Box::new(outcome.clone())),
            };
            if say.send(event).is_err() || asked_to_end.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let report = conformance::run(&system, &settings, observed);
        // Nobody receives any more if the run took too long.
        let _late = say.send(Said::Over(report));
    });
    let mut known = Known::default();
    let mut asked: Option<Instant> = None;
    loop {
        match said.recv_timeout(BETWEEN) {
            Ok(Said::Over(report)) => return report,
            Ok(said) => known.add(said, table),
            Err(RecvTimeoutError::Timeout) => {}
            // The thread ended without a report: the results so far are all there is.
            Err(RecvTimeoutError::Disconnected) => return Ok(known.report(system, settings)),
        }
        if asked_to_end.load(Ordering::Relaxed) {
            let since = *asked.get_or_insert_with(Instant::now);
            if since.elapsed() >= GRACE {
                let names = conformance::names_of(settings.seed);
                let seed = settings.seed;
                // The summary says that the run was broken off.
                let _unread = writeln!(
                    diagnostics(),
                    "the server did not answer in time: names that begin with {names} may be left there; \
                     a run with --seed {seed} removes them"
                );
                return Ok(known.report(system, settings));
            }
        }
    }
}

/// What the run has reported so far.
#[derive(Default)]
struct Known {
    behaviours: Vec<Behaviour>,
    outcomes: Vec<CheckOutcome>,
    bar: Option<Progress>,
}

impl Known {
    fn add(&mut self, said: Said, table: &mut Table) {
        match said {
            Said::Observed(behaviours) => {
                table.observe_behaviours(&behaviours);
                self.behaviours = behaviours;
            }
            Said::Begun { name, cases } => {
                let cases = usize::try_from(cases).unwrap_or(usize::MAX);
                self.bar = Some(Progress::of_steps(&name, cases));
            }
            Said::Tried => {
                if let Some(bar) = &self.bar {
                    bar.advance(1);
                }
            }
            Said::Ended(outcome) => {
                if let Some(bar) = self.bar.take() {
                    bar.finish();
                }
                table.observe_outcome(&outcome);
                self.outcomes.push(*outcome);
            }
            Said::Over(_) => {}
        }
    }

    /// A report of the results so far. All other checks count as not run.
    fn report(self, system: &System, settings: &Settings) -> Report {
        let Self { behaviours, mut outcomes, bar } = self;
        if let Some(bar) = bar {
            bar.finish();
        }
        let chosen = conformance::chosen(system, settings).unwrap_or_default();
        let is_known = |name: &str| outcomes.iter().any(|outcome| outcome.name == name);
        let rest: Vec<_> = chosen.iter().filter(|check| !is_known(&check.name)).collect();
        let rest: Vec<_> = rest.into_iter().map(CheckOutcome::not_run).collect();
        outcomes.extend(rest);
        Report { behaviours, outcomes, reply_time: Duration::ZERO, is_gone: false }
    }
}
