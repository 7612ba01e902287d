//! The table of checks, and the loop that runs them.

use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::cannot_test::CannotTest;
use super::check::{Check, Stage};
use super::context::{Context, Trial};
use super::dialect::{Behaviour, Dialect};
use super::finding::{Evidence, Finding};
use super::outcome::{CheckOutcome, Report, Verdict};
use super::restart::Restart;
use super::severity::Severity;
use super::system::System;
use super::target::Target;
use super::{Settings, concurrent, disturbed, generated, harness, probe, scripted, shared};

/// The name of the check that the probes count as.
const PROBES: &str = "probes";

/// The prefix of the checks that only a strict run has.
const STRICT: &str = "strict_";

/// Every check of a system with this many addresses, in the order in which they are tried. Some checks
/// need several addresses.
#[must_use]
pub fn checks(addresses: usize) -> Vec<Check> {
    [
        scripted::transcripts(),
        scripted::rules(),
        disturbed::half_closes(),
        if addresses > 1 { shared::checks(addresses) } else { Vec::new() },
        generated::lockstep(),
        generated::segmentation(),
        concurrent::histories(),
        disturbed::disconnects(),
        disturbed::robustness(),
        harness::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What an observer is told during a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The probes have ended. This is what the server does where honest servers differ.
    Observed(&'a [Behaviour]),
    /// A check begins.
    Begun(&'a Check),
    /// One of its cases has been tried.
    Tried,
    /// The check has ended.
    Ended(&'a CheckOutcome),
}

/// Tries the chosen checks on a system, with all of its addresses as one, and tells `observer` how it
/// goes.
///
/// The run removes its own packages again, as far as the server lets it. If the observer breaks off,
/// the run still ends and tidies up the case that has begun. The remaining checks are then [not
/// run](Verdict::NotRun).
///
/// # Errors
/// When nothing can be tested. [`CannotTest`] says why. Once every address has answered, any fault is
/// a finding.
pub fn run(
    system: &System,
    settings: &Settings,
    mut observer: impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Report, CannotTest> {
    let chosen = chosen(system, settings)?;
    let target = Rc::new(Target::new(system.clone(), settings.seed, settings.patience));
    target.reach()?;
    let restart = settings.restart.clone().map(Restart::new);
    let reply_time = target.reply_time();
    let mut broken_off = false;
    let mut told = |event: Event<'_>| {
        broken_off |= observer(event).is_break();
        broken_off
    };
    let probed = probe::observe(&target, settings, restart.as_ref());
    told(Event::Observed(&probed.behaviours));
    let behaviours = probed.behaviours;
    let dialect = if settings.strict {
        Dialect::default()
    } else {
        Dialect::of(&behaviours, settings.challenge)
    };
    let context = Context::new(target, settings.clone(), dialect, restart, reply_time);
    if !probed.ends_after_half_close {
        context.does_without("C3");
    }
    let mut outcomes = Vec::new();
    for outcome in probed.ended.into_iter().map(probes) {
        told(Event::Ended(&outcome));
        outcomes.push(outcome);
    }
    if settings.strict {
        let differing = behaviours.iter().filter(|behaviour| !behaviour.is_as_specified());
        let asked = |outcome: &CheckOutcome| {
            let mut only = settings.only.iter();
            settings.only.is_empty() || only.any(|name| outcome.name.starts_with(name.as_str()))
        };
        for outcome in differing.map(differs).filter(asked) {
            told(Event::Ended(&outcome));
            outcomes.push(outcome);
        }
    }
    let share = settings.time.map(|time| {
        let drawn = chosen.iter().filter(|check| check.drawn).count().max(1);
        time / u32::try_from(drawn).unwrap_or(u32::MAX)
    });
    let (mut failures, mut is_gone) = (0, probed.is_gone);
    for check in &chosen {
        let is_enough = settings.fail_fast.is_some_and(|most| failures >= most);
        let outcome = if is_gone || is_enough || told(Event::Begun(check)) {
            CheckOutcome::of(check, Verdict::NotRun)
        } else {
            try_check(check, &context, share, &mut told)
        };
        if let Some(finding) = outcome.finding() {
            failures += 1;
            context.knows(&finding.rule);
            is_gone = context.is_gone() && context.bring_back().is_err();
        }
        if outcome.verdict == Verdict::Passed && check.rules.iter().any(|rule| rule == "L8") {
            context.takes_messages_ahead();
        }
        told(Event::Ended(&outcome));
        outcomes.push(outcome);
    }
    Ok(Report { behaviours, outcomes, reply_time, is_gone })
}

/// A server that was gone after a probe, as a failed check.
fn probes(finding: Finding) -> CheckOutcome {
    CheckOutcome {
        name: PROBES.to_owned(),
        promise: "What is asked first, to know how the server reads lines, does not end it."
            .to_owned(),
        stage: Stage::Transcripts,
        cases: 1,
        case: None,
        undecided: 0,
        time: Duration::ZERO,
        verdict: Verdict::Failed(Box::new(finding)),
    }
}

/// The checks that the settings choose, by their names or by how these begin. All if no name is given.
///
/// # Errors
/// When no check or case of that name or number exists, or the system has too few addresses.
pub fn chosen(system: &System, settings: &Settings) -> Result<Vec<Check>, CannotTest> {
    let (all, only) = (checks(system.count()), &settings.only);
    for name in only {
        let is_one = |check: &Check| check.name.starts_with(name.as_str());
        let is_known = all.iter().any(is_one);
        if !is_known && checks(2).iter().any(is_one) {
            return Err(CannotTest::OneAddress { name: name.clone() });
        }
        if !is_known && !name.starts_with(STRICT) {
            return Err(CannotTest::NoSuchCheck { name: name.clone() });
        }
    }
    // A whole name chooses that check alone: rule_M1 does not choose rule_M11.
    let whole: Vec<bool> =
        only.iter().map(|name| all.iter().any(|check| check.name == *name)).collect();
    let asks = |check: &Check, (name, whole): (&String, &bool)| {
        if *whole { check.name == *name } else { check.name.starts_with(name.as_str()) }
    };
    let asked = |check: &Check| only.iter().zip(&whole).any(|asked| asks(check, asked));
    let chosen = all.into_iter().filter(|check| only.is_empty() || asked(check));
    let has_its_case = |check: Check| match settings.case {
        Some(case) if !check.drawn && case >= check.cases => {
            Err(CannotTest::NoSuchCase { case, name: check.name, cases: check.cases })
        }
        _ => Ok(check),
    };
    chosen.map(has_its_case).collect()
}

/// A behaviour that is not as specified, as a failed check.
fn differs(behaviour: &Behaviour) -> CheckOutcome {
    let text = behaviour.transcript();
    let what = format!("{}: {}, not {}", behaviour.what, behaviour.observed, behaviour.expected);
    let evidence = Evidence::Transcript { text, messages: 2 };
    let finding = Finding::new(behaviour.rule, what, evidence);
    CheckOutcome {
        name: format!("{STRICT}{}_{}", behaviour.rule, behaviour.name()),
        promise: format!("{} gets {}", behaviour.what, behaviour.expected),
        stage: Stage::Rules,
        cases: 1,
        case: None,
        undecided: 0,
        time: Duration::ZERO,
        verdict: Verdict::Failed(Box::new(finding)),
    }
}

/// Tries the cases of one check, until `told` says to break off.
fn try_check(
    check: &Check,
    context: &Context,
    share: Option<Duration>,
    told: &mut impl FnMut(Event<'_>) -> bool,
) -> CheckOutcome {
    let begin = Instant::now();
    let Settings { seed, case: only, .. } = context.settings;
    // Drawn cases are tried for as long as there is time.
    let share = share.filter(|_| check.drawn && only.is_none());
    let numbers = match (only, share) {
        (Some(only), _) => only..=only,
        (None, Some(_)) => 0..=u64::MAX,
        (None, None) => 0..=check.cases.saturating_sub(1),
    };
    let (mut tried, mut undecided, mut left_out) = (0, 0, 0);
    let (mut verdict, mut case, mut broken_off) = (Verdict::Passed, None, false);
    for number in numbers {
        if number > 0 && share.is_some_and(|share| begin.elapsed() >= share) {
            break;
        }
        if broken_off {
            verdict = Verdict::NotRun;
            break;
        }
        let attempt = || (check.attempt)(context, case_seed(seed, &check.name, number), number);
        let trial = context.target.within(context.settings.bound, attempt);
        // While cases pass, one look at the server after the last of them suffices.
        let is_last = broken_off || number.saturating_add(1) == check.cases;
        let trial =
            if matches!(trial, Trial::Passed) && !is_last { trial } else { after(context, trial) };
        tried += 1;
        broken_off = told(Event::Tried);
        match trial {
            Trial::Passed => {}
            Trial::LeftOut => left_out += 1,
            Trial::Undecided => undecided += 1,
            Trial::Known(rule) => {
                (verdict, case) = (Verdict::Known { rule }, Some(number));
                break;
            }
            Trial::Failed(finding) => {
                (verdict, case) = (Verdict::Failed(Box::new(finding)), Some(number));
                break;
            }
        }
    }
    if verdict == Verdict::Passed && left_out + undecided == tried {
        verdict = if undecided > 0 { Verdict::Undecided } else { Verdict::LeftOut };
    }
    let cases = tried - left_out;
    CheckOutcome {
        cases,
        case,
        undecided,
        time: begin.elapsed(),
        ..CheckOutcome::of(check, verdict)
    }
}

/// The outcome of a case, once it is known whether the server has survived it.
fn after(context: &Context, trial: Trial) -> Trial {
    let is_known_to_end =
        matches!(&trial, Trial::Failed(finding) if finding.severity == Severity::Ends);
    if is_known_to_end || !context.is_gone() {
        return trial;
    }
    let silent = context.target.reach().err().and_then(|error| error.address());
    let address = silent.filter(|_| context.target.system.has_several());
    let before = context.target.recent();
    if let Trial::Failed(finding) = trial {
        return Trial::Failed(finding.ending("nothing answers any more"));
    }
    let at = address.as_ref().map(|it| format!(" at {it}")).unwrap_or_default();
    let what = format!("nothing answers any more{at}, after what was sent last");
    let finding = Finding::in_words("C4", what).ending("the server is gone");
    Trial::Failed(finding.not_reproduced(before).at(address))
}

/// The seed of one case of one check. It does not depend on the other checks that are tried.
fn case_seed(seed: u64, name: &str, number: u64) -> u64 {
    // FNV-1a is the same on every platform and in every version.
    let bytes = name.bytes().chain(seed.to_le_bytes()).chain(number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
