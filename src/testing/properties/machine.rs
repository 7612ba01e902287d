//! What the table claims about any machine for packages.

use super::Subject;
use crate::command::{Command, Outcome};
use crate::model::Model;
use crate::testing::trace::Trace;
use crate::testing::{State, lockstep};

pub(super) fn machine_refines_model<M: Subject>(
    fresh: &dyn Fn() -> M,
    Trace(trace): &Trace<Command>,
) -> Result<(), String> {
    let same = |machine: &M, model: &Model| match machine.holds(model.packages()) {
        Some(false) => Err(format!("it holds {:?}, not {model:?}", machine.state())),
        Some(true) | None => Ok(()),
    };
    lockstep::run_comparing(trace, &mut fresh(), &mut Model::default(), same)
        .map_err(|divergence| at_last(divergence.trace.len(), &divergence.difference))
}

pub(super) fn machine_answers_as_model<M: Subject>(
    fresh: &dyn Fn() -> M,
    Trace(trace): &Trace<Command>,
) -> Result<(), String> {
    lockstep::run(trace, (&mut fresh(), |_| ()), (&mut Model::default(), |_| ()))
        .map_err(|divergence| at_last(divergence.trace.len(), &divergence.difference))
}

fn at_last(position: usize, difference: &str) -> String {
    format!("at message {position}: {difference}")
}

pub(super) fn invariants_hold<M: Subject>(
    fresh: &dyn Fn() -> M,
    trace: &Trace<Command>,
) -> Result<(), String> {
    each_step(fresh, trace, |_, step| {
        if let Some((package, missing)) = step.after.as_ref().and_then(dangling) {
            return Err(format!("{package} depends on {missing}, which is not indexed"));
        }
        step.machine.check()
    })
}

/// A package, and a dependency of it that is not indexed.
fn dangling(state: &State) -> Option<(String, String)> {
    state.iter().find_map(|(package, list)| {
        let missing = list.iter().find(|dependency| !state.contains_key(*dependency))?;
        Some((package.to_string(), missing.to_string()))
    })
}

pub(super) fn fail_changes_nothing<M: Subject>(
    fresh: &dyn Fn() -> M,
    trace: &Trace<Command>,
) -> Result<(), String> {
    each_step(fresh, trace, |_, step| match step.outcome {
        Ok(Outcome::Fail) | Err(_) => step.unchanged(),
        Ok(Outcome::Ok) => Ok(()),
    })
}

pub(super) fn query_changes_nothing<M: Subject>(
    fresh: &dyn Fn() -> M,
    trace: &Trace<Command>,
) -> Result<(), String> {
    each_step(fresh, trace, |command, step| match command {
        Command::Query { .. } => step.unchanged(),
        Command::Index { .. } | Command::Remove { .. } => Ok(()),
    })
}

pub(super) fn index_and_remove_are_idempotent<M: Subject>(
    fresh: &dyn Fn() -> M,
    trace: &Trace<Command>,
) -> Result<(), String> {
    each_step(fresh, trace, |command, step| {
        let again = step.machine.apply(command).map_err(|error| error.to_string());
        if again != step.outcome {
            return Err(format!("{:?} the first time, {again:?} the second", step.outcome));
        }
        let (once, twice) = (&step.after, step.machine.state());
        if *once != twice {
            return Err(format!("{once:?} after the first time, {twice:?} after the second"));
        }
        Ok(())
    })
}

pub(super) fn commands_touch_only_their_package<M: Subject>(
    fresh: &dyn Fn() -> M,
    trace: &Trace<Command>,
) -> Result<(), String> {
    each_step(fresh, trace, |command, step| {
        let others = |state: &Option<State>| {
            let mut state = state.clone().unwrap_or_default();
            state.remove(command.package());
            state
        };
        if others(&step.before) == others(&step.after) { Ok(()) } else { step.unchanged() }
    })
}

pub(super) fn machine_is_deterministic<M: Subject>(
    fresh: &dyn Fn() -> M,
    Trace(trace): &Trace<Command>,
) -> Result<(), String> {
    lockstep::run(trace, (&mut fresh(), M::state), (&mut fresh(), M::state))
        .map_err(|divergence| at_last(divergence.trace.len(), &divergence.difference))
}

/// A command of a trace, after it was applied.
struct Applied<'a, M> {
    machine: &'a mut M,
    outcome: Result<Outcome, String>,
    before: Option<State>,
    after: Option<State>,
}

impl<M> Applied<'_, M> {
    fn unchanged(&self) -> Result<(), String> {
        let Self { outcome, before, after, .. } = self;
        if before == after {
            return Ok(());
        }
        Err(format!("answered {outcome:?}; held {before:?} before, {after:?} after"))
    }
}

/// Applies the commands in order, and checks the machine after each.
fn each_step<M: Subject>(
    fresh: &dyn Fn() -> M,
    Trace(trace): &Trace<Command>,
    mut check: impl FnMut(&Command, &mut Applied<'_, M>) -> Result<(), String>,
) -> Result<(), String> {
    let mut machine = fresh();
    for (position, command) in trace.iter().enumerate() {
        let before = machine.state();
        let outcome = machine.apply(command).map_err(|error| error.to_string());
        let after = machine.state();
        check(command, &mut Applied { machine: &mut machine, outcome, before, after })
            .map_err(|what| at_last(position + 1, &what))?;
    }
    Ok(())
}
