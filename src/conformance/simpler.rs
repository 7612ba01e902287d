//! Simplifies a conversation that a server gets wrong: with fewer steps, fewer bytes, or plainer
//! steps. `context` tries which of the results go wrong too.

use std::rc::Rc;

use super::avoid;
use super::system::System;
use crate::command::Command;
use crate::testing::input::{runs, without_runs};
use crate::testing::reference;
use crate::testing::trace::TraceCommand;
use crate::testing::transcript::{Step, Transcript};

/// The longest line that is shortened name by name, or byte by byte, in bytes.
const SHORT_LINE: usize = 100;

/// The most bytes of one step that are shortened line by line.
const SHORT_STEP: usize = 50_000;

/// Simpler conversations, the boldest step first. Each has fewer steps, fewer bytes, or plainer steps.
/// The iterator makes them on demand, because a conversation can have megabytes.
pub(super) fn simpler<'a>(
    system: &'a System,
    shown: &'a Transcript,
    failed_at: Option<usize>,
) -> impl Iterator<Item = Transcript> + use<'a> {
    let steps: Rc<Vec<Step>> = Rc::new(shown.steps().cloned().collect());
    let until = failed_at.filter(|until| *until < steps.len());
    let cut = until.map(|until| steps[..until].to_vec()).into_iter();
    let is_several = |step: &Step| match step {
        Step::Send(bytes) => memchr::memchr_iter(b'\n', bytes).nth(1).is_some(),
        _ => false,
    };
    // This has more steps, but plainer ones.
    let apart = steps.iter().any(is_several).then(|| avoid::one_at_a_time(steps.to_vec(), false));
    let candidates = cut
        .chain(apart)
        .chain(fewer_acts(&steps))
        .chain(joined_pieces(&steps))
        .chain(simpler_sends(&steps))
        // Connections that lost their address get one again. Otherwise the loss would count as
        // simpler.
        .map(|steps| system.spread(&Transcript::from_steps(steps), 0).answered());
    candidates.filter(move |candidate| candidate != shown)
}

/// The steps without some of what clients do. The places where replies are read stay the same.
fn fewer_acts(steps: &Rc<Vec<Step>>) -> impl Iterator<Item = Vec<Step>> + use<> {
    let is_act = |step: &Step| !matches!(step, Step::Expect(_) | Step::ExpectEnd);
    let acts: Vec<usize> = (0..steps.len()).filter(|at| is_act(&steps[*at])).collect();
    let steps = Rc::clone(steps);
    runs(acts.len()).map(move |run| {
        let dropped = &acts[run];
        let kept = steps.iter().enumerate().filter(|(at, _)| dropped.binary_search(at).is_err());
        kept.map(|(_, step)| step.clone()).collect()
    })
}

/// The steps with two pieces of a line sent as one.
fn joined_pieces(steps: &Rc<Vec<Step>>) -> impl Iterator<Item = Vec<Step>> + use<> {
    let steps = Rc::clone(steps);
    (1..steps.len()).filter_map(move |at| match &steps[at - 1..=at] {
        [Step::Send(first), Step::Send(second)] if !first.ends_with(b"\n") => {
            let whole = Step::Send([first.as_slice(), second].concat());
            Some([&steps[..at - 1], &[whole], &steps[at + 1..]].concat())
        }
        _ => None,
    })
}

/// The steps with something simpler sent in one of them.
fn simpler_sends(steps: &Rc<Vec<Step>>) -> impl Iterator<Item = Vec<Step>> + use<> {
    let steps = Rc::clone(steps);
    (0..steps.len()).flat_map(move |at| {
        let simpler = match &steps[at] {
            Step::Send(bytes) => simpler_bytes(bytes),
            _ => Vec::new(),
        };
        let steps = Rc::clone(&steps);
        simpler
            .into_iter()
            .map(move |bytes| [&steps[..at], &[Step::Send(bytes)], &steps[at + 1..]].concat())
    })
}

/// Fewer lines. From one line alone, it makes a shorter list or fewer bytes.
fn simpler_bytes(bytes: &[u8]) -> Vec<Vec<u8>> {
    if bytes.len() > SHORT_STEP {
        return Vec::new();
    }
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.len() > 1 {
        let fewer = without_runs(&lines).filter(|lines| !lines.is_empty());
        return fewer.map(|lines| lines.concat()).collect();
    }
    if let Some(command) = reference::parse(bytes).filter(|_| bytes.len() <= SHORT_LINE) {
        let printed = |command: &Command| format!("{command}\n").into_bytes();
        let plain = Some(printed(&command)).filter(|plain| plain.len() < bytes.len());
        return plain.into_iter().chain(command.simpler_alone().iter().map(printed)).collect();
    }
    match bytes.strip_suffix(b"\n") {
        Some(text) if text.len() <= SHORT_LINE => {
            without_runs(text).map(|fewer| [&fewer, b"\n".as_slice()].concat()).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn one() -> System {
        SocketAddr::from(([127, 0, 0, 1], 1)).into()
    }

    #[test]
    fn what_is_simpler_has_fewer_addresses_and_is_never_the_same() {
        let addresses = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)).into());
        let two = System::new(addresses).unwrap();
        let scattered = "@ 127.0.0.1:2\n> INDEX|a|\n< OK\n@ 127.0.0.1:1\n> QUERY|a|\n< OK\n";
        let shown: Transcript = scattered.parse().unwrap();
        let texts: Vec<_> = simpler(&two, &shown, None).map(|it| it.to_string()).collect();
        let expected = "@ 127.0.0.1:2\n> INDEX|a|\n> QUERY|a|\n< OK\n< OK\n";
        assert!(texts.iter().any(|text| text.matches('@').count() == 1), "{expected}\n{texts:#?}");
        assert!(texts.iter().all(|text| text != scattered), "{texts:#?}");
        let shown: Transcript = "@ 127.0.0.1:1\n> x\n< ERROR\n".parse().unwrap();
        assert_eq!(simpler(&two, &shown, None).filter(|it| *it == shown).count(), 0);
    }

    #[test]
    fn every_simpler_conversation_has_the_answers_of_the_model() {
        let shown: Transcript =
            "> INDEX|a|\n< OK\n> INDEX|b|a\n< OK\n> REMOVE|a|\n< FAIL\n> nonsense\n< ERROR\n"
                .parse()
                .unwrap();
        let texts: Vec<_> = simpler(&one(), &shown, Some(6)).map(|it| it.to_string()).collect();
        for expected in [
            // Cut off after the failure, without its first message, with a shorter list.
            "> INDEX|a|\n< OK\n> INDEX|b|a\n< OK\n> REMOVE|a|\n< FAIL\n",
            "> INDEX|b|a\n< FAIL\n> REMOVE|a|\n< OK\n> nonsense\n< ERROR\n",
            "> INDEX|a|\n< OK\n> INDEX|b|\n< OK\n> REMOVE|a|\n< OK\n> nonsense\n< ERROR\n",
        ] {
            assert!(texts.iter().any(|text| text == expected), "{expected}\n{texts:#?}");
        }
        assert!(texts.iter().all(|text| *text != shown.to_string()));
    }

    #[test]
    fn pieces_of_a_line_are_joined_and_lines_sent_together_dropped() {
        let shown: Transcript =
            ">~ QUE\n> RY|a|\n< FAIL\n> x\\ny\n< ERROR\n< ERROR\n".parse().unwrap();
        let texts: Vec<_> = simpler(&one(), &shown, None).map(|it| it.to_string()).collect();
        for expected in [
            "> QUERY|a|\n< FAIL\n> x\\ny\n< ERROR\n< ERROR\n",
            ">~ QUE\n> RY|a|\n< FAIL\n> y\n< ERROR\n",
        ] {
            assert!(texts.iter().any(|text| text == expected), "{expected}\n{texts:#?}");
        }
    }
}
