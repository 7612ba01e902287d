//! Drawn messages of one client: in lockstep with the model, ahead of replies, and in pieces.

use std::iter;
use std::rc::Rc;
use std::time::Instant;

use memchr::memchr_iter;
use quickcheck::{Arbitrary, Gen};

use super::check::{Check, Stage};
use super::context::{Context, Trial};
use super::finding::{Evidence, Finding};
use super::subject::RemoteMachine;
use crate::command::Command;
use crate::testing::generators::{Conversation, Line};
use crate::testing::input::{Input, from_bytes};
use crate::testing::properties::{machine_properties, roster};
use crate::testing::trace::{Trace, TraceCommand};
use crate::testing::transcript::{Step, Transcript};

/// The properties that show something about a machine with a hidden state, and how many cases of each
/// a server gets.
const PROPERTIES: [(&str, u64); 3] = [
    ("machine_answers_as_model", 100),
    ("index_and_remove_are_idempotent", 20),
    ("machine_is_deterministic", 20),
];

/// Roughly how many bytes of input make one command of a trace.
const COMMAND_BYTES: usize = <Command as TraceCommand>::BYTES;

/// How many lines one conversation tries.
const LINES: usize = 20;

/// A check for each property, and one for lines that are almost messages.
pub(super) fn lockstep() -> Vec<Check> {
    let roster = roster();
    let declared = PROPERTIES.iter().filter_map(|(name, cases)| {
        let property = roster.iter().find(|property| property.name == *name)?;
        let attempt = move |context: &Context, seed| try_property(context, name, seed);
        Some(Check::drawn(Stage::Lockstep, name, property.promise, property.rules, *cases, attempt))
    });
    let lines = Check::drawn(
        Stage::Lockstep,
        "lines_are_judged_by_the_grammar",
        "Messages are taken, and what is nearly one gets ERROR.",
        &["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M9", "M10", "M11", "D1", "D3"],
        50,
        |context, seed| context.holds_from(seed, &lines(&mut random(seed))),
    );
    declared.chain([lines]).collect()
}

fn random(seed: u64) -> Gen {
    Gen::from_size_and_seed(100, seed)
}

/// This many random bytes.
pub(super) fn bytes(g: &mut Gen, count: usize) -> Vec<u8> {
    (0..count).map(|_| u8::arbitrary(g)).collect()
}

/// Tries a property of any machine on the server.
fn try_property(context: &Context, name: &'static str, seed: u64) -> Trial {
    let (target, end) = (Rc::clone(&context.target), Instant::now() + context.settings.bound);
    let number = context.number(seed);
    let fresh = move || RemoteMachine::new(Rc::clone(&target), number, end);
    let property = machine_properties(fresh).into_iter().find(|property| property.name == name);
    let commands = context.settings.commands;
    let mut g = random(seed);
    let count = usize::arbitrary(&mut g) % (commands * COMMAND_BYTES + 1);
    let input = bytes(&mut g, count);
    let Some(Err(violation)) = property.map(|property| property.replay(&input)) else {
        return Trial::Passed;
    };
    // Tries it again as a conversation, because that shows what came.
    let shown: Option<Transcript> = violation.shown.parse().ok();
    match shown.as_ref().map(|shown| context.holds_from(seed, shown)) {
        Some(Trial::Passed | Trial::LeftOut) if !context.avoided().is_empty() => {
            // Nothing goes wrong if the conversation avoids the broken rules and the waived ones.
            if context.knows_any() { Trial::Known(String::new()) } else { Trial::LeftOut }
        }
        Some(trial @ (Trial::Failed(_) | Trial::Known(_))) => trial,
        _ => {
            let messages = shown.map_or(0, |shown| shown.messages());
            let evidence = Evidence::Transcript { messages, text: violation.shown };
            let finding = Finding::new("O4", violation.what, evidence);
            let finding = finding.at(context.target.system.named(number));
            Trial::Failed(finding.not_reproduced(context.target.recent()))
        }
    }
}

/// Some drawn lines, each answered before the next is sent.
fn lines(g: &mut Gen) -> Transcript {
    let drawn = iter::repeat_with(|| {
        let bytes = bytes(g, Line::BYTES);
        from_bytes::<Line>(&bytes).map(|Line(line)| line)
    });
    let complete = drawn.flatten().map(|mut line| {
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        line
    });
    let steps = complete.take(LINES).flat_map(|line| {
        // A drawn mistake can split a line into two.
        let lines = memchr_iter(b'\n', &line).count();
        iter::once(Step::Send(line)).chain(replies(lines))
    });
    Transcript::from_steps(steps.collect::<Vec<_>>())
}

/// Steps that read this many replies, of any kind.
pub(super) fn replies(count: usize) -> impl Iterator<Item = Step> {
    iter::repeat_n(Step::Expect(String::new()), count)
}

/// Checks of messages ahead of replies, and of messages in pieces.
pub(super) fn segmentation() -> Vec<Check> {
    let ahead = [(1, 10), (10, 20), (1_000, 5)].map(|(burst, cases)| {
        let promise = format!("Replies to {burst} sent at once are those to each, in order.");
        Check::drawn(
            Stage::Segmentation,
            &format!("pipelining_{burst}"),
            &promise,
            &["O1", "O2", "O3", "O9"],
            cases,
            move |context, seed| {
                let commands = context.settings.commands;
                context.holds_from(seed, &sent_ahead(&mut random(seed), burst, commands))
            },
        )
    });
    let split = Check::listed(
        Stage::Segmentation,
        "messages_split_anywhere",
        "Where the bytes are split changes no reply.",
        vec!["L1".into(), "L8".into()],
        splits(),
    );
    let pieces = Check::drawn(
        Stage::Segmentation,
        "conversations_in_pieces",
        "What a client sends in any pieces is answered as if it came line by line.",
        &["L1", "L8", "L9", "O1", "O2", "O3", "C3", "C6"],
        40,
        |context, seed| context.holds_from(seed, &in_pieces(&mut random(seed))),
    );
    ahead.into_iter().chain([split, pieces]).collect()
}

/// Drawn commands, sent in bursts of this many.
fn sent_ahead(g: &mut Gen, burst: usize, commands: usize) -> Transcript {
    let mut trace = Vec::new();
    while trace.len() < burst.max(commands) {
        trace.extend(self::commands(g, commands));
    }
    let bursts = trace.chunks(burst).flat_map(|burst| {
        let text: String = burst.iter().map(|command| format!("{command}\n")).collect();
        iter::once(Step::Send(text.into_bytes())).chain(replies(burst.len()))
    });
    Transcript::from_steps(bursts.collect::<Vec<_>>())
}

/// About this many drawn commands.
pub(super) fn commands(g: &mut Gen, count: usize) -> Vec<Command> {
    let drawn = from_bytes::<Trace<Command>>(&bytes(g, count * COMMAND_BYTES));
    drawn.map(|Trace(commands)| commands).unwrap_or_default()
}

/// The same few messages, split once at each byte, and then at all bytes.
fn splits() -> Vec<Transcript> {
    const MESSAGES: &[u8] =
        b"INDEX|alpha|\nINDEX|beta|alpha\nREMOVE|alpha|\nnonsense\nQUERY|beta|\n";
    let send = |bytes: &[u8]| Step::Send(bytes.to_vec());
    // Another client is answered between the two parts, so the server has had time for the first.
    let between = |at: usize| {
        let query = [Step::Switch("other".into()), send(b"QUERY|gamma|\n")];
        let back = Step::Switch("main".into());
        let seen = memchr_iter(b'\n', &MESSAGES[..at]).count();
        replies(seen).chain(query).chain(replies(1)).chain([back])
    };
    let split = |at: usize| {
        let (first, second) = MESSAGES.split_at(at);
        let steps = iter::once(send(first)).chain(between(at)).chain([send(second)]);
        Transcript::from_steps(steps.collect::<Vec<_>>())
    };
    let each = MESSAGES.iter().map(|byte| send(&[*byte]));
    let each = Transcript::from_steps(each.collect::<Vec<_>>());
    (1..MESSAGES.len()).map(split).chain([each]).collect()
}

/// Anything that a client may send, in the pieces in which it arrives, up to the end of its stream.
fn in_pieces(g: &mut Gen) -> Transcript {
    let bytes = bytes(g, Conversation::BYTES);
    let Some(conversation) = from_bytes::<Conversation>(&bytes) else {
        return Transcript::from_steps([]);
    };
    let stream = conversation.stream();
    let pieces = conversation.arriving(&stream).map(|piece| Step::Send(piece.to_vec()));
    let end = [Step::HalfClose, Step::ExpectEnd];
    Transcript::from_steps(pieces.chain(end).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::PackageIndex;
    use crate::testing::transcript::InMemory;

    #[test]
    fn what_is_drawn_holds_on_the_index_and_has_the_right_length() {
        let mut g = random(7);
        let ahead = sent_ahead(&mut g, 1_000, 200);
        assert!(ahead.messages() >= 1_000);
        let drawn = [lines(&mut g), in_pieces(&mut g), sent_ahead(&mut g, 10, 50), ahead];
        for transcript in splits().into_iter().chain(drawn) {
            let answered = transcript.answered();
            assert!(answered.messages() > 0);
            answered.run(&mut InMemory::new(PackageIndex::new())).unwrap();
        }
    }

    #[test]
    fn the_properties_are_those_of_the_table() {
        let names: Vec<_> = lockstep().into_iter().map(|check| check.name).collect();
        assert_eq!(names.len(), PROPERTIES.len() + 1);
        assert!(PROPERTIES.iter().all(|(name, _)| names.contains(&(*name).to_owned())));
    }

    #[test]
    fn a_message_is_split_with_all_that_comes_before_it_answered() {
        let split = splits()[14].answered().to_string();
        assert_eq!(
            split,
            ">~ INDEX|alpha|\\nIN\n< OK\n@ other\n> QUERY|gamma|\n< FAIL\n@ main\n\
             > DEX|beta|alpha\\nREMOVE|alpha|\\nnonsense\\nQUERY|beta|\n< OK\n< FAIL\n< ERROR\n< OK\n"
        );
    }
}
