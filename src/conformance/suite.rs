//! The table of checks, and what runs them one after the other.

use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::cannot_test::CannotTest;
use super::check::{Check, Stage};
use super::context::{Context, Trial};
use super::dialect::{self, Behaviour, Dialect};
use super::finding::{Evidence, Finding};
use super::outcome::{CheckOutcome, Report, Verdict};
use super::system::System;
use super::target::Target;
use super::{Settings, concurrent, disturbed, generated, scripted, shared};

/// After so many checks that failed, nothing more is tried.
const MOST_FAILURES: usize = 3;

/// How the names of those begin that only a strict run has.
const STRICT: &str = "strict_";

/// Every check of a system with so many addresses, in the order in which they are tried. Some take
/// more than one.
#[must_use]
pub fn checks(addresses: usize) -> Vec<Check> {
    [
        scripted::transcripts(),
        scripted::rules(),
        if addresses > 1 { shared::checks(addresses) } else { Vec::new() },
        generated::lockstep(),
        generated::segmentation(),
        concurrent::histories(),
        disturbed::disconnects(),
        disturbed::robustness(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is told of a run while it lasts.
#[derive(Debug)]
pub enum Event<'a> {
    /// What the server does where honest servers differ is known.
    Observed(&'a [Behaviour]),
    /// A check begins.
    Begun(&'a Check),
    /// One of its cases has been tried.
    Tried,
    /// It has ended.
    Ended(&'a CheckOutcome),
}

/// Tries the checks that are asked for on a system, all of its addresses as one, tells `observer` how it goes,
/// and leaves nothing of its own behind, as far as the server lets it. Where the observer breaks off,
/// the case that was begun is ended and tidied up, and the rest is [not run](Verdict::NotRun).
///
/// # Errors
/// When nothing can be tested, as [`CannotTest`] says. What goes wrong once every address has answered
/// is a finding.
pub fn run(
    system: &System,
    settings: &Settings,
    mut observer: impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Report, CannotTest> {
    let chosen = chosen(system, settings)?;
    let target = Rc::new(Target::new(system.clone(), settings.seed, settings.patience));
    target.reach()?;
    let mut broken_off = false;
    let mut told = |event: Event<'_>| {
        broken_off |= observer(event).is_break();
        broken_off
    };
    let behaviours = dialect::observe(&target);
    told(Event::Observed(&behaviours));
    let dialect = if settings.strict { Dialect::default() } else { Dialect::of(&behaviours) };
    let context = Context { target, settings: settings.clone(), dialect };
    let mut outcomes = Vec::new();
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
    let mut failures = 0;
    for check in &chosen {
        let outcome = if failures == MOST_FAILURES || told(Event::Begun(check)) {
            CheckOutcome::of(check, Verdict::NotRun)
        } else {
            try_check(check, &context, share, &mut told)
        };
        failures += usize::from(outcome.finding().is_some());
        told(Event::Ended(&outcome));
        outcomes.push(outcome);
    }
    Ok(Report { behaviours, outcomes })
}

/// The checks whose names are asked for, or begin as asked for; all if none is.
fn chosen(system: &System, settings: &Settings) -> Result<Vec<Check>, CannotTest> {
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
    // A whole name is that check alone: rule_M1 is not rule_M11.
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

/// A behaviour that is not as specified, as a check that failed.
fn differs(behaviour: &Behaviour) -> CheckOutcome {
    let text = behaviour.transcript();
    let what = format!("{}: {}, not {}", behaviour.what, behaviour.observed, behaviour.expected);
    let evidence = Evidence::Transcript { text, messages: 2 };
    let rule = behaviour.rule.to_owned();
    let finding = Finding { what, rule, address: None, evidence };
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

/// Tries the cases of one check, until `told` says that it is broken off.
fn try_check(
    check: &Check,
    context: &Context,
    share: Option<Duration>,
    told: &mut impl FnMut(Event<'_>) -> bool,
) -> CheckOutcome {
    let begin = Instant::now();
    if let Err(error) = context.target.reach() {
        let what = format!("after all that came before, nothing answers any more: {error}");
        let address = context.target.system.has_several().then(|| error.address()).flatten();
        let finding = Finding::in_words("C4", what).at(address);
        let verdict = Verdict::Failed(Box::new(finding));
        return CheckOutcome { time: begin.elapsed(), ..CheckOutcome::of(check, verdict) };
    }
    let Settings { seed, case: only, .. } = context.settings;
    // Of those that are drawn there are as many as there is time for.
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
        let trial = (check.attempt)(context, case_seed(seed, &check.name, number), number);
        tried += 1;
        broken_off = told(Event::Tried);
        match trial {
            Trial::Passed => {}
            Trial::LeftOut => left_out += 1,
            Trial::Undecided => undecided += 1,
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

/// A seed for one case of one check: the same whichever others are tried.
fn case_seed(seed: u64, name: &str, number: u64) -> u64 {
    // FNV-1a, which is the same on every platform and in every version.
    let bytes = name.bytes().chain(seed.to_le_bytes()).chain(number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
